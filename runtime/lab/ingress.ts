/** Ingress proxies of a lab: HAProxy with the configuration that kpc prints. */

import type { HttpRequest } from "../../compiler/evaluate/http-route.ts";
import type { PacketLab } from "./lab.ts";
import type { RequestTls } from "./question.ts";

/** What serves Ingresses, and where. */
export interface LabIngress {
  /** Of its configuration, by name; those with private keys, too. */
  readonly files: ReadonlyMap<string, string>;
  readonly places: readonly IngressPlace[];
}

/** A host on which the proxy runs. */
export interface IngressPlace {
  readonly host: string;
  /** At which it takes HTTP. */
  readonly ports: readonly number[];
  /** At which it takes HTTPS, if it has a certificate. */
  readonly tlsPorts: readonly number[];
}

/** A request of a client. */
export interface LabRequest extends HttpRequest {
  readonly method: string;
  /** Undefined: it is not encrypted. */
  readonly tls?: RequestTls;
}

/** The request as it is sent. The other side is to close the connection behind its answer. */
export function requestText({ method, host, target, headers = [] }: LabRequest): string {
  const all = [...(host === undefined ? [] : [{ name: "Host", value: host }]), ...headers];
  const lines = all.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return `${method} ${target} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`;
}

/** What a proxy refuses at once, so that clients of other kinds have an answer. */
export const NO_REQUEST = "ask\r\n\r\n";

/** Starts HAProxy on each of the hosts. Throws LabTrouble where it is not installed, or does not start. */
export async function startIngress(lab: PacketLab, { files, places }: LabIngress): Promise<void> {
  await Promise.all(
    places.map(async (place, i) => {
      const { host } = place;
      // The lab has a /run of its own.
      const folder = `/run/ingress-${i}`;
      await lab.run(host, `mkdir ${folder}`);
      for (const [name, text] of files)
        await lab.run(host, `cat > ${folder}/${name}`, name.endsWith(".cfg") ? inLab(text, place) : text);
      await lab.startHaproxy(host, `${folder}/haproxy.cfg`);
    }),
  );
}

const isCheck = (line: string): boolean => /^\s*default-server check /.test(line);

/** Listens at the ports of the place only, and asks no server whether it is well: nothing but the flows is to be heard. */
function inLab(text: string, { ports, tlsPorts }: IngressPlace): string {
  const portsFor: Readonly<Record<string, readonly number[]>> = { "80": ports, "443": tlsPorts };
  return text
    .split("\n")
    .flatMap((line) => {
      const [, before = "", usual = "", behind = ""] = /^(\s*bind :(?:::)?)(80|443)(\s.*)?$/.exec(line) ?? [];
      if (usual !== "") return (portsFor[usual] ?? []).map((port) => `${before}${port}${behind}`);
      return isCheck(line) ? [] : [line];
    })
    .join("\n");
}

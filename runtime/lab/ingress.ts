/** Ingress proxies of a lab: HAProxy with the configuration that kpc prints. */

import type { HttpRequest } from "../../compiler/evaluate/http-route.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import type { HostRoutes } from "../../compiler/ir/types.ts";
import type { PacketLab } from "./lab.ts";

/** What serves Ingresses, and where. */
export interface LabIngress {
  readonly routes: readonly HostRoutes[];
  readonly places: readonly IngressPlace[];
}

/** A host on which the proxy runs. */
export interface IngressPlace {
  readonly host: string;
  /** At which it takes HTTP. */
  readonly ports: readonly number[];
}

/** A request of a client. */
export interface LabRequest extends HttpRequest {
  readonly method: string;
}

/** The request as it is sent. The other side is to close the connection behind its answer. */
export function requestText({ method, host, target }: LabRequest): string {
  const header = host === undefined ? "" : `Host: ${host}\r\n`;
  return `${method} ${target} HTTP/1.1\r\n${header}Connection: close\r\n\r\n`;
}

/** What a proxy refuses at once, so that clients of other kinds have an answer. */
export const NO_REQUEST = "ask\r\n\r\n";

/** Starts HAProxy on each of the hosts. Throws LabTrouble where it is not installed, or does not start. */
export async function startIngress(lab: PacketLab, { routes, places }: LabIngress): Promise<void> {
  const { files } = printHaproxy(routes);
  await Promise.all(
    places.map(async ({ host, ports }, i) => {
      // The lab has a /run of its own.
      const folder = `/run/ingress-${i}`;
      await lab.run(host, `mkdir ${folder}`);
      for (const [name, text] of files)
        await lab.run(host, `cat > ${folder}/${name}`, name.endsWith(".cfg") ? inLab(text, ports) : text);
      await lab.startHaproxy(host, `${folder}/haproxy.cfg`);
    }),
  );
}

const isBind = (line: string): boolean => /^\s*bind /.test(line);
const isCheck = (line: string): boolean => /^\s*default-server check /.test(line);

/** Listens at `ports` only, and asks no server whether it is well: nothing but the flows is to be heard. */
function inLab(text: string, ports: readonly number[]): string {
  const lines = text.split("\n");
  const first = lines.findIndex(isBind);
  const binds = ports.flatMap((port) => [`  bind :${port}`, `  bind :::${port} v6only`]);
  return lines.flatMap((line, i) => (i === first ? binds : isBind(line) || isCheck(line) ? [] : [line])).join("\n");
}

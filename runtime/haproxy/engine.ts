/** HAProxy as an engine of `kpc test`: it runs with the files that kpc prints, and gets the requests. */
import { printKeyPair } from "../../compiler/certificates/key-pair.ts";
import { pemBlocks } from "../../compiler/certificates/pem.ts";
import type { Compiled } from "../../compiler/compile.ts";
import type { ForwardedRequest } from "../../compiler/evaluate/request-changes.ts";
import type { AskedRequest, RequestEngine, RequestOutcome } from "../../compiler/expectations/engines/requests.ts";
import { EngineTrouble, troubleOf } from "../../compiler/expectations/engines/types.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { endpointTargets } from "../../compiler/ir/route-targets.ts";
import { keyPairOf } from "../../compiler/model/tls.ts";
import { parseAddress, printAddress } from "../../compiler/net/address.ts";
import { type ProxyOutcome, ProxyWorld, whyNoProxy } from "./proxy-world.ts";

export class HaproxyEngine implements RequestEngine {
  readonly name = "haproxy";
  private world: ProxyWorld | undefined;
  /** Why it cannot run here, once that is known. */
  private reason: { readonly text: string | undefined } | undefined;

  unavailable(): string | undefined {
    this.reason ??= { text: whyNoProxy() };
    return this.reason.text;
  }

  async run(compiled: Compiled, requests: readonly AskedRequest[]): Promise<RequestOutcome[]> {
    const { routes, tls, listeners } = compiled.program;
    const { files, certificates, unsupported } = printHaproxy(routes, { tls, listeners });
    if (unsupported.length > 0) throw troubleOf(unsupported);
    const pairs = [...certificates].map(([file, secret]) => ({ file, secret, ...pairOf(compiled, secret) }));
    const all = new Map([...files, ...pairs.map(({ file, text }) => [file, text] as const)]);
    this.world ??= new ProxyWorld();
    const targets = endpointTargets(compiled.program);
    const names = addressesForNames(targets);
    const outcomes = await this.world.ask(all, portsOf(targets), requests, names);
    const known = {
      secrets: new Map(pairs.map(({ leaf, secret }) => [leaf, secret])),
      names: new Map([...names].map(([name, address]) => [address, name])),
    };
    const gatewayPorts = new Set(listeners?.map(({ port }) => port));
    return outcomes.map((outcome, i) => {
      const { end, certificate } = outcomeOf(outcome, known);
      const location = outcome.headers?.find(({ name }) => name === "location")?.value;
      const changes = {
        ...(outcome.seen === undefined ? {} : { forwarded: forwardedOf(outcome.seen) }),
        ...(outcome.headers === undefined ? {} : { answerHeaders: outcome.headers }),
      };
      const isRedirect = end.kind === "status" && location !== undefined && gatewayPorts.has(requests[i]?.port ?? 0);
      return isRedirect
        ? { end: { kind: "redirect", status: end.status, location }, certificate }
        : { end, certificate, ...changes };
    });
  }

  async close(): Promise<void> {
    await this.world?.close();
    this.world = undefined;
  }
}

/** The file of a certificate, and its first certificate in DER as base64. */
function pairOf({ specs }: Compiled, name: string): { readonly text: string; readonly leaf: string } {
  const secret = specs.secrets.find(({ meta }) => `${meta.namespace}/${meta.name}` === name);
  const pair = secret && keyPairOf(secret);
  if (pair?.kind !== "pair") throw new EngineTrouble(`Secret ${name} has no certificate to serve`);
  const [leaf] = pemBlocks(pair.chain);
  return { text: printKeyPair(pair), leaf: Buffer.from(leaf?.bytes ?? []).toString("base64") };
}

type EndpointTarget = ReturnType<typeof endpointTargets>[number];

function portsOf(targets: readonly EndpointTarget[]): number[] {
  const ports = targets.flatMap(({ endpoints, external }) => [
    ...endpoints.map(({ port }) => port),
    ...(external === undefined ? [] : [external.port]),
  ]);
  return [...new Set(ports)];
}

/** An address for each name outside of the cluster, from a range for tests (RFC 2544), that no endpoint has. */
function addressesForNames(targets: readonly EndpointTarget[]): ReadonlyMap<string, string> {
  const taken = new Set(targets.flatMap(({ endpoints }) => endpoints.map(({ address }) => printAddress(address))));
  const names = new Map<string, string>();
  let next = 1;
  for (const { external } of targets) {
    if (external === undefined || names.has(external.host)) continue;
    if (parseAddress(external.host) !== undefined) continue;
    let address = "";
    do address = `198.18.${next >> 8}.${next++ & 255}`;
    while (taken.has(address));
    names.set(external.host, address);
  }
  return names;
}

/** Host and headers are told apart, as in a request that is asked. */
function forwardedOf({ target, headers }: NonNullable<ProxyOutcome["seen"]>): ForwardedRequest {
  const all = headers.flatMap((name, i) =>
    i % 2 === 0 ? [{ name: name.toLowerCase(), value: headers[i + 1] ?? "" }] : [],
  );
  const host = all.find(({ name }) => name === "host")?.value;
  return { host, target, headers: all.filter(({ name }) => name !== "host") };
}

interface KnownEnds {
  /** Secret by certificate. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Name by address. */
  readonly names: ReadonlyMap<string, string>;
}

function outcomeOf(
  { status, address, port, certificate: shown }: ProxyOutcome,
  { secrets, names }: KnownEnds,
): RequestOutcome {
  if (status === -1) return { end: { kind: "closed" }, certificate: undefined };
  if (status === 0) return { end: { kind: "refused" }, certificate: undefined };
  const certificate = shown === undefined ? undefined : (secrets.get(shown) ?? "of no Secret");
  if (address === undefined || port === undefined) return { end: { kind: "status", status }, certificate };
  return { end: { kind: "endpoint", address: names.get(address) ?? address, port }, certificate };
}

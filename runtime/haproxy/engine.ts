/** HAProxy as an engine of `kpc test`: it runs with the files that kpc prints, and gets the requests. */
import { printKeyPair } from "../../compiler/certificates/key-pair.ts";
import { pemBlocks } from "../../compiler/certificates/pem.ts";
import type { Compiled } from "../../compiler/compile.ts";
import type { AskedRequest, RequestEngine, RequestOutcome } from "../../compiler/engines/requests.ts";
import { EngineTrouble, troubleOf } from "../../compiler/engines/types.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import type { RouteTarget } from "../../compiler/ir/types.ts";
import { keyPairOf } from "../../compiler/model/tls.ts";
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
    const { routes, tls } = compiled.program;
    const { files, certificates, unsupported } = printHaproxy(routes, { tls });
    if (unsupported.length > 0) throw troubleOf(unsupported);
    const pairs = [...certificates].map(([file, secret]) => ({ file, secret, ...pairOf(compiled, secret) }));
    const all = new Map([...files, ...pairs.map(({ file, text }) => [file, text] as const)]);
    this.world ??= new ProxyWorld();
    const outcomes = await this.world.ask(
      all,
      portsOf(routes.flatMap(({ paths, fallback }) => [...paths.map(({ target }) => target), fallback])),
      requests,
    );
    const secrets = new Map(pairs.map(({ leaf, secret }) => [leaf, secret]));
    return outcomes.map((outcome) => outcomeOf(outcome, secrets));
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

function portsOf(targets: readonly RouteTarget[]): number[] {
  return [
    ...new Set(targets.flatMap((target) => (target.kind === "status" ? [] : target.endpoints.map(({ port }) => port)))),
  ];
}

function outcomeOf(
  { status, address, port, certificate: shown }: ProxyOutcome,
  secrets: ReadonlyMap<string, string>,
): RequestOutcome {
  if (status === 0) return { end: { kind: "refused" }, certificate: undefined };
  const certificate = shown === undefined ? undefined : (secrets.get(shown) ?? "of no Secret");
  if (address === undefined || port === undefined) return { end: { kind: "status", status }, certificate };
  return { end: { kind: "endpoint", address, port }, certificate };
}

/** `kpc compile -o haproxy`: what HTTP requests meet, as the files of a proxy. */
import { type KeyPair, printKeyPair } from "../certificates/key-pair.ts";
import { compileSpecs } from "../compile.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { printHaproxy } from "../formats/haproxy/print.ts";
import { invariant, required } from "../invariant.ts";
import type { TlsTable } from "../ir/routes.ts";
import type { Program } from "../ir/types.ts";
import { keyPairOf } from "../model/tls.ts";
import type { HaproxySettings } from "../proxy-settings.ts";
import type { Specs } from "../specs/types.ts";
import { VERSION } from "../version.ts";
import type { ProxyFlags } from "./config.ts";
import { FileSet } from "./file-set.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { type CommonFlags, exitCodeOf, inputsOf, note, optionsOf, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Writes the files to `folder`, all or none. Throws `Trouble` where the input has neither Ingress nor Gateway. */
export function haproxyCommand(
  names: readonly string[],
  flags: CommonFlags & ProxyFlags,
  folder: string | undefined,
): number {
  if (folder === undefined)
    throw new Trouble("-o haproxy writes haproxy.cfg and its maps: add -d DIR, the folder for the files");
  const { load, config } = inputsOf(names, flags);
  const { diagnostics, compiled } = compileSpecs(load, config, optionsOf(flags));
  const found = aboutIngresses(diagnostics);
  showDiagnostics(found, flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const { routes, tls, listeners = [] } = compiled.program;
  if (routes.length === 0 && listeners.length === 0)
    throw new Trouble("-o haproxy serves Ingresses and Gateways, and the input has none for kpc");
  const { files, secret, unsupported } = proxyFiles(compiled, config.haproxy);
  showDiagnostics(unsupported, flags);
  writeFiles(files, secret, folder);
  const served = [...routes, ...listeners.flatMap(({ hosts }) => hosts)];
  const hosts = served.flatMap(({ host }) => host ?? []);
  const paths = served.reduce((sum, each) => sum + each.paths.length, 0);
  const counts = [
    `${hosts.length} hosts`,
    `${paths} paths`,
    ...(secret.size === 0 ? [] : [`${secret.size} certificates`]),
  ];
  const written = `wrote ${files.size + secret.size} files to ${folder}: ${counts.join(", ")}`;
  note([`${written}; load: haproxy -f ${folder}/haproxy.cfg`, ...notesOnTls(tls, secret)], flags);
  return exitCodeOf(found);
}

/** The files of a proxy for what was compiled; `secret`: those with private keys. */
export interface ProxyFileSet {
  readonly files: ReadonlyMap<string, string>;
  readonly secret: ReadonlyMap<string, string>;
  readonly unsupported: readonly Diagnostic[];
}

/** What is served, and the Secrets with its keys. */
interface ProxyInput {
  readonly program: Pick<Program, "routes" | "tls" | "listeners">;
  readonly specs: Specs;
}

/** Throws `Trouble` where the key of a certificate is another one's. */
export function proxyFiles({ program, specs }: ProxyInput, settings: HaproxySettings | undefined): ProxyFileSet {
  const { routes, tls, listeners } = program;
  const options = { header: headerFor(program), tls, listeners, settings };
  const { files, certificates, unsupported, deviations } = printHaproxy(routes, options);
  return { files, secret: privateFiles(certificates, specs), unsupported: [...unsupported, ...deviations] };
}

function headerFor({ routes, tls, listeners = [] }: ProxyInput["program"]): readonly string[] {
  const served = [...(routes.length === 0 ? [] : ["Ingresses"]), ...(listeners.length === 0 ? [] : ["Gateways"])];
  const isSecret = tls !== undefined || listeners.some((listener) => listener.tls !== undefined);
  return [
    `Kubernetes ${served.length === 0 ? "Ingresses" : served.join(" and ")}. Written by kpc ${VERSION}.`,
    "",
    "Check:  haproxy -c -f haproxy.cfg",
    "Hosts and paths are in the maps beside this file: KEY BACKEND, the key of a path begins with its host.",
    ...(isSecret ? ["Files that end in .pem hold private keys."] : []),
  ];
}

/** What is served over TLS besides the hosts that have a certificate. */
function notesOnTls(tls: TlsTable | undefined, { size }: ReadonlyMap<string, string>): string[] {
  if (tls === undefined) return [];
  if (size === 0) return ["no certificate can be served: HAProxy does not listen on port 443"];
  if (tls.fallback !== undefined) return [];
  return [
    "no default certificate (--default-certificate): HAProxy refuses TLS to clients that name another host, or none",
  ];
}

/** Contents of the files with private keys. */
function privateFiles(certificates: ReadonlyMap<string, string>, { secrets }: Specs): ReadonlyMap<string, string> {
  const byName = new Map(secrets.map((secret) => [`${secret.meta.namespace}/${secret.meta.name}`, secret]));
  return new Map(
    [...certificates].map(([file, name]) => {
      const pair = keyPairOf(required(byName.get(name), `Secret ${name}`));
      invariant(pair.kind === "pair", `the certificate of ${name} was read before`);
      if (!fits(pair)) throw new Trouble(`certificate ${name}: its tls.key does not belong to its tls.crt`);
      return [file, printKeyPair(pair)];
    }),
  );
}

/** Whether the key belongs to the certificate. Where the key does not say it, OpenSSL is asked: HAProxy would not start. */
function fits({ chain, key }: KeyPair): boolean {
  if (key.publicKey !== undefined) return true;
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  try {
    return new X509Certificate(chain).checkPrivateKey(createPrivateKey(key.pem.reveal()));
  } catch (error) {
    // Kinds of keys that OpenSSL does not know, or damaged ones.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** Writes the files to `folder`, all or none. */
export function writeFiles(
  files: ReadonlyMap<string, string>,
  secret: ReadonlyMap<string, string>,
  folder: string,
): void {
  const set = new FileSet(folder);
  try {
    for (const [name, text] of secret) set.add(name, text, true);
    for (const [name, text] of files) set.add(name, text);
    set.commit();
  } finally {
    set.discard();
  }
}

/** One side of a comparison of Ingresses: manifests, kpc's IR, HAProxy's files, or the maps of one that runs. */
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pemBlocks } from "../certificates/pem.ts";
import { parseX509, type X509 } from "../certificates/x509.ts";
import type { RoutedSide } from "../compare/urls/types.ts";
import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { CERTIFICATE_LIST, certificateList } from "../formats/haproxy/certificates.ts";
import { isHaproxyConfig, listenerMaps, MAP_FILES, readHaproxy, readHaproxyMaps } from "../formats/haproxy/read.ts";
import { readCertificateList, tlsOfConfig } from "../formats/haproxy/read-certificates.ts";
import { isShownMaps } from "../formats/haproxy/read-maps.ts";
import { redirectKey, redirectRows } from "../formats/haproxy/redirects.ts";
import { dialectOf, isIr } from "../formats/read-rules.ts";
import type { Certificate, HostRoutes, ListeningPort, TlsTable } from "../ir/routes.ts";
import type { Program } from "../ir/types.ts";
import { readConfig } from "./config.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, compileInputs, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** A side, and what it lacks. */
export interface ReadRoutes extends RoutedSide {
  readonly gaps: readonly string[];
}

const CONFIG = "haproxy.cfg";

/** Whether `name` is HAProxy's: a folder with `haproxy.cfg`, such a file, or what `show map` printed. */
export function isProxy(name: string): boolean {
  if (/\.(ya?ml|nft|rules|v4|v6|ipset)(\.gz)?$/.test(name)) return false;
  if (isFolder(name)) return isThere(join(name, CONFIG));
  if (name.includes(",")) return false;
  const { text } = readSource(name);
  return isShownMaps(text) || isHaproxyConfig(text);
}

/** The routes of `name`; undefined where something is wrong with it, which has been told. Throws `Trouble` for rules of packets. */
export async function readRoutes(name: string, flags: CommonFlags): Promise<ReadRoutes | undefined> {
  if (isProxy(name)) return withFindings(flags, (report) => readProxy(name, report));
  const first = name.split(",")[0] ?? name;
  if (!isFolder(first) && !/\.ya?ml(\.gz)?$/.test(first)) {
    const source = readSource(first);
    if (isIr(source.text)) return withFindings(flags, (report) => readProgram(source, report));
    if (dialectOf(source.text) !== undefined)
      throw new Trouble(
        `${first} has rules for packets: expected manifests, haproxy.cfg, a folder with it, or what show map prints`,
      );
  }
  const { diagnostics, compiled } = compileInputs(name.split(","), flags);
  showDiagnostics(aboutIngresses(diagnostics), flags);
  if (compiled === undefined) return undefined;
  const rules = compiled.specs.ingresses.flatMap((ingress) => ingress.rules);
  const left = rules.reduce((sum, { leftOut }) => sum + leftOut, 0);
  const gaps = left === 0 ? [] : [`${left === 1 ? "a path" : `${left} paths`} of ${name} with an unknown pathType`];
  const { haproxy = {} } = readConfig(flags, () => undefined); // what is wrong with it has been told
  return {
    routes: withRedirects(compiled.program, haproxy.httpsRedirect ?? false),
    knowsEndpoints: true,
    rejectsUnsafe: haproxy.pathSafety === "reject",
    tls: compiled.program.tls ?? "none",
    gaps,
    listeners: compiled.program.listeners ?? [],
  };
}

async function withFindings(
  flags: CommonFlags,
  read: (report: Report) => RoutedSide | undefined | Promise<RoutedSide | undefined>,
): Promise<ReadRoutes | undefined> {
  const findings: Diagnostic[] = [];
  const side = await read((finding) => void findings.push(finding));
  showFirst(findings, flags);
  return side === undefined ? undefined : { ...side, gaps: [] };
}

function readProxy(name: string, report: Report): RoutedSide | undefined {
  const path = isFolder(name) ? join(name, CONFIG) : name;
  const source = readSource(path);
  if (isShownMaps(source.text)) return readHaproxyMaps(source, report);
  const files = [
    ...MAP_FILES,
    ...[...source.text.matchAll(/^frontend port-(\d{1,5})$/gm)].flatMap(([, port]) => listenerMaps(Number(port))),
  ];
  const maps = files
    .map((file) => join(dirname(path), file))
    .filter(isThere)
    .map((file): readonly [string, Source] => [basename(file), readSource(file)]);
  const read = readHaproxy(source, new Map(maps), report);
  if (read === undefined) return undefined;
  const listeners: ListeningPort[] = [];
  for (const listener of read.listeners ?? []) {
    const own =
      listener.protocol === "https" ? readTls(dirname(path), certificateList(listener.port), report) : undefined;
    if (listener.protocol === "https" && own === undefined) return undefined;
    listeners.push({ ...listener, ...(own && { tls: own }) });
  }
  const tls = tlsOfConfig(source);
  if (tls === "other") return { ...read, listeners };
  const shown = tls === "none" ? tls : readTls(dirname(path), CERTIFICATE_LIST, report);
  return shown && { ...read, listeners, tls: shown };
}

/** The certificates that the list `name` in `folder` names; undefined where it is not understood. */
function readTls(folder: string, name: string, report: Report): TlsTable | undefined {
  const path = join(folder, name);
  if (!isThere(path)) throw new Trouble(`${path} is missing: expected it beside ${CONFIG}`);
  const listed = readCertificateList(readSource(path), report);
  if (listed === undefined) return undefined;
  const certificates = [...listed.files].map(([file, name]): Certificate => {
    const leaf = isThere(join(folder, file)) ? leafIn(readSource(join(folder, file))) : undefined;
    if (leaf === undefined) throw new Trouble(`${join(folder, file)}: expected a certificate (PEM)`);
    const { names, notBefore, notAfter } = leaf;
    return { name, names, notBefore, notAfter };
  });
  const { hosts, fallback } = listed;
  return { certificates, hosts, ...(fallback === undefined ? {} : { fallback }) };
}

/** The first certificate of a file, of which the private key is not looked at. */
function leafIn({ text }: Source): X509 | undefined {
  const block = pemBlocks(text).find(({ label }) => label === "CERTIFICATE");
  return block?.bytes && parseX509(block.bytes);
}

async function readProgram(source: Source, report: Report): Promise<RoutedSide | undefined> {
  const { readIr } = await import("../formats/ir/read.ts");
  const program = readIr(source, report);
  return program === undefined
    ? undefined
    : {
        routes: withRedirects(program, false),
        knowsEndpoints: true,
        rejectsUnsafe: false,
        tls: program.tls ?? "none",
        listeners: program.listeners ?? [],
      };
}

/** Each host says whether HAProxy redirects it to https, as it does where it has a certificate. */
function withRedirects({ routes, tls }: Program, isForAll: boolean): HostRoutes[] {
  const rows = redirectRows(routes, tls, isForAll, () => undefined);
  return routes.map(({ httpsRedirect: _, ...rules }) =>
    rows.has(redirectKey(rules.host)) ? { ...rules, httpsRedirect: true } : rules,
  );
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isThere(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false }) !== undefined;
}

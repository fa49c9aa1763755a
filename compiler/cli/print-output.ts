/** What `kpc compile` prints of a program: the formats, and what stands above the rules. */
import type { Compiled } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Installed } from "../formats/iptables/installed.ts";
import { unreachable } from "../invariant.ts";
import type { TableFamily } from "../ir/types.ts";
import type { PrintedText } from "../ir/unsupported.ts";
import { VERSION } from "../version.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** The formats, with the extensions of their files. */
export const EXTENSIONS = {
  nft: "nft",
  iptables: "v4",
  ip6tables: "v6",
  ir: "ir",
  json: "json",
  tables: "kpct",
  wasm: "wasm",
  router: "kpcr",
} as const;

export type Output = keyof typeof EXTENSIONS;

export interface PrintFlags extends CommonFlags {
  readonly output: Output;
  readonly current?: string;
}

/** Whether a format is bytes, which say what they were made from. */
export function isBinary(output: Output): boolean {
  return output === "tables" || output === "wasm" || output === "router";
}

/** The program in the format that `flags` name; undefined where the format cannot hold it. `source`: the digest of the
 *  manifests, for bytes. Reports `unsupported-nft`, `unsupported-iptables` and `unsupported-table`. Throws
 *  `Trouble` where the input has nothing for the format. */
export async function printOutput(
  compiled: Compiled,
  flags: PrintFlags,
  source: string,
  report: Report,
): Promise<string | Uint8Array | undefined> {
  const { output } = flags;
  switch (output) {
    case "nft": {
      const { printNft } = await import("../print.ts");
      return textOf(printNft(compiled.program, nftHeader(compiled)), report);
    }
    case "iptables":
      return printForIptables(compiled, "ip", flags, report);
    case "ip6tables":
      return printForIptables(compiled, "ip6", flags, report);
    case "ir":
    case "json": {
      const { printIr } = await import("../formats/ir/print.ts");
      return printIr(compiled.program);
    }
    case "tables":
    case "wasm":
      return printBytes(compiled, flags, source, report);
    case "router":
      return printRoutes(compiled, source);
    default:
      return unreachable(output);
  }
}

/** The classifier's table, or a module that has it. `source`: the digest of the manifests, one after the other. */
async function printBytes(
  compiled: Compiled,
  { output }: PrintFlags,
  source: string,
  report: Report,
): Promise<Uint8Array | undefined> {
  const { embedInEngine, printTable } = await import("../print.ts");
  const { copiesIn } = await import("../library/follow/copies.ts");
  const { table, unsupported } = printTable(compiled.program, compiled.node.addresses, source, copiesIn(compiled));
  for (const finding of unsupported) report(finding);
  if (table === undefined) return undefined;
  return output === "tables" ? table : embedInEngine(table, source);
}

/** The router's table. Throws `Trouble` where there is nothing to route. */
async function printRoutes({ program: { routes, tls, listeners } }: Compiled, source: string): Promise<Uint8Array> {
  const { encodeRoutes } = await import("../formats/router/encode.ts");
  if (routes.length === 0 && listeners === undefined)
    throw new Trouble("-o router serves Ingresses and Gateways, and the input has none for kpc");
  return encodeRoutes(routes, { tls, listeners, source });
}

async function printForIptables(
  compiled: Compiled,
  family: "ip" | "ip6",
  flags: PrintFlags,
  report: Report,
): Promise<string | undefined> {
  const { printIptables } = await import("../print.ts");
  const installed = flags.current === undefined ? undefined : await readCurrentRules(flags.current, family, flags);
  return textOf(printIptables(compiled.program, family, installed, iptablesHeader(compiled, family)), report);
}

function textOf({ text, unsupported }: PrintedText, report: Report): string | undefined {
  for (const finding of unsupported) report(finding);
  return unsupported.length > 0 ? undefined : text;
}

/** What of ours the host has. Throws `Trouble` when the file is not the host's iptables-save. */
async function readCurrentRules(name: string, family: "ip" | "ip6", flags: PrintFlags): Promise<Installed> {
  const { readCurrent } = await import("../formats/iptables/current.ts");
  const findings: Diagnostic[] = [];
  const installed = readCurrent(readSource(name), family, (diagnostic) => findings.push(diagnostic));
  showFirst(findings, flags);
  if (installed === undefined)
    throw new Trouble(`--current ${name} is not the whole output of ${family}tables-save: kpc prints no rules`);
  return installed;
}

function title({ node, settings }: Compiled): string {
  const where = node.name === undefined ? "" : ` for node ${node.name}`;
  return `Kubernetes Services${where}, behaviour of kube-proxy's ${settings.mode} mode. Written by kpc ${VERSION}.`;
}

function nftHeader(compiled: Compiled): string[] {
  const families: TableFamily[] = ["ip", "ip6"];
  const remove = families.map((family) => `add table ${family} kpc; delete table ${family} kpc`).join("; ");
  return [
    title(compiled),
    "",
    "Load (again and again, each replaces the one before):  nft -f FILE",
    `Remove:  nft '${remove}'`,
    "Find a Service:  nft list map ip kpc services | grep NAMESPACE/NAME",
    "Its endpoints have its address and port in map endpoints-tcp (-udp, -sctp), numbered from 0.",
  ];
}

function iptablesHeader(compiled: Compiled, family: "ip" | "ip6"): string[] {
  const tool = family === "ip" ? "iptables" : "ip6tables";
  return [
    title(compiled),
    "",
    `Load the first time:  ${tool}-restore --noflush FILE`,
    "Load again: leave out the jumps that are there, since restore cannot ask:",
    `  ${tool}-save | sed -n 's/^-A \\([A-Z]* -j KPC-[A-Z-]*\\)$/-I \\1/p' | grep -vxFf - FILE | ${tool}-restore --noflush`,
    `  or write it for this host (also removes chains that are not used any more):  ${tool}-save > NOW; kpc compile ... --current NOW`,
    `Remove:  ${tool}-save | grep -v KPC- | ${tool}-restore`,
  ];
}

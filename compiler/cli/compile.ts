import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Compiled } from "../compile.ts";
import type { Diagnostic } from "../diagnostics.ts";
import type { Installed } from "../formats/iptables/installed.ts";
import type { TableFamily } from "../ir/types.ts";
import { diagnosticToJson } from "../render.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, compileInputs, EXIT, exitCodeOf, print, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

export const OUTPUTS = ["nft", "iptables", "ip6tables", "ir", "json", "tables", "wasm"] as const;

export interface CompileFlags extends CommonFlags {
  readonly output: (typeof OUTPUTS)[number];
  readonly current?: string;
}

/** `kpc compile`: rules on standard output, or nothing when something is wrong. */
export async function compileCommand(names: readonly string[], flags: CompileFlags): Promise<number> {
  const digest = createHash("sha256");
  const isBinary = flags.output === "tables" || flags.output === "wasm";
  if (isBinary && process.stdout.isTTY)
    throw new Trouble(`-o ${flags.output} prints bytes, which are of no use on a terminal: add > FILE`);
  if (flags.current !== undefined && flags.output !== "iptables" && flags.output !== "ip6tables")
    throw new Trouble(`--current is for -o iptables and -o ip6tables: -o ${flags.output} has no jumps to leave out`);
  const result = compileInputs(names, flags, {
    seen: ({ text }) => {
      if (isBinary) digest.update(text);
    },
  });
  const { diagnostics, compiled } = result;
  if (flags.output === "json") {
    const { programToJson } = await import("../formats/ir/print.ts");
    const program = compiled === undefined ? null : programToJson(compiled.program);
    await print(`${JSON.stringify({ diagnostics: diagnostics.map(diagnosticToJson), program }, null, 2)}\n`);
    return exitCodeOf(result);
  }
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return exitCodeOf(result);
  const printed = isBinary
    ? await printBytes(compiled, flags, `sha256:${digest.digest("hex")}`)
    : await printProgram(compiled, flags);
  if (printed === undefined) return EXIT.finding;
  await print(printed);
  return EXIT.fine;
}

/** The classifier's table, or a module that has it. `source`: the digest of the manifests, one after the other. */
async function printBytes(
  { program, node }: Compiled,
  { output }: CompileFlags,
  source: string,
): Promise<Uint8Array | undefined> {
  const { printTable } = await import("../print.ts");
  const { table, misfits } = printTable(program, node.addresses, source);
  if (table === undefined) {
    for (const { destination, reason } of misfits)
      process.stderr.write(
        `kpc: this does not fit into a table: ${reason}${destination === undefined ? "" : ` (at ${destination})`}\n`,
      );
    return undefined;
  }
  if (output === "tables") return table;
  const { engineBytes } = await import("../../runtime/classifier/inline.ts");
  const { Matcher } = await import("../../runtime/classifier/matcher.ts");
  const { embedTable } = await import("../formats/wasm/module.ts");
  const engine = engineBytes();
  const { freeMemory } = new Matcher(new WebAssembly.Module(engine));
  return embedTable(engine, table, freeMemory, { version: version(), source });
}

async function printProgram(compiled: Compiled, flags: CompileFlags): Promise<string | undefined> {
  switch (flags.output) {
    case "nft": {
      const { printNft } = await import("../print.ts");
      return printNft(compiled.program, nftHeader(compiled));
    }
    case "iptables":
      return printForIptables(compiled, "ip", flags);
    case "ip6tables":
      return printForIptables(compiled, "ip6", flags);
    default: {
      const { printIr } = await import("../formats/ir/print.ts");
      return printIr(compiled.program);
    }
  }
}

async function printForIptables(
  compiled: Compiled,
  family: "ip" | "ip6",
  flags: CompileFlags,
): Promise<string | undefined> {
  const { printIptables } = await import("../print.ts");
  const installed = flags.current === undefined ? undefined : await readCurrentRules(flags.current, family, flags);
  const { text, problems } = printIptables(compiled.program, family, installed, iptablesHeader(compiled, family));
  for (const { chain, reason } of problems) {
    process.stderr.write(`kpc: chain ${chain} cannot be written for iptables: ${reason}\n`);
  }
  return problems.length > 0 ? undefined : text;
}

/** What of ours the host has. Throws `Trouble` when the file is not the host's iptables-save. */
async function readCurrentRules(name: string, family: "ip" | "ip6", flags: CompileFlags): Promise<Installed> {
  const { readCurrent } = await import("../formats/iptables/current.ts");
  const findings: Diagnostic[] = [];
  const installed = readCurrent(readSource(name), family, (diagnostic) => findings.push(diagnostic));
  showFirst(findings, flags);
  if (installed === undefined)
    throw new Trouble(
      `--current ${name} is not, or not all of, what ${family}tables-save prints: no rules are written`,
    );
  return installed;
}

function title({ node, settings }: Compiled): string {
  const where = node.name === undefined ? "" : ` for node ${node.name}`;
  return `Kubernetes Services${where}, behaviour of kube-proxy's ${settings.mode} mode. Written by kpc ${version()}.`;
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
    `  or write it for this host (also removes chains that are not used any more):  ${tool}-save > NOW; kpc compile … --current NOW`,
    `Remove:  ${tool}-save | grep -v KPC- | ${tool}-restore`,
  ];
}

/** The version in package.json, which stands two folders above the bundled file as above this one. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return version;
}

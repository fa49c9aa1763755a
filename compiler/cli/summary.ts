/** The last line of `kpc compile`: what was made, and how to load it. */
import { fstatSync, readlinkSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import type { Compiled } from "../compile.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { unreachable } from "../invariant.ts";
import type { PrintFlags } from "./print-output.ts";

/** `kpc: 3 Services, 12 endpoints, node node-1, nftables mode: 44 chains, 180 elements; load: nft -f rules.nft`. How to load it is said
 *  of files and on a terminal. `printed`: the output. */
export function summarize(
  { served, node, settings, program }: Compiled,
  printed: string | Uint8Array,
  diagnostics: readonly Diagnostic[],
  flags: PrintFlags,
): string {
  if (flags.output === "router") {
    const hosts = program.routes.filter(({ host }) => host !== undefined).length;
    const paths = program.routes.reduce((sum, each) => sum + each.paths.length, 0);
    return `kpc: ${count(hosts, "host")}, ${count(paths, "path")}: ${count(printed.length, "byte")}; ${loadingOf(flags)}\n`;
  }
  const assumed = diagnostics.filter(({ code, severity }) => code === "assumed" && severity === "info").length;
  const world = [
    count(served.services, "Service"),
    count(served.endpoints, "endpoint"),
    node.name === undefined ? "no node in particular" : `node ${node.name}`,
    `${settings.mode} mode`,
    ...(assumed === 0 ? [] : [`${count(assumed, "value")} assumed`]),
  ];
  const made = sizesOf(program, printed, flags.output);
  const load = loadingOf(flags);
  return `kpc: ${world.join(", ")}: ${made.join(", ")}${load === undefined ? "" : `; ${load}`}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function sizesOf({ ruleset }: Compiled["program"], printed: string | Uint8Array, output: string): string[] {
  if (typeof printed !== "string") return [count(printed.length, "byte")];
  if (output === "iptables" || output === "ip6tables")
    return [count(printed.match(/^:/gm)?.length ?? 0, "chain"), count(printed.match(/^-[AI] /gm)?.length ?? 0, "rule")];
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  return [
    count(sum(ruleset.tables.map(({ chains }) => chains.length)), "chain"),
    count(
      sum(ruleset.tables.flatMap(({ sets, maps }) => [...sets, ...maps].map((each) => each.elements.length))),
      "element",
    ),
  ];
}

/** How to load the output; undefined: it is not for loading, or goes to another program. */
function loadingOf({ output, current }: PrintFlags): string | undefined {
  switch (output) {
    case "nft":
      return command("nft -f", "-");
    case "iptables":
    case "ip6tables": {
      const load = command(`${output}-restore --noflush`, "");
      return load !== undefined && current === undefined ? `${load} (the first time; then use --current)` : load;
    }
    case "tables":
      return "load: createClassifier of kpc/classifier";
    case "wasm":
      return "load: any WebAssembly runtime";
    case "router":
      return "load: createRouter of kpc/router";
    case "ir":
    case "json":
      return undefined;
    default:
      return unreachable(output);
  }
}

/** `input`: what `tool` calls standard input. */
function command(tool: string, input: string): string | undefined {
  if (fstatSync(1).isFile()) return `load: ${tool} ${fileName() ?? "FILE"}`;
  return process.stdout.isTTY ? `load: kpc compile … | ${tool} ${input}`.trimEnd() : undefined;
}

/** The file that standard output is, where the system says it. */
function fileName(): string | undefined {
  try {
    const path = readlinkSync("/proc/self/fd/1");
    const near = relative(process.cwd(), path);
    return near.startsWith("..") || isAbsolute(near) ? path : near;
  } catch {
    return undefined; // there is no /proc
  }
}

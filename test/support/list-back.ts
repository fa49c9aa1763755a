/** What the kernel lists after loading, held against what was printed. */
import { readInstalled } from "../../compiler/formats/iptables/installed.ts";
import { printTable } from "../../compiler/formats/nft/print.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { printIptables } from "../../compiler/print.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { clearRules, type KernelRules, loadRules } from "../../runtime/kernel/rules.ts";
import { printNft } from "./compile.ts";
import { type Judge, rulesFor } from "./differential.ts";

/** Lines in normal form. */
interface Listings {
  readonly printed: readonly string[];
  readonly listed: readonly string[];
  /** After another load of the same program. */
  readonly listedAgain: readonly string[];
}

/** Loads a program in a judge's way, twice, and lists it. */
export async function listBack(prober: Prober, judge: Judge, program: Program): Promise<Listings> {
  const rules = rulesFor(judge, program);
  await loadRules(prober, rules);
  const listings = rules.kind === "nft" ? await listNft(prober, program) : await listIptables(prober, rules, program);
  await clearRules(prober, rules);
  return listings;
}

async function listNft(prober: Prober, program: Program): Promise<Listings> {
  const listed = normaliseNft(await prober.run("nft -s list ruleset"));
  await prober.run("nft -f /dev/stdin", printNft(program));
  const listedAgain = normaliseNft(await prober.run("nft -s list ruleset"));
  return { printed: program.ruleset.tables.flatMap((table) => normaliseNft(printTable(table))), listed, listedAgain };
}

async function listIptables(
  prober: Prober,
  { backend, ip, ip6 }: Extract<KernelRules, { kind: "iptables" }>,
  program: Program,
): Promise<Listings> {
  const families = [
    { tool: `iptables-${backend}`, family: "ip", text: ip },
    { tool: `ip6tables-${backend}`, family: "ip6", text: ip6 },
  ] as const;
  const found = { printed: [] as string[], listed: [] as string[], listedAgain: [] as string[] };
  for (const { tool, family, text } of families) {
    const rules = normaliseIptables(text);
    if (rules.length === 0) continue;
    const save = await prober.run(`${tool}-save`);
    const { text: again } = printIptables(program, family, readInstalled(save));
    await prober.run(`${tool}-restore --noflush`, again);
    found.printed.push(...rules);
    found.listed.push(...normaliseIptables(save));
    found.listedAgain.push(...normaliseIptables(await prober.run(`${tool}-save`)));
  }
  return found;
}

/** Sets, maps and chains are listed by kind and then in the order in which they were made; elements in any order. */
function normaliseNft(text: string): string[] {
  const lines: string[] = [];
  for (const table of text.split(/^(?=table )/m)) {
    const [head = "", ...blocks] = table.split(/^(?=\t(?:map|set|chain) )/m);
    if (head.trim() === "") continue;
    lines.push(...head.trim().split("\n"));
    lines.push(
      ...blocks
        .map((block) => block.replace(/^}\n+/m, "").trim())
        .sort()
        .flatMap(sortElements),
    );
  }
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

function sortElements(block: string): string[] {
  const start = block.indexOf("elements = {");
  if (start < 0) return block.split("\n");
  const end = block.lastIndexOf("}", block.lastIndexOf("}") - 1);
  const elements = block
    .slice(start + "elements = {".length, end)
    .split(",")
    .map((element) => element.trim())
    .sort();
  return [...block.slice(0, start).split("\n"), ...elements, ...block.slice(end).split("\n")];
}

/** The rules of ours and the jumps to them, by table; chains in any order. Empty where there are no rules. */
function normaliseIptables(text: string): string[] {
  const sections = text.split(/^(?=\*)/m).flatMap((section): string[][] => {
    const [table = "", ...lines] = section.split("\n");
    if (!table.startsWith("*")) return [];
    const chains = lines.filter((line) => line.startsWith(":KPC-")).map((line) => line.replace(/ \[.*$/, ""));
    const rules = lines.filter((line) => /^-[AI] /.test(line)).map((line) => line.replace(/^-I/, "-A").trimEnd());
    return chains.length + rules.length === 0 ? [] : [[table, ...chains.sort(), ...byChain(rules)]];
  });
  return /^-[AI] /m.test(text) ? sections.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)).flat() : [];
}

/** Rules keep their order within a chain. */
function byChain(rules: readonly string[]): string[] {
  const chains = new Map<string, string[]>();
  for (const rule of rules) {
    const chain = rule.split(" ", 2)[1] ?? "";
    chains.set(chain, [...(chains.get(chain) ?? []), rule]);
  }
  return [...chains].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, own]) => own);
}

/** Rules as text: loaded into the kernel, and taken away again. */
import { printTable } from "../../compiler/formats/nft/print.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { dropUndecided, type FilterHook } from "./changes.ts";
import type { Prober } from "./prober.ts";

export type KernelBackend = "nft" | "legacy";

/** Texts for `nft -f`, or for iptables-restore and ip6tables-restore of one backend. */
export type KernelRules =
  | { readonly kind: "nft"; readonly text: string }
  | { readonly kind: "iptables"; readonly backend: KernelBackend; readonly ip: string; readonly ip6: string };

/** A host that drops what no rule of its filter accepts at `hooks`, beside the rules of `program`. */
export interface DroppingHost {
  readonly program: Program;
  readonly hooks: readonly FilterHook[];
}

/** Loads `rules` in the place of others of their kind. Throws what the kernel's tool says when it refuses. */
export async function loadRules(prober: Prober, rules: KernelRules, host?: DroppingHost): Promise<void> {
  await Promise.all([...loadCommands(prober, rules, host), prober.forget()]);
}

function loadCommands(prober: Prober, rules: KernelRules, host?: DroppingHost): Promise<unknown>[] {
  if (rules.kind === "nft") {
    // A chain that is there already gets another policy.
    const tables = host === undefined ? [] : dropUndecided(host.program, host.hooks);
    const dropping = tables.map((table) => printTable(table)).join("");
    return [prober.run("nft -f /dev/stdin", `flush ruleset\n${rules.text}\n${dropping}`)];
  }
  const { backend, ip, ip6 } = rules;
  const policies = (host?.hooks ?? []).map((hook) => `:${hook.toUpperCase()} DROP [0:0]\n`).join("");
  const filter = policies === "" ? "" : `*filter\n${policies}COMMIT\n`;
  const restore = (tool: string, text: string): Promise<unknown>[] =>
    HAS_EFFECT.test(`${filter}${text}`) ? [prober.run(`${tool}-${backend}-restore --noflush`, `${filter}${text}`)] : [];
  return [...clearCommands(prober, rules), ...restore("iptables", ip), ...restore("ip6tables", ip6)];
}

/** A line of a restore text that may change something: any but comments, the frame of a table, and chains that exist or do
 *  nothing yet. Rules may begin with counters, as `iptables-save -c` prints them. */
const HAS_EFFECT = /^(?!#|\*|COMMIT|:\S+ (?:ACCEPT|-)|\s*$)/m;

/** Takes all rules away, and all connections that they made. */
export async function clearRules(prober: Prober, rules: KernelRules): Promise<void> {
  await Promise.all([...clearCommands(prober, rules), prober.forget()]);
}

function clearCommands(prober: Prober, rules: KernelRules): Promise<unknown>[] {
  if (rules.kind === "nft" || rules.backend === "nft") return [prober.run("nft flush ruleset")];
  return ["iptables-legacy-restore", "ip6tables-legacy-restore"].map((tool) => prober.run(tool, EMPTY));
}

/** A restore file that leaves nothing. */
const EMPTY = ["*raw", "*mangle", "*nat", "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]"]
  .map((table) => `${table}\nCOMMIT\n`)
  .join("");

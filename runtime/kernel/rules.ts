/** Rules as text, and what the kernel's judges do to it: load it, take it away, and make what they cannot see visible. */
import type { Prober } from "./prober.ts";

export type KernelBackend = "nft" | "legacy";

/** Texts for `nft -f`, or for iptables-restore and ip6tables-restore of one backend. */
export type KernelRules =
  | { readonly kind: "nft"; readonly text: string }
  | { readonly kind: "iptables"; readonly backend: KernelBackend; readonly ip: string; readonly ip6: string };

/** Loads `rules` in the place of others of their kind. Throws what the kernel's tool says when it refuses. */
export async function loadRules(prober: Prober, rules: KernelRules): Promise<void> {
  await Promise.all([...loadCommands(prober, rules), prober.forget()]);
}

function loadCommands(prober: Prober, rules: KernelRules): Promise<unknown>[] {
  if (rules.kind === "nft") return [prober.run("nft -f /dev/stdin", `flush ruleset\n${rules.text}`)];
  const { backend, ip, ip6 } = rules;
  const restore = (tool: string, text: string): Promise<unknown>[] =>
    HAS_EFFECT.test(text) ? [prober.run(`${tool}-${backend}-restore --noflush`, text)] : [];
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

// --- devices -----------------------------------------------------------------------------------------------------------

/** The same rules, taking turns where they take chances: as many packets as there are endpoints meet each of them once. */
export function takeTurns(rules: KernelRules): KernelRules {
  return mapTexts(rules, (text) =>
    rules.kind === "nft"
      ? text.replaceAll("numgen random mod", "numgen inc mod")
      : text.replace(/--mode random --probability (\S+)/g, (_, probability: string) => {
          return `--mode nth --every ${Math.round(1 / Number(probability))} --packet 0`;
        }),
  );
}

/** The same rules without the statements that remember where a client is: every packet is its first. */
export function rememberNobody(rules: KernelRules): KernelRules {
  return mapTexts(rules, (text) =>
    rules.kind === "nft"
      ? text.replace(/\bupdate @\S+ \{[^}]*\}/g, "counter") // something has to stand in the rule
      : text.replace(/-m recent (--name \S+ )?--set( --name \S+)?( --mask \S+)?( --rsource)?/g, ""),
  );
}

type FilterHook = "input" | "forward" | "output";

/** The same rules in a host that drops what no rule of the filter's `hooks` accepts: what still arrives has been accepted
 *  in so many words. */
export function dropUndecided(rules: KernelRules, hooks: readonly FilterHook[]): KernelRules {
  if (rules.kind === "nft") return { ...rules, text: hooks.reduce(dropAtHook, rules.text) };
  const policies = hooks.map((hook) => `:${hook.toUpperCase()} DROP [0:0]\n`).join("");
  return mapTexts(rules, (text) => text.replace(/^\*filter\n/m, `*filter\n${policies}`));
}

/** In nft the policy of the chain that accepts has to be changed: an accept ends no other. A family without such a chain
 *  gets one that drops everything. */
function dropAtHook(text: string, hook: FilterHook): string {
  const families = new Set<string>();
  let family = "";
  const lines = text.split("\n").map((line) => {
    family = /^table (\S+) /.exec(line)?.[1] ?? family;
    const policy = new RegExp(`^(\\s*type filter hook ${hook} priority filter; policy) accept;`);
    if (!policy.test(line)) return line;
    families.add(family);
    return line.replace(policy, "$1 drop;");
  });
  const lacking = ["ip", "ip6"].filter((name) => !families.has(name) && !families.has("inet"));
  const chains = lacking.map(
    (name) =>
      `table ${name} drop-undecided {\n\tchain ${hook} {\n\t\ttype filter hook ${hook} priority filter; policy drop;\n\t}\n}\n`,
  );
  return [...lines, ...chains].join("\n");
}

function mapTexts(rules: KernelRules, map: (text: string) => string): KernelRules {
  if (rules.kind === "nft") return { ...rules, text: map(rules.text) };
  return { ...rules, ip: map(rules.ip), ip6: map(rules.ip6) };
}

/** The most endpoints that one rule, or row of rules, chooses among. */
export function mostChoices(rules: KernelRules): number {
  const texts = rules.kind === "nft" ? [rules.text] : [rules.ip, rules.ip6];
  const counts = texts.flatMap((text) =>
    rules.kind === "nft"
      ? [...text.matchAll(/^\t\t(?!type).*numgen (?:random|inc) mod (\d+)/gm)].map(([, count]) => Number(count))
      : [...text.matchAll(/--probability (\S+)/g)].map(([, probability]) => Math.round(1 / Number(probability))),
  );
  return counts.reduce((most, count) => Math.max(most, count), 1);
}

/** Whether the rules remember clients. */
export function hasMemory(rules: KernelRules): boolean {
  return rules.kind === "nft" ? rules.text.includes("update @") : `${rules.ip}${rules.ip6}`.includes("-m recent");
}

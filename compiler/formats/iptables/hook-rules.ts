/** In which tables, and behind which built-in chains, the kernel takes a target or a match of iptables. */
import { meaningOf } from "../../words.ts";
import type { Unit } from "./matches.ts";

/** What a rule stands in. */
export interface RulePlace {
  /** The text says the table and all chains: it is not a part of a dump, nor commands one by one. */
  readonly isWhole: boolean;
  readonly table: string;
  readonly chain: string;
  /** The built-in chains that lead to the rule's, and that one where it is built in. */
  readonly hooks: ReadonlySet<string>;
}

interface Wanted {
  readonly tables?: readonly string[];
  readonly hooks?: readonly string[];
}

const NAT_OF_DESTINATION: Wanted = { tables: ["nat"], hooks: ["PREROUTING", "OUTPUT"] };
const MANGLE: Wanted = { tables: ["mangle"] };
const RAW: Wanted = { tables: ["raw"] };

const OF_TARGET: Readonly<Record<string, Wanted>> = {
  DNAT: NAT_OF_DESTINATION,
  REDIRECT: NAT_OF_DESTINATION,
  SNAT: { tables: ["nat"], hooks: ["INPUT", "POSTROUTING"] },
  MASQUERADE: { tables: ["nat"], hooks: ["POSTROUTING"] },
  NETMAP: { tables: ["nat"] },
  REJECT: { tables: ["filter"] },
  TPROXY: { tables: ["mangle"], hooks: ["PREROUTING"] },
  SYNPROXY: { hooks: ["INPUT", "FORWARD"] },
  CLASSIFY: { hooks: ["FORWARD", "OUTPUT", "POSTROUTING"] },
  CT: RAW,
  NOTRACK: RAW,
  CHECKSUM: MANGLE,
  DSCP: MANGLE,
  ECN: MANGLE,
  HL: MANGLE,
  TCPOPTSTRIP: MANGLE,
  TOS: MANGLE,
  TTL: MANGLE,
};

const OF_MATCH: Readonly<Record<string, Wanted>> = {
  cgroup: { hooks: ["INPUT", "OUTPUT", "POSTROUTING"] },
  mac: { hooks: ["PREROUTING", "INPUT", "FORWARD"] },
  owner: { hooks: ["OUTPUT", "POSTROUTING"] },
  realm: { hooks: ["INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] },
  rpfilter: { tables: ["raw", "mangle"], hooks: ["PREROUTING"] },
  socket: { hooks: ["PREROUTING", "INPUT"] },
};

const LEAVING = ["OUTPUT", "POSTROUTING"];
const COMING = ["PREROUTING", "INPUT"];

/** Options that both backends refuse only in the built-in chains themselves. */
const OF_OPTION: readonly (readonly [match: string, options: RegExp, not: readonly string[]])[] = [
  ["addrtype", /^--limit-iface-in$/, LEAVING],
  ["addrtype", /^--limit-iface-out$/, COMING],
  ["devgroup", /^--src-group$/, LEAVING],
  ["devgroup", /^--dst-group$/, COMING],
  ["physdev", /^--physdev-(out|is-out)$/, ["OUTPUT"]],
  ["policy", /^--dir in$/, LEAVING],
  ["policy", /^--dir out$/, COMING],
];

/** What was expected where the kernel does not take `unit` at `place`. */
export function placeRefused(unit: Unit & { readonly kind: "match" | "target" }, place: RulePlace): string | undefined {
  if (!place.isWhole) return undefined;
  const { kind, name, options } = unit;
  const wanted = meaningOf(kind === "target" ? OF_TARGET : OF_MATCH, name);
  const what = kind === "target" ? name : `-m ${name}`;
  if (wanted?.tables !== undefined && !wanted.tables.includes(place.table))
    return `expected ${what} in table ${wanted.tables.join(" or ")} only`;
  const wrong =
    wanted?.hooks === undefined ? undefined : [...place.hooks].find((hook) => wanted.hooks?.includes(hook) === false);
  if (wrong !== undefined)
    return `expected ${what} in ${wanted?.hooks?.join(", ")} only${wrong === place.chain ? "" : `: ${wrong} leads to this chain`}`;
  if (kind === "target") return undefined;
  for (const [match, option, not] of OF_OPTION) {
    if (match !== name || !not.includes(place.chain)) continue;
    const found = options.find((each) =>
      option.test([each.name, ...(match === "policy" ? each.values : [])].join(" ")),
    );
    if (found !== undefined) return `expected ${what} without ${found.name} in ${place.chain}`;
  }
  return undefined;
}

/** `-i` and `-o` stand only in built-in chains whose packets have come, or leave, by an interface. */
export function interfaceRefused(option: "-i" | "-o", { chain, isWhole }: RulePlace): string | undefined {
  const isWrong = isWhole && (option === "-i" ? LEAVING : COMING).includes(chain);
  return isWrong ? `expected no ${option} in ${chain}` : undefined;
}

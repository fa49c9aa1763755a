/** The built-in chains of iptables, and where a base chain of any priority belongs among them. */
import { CONNTRACK_PRIORITY, PRIORITY } from "../../ir/constants.ts";
import type { BaseChain, Hook } from "../../ir/types.ts";

export type IptablesTable = "raw" | "mangle" | "nat" | "filter" | "security";

/** In the order in which a restore file lists them. */
export const TABLES = ["raw", "mangle", "filter", "nat", "security"] as const satisfies readonly IptablesTable[];

export const BUILT_IN = {
  prerouting: "PREROUTING",
  input: "INPUT",
  forward: "FORWARD",
  output: "OUTPUT",
  postrouting: "POSTROUTING",
} as const satisfies Partial<Record<Hook, string>>;

export type BuiltIn = (typeof BUILT_IN)[keyof typeof BUILT_IN];

/** A built-in chain. */
export interface BuiltInChain {
  readonly table: IptablesTable;
  readonly chain: BuiltIn;
}

/** The built-in chain that runs at `chain`'s hook on the same side of connection tracking and of NAT; undefined when
 *  iptables has none there. */
export function builtInFor(chain: BaseChain): BuiltInChain | undefined {
  const { hook, type, priority } = chain;
  if (hook === "ingress" || hook === "egress") return undefined;
  const table = type === "nat" ? natTable(hook, priority) : filterTable(hook, priority);
  return table === undefined ? undefined : { table, chain: BUILT_IN[hook] };
}

function natTable(hook: Hook, priority: number): IptablesTable | undefined {
  const standard = hook === "postrouting" || hook === "input" ? PRIORITY.srcnat : PRIORITY.dstnat;
  return hook !== "forward" && priority === standard ? "nat" : undefined;
}

function filterTable(hook: Hook, priority: number): IptablesTable | undefined {
  const early = hook === "prerouting" || hook === "output";
  if (priority < CONNTRACK_PRIORITY) return early ? "raw" : undefined;
  if (hook === "postrouting") return priority < PRIORITY.srcnat ? "mangle" : undefined;
  if (priority < PRIORITY.dstnat) return "mangle";
  if (hook === "prerouting") return undefined;
  return priority < PRIORITY.security ? "filter" : "security";
}

/** The chains that each table has, with the priorities at which the kernel enters them. In mangle's OUTPUT a changed packet
 *  is routed again. */
export const BUILT_IN_CHAINS: Readonly<Record<IptablesTable, readonly Omit<BaseChain, "rules" | "policy" | "kind">[]>> =
  {
    raw: [at("PREROUTING", PRIORITY.raw), at("OUTPUT", PRIORITY.raw)],
    mangle: [
      at("PREROUTING", PRIORITY.mangle),
      at("INPUT", PRIORITY.mangle),
      at("FORWARD", PRIORITY.mangle),
      at("OUTPUT", PRIORITY.mangle, "route"),
      at("POSTROUTING", PRIORITY.mangle),
    ],
    nat: [
      at("PREROUTING", PRIORITY.dstnat, "nat"),
      at("INPUT", PRIORITY.srcnat, "nat"),
      at("OUTPUT", PRIORITY.dstnat, "nat"),
      at("POSTROUTING", PRIORITY.srcnat, "nat"),
    ],
    filter: [at("INPUT", PRIORITY.filter), at("FORWARD", PRIORITY.filter), at("OUTPUT", PRIORITY.filter)],
    security: [at("INPUT", PRIORITY.security), at("FORWARD", PRIORITY.security), at("OUTPUT", PRIORITY.security)],
  };

function at(
  name: BuiltIn,
  priority: number,
  type: BaseChain["type"] = "filter",
): Omit<BaseChain, "rules" | "policy" | "kind"> {
  return { name, type, hook: name.toLowerCase() as Hook, priority };
}

/** The chain of ours that a built-in chain jumps to. */
export function entryChain({ table, chain }: BuiltInChain): string {
  return `KPC-${table.toUpperCase()}-${chain}`;
}

/** All built-in chains that programs of ours may hook into: loading empties the entry chains that are not needed. */
export const OUR_BUILT_IN: readonly BuiltInChain[] = [
  { table: "mangle", chain: "PREROUTING" },
  { table: "mangle", chain: "OUTPUT" },
  { table: "filter", chain: "INPUT" },
  { table: "filter", chain: "FORWARD" },
  { table: "filter", chain: "OUTPUT" },
  { table: "nat", chain: "PREROUTING" },
  { table: "nat", chain: "OUTPUT" },
  { table: "nat", chain: "POSTROUTING" },
];

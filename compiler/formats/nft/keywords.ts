/** nft's words for numbers, written once and used in both directions. */
import { ADDRESS_TYPE, CT_STATE, CT_STATUS, PRIORITY, PROTOCOL_NAMES } from "../../ir/constants.ts";
import type { DataType, Hook, TableFamily } from "../../ir/types.ts";

/** Names of single values. */
export const SYMBOLS: Readonly<Partial<Record<DataType, ReadonlyMap<number, string>>>> = {
  inet_proto: PROTOCOL_NAMES,
  fib_addrtype: byNumber(ADDRESS_TYPE),
};

/** Names of single bits; a list of them is a mask. */
export const FLAGS: Readonly<Partial<Record<DataType, ReadonlyMap<number, string>>>> = {
  ct_state: byNumber(CT_STATE),
  ct_status: byNumber(CT_STATUS),
};

function byNumber(names: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(names).map(([name, value]) => [value, name]));
}

/** The name that nft lists for `priority`, where it lists one. nft 1.0.6 knows `dstnat` only in prerouting and `srcnat`
 *  only in postrouting. */
export function priorityName(family: TableFamily, hook: Hook, priority: number): string | undefined {
  if (family === "bridge" || family === "arp" || family === "netdev") return undefined;
  const names = Object.entries(PRIORITY).filter(([name]) => {
    if (name === "dstnat") return hook === "prerouting";
    return name === "srcnat" ? hook === "postrouting" : true;
  });
  for (const [name, value] of names) {
    const offset = priority - value;
    if (offset === 0) return name;
    if (Math.abs(offset) <= 10) return `${name} ${offset > 0 ? "+" : "-"} ${Math.abs(offset)}`;
  }
  return undefined;
}

/** Tables that iptables-nft made, and what nft's listing of them cannot be trusted for.
 *
 *  nft prints the matches of iptables by the translations that come with iptables. Some of these lose a negation, a mask or all
 *  options. All forms here were listed by nft 1.0.6 from rules of iptables 1.8.9: test/kernel/xtables.test.ts asks the kernel. */
import type { BaseChain, TableFamily } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { TARGETS } from "../iptables/extensions/targets.ts";
import { BUILT_IN_CHAINS, TABLES } from "../iptables/hooks.ts";

/** What there is to see of a table. */
export interface ListedTable {
  readonly family: TableFamily;
  readonly name: string;
  readonly bases: readonly (Pick<BaseChain, "name" | "type" | "hook" | "priority"> | undefined)[];
  /** Whether a rule has a counter, as all rules of iptables-nft have, or what only iptables can say. */
  readonly hasCounters: boolean;
  /** Newer nft says so itself. */
  readonly isManaged: boolean;
}

/** Whether iptables-nft made a table that nft lists. */
export function isMadeByIptables({ family, name, bases, hasCounters, isManaged }: ListedTable): boolean {
  const table = TABLES.find((each) => each === name);
  if ((family !== "ip" && family !== "ip6") || table === undefined) return false;
  const isBuiltIn = (base: (typeof bases)[number]): boolean =>
    base === undefined ||
    BUILT_IN_CHAINS[table].some(
      (chain) =>
        chain.name === base.name &&
        chain.type === base.type &&
        chain.hook === base.hook &&
        chain.priority === base.priority,
    );
  return isManaged || (hasCounters && bases.every(isBuiltIn));
}

/** Whether a statement of such a table, as nft lists it, may be another one. `others`: the other statements of its rule. */
export function isInexact(text: string, family: TableFamily, others: readonly string[]): boolean {
  const foreign = family === "ip" ? /^ip6 / : /^(?:ip|icmp) /;
  if (foreign.test(text) || INEXACT.some((pattern) => pattern.test(text))) return true;
  // Without a connection iptables asks for the state alone.
  const isAboutConnection = (each: string): boolean =>
    /^ct (?:original|reply|status|direction|expiration)\b/.test(each);
  const isNegatedState = (each: string): boolean => /^ct state !/.test(each);
  return (
    (isNegatedState(text) && others.some(isAboutConnection)) || (isAboutConnection(text) && others.some(isNegatedState))
  );
}

/** Whether it leaves alone what decides where packets go, whatever its options are. */
export function isHarmless(text: string): boolean {
  const target = /^xt target "?(\w+)"?$/.exec(text)?.[1];
  return target === undefined ? /^ip6? dscp set /.test(text) : meaningOf(TARGETS, target)?.passing?.length === 0;
}

const INEXACT: readonly RegExp[] = [
  /^xt (?:match|target) /, // all options are lost
  /^ct status (?:.*\W)?[sd]nat\b/, // --ctstate with SNAT or DNAT: the negation and the other states are lost
  /^(\w+) sport \. \1 dport /, // --ports: the negation is lost
  /^(?:meta )?sk[ug]id !=/, // iptables takes packets without a socket
  /^ct helper !=/, // and connections without a helper
  /^tcp option maxseg size !=/, // and packets without the option
  /^ct label /, // bits are taken for numbers
  /^(?:meta )?(?:hour|day|time) /, // iptables means UTC
  /^(?:meta secpath|rt ipsec|ipsec) /,
  /^fib saddr \. .* oif /, // --loose, --accept-local
  /^(?:hbh|rt|dst) hdrlength /, // eights of bytes are taken for bytes
  /^(?:frag|ah) reserved /,
  /^(?:jhash|meter) /, // cluster, hashlimit: options are lost
  /^meta pkttype set /,
  /^ct mark set (?:\( ?)?(?:meta )?mark (?:\) )?(?:and|or|xor|<<|>>|&|\||\^) /, // --save-mark with masks
  /^ct mark set (?:\( ?)?ct mark (?:xor|\^) \S+ (?:and|&) /, // --set-xmark with a mask, shifted or not
  /^meta mark set (?:\( ?)?ct mark (?:\) )?(?:and|or|xor|<<|>>|&|\||\^) /, // --restore-mark with masks
];

/** In which tables, and behind which built-in chains, the kernel takes a target or a match of iptables. */
import type { OptionText } from "./grammar.ts";

/** What a rule stands in. */
export interface RulePlace {
  /** The text says the table and all chains: it is not a part of a dump, nor commands one by one. */
  readonly isWhole: boolean;
  readonly table: string;
  readonly chain: string;
  /** The built-in chains that lead to the rule's, and that one where it is built in. */
  readonly hooks: ReadonlySet<string>;
}

/** Where the kernel takes an extension. */
export interface Placement {
  readonly tables?: readonly string[];
  readonly hooks?: readonly string[];
  /** Options that both backends refuse in these built-in chains, and only in the chains themselves. */
  readonly options?: readonly { readonly option: RegExp; readonly not: readonly string[] }[];
}

export const LEAVING = ["OUTPUT", "POSTROUTING"];
export const COMING = ["PREROUTING", "INPUT"];

/** What was expected where the kernel does not take the extension `what` at `place`; undefined: it does. */
export function placeRefused(
  what: string,
  options: readonly OptionText[],
  wanted: Placement | undefined,
  place: RulePlace,
): string | undefined {
  if (!place.isWhole || wanted === undefined) return undefined;
  const { tables, hooks } = wanted;
  if (tables !== undefined && !tables.includes(place.table))
    return `expected ${what} in table ${tables.join(" or ")} only`;
  const wrong = hooks === undefined ? undefined : [...place.hooks].find((hook) => !hooks.includes(hook));
  if (wrong !== undefined)
    return `expected ${what} in ${hooks?.join(", ")} only${wrong === place.chain ? "" : `: ${wrong} leads to this chain`}`;
  for (const { option, not } of wanted.options ?? []) {
    const found = not.includes(place.chain)
      ? options.find(({ name, values }) => option.test([name, ...values].join(" ")))
      : undefined;
    if (found !== undefined) return `expected ${what} without ${found.name} in ${place.chain}`;
  }
  return undefined;
}

/** `-i` and `-o` stand only in built-in chains whose packets have come, or leave, by an interface. */
export function interfaceRefused(option: "-i" | "-o", { chain, isWhole }: RulePlace): string | undefined {
  const isWrong = isWhole && (option === "-i" ? LEAVING : COMING).includes(chain);
  return isWrong ? `expected no ${option} in ${chain}` : undefined;
}

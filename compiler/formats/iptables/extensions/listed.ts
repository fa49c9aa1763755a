/** How iptables-save lists the options of extensions that are not understood: one fact has one text. */
import type { OptionText } from "../grammar.ts";

/** `option` with what `to` makes of each of its words. */
export function changeWords(option: OptionText, to: (text: string) => string): OptionText {
  return { ...option, values: option.values.map(to) };
}

/** An option that is not there, unless one of `names` is. */
export function absent(
  options: readonly OptionText[],
  names: readonly string[],
  ...values: readonly string[]
): OptionText[] {
  if (options.some(({ name }) => names.includes(name))) return [];
  return [{ negated: false, name: names[0] ?? "", values, start: 0, end: 0 }];
}

/** Sorted by `order`; others stay as they are, behind the ones in it (`first`) or before them. */
export function inOrder(
  options: readonly OptionText[],
  order: readonly string[],
  place: "first" | "last",
): readonly OptionText[] {
  const rank = ({ name }: OptionText): number => {
    const at = order.indexOf(name);
    return at < 0 && place === "first" ? order.length : at;
  };
  return [...options].sort((a, b) => rank(a) - rank(b));
}

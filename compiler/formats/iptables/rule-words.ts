/** A rule in the words of iptables: what iptables-save prints behind `-A CHAIN`. */
import type { OptionText } from "./grammar.ts";

/** `! --dport 80`. */
export type OptionWords = Pick<OptionText, "negated" | "name" | "values">;

/** `-m NAME` or `-j NAME`, and its options. */
export interface UnitWords {
  readonly name: string;
  readonly options: readonly OptionWords[];
  /** All of it as a text that is there already. */
  readonly spelled?: string;
}

export interface RuleWords {
  /** Options that are no extension's: `-s`, `-d` and the like, each at most once, in the order in which iptables-save lists them. */
  readonly head: readonly OptionWords[];
  readonly matches: readonly UnitWords[];
  readonly comment: string | undefined;
  /** `-j`, or `-g`, and where the packet goes. */
  readonly target: { readonly option: "-j" | "-g"; readonly unit: UnitWords } | undefined;
}

/** Something for which iptables has no words. */
export interface Lacking {
  /** In the words of iptables or of nft. */
  readonly lacking: string;
}

export function lacking(what: string): Lacking {
  return { lacking: what };
}

export function optionWords(name: string, values: readonly (string | number)[] = [], negated = false): OptionWords {
  return { negated, name, values: values.map(String) };
}

export function unitWords(name: string, ...options: readonly OptionWords[]): UnitWords {
  return { name, options };
}

// --- spelling ------------------------------------------------------------------------------------------------------------

export function spellRule({ head, matches, comment, target }: RuleWords): string {
  return [
    // Names of interfaces stand without quotation marks.
    ...head.map(({ negated, name, values }) => [...(negated ? ["!"] : []), name, ...values].join(" ")),
    ...matches.map((unit) => spellUnit("-m", unit)),
    ...(comment === undefined ? [] : [`-m comment --comment ${quote(comment)}`]),
    ...(target === undefined ? [] : [spellUnit(target.option, target.unit)]),
  ].join(" ");
}

export function spellUnit(option: "-m" | "-j" | "-g", { name, options, spelled }: UnitWords): string {
  return spelled ?? [option, name, ...options.map(spellOption)].join(" ");
}

export function spellOption({ negated, name, values }: OptionWords): string {
  return [negated ? `! ${name}` : name, ...values.map(spellWord)].join(" ");
}

function spellWord(word: string): string {
  return /^[^\s"\\!]+$/.test(word) ? word : `"${word.replace(/(["\\])/g, "\\$1")}"`;
}

/** An argument as iptables-save writes it: quoted unless it is one plain word. A comment holds 255 bytes. */
function quote(text: string): string {
  const printable = text.replace(/[\p{Cc}\p{Cs}]/gu, "?");
  const clean = new TextDecoder().decode(new TextEncoder().encode(printable).subarray(0, 255)).replace(/\ufffd+$/, "");
  return /^[A-Za-z0-9_-]+$/.test(clean) ? clean : `"${clean.replace(/(["\\])/g, "\\$1")}"`;
}

/** What kpc knows of an extension of iptables: a row says what iptables asks of it, how it is read, and how it is printed. */

import type { FieldName } from "../../../ir/describe.ts";
import type { Interval, Match, SetDeclaration, Statement, Step, Value } from "../../../ir/types.ts";
import { meaningOf } from "../../../words.ts";
import type { SetAnswer, SetQuery } from "../../ipset/to-ir.ts";
import { combine, isRefused, listsOf, type MatchRead, type RefusedOption } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import type { Placement } from "../hook-rules.ts";
import type { OptionRules } from "../option-rules.ts";
import type { Lacking, OptionWords, UnitWords } from "../rule-words.ts";

/** `-m NAME` or `-j NAME` with its options. */
export interface Unit {
  readonly name: string;
  readonly options: readonly OptionText[];
}

/** What a rule stands in, and what its other options say, for a match or target that is read. */
export interface MatchScope {
  readonly family: "ip" | "ip6";
  /** The table of the rule. */
  readonly table: string;
  /** What rules of this chain translate, by the hooks that lead to it; undefined: nothing, or both. */
  readonly translates: "destination" | "source" | undefined;
  /** The one protocol that `-p` names. */
  readonly protocol: number | undefined;
  /** How the lists of `recent` that are nothing but affinity are asked: seconds, or undefined for no limit. */
  readonly affinity: Pick<ReadonlySet<string>, "has">;
  /** What the match on a set of ipset asks for; undefined: it is not known. */
  readonly ipset: (query: Omit<SetQuery, "family">) => Exclude<SetAnswer, { kind: "unknown" }> | undefined;
}

/** What a rule that is printed may refer to. */
export interface RuleContext {
  readonly family: "ip" | "ip6";
  /** The table that the rule is in, where what it says of packets without a connection counts. */
  readonly table?: string | undefined;
  /** The names that chains have in iptables. */
  readonly chainNames: ReadonlyMap<string, string>;
  /** Sets that rules fill. */
  readonly sets: ReadonlyMap<string, SetDeclaration>;
  /** The list of `recent` that a set is; a name of ours unless told otherwise. */
  readonly listName?: ((set: string) => string) | undefined;
}

/** The rule so far, for a match that is printed. */
export interface PrintScope extends RuleContext {
  /** What `-p` names, also where the test comes later in the rule. */
  readonly protocol: string | undefined;
  /** The last match. */
  readonly last: UnitWords | undefined;
  /** Whether the rule has this option, which it can have once. */
  has(option: "-s" | "-d"): boolean;
}

/** What both kinds of extensions have. */
interface ExtensionRow {
  /** Options and the number of their words; absent: any option may be its own. */
  readonly options?: Readonly<Record<string, number>>;
  /** Other names of options. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What iptables asks of the options; absent: nothing that is known. */
  readonly asks?: OptionRules;
  /** Where the kernel takes it; absent: everywhere. */
  readonly placement?: Placement;
  /** The options as iptables-save lists them, for one that is not understood: one fact has one text. */
  readonly listed?: (options: readonly OptionText[], family: "ip" | "ip6") => readonly OptionText[];
}

export interface MatchRow extends ExtensionRow {
  /** One of the tools has it (1.8.9: the other cannot load it). */
  readonly family?: "ip" | "ip6";
  /** The protocol whose name behind `-p` loads it; `isNeeded`: iptables takes it with this protocol only. */
  readonly protocol?: { readonly number: number; readonly isNeeded?: true };
  /** The steps; absent: it is not understood. */
  readonly read?: (unit: Unit, scope: MatchScope) => MatchRead;
  /** The tests of fields that are printed as this match. */
  readonly fields?: FieldPrinters;
  /** Other steps that are. */
  readonly steps?: {
    readonly [K in OtherStep["kind"]]?: (step: Extract<OtherStep, { kind: K }>, scope: PrintScope) => Words | Lacking;
  };
  /** What of a match that is not understood is certain. */
  readonly certain?: Certainty;
  /** A match that is not understood in other words than its own, for people. */
  readonly meaning?: (options: readonly OptionText[]) => string | undefined;
}

/** Steps besides tests of fields that are printed as a match; a `compare` of a number that the kernel counts. */
export type OtherStep = Extract<Step, { kind: "chance" | "compare" | "member" | "remember" }>;

/** What is certain about a match that is not understood. */
export type Certainty =
  /** What it looks at is there only where `needs` holds: without it each option that is not negated does not hold, and each
   *  negated one does. `failsWithout`: whether it does not hold either way; absent: as its options are negated. */
  | { readonly needs: Match; readonly failsWithout?: (spelled: string) => boolean }
  /** Of these lists one holds where it does. */
  | { readonly either: readonly [Match[], ...Match[][]] };

export interface TargetRow extends ExtensionRow {
  /** It leaves the packet to the next rule, and may write these; absent: it ends the packet's way, or may. */
  readonly passing?: readonly ("mark" | "ct mark" | "ct state")[];
  /** The statement; undefined, or absent: it is not understood. */
  readonly read?: (unit: Unit, scope: MatchScope) => Statement | RefusedOption | undefined;
  /** Statements that are printed as this target. */
  readonly statements?: {
    readonly [K in Statement["kind"]]?: (
      statement: Extract<Statement, { kind: K }>,
      context: RuleContext,
    ) => TargetPrinted;
  };
}

/** The options; undefined where another target does the same. */
export type TargetPrinted = readonly OptionWords[] | Lacking | undefined;

// --- reading -------------------------------------------------------------------------------------------------------------

type OptionReader = (option: OptionText, scope: MatchScope) => MatchRead;

/** One step for each option, by name. An option that is not in `readers` makes the whole match opaque. */
export function each(readers: Readonly<Record<string, OptionReader>>): NonNullable<MatchRow["read"]> {
  return ({ options }, scope) => {
    let lists: Step[][] = [[]];
    for (const option of options) {
      const found = meaningOf(readers, option.name)?.(option, scope);
      if (found === undefined || isRefused(found)) return found;
      lists = combine(lists, listsOf(found));
    }
    const [only = [], ...more] = lists;
    return more.length === 0 ? only : { either: lists };
  };
}

// --- printing ------------------------------------------------------------------------------------------------------------

export interface TestSign {
  readonly negated: boolean;
  /** It holds also where the field has no value. */
  readonly orAbsent: boolean;
}

/** How tests of a field are printed; what is absent iptables has no words for. */
export interface FieldPrinter {
  /** Of one value, or of all values from one to another. */
  readonly one?: (interval: Interval, sign: TestSign, scope: PrintScope) => Words | Lacking;
  /** Of several intervals. */
  readonly list?: (intervals: readonly Interval[], negated: boolean, scope: PrintScope) => Words | Lacking;
  /** Of some bits: `field & mask` is `value`. */
  readonly masked?: (
    bits: { readonly mask: Value; readonly value: Value },
    sign: TestSign,
    scope: PrintScope,
  ) => Words | Lacking;
  readonly order?: (operator: "<" | ">", value: Value) => Words | Lacking;
}

export type FieldPrinters = Readonly<Partial<Record<FieldName, FieldPrinter>>>;

/** What is added to a rule. */
export interface Words {
  /** What `-p` has to name. */
  readonly protocol?: string;
  readonly head?: OptionWords;
  readonly match?: UnitWords;
  /** How the match joins the others: with the options of one that is open still, by itself behind all that are before it, or in
   *  the place of the last one. Absent: behind the last one that is closed. */
  readonly joins?: "open" | "closed" | "instead";
}

/** A match with one option. */
export function oneOption(
  match: string,
  option: string,
  values: readonly (string | number)[],
  negated: boolean,
  more: Omit<Words, "match"> = {},
): Words {
  return { match: { name: match, options: [{ negated, name: option, values: values.map(String) }] }, ...more };
}

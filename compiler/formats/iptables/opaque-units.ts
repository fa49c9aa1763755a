/** Matches and targets that are not understood, kept in the words with which iptables lists them. */
import { CT_STATE_FIELD } from "../../ir/build.ts";
import { anything } from "../../ir/repair.ts";
import type { Match, Statement, WritableField } from "../../ir/types.ts";
import type { MatchRow, MatchScope, TargetRow } from "./extensions/row.ts";
import type { OptionText } from "./grammar.ts";
import { spellOption, spellUnit } from "./rule-words.ts";

/** A match or the target, with the options that are its own as far as they are read. */
export type OpenUnit = OpenMatch | OpenTarget;

export interface OpenMatch extends OpenExtension {
  readonly kind: "match";
  /** Undefined: kpc does not know it. */
  readonly row: MatchRow | undefined;
}

export interface OpenTarget extends OpenExtension {
  readonly kind: "target";
  readonly row: TargetRow;
}

interface OpenExtension {
  readonly name: string;
  readonly head: OptionText;
  readonly options: OptionText[];
}

/** The options of `unit` as iptables lists them. */
function listedOptions({ row, options }: OpenUnit, { family }: MatchScope): readonly OptionText[] {
  return row?.listed?.(options, family) ?? options;
}

/** One negated option is the negation of the match. */
export function opaqueMatch(unit: OpenMatch, scope: MatchScope): Extract<Match, { kind: "opaque" }> {
  const { name, row } = unit;
  const options = listedOptions(unit, scope);
  const spelled = spellUnit("-m", { name, options });
  const [only, ...more] = options;
  const meaning = row?.meaning?.(options);
  if (meaning !== undefined) return { kind: "opaque", text: meaning, negated: false, spelled };
  if (only === undefined || more.length > 0 || !only.negated) return { kind: "opaque", text: spelled, negated: false };
  const text = spellUnit("-m", { name, options: [{ ...only, negated: false }] });
  return { kind: "opaque", text, negated: true, spelled };
}

const WRITES: Readonly<Record<"mark" | "ct mark" | "ct state", WritableField>> = {
  mark: { kind: "meta", key: "mark" },
  "ct mark": { kind: "ct", key: "mark" },
  "ct state": CT_STATE_FIELD,
};

export function opaqueTarget(unit: OpenTarget, scope: MatchScope): Statement {
  const { name, row } = unit;
  // CT without --notrack, MARK and the like whose options are not understood.
  const fields = name === "CT" ? [] : (row.passing ?? ["mark"]);
  const writes = fields.map((field) => WRITES[field]);
  return {
    kind: "opaque-statement",
    text: spellUnit("-j", { name, options: listedOptions(unit, scope) }),
    terminal: row.passing === undefined,
    ...(writes.length === 0 ? {} : { writes }),
  };
}

/** A rule that iptables would not take may do anything. */
export function refused(options: readonly OptionText[]): Statement {
  return anything(options.map(spellOption).join(" "));
}

/** Rules in JSON outputs. */
import { lineAndColumn } from "../../diagnostics.ts";
import { printRule } from "../../formats/nft/print.ts";
import type { Rule } from "../../ir/types.ts";

/** The text of a rule in nft's words, and where it stands; no place where the rule comes from no file. */
export function ruleToData(rule: Rule): object {
  const span = rule.origin?.span();
  return {
    rule: printRule(rule, "inet"),
    ...(span === undefined ? {} : { file: span.source.name, ...lineAndColumn(span) }),
  };
}

/** What nft has no words for. Such steps come from rules of iptables; they are printed for people, as in traces. */
import type { Diagnostic } from "../../diagnostics.ts";
import type { Ruleset, Step } from "../../ir/types.ts";
import { unsupported } from "../../ir/unsupported.ts";

/** Of each rule that nft cannot take, what it cannot take first. */
export function unsupportedByNft({ tables }: Ruleset): Diagnostic[] {
  return tables.flatMap(({ chains }) =>
    chains.flatMap(({ name, rules }) =>
      rules.flatMap(({ steps, origin }) => {
        const [reason] = steps.flatMap((step) => lackOf(step) ?? []);
        if (reason === undefined) return [];
        return [unsupported("unsupported-nft", `chain ${name} cannot be written for nft: ${reason}`, origin)];
      }),
    ),
  );
}

/** Options of iptables, with or without the sign before them. */
const OPTION = /^(! )?-/;

function lackOf(step: Step): string | undefined {
  switch (step.kind) {
    case "opaque": {
      const words = step.spelled ?? step.text;
      return OPTION.test(words) ? words : undefined;
    }
    case "opaque-statement":
      return OPTION.test(step.text) ? step.text : undefined;
    case "compare":
    case "within":
    case "member":
      return step.orAbsent ? "a match that also holds where there is nothing to match" : undefined;
    default:
      // nft has words for all of it.
      return undefined;
  }
}

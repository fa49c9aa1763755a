/** What nft has no words for. Such steps come from rules of iptables; they are printed for people, as in traces. */
import type { Diagnostic } from "../../diagnostics.ts";
import type { Expression, Ruleset, Step } from "../../ir/types.ts";
import { unsupported } from "../../ir/unsupported.ts";
import { expressionsOf, somePart } from "../../ir/walk.ts";
import { testProtocol } from "./to-ir.ts";

/** Of each rule that nft cannot take, what it cannot take first. */
export function unsupportedByNft({ tables }: Ruleset): Diagnostic[] {
  return tables.flatMap(({ chains }) =>
    chains.flatMap(({ name, rules }) =>
      rules.flatMap(({ steps, origin }) => {
        const [reason] = steps.flatMap((step, i) => lackOf(step) ?? portLacking(steps, i) ?? []);
        if (reason === undefined) return [];
        return [unsupported("unsupported-nft", `chain ${name} cannot be written for nft: ${reason}`, origin)];
      }),
    ),
  );
}

/** nft takes a port of a connection only behind a test of the protocol. */
function portLacking(steps: readonly Step[], at: number): string | undefined {
  const step = steps[at];
  if (step === undefined || !expressionsOf(step).some((each) => somePart(each, isPort))) return undefined;
  const before = steps.slice(0, at);
  return testProtocol(before) || before.some(isOfProtocol)
    ? undefined
    : "a port of a connection without a test of the protocol before it";
}

function isPort(part: Expression): boolean {
  return part.kind === "ct" && /-proto-(src|dst)$/.test(part.key);
}

function isOfProtocol(step: Step): boolean {
  return step.kind === "compare" && step.left.kind === "ct" && step.left.key === "original-protocol";
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

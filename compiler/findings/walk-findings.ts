/** What goes wrong on a walk, at which host, and what to change there. */
import type { Diagnostic } from "../diagnostics.ts";
import { printPlace } from "../diagnostics.ts";
import { printAssumption } from "../evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../evaluate/unknown/assumptions-of.ts";
import { ALWAYS, type Condition } from "../evaluate/unknown/condition.ts";
import type { Walk, WalkBranch } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import { lostFinding } from "./lost.ts";
import type { LostLeg } from "./lost-leg.ts";
import { fragmented } from "./too-large.ts";

/** The findings about a walk, each once, those of likelier branches first. What depends on rules that are not understood is a warning. */
export function findWalkFaults(known: KnownNetwork, walk: Walk): readonly Diagnostic[] {
  const isOpen = ({ condition }: WalkBranch): number => Number(condition !== ALWAYS);
  const branches = [...walk.branches].sort((a, b) => isOpen(a) - isOpen(b) || b.probability - a.probability);
  const found = branches.flatMap((branch) => {
    const { there, back } = branch;
    const isReply = there.end.kind === "delivered" && back !== undefined;
    const leg = isReply ? back : there;
    const what = isReply ? `the answer of ${there.end.host}` : `the packet of ${walk.flow.from}`;
    const lost = { branch, leg, what, isReply, bytes: walk.flow.bytes, flow: walk.flow };
    const cut = { leg: there, what: `the packet of ${walk.flow.from}`, bytes: walk.flow.bytes };
    return [lostFinding(known, lost), ...fragmentsOf(known, cut)].flatMap((finding) =>
      finding === undefined ? [] : [assuming(branch.condition, finding)],
    );
  });
  return onlyOnce(found);
}

function fragmentsOf(
  known: KnownNetwork,
  cut: Pick<LostLeg, "leg" | "what" | "bytes">,
): readonly (Diagnostic | undefined)[] {
  return cut.leg.hops.flatMap(({ host: name, steps }) => {
    const host = known.host(name);
    return steps.map((step) => (step.kind === "fragmented" && host ? fragmented(cut, host, step) : undefined));
  });
}

/** `finding`, as far as it is one: that rests on what rules do that are not understood. */
function assuming(condition: Condition, finding: Diagnostic): Diagnostic {
  if (condition === ALWAYS) return finding;
  const texts = assumptionsOf(condition).assumptions.map((each) => printAssumption(each, "not: "));
  const what = texts.length === 0 ? "rules that kpc does not understand decide" : texts.join("; ");
  const severity = finding.severity === "error" ? "warning" : finding.severity;
  return { ...finding, severity, notes: [...(finding.notes ?? []), { message: `assuming: ${what}` }] };
}

/** Of findings with one code about one place of one host the first. */
export function onlyOnce(findings: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Map<string, Diagnostic>();
  for (const finding of findings) {
    const key = keyOf(finding);
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()];
}

/** What makes two findings one: the same fault at the same place. */
function keyOf({ code, host, origin, fix }: Diagnostic): string {
  return [code, host, origin === undefined ? "" : printPlace(origin.span()), fix?.command].join("\n");
}

/** What goes wrong on a walk, at which host, and what to change there. */
import type { Diagnostic } from "../diagnostics.ts";
import { printPlace } from "../diagnostics.ts";
import type { Walk } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import { lostFinding } from "./lost.ts";

/** The findings about a walk, each once, those of likelier branches first. */
export function findWalkFaults(known: KnownNetwork, walk: Walk): readonly Diagnostic[] {
  const branches = [...walk.branches].sort((a, b) => b.probability - a.probability);
  const found = branches.flatMap((branch) => {
    const { there, back } = branch;
    const isReply = there.end.kind === "delivered" && back !== undefined;
    const leg = isReply ? back : there;
    const what = isReply ? `the answer of ${there.end.host}` : `the packet of ${walk.flow.from}`;
    return lostFinding(known, { branch, leg, what, isReply, bytes: walk.flow.bytes }) ?? [];
  });
  return onlyOnce(found);
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

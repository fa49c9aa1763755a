/** Of which family a packet has to be for matches to hold, in a table of both. */
import type { Expression, Step } from "./types.ts";
import { allParts } from "./walk.ts";

/** As `meta nfproto` has it. */
export const NFPROTO = { ip: 2, ip6: 10 } as const;

/** The family that the packet is of when all of `steps` hold; undefined when they do not tell. */
export function familyTested(steps: readonly Step[]): "ip" | "ip6" | undefined {
  for (const step of steps) {
    const family = familyTestedBy(step);
    if (family !== undefined) return family;
  }
  return undefined;
}

function familyTestedBy(step: Step): "ip" | "ip6" | undefined {
  if (step.kind === "member") return familyRead(step.key);
  if (step.kind !== "compare" && step.kind !== "within") return undefined;
  const { left } = step;
  if (left.kind !== "meta" || left.key !== "nfproto") return familyRead(left);
  if (step.kind !== "compare" || step.operator !== "==") return undefined;
  return step.right === NFPROTO.ip ? "ip" : step.right === NFPROTO.ip6 ? "ip6" : undefined;
}

/** The kernel reads an address of the header where there is one: whatever it is compared with, the other family is out. */
export function familyRead(expression: Expression): "ip" | "ip6" | undefined {
  for (const { kind } of allParts(expression)) if (kind === "ip" || kind === "ip6") return kind;
  return undefined;
}

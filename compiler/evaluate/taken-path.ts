/** What rules did to a single packet, in order. */
import type { PathStep } from "./packet.ts";

/** A packet's path up to a step. Packets whose paths part share what came before: a step is added without a copy. */
export class TakenPath {
  /** Undefined: `step` is the first one. */
  readonly before: TakenPath | undefined;
  readonly step: PathStep;
  /** Whether some step has written a field. */
  readonly hasWritten: boolean;
  /** The path up to its last step that decided something; undefined: none did. */
  readonly decided: TakenPath | undefined;

  constructor(before: TakenPath | undefined, step: PathStep) {
    this.before = before;
    this.step = step;
    this.hasWritten = before?.hasWritten === true || (step.kind === "rule" && step.effect.kind === "write");
    this.decided = isDecisive(step) ? this : before?.decided;
  }
}

function isDecisive(step: PathStep): boolean {
  if (step.kind !== "rule") return false;
  const { effect } = step;
  if (effect.kind === "verdict") return effect.verdict.kind === "accept" || effect.verdict.kind === "drop";
  return effect.kind !== "write";
}

/** The steps of a path, the first one first. */
export function stepsOf(path: TakenPath | undefined): PathStep[] {
  const steps: PathStep[] = [];
  for (let at = path; at !== undefined; at = at.before) steps.push(at.step);
  return steps.reverse();
}

/** The path with these steps; undefined: there are none. */
export function pathWith(steps: readonly PathStep[]): TakenPath | undefined {
  let path: TakenPath | undefined;
  for (const step of steps) path = new TakenPath(path, step);
  return path;
}

/** A difference that is meant: packets, and what two programs do to them. */
import type { Origin } from "../../diagnostics.ts";
import type { DeclaredDistribution } from "./distribution.ts";
import type { Where } from "./where.ts";

export interface Declaration {
  readonly where: Where;
  readonly left: DeclaredDistribution;
  readonly right: DeclaredDistribution;
  /** What is assumed of matches that are not understood, sorted; undefined: anything. */
  readonly assumptions: readonly string[] | undefined;
  readonly reason: string | undefined;
  readonly origin: Origin;
}

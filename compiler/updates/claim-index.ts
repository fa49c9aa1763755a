/** Which Service has an address and port, or a node port, of several that ask for it. */
import { compareKeys } from "./watched-object.ts";

/** A Service that claims something. */
export interface ClaimingService {
  /** `namespace/name`. */
  readonly service: string;
  /** Milliseconds since 1970; undefined: it is the youngest. */
  readonly created: number | undefined;
}

/** The claims of one family, as Services come, change and go. The oldest Service has what it claims, of equally old ones the first by
 *  name, as `resolveConflicts` of compiler/model/ has it. */
export class ClaimIndex {
  /** By claim, the owner first. */
  private readonly claimants = new Map<string, ClaimingService | readonly ClaimingService[]>();

  /** Takes back what a Service has claimed, and notes what it claims now. Gives the other Services whose claims may be kept or lost by
   *  that. */
  move(before: readonly string[], after: readonly string[], by: ClaimingService): ReadonlySet<string> {
    const others = new Set<string>();
    for (const claim of before)
      this.set(
        claim,
        this.allOf(claim).filter(({ service }) => service !== by.service),
      );
    for (const claim of after) {
      // Most claims have one claimant.
      if (this.claimants.has(claim)) this.set(claim, [...this.allOf(claim), by].sort(oldestFirst));
      else this.claimants.set(claim, by);
    }
    for (const claims of [before, after])
      for (const claim of claims) {
        if (this.claimants.get(claim) === by) continue;
        for (const { service } of this.allOf(claim)) if (service !== by.service) others.add(service);
      }
    return others;
  }

  /** Those of `claims` that another Service has. */
  lostBy(service: string, claims: readonly string[]): readonly string[] {
    return claims.filter((claim) => this.ownerOf(claim) !== service);
  }

  ownerOf(claim: string): string | undefined {
    return this.allOf(claim)[0]?.service;
  }

  private allOf(claim: string): readonly ClaimingService[] {
    const found = this.claimants.get(claim);
    return found === undefined ? [] : isList(found) ? found : [found];
  }

  private set(claim: string, claimants: readonly ClaimingService[]): void {
    const [only, second] = claimants;
    if (only === undefined) this.claimants.delete(claim);
    else this.claimants.set(claim, second === undefined ? only : claimants);
  }
}

function isList(found: ClaimingService | readonly ClaimingService[]): found is readonly ClaimingService[] {
  return Array.isArray(found);
}

function oldestFirst(a: ClaimingService, b: ClaimingService): number {
  const [left, right] = [a, b].map(({ created }) => created ?? Number.POSITIVE_INFINITY) as [number, number];
  return left < right ? -1 : left > right ? 1 : compareKeys(a.service, b.service);
}

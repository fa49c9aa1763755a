/** What two rulesets do otherwise to packets of one set, in terms of Services. */
import type { Discrepancy } from "../../compare/compare.ts";
import { type Destination, isRefused, type NewSource } from "../../evaluate/disposition.ts";
import { distributionOf, printDistribution, TOLERANCE } from "../../evaluate/distribution.ts";
import type { Outcome } from "../../evaluate/packet.ts";
import { printAddressPort } from "../../net/address.ts";
import { describeRefusal } from "./refusal.ts";

/** One way in which the two sides differ. `left`, `right`: what each of them does, in words. */
export type Delta =
  /** One side sends packets to endpoints, the other one lets them pass as they came. */
  | { readonly kind: "untranslated"; readonly side: "left" | "right" }
  /** One side drops or rejects packets, the other one does not. */
  | { readonly kind: "refused"; readonly side: "left" | "right"; readonly how: string; readonly by: string }
  | {
      readonly kind: "endpoints";
      readonly missing: readonly Destination[];
      readonly extra: readonly Destination[];
    }
  | { readonly kind: "source" | "affinity" | "chances" | "outcome"; readonly left: string; readonly right: string };

export function deltasOf({ left, right }: Pick<Discrepancy, "left" | "right">): Delta[] {
  const [a, b] = [factsOf(left), factsOf(right)];
  const deltas: Delta[] = [];
  const refused = (side: "left" | "right", outcome: Outcome): void => {
    deltas.push({ kind: "refused", side, ...describeRefusal(outcome) });
  };
  if (b.refused > a.refused + TOLERANCE) refused("right", right);
  else if (a.refused > b.refused + TOLERANCE) refused("left", left);
  const isBoth = a.endpoints.size > 0 && b.endpoints.size > 0;
  if (isBoth) {
    const missing = absentIn(a, b);
    const extra = absentIn(b, a);
    if (missing.length > 0 || extra.length > 0) deltas.push({ kind: "endpoints", missing, extra });
    else if (!hasSameChances(a, b) && deltas.length === 0)
      deltas.push({ kind: "chances", left: printShares(a), right: printShares(b) });
    // What is done otherwise to packets that go elsewhere is not told twice.
    const common = [...a.endpoints.keys()].filter((key) => b.endpoints.has(key));
    for (const kind of ["source", "affinity"] as const) {
      const changed = common.filter((key) => unite([a[kind].get(key)]) !== unite([b[kind].get(key)]));
      const [from, to] = [a, b].map((facts) => unite(changed.map((key) => facts[kind].get(key)))) as [string, string];
      if (changed.length > 0) deltas.push({ kind, left: from, right: to });
    }
  } else if (a.endpoints.size > 0 && b.passes > TOLERANCE) deltas.push({ kind: "untranslated", side: "right" });
  else if (b.endpoints.size > 0 && a.passes > TOLERANCE) deltas.push({ kind: "untranslated", side: "left" });
  if (deltas.length > 0) return deltas;
  return [{ kind: "outcome", left: printOutcome(left), right: printOutcome(right) }];
}

interface Facts {
  readonly endpoints: ReadonlyMap<string, Destination>;
  /** By endpoint. */
  readonly chances: ReadonlyMap<string, number>;
  /** Sources that they see, and for how long the client is remembered, by endpoint. */
  readonly source: ReadonlyMap<string, ReadonlySet<string>>;
  readonly affinity: ReadonlyMap<string, ReadonlySet<string>>;
  /** The chance to be dropped or rejected; to go on untranslated. */
  readonly refused: number;
  readonly passes: number;
}

function factsOf({ results }: Outcome): Facts {
  const endpoints = new Map<string, Destination>();
  const chances = new Map<string, number>();
  const source = new Map<string, Set<string>>();
  const affinity = new Map<string, Set<string>>();
  let [refused, passes] = [0, 0];
  for (const { disposition, probability } of results) {
    if (isRefused(disposition)) refused += probability;
    else if (disposition.kind !== "dnat") passes += probability;
    else {
      const { to, stickySeconds } = disposition;
      const key = printAddressPort(to.address, to.port);
      endpoints.set(key, to);
      chances.set(key, (chances.get(key) ?? 0) + probability);
      source.set(key, (source.get(key) ?? new Set()).add(printSource(disposition.source)));
      const remembered = stickySeconds === undefined ? "none" : `${stickySeconds} s`;
      affinity.set(key, (affinity.get(key) ?? new Set()).add(remembered));
    }
  }
  return { endpoints, chances, source, affinity, refused, passes };
}

function unite(some: readonly (ReadonlySet<string> | undefined)[]): string {
  return [...new Set(some.flatMap((each) => [...(each ?? [])]))].sort().join(" or ");
}

function printSource(source: NewSource): string {
  return source.kind === "given" ? `translated to ${source.text}` : source.kind;
}

function printOutcome(outcome: Outcome): string {
  return printDistribution(distributionOf(outcome));
}

/** Of two sides with the same endpoints. */
function hasSameChances({ chances }: Facts, other: Facts): boolean {
  return [...chances].every(([key, chance]) => Math.abs(chance - (other.chances.get(key) ?? 0)) <= TOLERANCE);
}

function absentIn({ endpoints }: Facts, other: Facts): Destination[] {
  return [...endpoints].flatMap(([key, endpoint]) => (other.endpoints.has(key) ? [] : [endpoint]));
}

function printShares({ chances }: Facts): string {
  return [...chances].map(([key, chance]) => `${key} ${(chance * 100).toFixed(2)} %`).join(", ");
}

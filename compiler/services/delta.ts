/** What two rulesets do otherwise to packets of one set, in terms of Services. */
import type { Region } from "../compare/compare.ts";
import { sameChances, TOLERANCE } from "../compare/outcomes.ts";
import { printChances } from "../compare/render.ts";
import type { Outcome, Result } from "../evaluate/packet.ts";
import { type Address, printAddressPort } from "../net/address.ts";
import { describeRefusal } from "./refusal.ts";

export interface EndpointAddress {
  readonly address: Address;
  readonly port: number;
}

/** One way in which the two sides differ. `left`, `right`: what each of them does, in words. */
export type Delta =
  /** One side sends packets to endpoints, the other one lets them pass as they came. */
  | { readonly kind: "untranslated"; readonly side: "left" | "right" }
  /** One side drops or rejects packets, the other one does not. */
  | { readonly kind: "refused"; readonly side: "left" | "right"; readonly how: string; readonly by: string }
  | {
      readonly kind: "endpoints";
      readonly missing: readonly EndpointAddress[];
      readonly extra: readonly EndpointAddress[];
    }
  | { readonly kind: "source" | "affinity" | "chances" | "outcome"; readonly left: string; readonly right: string };

export function deltasOf({ left, right }: Pick<Region, "left" | "right">): Delta[] {
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
    else if (!sameChances(a.chances, b.chances) && deltas.length === 0)
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
  return [{ kind: "outcome", left: printChances(left), right: printChances(right) }];
}

interface Facts {
  readonly endpoints: ReadonlyMap<string, EndpointAddress>;
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
  const endpoints = new Map<string, EndpointAddress>();
  const chances = new Map<string, number>();
  const source = new Map<string, Set<string>>();
  const affinity = new Map<string, Set<string>>();
  let [refused, passes] = [0, 0];
  for (const result of results) {
    if (result.verdict === "drop" || result.verdict === "reject") refused += result.probability;
    else if (result.verdict !== "dnat" || result.endpoint === undefined) passes += result.probability;
    else {
      const key = printAddressPort(result.endpoint.address, result.endpoint.port);
      endpoints.set(key, result.endpoint);
      chances.set(key, (chances.get(key) ?? 0) + result.probability);
      source.set(key, (source.get(key) ?? new Set()).add(sourceOf(result)));
      const remembered = result.sticky === undefined ? "none" : `${result.sticky.timeoutSeconds} s`;
      affinity.set(key, (affinity.get(key) ?? new Set()).add(remembered));
    }
  }
  return { endpoints, chances, source, affinity, refused, passes };
}

function unite(some: readonly (ReadonlySet<string> | undefined)[]): string {
  return [...new Set(some.flatMap((each) => [...(each ?? [])]))].sort().join(" or ");
}

function sourceOf({ masquerade, source }: Result): string {
  if (source !== undefined) return `translated to ${source}`;
  return masquerade ? "masqueraded" : "kept";
}

function absentIn({ endpoints }: Facts, other: Facts): EndpointAddress[] {
  return [...endpoints].flatMap(([key, endpoint]) => (other.endpoints.has(key) ? [] : [endpoint]));
}

function printShares({ chances }: Facts): string {
  return [...chances].map(([key, chance]) => `${key} ${(chance * 100).toFixed(2)} %`).join(", ");
}

/** Walks through healthy clusters of all layouts: who answers, that answers come back, and that nobody's NAT stays. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Tuple, turnedRound } from "../../compiler/evaluate/connection.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import type { Hop, Walk, WalkBranch } from "../../compiler/walk/types.ts";
import { tupleText } from "../support/flows.ts";
import { runs, some } from "../support/runs.ts";
import { type ClusterKind, describeShop, endsOf, flowOf } from "../support/walks.ts";

/** Each is described anew in each mode, and with each load balancer. */
const NETWORKS = some(POD_NETWORKS, 3);

const KIND: fc.Arbitrary<ClusterKind> = fc.record(
  {
    pods: fc.constantFrom(...NETWORKS),
    mode: fc.constantFrom("nftables" as const, "iptables" as const),
    balancer: fc.constantFrom("proxy" as const, "nat" as const, "routed" as const),
  },
  { requiredKeys: ["pods", "mode"] },
);

const PODS = ["pod/shop/client", "pod/shop/web-1", "pod/shop/web-2", "pod/shop/api"] as const;
const OWN = ["10.244.1.10", "10.244.1.11", "10.244.2.10", "10.244.2.11"] as const;
const OWN6 = ["[fd00:244:0:1::10]", "[fd00:244:0:1::11]", "[fd00:244:0:2::10]", "[fd00:244:0:2::11]"] as const;
const SERVICES = [
  "10.96.0.30:80",
  "10.96.0.20:80",
  "[fd00:96::30]:80",
  "[fd00:96::20]:80",
  "10.96.0.40:80",
  "10.96.0.41:80",
] as const;
const FROM = [...PODS, "node/n1", "node/n2"] as const;
const OUTSIDE = [
  "192.168.50.11:30123",
  "192.168.50.12:30123",
  "[fd00:50::11]:30123",
  "198.51.100.40:80",
  "198.51.100.41:80",
  "198.51.100.1:8080",
] as const;

/** Flows that a healthy cluster answers. */
const FLOW: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.constantFrom(...FROM), fc.constantFrom(...OWN, ...OWN6)).map(([from, to]) => `${from} > ${to}:8080`),
  fc.tuple(fc.constantFrom(...FROM), fc.constantFrom(...SERVICES)).map(([from, to]) => `${from} > ${to}`),
  fc
    .tuple(fc.constantFrom(...FROM), fc.constantFrom("198.51.100.10", "[2001:db8:ffff::10]"))
    .map(([from, to]) => `${from} > ${to}:443`),
  fc.constantFrom(...OUTSIDE).map((to) => `outside/client > ${to}`),
);

const known = new Map<string, ReturnType<typeof describeShop>>();

function walkIn(kind: ClusterKind, flow: string): Walk {
  const key = JSON.stringify(kind);
  const described = known.get(key) ?? describeShop(kind);
  known.set(key, described);
  return described.walker.walk(flowOf(flow));
}

/** Where a hop's packet was translated: from, and to. */
function translationIn({ before, after }: Hop): readonly [Tuple, Tuple] | undefined {
  return tupleText(before) === tupleText(after) ? undefined : [before, after];
}

/** Hosts that translated the packet, and have not given the answer the packet's addresses back. */
function leftovers({ there, back }: WalkBranch): string[] {
  const undone = (back?.hops ?? []).flatMap((hop) => {
    const found = translationIn(hop);
    return found === undefined ? [] : [`${hop.host} ${tupleText(found[0])} => ${tupleText(found[1])}`];
  });
  const done = there.hops.filter(
    ({ steps }) => !steps.some(({ kind }) => kind === "proxied" || kind === "encapsulated"),
  );
  return done.flatMap((hop) => {
    const found = translationIn(hop);
    if (found === undefined || hop.steps.some(({ kind }) => kind === "decapsulated")) return [];
    const wanted = `${hop.host} ${tupleText(turnedRound(found[1]))} => ${tupleText(turnedRound(found[0]))}`;
    return undone.includes(wanted) ? [] : [wanted];
  });
}

const told = { walks: 0, translated: 0 };

describe("walks through a healthy cluster", () => {
  test("every packet is delivered and answered, and each translation is undone by the host that made it", () => {
    fc.assert(
      fc.property(KIND, FLOW, (kind, flow) => {
        const walk = walkIn(kind, flow);
        const lost = endsOf(walk).filter((end) => !end.endsWith("answered"));
        expect({ flow, lost }).toEqual({ flow, lost: [] });
        const left = walk.branches.flatMap(leftovers);
        expect({ flow, left }).toEqual({ flow, left: [] });
        expect(walk.branches.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1);
        told.walks++;
        if (walk.branches.some(({ there }) => there.hops.some((hop) => translationIn(hop) !== undefined)))
          told.translated++;
      }),
      { numRuns: runs(6000) },
    );
    expect(told.translated).toBeGreaterThan(told.walks / 4);
  });

  test("both modes give one walk", () => {
    fc.assert(
      fc.property(fc.constantFrom(...NETWORKS), FLOW, (pods, flow) => {
        expect(endsOf(walkIn({ pods, mode: "iptables" }, flow))).toEqual(
          endsOf(walkIn({ pods, mode: "nftables" }, flow)),
        );
      }),
      { numRuns: runs(1200) },
    );
  });
});

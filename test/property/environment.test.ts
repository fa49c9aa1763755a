/** What kpc check says of a cluster is what walks between all of its ends do: also where one thing of a random host is otherwise. */
import { describe, expect, test } from "vitest";
import { POD_NETWORKS, type PodNetworkName } from "../../compiler/specs/network-types.ts";
import {
  checkedNetwork,
  complaintAbout,
  faultsIn,
  healthyCluster,
  judgeMutant,
  lostFlows,
} from "../support/environment-law.ts";
import { MUTANT_KINDS } from "../support/environment-mutants.ts";
import { EVERYTHING } from "../support/runs.ts";
import type { ClusterKind } from "../support/walks.ts";

/** One in the quick set: a cluster is walked between all ends once. */
const LAYOUTS = EVERYTHING ? POD_NETWORKS : (["flannel-host-gw"] as const);

/** Seeds of the quick set: a route, rules. */
const QUICK = [17, 30] as const;

const kindOf = (pods: PodNetworkName): ClusterKind => ({ pods, mode: "nftables" });

describe("a cluster without a finding", () => {
  test.each(LAYOUTS)("has each pair of ends answered: %s", (pods) => {
    const { described, fates } = healthyCluster(kindOf(pods));
    expect(faultsIn(checkedNetwork(described)).map(({ message }) => message)).toEqual([]);
    expect(fates.size).toBeGreaterThan(EVERYTHING ? 200 : 30);
    expect(lostFlows(new Map(), fates)).toEqual([]);
  });
});

describe("a cluster with one thing that is otherwise", () => {
  test("has a finding at that host, or loses nothing, and then has none", () => {
    const seeds = EVERYTHING ? Array.from({ length: MUTANT_KINDS.length }, (_, i) => i) : QUICK;
    const judged = seeds.flatMap(
      (seed) => judgeMutant(seed, LAYOUTS, EVERYTHING ? undefined : kindOf("flannel-host-gw")) ?? [],
    );
    expect(judged.flatMap((each) => complaintAbout(each) ?? [])).toEqual([]);
    expect(judged.filter(({ lost }) => lost.length > 0).length).toBeGreaterThan(judged.length / 2);
  });
});

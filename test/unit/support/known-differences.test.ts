/** What explains a difference from kube-proxy explains that one alone. */
import { describe, expect, test } from "vitest";
import { explanationOf, type SeenDifference } from "../../support/kube/known-differences.ts";

const SLICE = {
  kind: "EndpointSlice",
  ports: [{ port: 8080 }],
  endpoints: [
    { addresses: ["10.0.0.1"], nodeName: "here" },
    { addresses: ["10.0.0.2"], nodeName: "there" },
    { addresses: ["fd00::2"] },
  ],
};
const CLUSTER = { mode: "nftables", text: '"clusterIPs":["172.30.0.9"]', objects: [SLICE], nodeName: "here" } as const;

function difference(more: Partial<SeenDifference>): SeenDifference {
  return {
    trace: "a packet",
    ctState: ["new", "related"],
    source: ["10.0.0.2", "10.0.0.2"],
    destination: ["172.30.0.9", "172.30.0.9"],
    left: {},
    right: {},
    ...more,
  };
}

describe("an endpoint that reaches itself", () => {
  const hairpin = (address: string, source = address.replace(/^\[|\]?:\d+$/g, "")): SeenDifference =>
    difference({
      source: [source, source],
      left: { [`to ${address}, masqueraded`]: 0.5, "to 10.0.0.7:8080": 0.5 },
      right: { [`to ${address}`]: 0.5, "to 10.0.0.7:8080": 0.5 },
    });

  test.each(["10.0.0.2:8080", "[fd00::2]:8080"])("%s is on another node, or on none that is known", (address) => {
    expect(explanationOf(hairpin(address), CLUSTER)).toMatch(/^an endpoint of another node/);
  });

  test.each([
    ["is on this node", hairpin("10.0.0.1:8080"), CLUSTER],
    ["has another port", hairpin("10.0.0.2:8081"), CLUSTER],
    ["is in iptables mode", hairpin("10.0.0.2:8080"), { ...CLUSTER, mode: "iptables" as const }],
    ["is not the one that sends", hairpin("10.0.0.2:8080", "10.0.0.3"), CLUSTER],
    ["is one of many that send", { ...hairpin("10.0.0.2:8080"), source: ["10.0.0.2", "10.0.0.3"] as const }, CLUSTER],
    ["has another chance", { ...hairpin("10.0.0.2:8080"), right: { "to 10.0.0.2:8080": 1 } }, CLUSTER],
    [
      "is masqueraded by kube-proxy alone",
      { ...hairpin("10.0.0.2:8080"), left: hairpin("10.0.0.2:8080").right, right: hairpin("10.0.0.2:8080").left },
      CLUSTER,
    ],
  ])("but not one that %s", (_, seen, cluster) => {
    expect(explanationOf(seen, cluster)).toBeUndefined();
  });
});

describe("a related packet to a cluster IP", () => {
  const related = difference({ ctState: ["related"], left: { pass: 1 }, right: { "pass, masqueraded": 1 } });

  test("is masqueraded by kube-proxy", () => {
    expect(explanationOf(related, CLUSTER)).toMatch(/^a packet to a port that no Service has, of a related connection/);
  });

  test.each([
    ["that is new", { ...related, ctState: ["new", "related"] }, CLUSTER],
    ["of any state", { ...related, ctState: null }, CLUSTER],
    ["in iptables mode", related, { ...CLUSTER, mode: "iptables" as const }],
    ["to other addresses", { ...related, destination: ["172.30.0.8", "172.30.0.8"] as const }, CLUSTER],
    ["that kube-proxy drops", { ...related, right: { drop: 1 } }, CLUSTER],
    ["that kpc translates", { ...related, left: { "to 10.0.0.1:8080": 1 } }, CLUSTER],
  ])("but not one %s", (_, seen, cluster) => {
    expect(explanationOf(seen, cluster)).toBeUndefined();
  });
});

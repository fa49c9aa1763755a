/** The matrix of shared walks is the one that follows a packet of each client to each address. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { matrixOf } from "../../compiler/matrix/matrix.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import type { Manifest } from "../support/arbitraries.ts";
import { type NetworkChange, NODE_CHANGES, POD_CHANGES, PORT_CHANGES, withChange } from "../support/network-changes.ts";
import { runs } from "../support/runs.ts";
import { type ClusterKind, describeShop, node, pod, service } from "../support/walks.ts";

const POLICY = fc.constantFrom("Cluster", "Local");
const APPS = ["a", "b", "c"] as const;

const SERVICE: fc.Arbitrary<Manifest> = fc.record(
  {
    type: fc.constantFrom("ClusterIP", "NodePort"),
    internalTrafficPolicy: POLICY,
    sessionAffinity: fc.constantFrom("None", "ClientIP"),
    isSourceLimited: fc.boolean(),
    isExternalLocal: fc.boolean(),
    app: fc.constantFrom(...APPS, "nobody"),
  },
  { requiredKeys: ["type", "app"] },
);

/** Pods by node: the app of each. */
const PODS = fc.array(
  fc.array(
    fc.record({
      app: fc.constantFrom(...APPS, "none"),
      isHostNetwork: fc.oneof({ arbitrary: fc.constant(false), weight: 4 }, fc.boolean()),
    }),
    { maxLength: 3 },
  ),
  { minLength: 1, maxLength: 4 },
);

/** Rules of others, some of which tell one pod from another one. */
const RULES = [
  "chain f { type filter hook forward priority 0; ip saddr 10.244.1.11 drop; }",
  "chain f { type filter hook forward priority 0; ip saddr 10.244.1.8/29 ip daddr 10.244.0.0/16 reject; }",
  "chain f { type filter hook forward priority 0; ip saddr & 0.0.0.1 == 0.0.0.1 drop; }",
  "chain f { type filter hook forward priority 0; ip saddr vmap { 10.244.1.12 : drop, 10.244.2.0/31 : accept }; }",
  "chain f { type filter hook forward priority 0; ip saddr . ip daddr { 10.244.1.10 . 10.244.1.11 } drop; }",
  "chain f { type filter hook forward priority 0; ip saddr . ip daddr { 10.244.1.11 . 10.244.1.11 } drop; }",
  "chain f { type filter hook forward priority 0; ct original ip saddr 10.244.1.12 drop; }",
  "chain f { type filter hook forward priority 0; ip daddr 10.244.1.11 drop; }",
  "chain p { type nat hook postrouting priority 90; ip saddr 10.244.1.0/24 snat to 10.244.1.12; }",
  "chain p { type nat hook prerouting priority -110; ip daddr 10.96.0.30 dnat to 10.244.1.12; }",
  "chain p { type filter hook prerouting priority -310; iifname v* ip daddr 10.96.0.31 drop; }",
  "chain p { type filter hook prerouting priority -310; ip saddr != 10.244.1.11 ip daddr 10.96.0.31 drop; }",
  "chain f { type filter hook forward priority 0; tcp dport 8080 drop; }",
  "chain f { type filter hook forward priority 0; ip saddr 10.244.2.0/24 ip daddr 10.244.1.0/24 drop; }",
  'chain f { type filter hook forward priority 0; oifname "veth-p11" drop; }',
  "chain f { type filter hook forward priority 0; ct original ip daddr 10.96.0.30 ip saddr { 10.244.1.10, 10.244.2.10 } drop; }",
  "chain i { type filter hook input priority 0; ip saddr 192.168.50.12 drop; }",
  "chain p { type nat hook postrouting priority 90; ip daddr 10.244.2.0/24 snat to 192.168.50.12; }",
  "chain p { type nat hook prerouting priority -110; ip daddr 10.96.0.31 dnat to 192.168.50.12; }",
  "chain p { type nat hook prerouting priority -110; ip daddr 10.96.0.30 dnat to numgen random mod 2 map { 0 : 10.244.1.10, 1 : 10.244.2.10 }; }",
].map(
  (chain) =>
    `table ip other { ${chain.replaceAll("; }", "\n}").replaceAll("{ type", "{\ntype").replaceAll("; ip", "\nip")} }`,
);

const KIND: fc.Arbitrary<ClusterKind> = fc.record(
  {
    pods: fc.constantFrom(...POD_NETWORKS),
    mode: fc.constantFrom("nftables" as const, "iptables" as const),
    hairpin: fc.boolean(),
    sysctls: fc.constantFrom(
      {},
      { n1: { "net.bridge.bridge-nf-call-iptables": "0" } },
      { n1: { "net.ipv4.ip_forward": "0" } },
      { n2: { "net.ipv4.conf.all.rp_filter": "1" } },
    ),
  },
  { requiredKeys: ["pods", "mode"] },
);

/** Something that is different on one host. */
const CHANGE: fc.Arbitrary<NetworkChange> = fc
  .constantFrom(
    ...Object.keys(NODE_CHANGES).map((name) => ({ of: "node" as const, name })),
    ...Object.keys(POD_CHANGES).map((name) => ({ of: "pod" as const, name })),
    ...Object.keys(PORT_CHANGES).map((name) => ({ of: "port" as const, name })),
  )
  .chain((change) => fc.nat({ max: 8 }).map((which) => ({ ...change, which })));

function objectsOf(
  pods: typeof PODS extends fc.Arbitrary<infer T> ? T : never,
  services: readonly Manifest[],
): Manifest[] {
  return [
    ...pods.flatMap((own, i) => [
      node(`n${i + 1}`, i + 1),
      ...own.map(({ app, isHostNetwork }, j) => {
        const made = pod(`p${i + 1}${j}`, `n${i + 1}`, `10.244.${i + 1}.1${j}`, app, 8080);
        if (!isHostNetwork) return made;
        const ip = `192.168.50.1${i + 1}`;
        return {
          ...made,
          spec: { ...(made["spec"] as object), hostNetwork: true },
          status: { ...(made["status"] as object), podIP: ip, podIPs: [{ ip }, { ip: `fd00:50::1${i + 1}` }] },
        };
      }),
    ]),
    ...services.map(({ app, type, isSourceLimited, isExternalLocal, ...spec }, i) =>
      service(
        `s${i}`,
        30 + i,
        String(app),
        {
          ...spec,
          type: isSourceLimited === true || isExternalLocal === true ? "LoadBalancer" : type,
          ...(isSourceLimited === true ? { loadBalancerSourceRanges: ["10.244.1.8/31", "198.51.100.0/24"] } : {}),
          ...(isExternalLocal === true ? { externalTrafficPolicy: "Local" } : {}),
          ports: [{ port: 80, targetPort: 8080 }],
        },
        { loadBalancer: { ingress: isSourceLimited === true ? [{ ip: `198.51.100.${40 + i}`, ipMode: "VIP" }] : [] } },
      ),
    ),
  ];
}

test("shared walks give what a walk of each pair gives", { timeout: 300_000 }, () => {
  let [shared, each] = [0, 0];
  fc.assert(
    fc.property(
      KIND,
      PODS,
      fc.array(SERVICE, { minLength: 1, maxLength: 3 }),
      fc.option(fc.tuple(fc.constantFrom("n1", "n2"), fc.constantFrom(...RULES)), { nil: undefined, freq: 1 }),
      fc.option(CHANGE, { nil: undefined, freq: 2 }),
      (kind, pods, services, rules, change) => {
        const objects = objectsOf(pods, services);
        const plain = describeShop({ ...kind }, objects, rules === undefined ? {} : { [rules[0]]: rules[1] });
        const described = change === undefined ? plain : withChange(plain, change);
        const [byClass, byPod] = [matrixOf(described), matrixOf(described, { isEachWalked: true })];
        expect(byClass.rows).toEqual(byPod.rows);
        shared += byClass.walks;
        each += byPod.walks;
      },
    ),
    { numRuns: runs(240) },
  );
  expect(shared).toBeLessThan(each);
});

test("pods of a node that are no endpoint share a walk", () => {
  const pods = [
    Array.from({ length: 4 }, () => ({ app: "none" as const, isHostNetwork: false })),
    [{ app: "a" as const, isHostNetwork: false }],
  ];
  const objects = objectsOf(pods, [{ app: "a", type: "ClusterIP" }]);
  for (const network of POD_NETWORKS) {
    const described = describeShop({ pods: network }, objects);
    // The pods of n1, that of n2, two nodes, and the host outside by the port of the gateway; in both families.
    expect([network, matrixOf(described).walks]).toEqual([network, 2 * 5]);
  }
});

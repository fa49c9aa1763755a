import { expect, test } from "vitest";
import { resolveConflicts } from "../../../compiler/model/claims.ts";
import type { ServicePort } from "../../../compiler/model/types.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import type { Port } from "../../../compiler/net/port.ts";
import { address, located, servicePort } from "../../support/service-port.ts";

type Claim = readonly [name: string, created: number | undefined, members: Partial<ServicePort>];

const EXTERNAL = { externalIps: located("203.0.113.1") };

/** What each Service port keeps, the oldest first, and what is reported. */
function resolved(claims: readonly Claim[]): { kept: string[]; found: string[] } {
  const found: string[] = [];
  const claimants = claims.map(([name, creationTimestamp, members], i) => ({
    service: servicePort({ name, clusterIp: address(`10.96.0.${i + 1}`), ...members }),
    creationTimestamp,
  }));
  const kept = resolveConflicts(claimants, ({ message }) => found.push(message.replace(/ is already taken.*/, ""))).map(
    ({ name, servesClusterIp, externalIps, loadBalancerIps, nodePort }) =>
      [
        name,
        servesClusterIp && "cluster-ip",
        ...[...externalIps, ...loadBalancerIps].map((one) => printAddress(one.address)),
        nodePort,
      ]
        .filter((word) => word !== false && word !== undefined)
        .join(" "),
  );
  return { kept, found };
}

test.each<[what: string, claims: Claim[], kept: string[], found: string[]]>([
  [
    "the oldest has an address",
    [
      ["a", 20, EXTERNAL],
      ["b", 10, EXTERNAL],
    ],
    ["b cluster-ip 203.0.113.1", "a cluster-ip"],
    ["external IP 203.0.113.1 port 80/TCP of Service shop/a"],
  ],
  [
    "one without a time is the youngest",
    [
      ["a", undefined, EXTERNAL],
      ["b", 10, EXTERNAL],
    ],
    ["b cluster-ip 203.0.113.1", "a cluster-ip"],
    ["external IP 203.0.113.1 port 80/TCP of Service shop/a"],
  ],
  [
    "of one age, the first by name",
    [
      ["b", 10, EXTERNAL],
      ["a", 10, EXTERNAL],
    ],
    ["a cluster-ip 203.0.113.1", "b cluster-ip"],
    ["external IP 203.0.113.1 port 80/TCP of Service shop/b"],
  ],
  [
    "the namespace comes before the name",
    [
      ["a", 10, { ...EXTERNAL, namespace: "z" }],
      ["b", 10, { ...EXTERNAL, namespace: "y" }],
    ],
    ["b cluster-ip 203.0.113.1", "a cluster-ip"],
    ["external IP 203.0.113.1 port 80/TCP of Service z/a"],
  ],
  [
    "another port or protocol is no conflict",
    [
      ["a", 10, EXTERNAL],
      ["b", 10, { ...EXTERNAL, port: 81 as Port }],
      ["c", 10, { ...EXTERNAL, protocol: "udp" }],
    ],
    ["a cluster-ip 203.0.113.1", "b cluster-ip 203.0.113.1", "c cluster-ip 203.0.113.1"],
    [],
  ],
  [
    "one address in several roles",
    [
      ["a", 10, { externalIps: located("10.96.0.2") }],
      ["b", 20, {}],
      ["c", 30, { loadBalancerIps: located("10.96.0.2") }],
    ],
    ["a cluster-ip 10.96.0.2", "b", "c cluster-ip"],
    [
      "cluster IP 10.96.0.2 port 80/TCP of Service shop/b",
      "load balancer address 10.96.0.2 port 80/TCP of Service shop/c",
    ],
  ],
  [
    "node ports",
    [
      ["a", 20, { nodePort: 30080 as Port }],
      ["b", 10, { nodePort: 30080 as Port }],
    ],
    ["b cluster-ip 30080", "a cluster-ip"],
    ["node port 30080/TCP of Service shop/a"],
  ],
  [
    "a Service that lists an address twice has no conflict",
    [["a", 10, { externalIps: located("203.0.113.1", "203.0.113.1"), loadBalancerIps: located("203.0.113.1") }]],
    ["a cluster-ip 203.0.113.1 203.0.113.1"],
    [],
  ],
])("%s", (_, claims, kept, found) => {
  expect(resolved(claims)).toEqual({ kept, found });
});

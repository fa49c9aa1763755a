import { expect, test } from "vitest";
import { type Frontend, frontendsOf } from "../../../compiler/lower/frontends.ts";
import type { ServicePort } from "../../../compiler/model/types.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import type { Port } from "../../../compiler/net/port.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import { chooseEndpoints } from "../../../compiler/node/endpoints.ts";
import { address, candidate, located, prefix, servicePort } from "../../support/service-port.ts";

/** Address and port, the endpoint list, what happens to the rest, who is masqueraded, and who is let in. */
function lineOf(frontend: Frontend): string {
  const { dispatch, unserved, masquerade, port } = frontend;
  const where = frontend.kind === "node-port" ? "node" : printAddress(frontend.address);
  const list = dispatch.kind === "endpoints" ? dispatch.list : dispatch.kind;
  const sources = frontend.kind === "node-port" ? undefined : frontend.allowedSources?.map(printPrefix).join(",");
  return [`${where}:${port}`, list, unserved, `masquerade=${masquerade}`, sources && `from=${sources}`]
    .filter((word) => word !== undefined)
    .join(" ");
}

const EXTERNAL = {
  nodePort: 30080 as Port,
  externalIps: located("203.0.113.1"),
  loadBalancerIps: located("203.0.113.2"),
};
const LOCAL = { externalTrafficPolicy: "Local" } as const;
const RANGES = { ...EXTERNAL, sourceRanges: [prefix("198.51.100.0/24")] };

// Section numbers are those of compiler/lower/README.md.
test.each<[what: string, port: Partial<ServicePort>, candidates: string[], want: string[]]>([
  ["a cluster IP (5)", {}, ["1 ready"], ["10.96.0.1:80 cluster masquerade=as-cluster-ip"]],
  ["no endpoint anywhere (6)", {}, [], ["10.96.0.1:80 none reject masquerade=as-cluster-ip"]],
  [
    "internal policy Local (2)",
    { internalTrafficPolicy: "Local" },
    ["1 ready @here"],
    ["10.96.0.1:80 local masquerade=as-cluster-ip"],
  ],
  [
    "internal policy Local without a local endpoint (6)",
    { internalTrafficPolicy: "Local" },
    ["1 ready @there"],
    ["10.96.0.1:80 none drop masquerade=as-cluster-ip"],
  ],
  [
    "external addresses and node port (5)",
    EXTERNAL,
    ["1 ready"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.1:80 cluster masquerade=always",
      "203.0.113.2:80 cluster masquerade=always",
      "node:30080 cluster masquerade=always",
    ],
  ],
  [
    "external policy Local (4.2)",
    { ...EXTERNAL, ...LOCAL },
    ["1 ready @here", "2 ready @there"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.1:80 by-source masquerade=from-node",
      "203.0.113.2:80 by-source masquerade=from-node",
      "node:30080 by-source masquerade=from-node",
    ],
  ],
  [
    "external policy Local without a local endpoint (4.2, 6)",
    { ...EXTERNAL, ...LOCAL },
    ["1 ready @there"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.1:80 by-source drop masquerade=from-node",
      "203.0.113.2:80 by-source drop masquerade=from-node",
      "node:30080 by-source drop masquerade=from-node",
    ],
  ],
  [
    "external policy Local without any endpoint (6)",
    { ...EXTERNAL, ...LOCAL },
    [],
    [
      "10.96.0.1:80 none reject masquerade=as-cluster-ip",
      "203.0.113.1:80 none reject masquerade=from-node",
      "203.0.113.2:80 none reject masquerade=from-node",
      "node:30080 none reject masquerade=from-node",
    ],
  ],
  [
    "source ranges guard load balancer addresses alone (7)",
    RANGES,
    ["1 ready"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.1:80 cluster masquerade=always",
      "203.0.113.2:80 cluster masquerade=always from=198.51.100.0/24",
      "node:30080 cluster masquerade=always",
    ],
  ],
  [
    "a range that holds the node lets the load balancer's addresses in (7)",
    { loadBalancerIps: located("203.0.113.2", "203.0.113.3"), sourceRanges: [prefix("192.168.0.0/16")] },
    ["1 ready"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.2:80 cluster masquerade=always from=192.168.0.0/16,203.0.113.2/32,203.0.113.3/32",
      "203.0.113.3:80 cluster masquerade=always from=192.168.0.0/16,203.0.113.2/32,203.0.113.3/32",
    ],
  ],
  [
    "an address in two roles is dispatched once, and guarded all the same",
    { ...RANGES, nodePort: undefined, externalIps: located("203.0.113.2") },
    ["1 ready"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.2:80 cluster masquerade=always",
      "203.0.113.2:80 none masquerade=always from=198.51.100.0/24",
    ],
  ],
  [
    "one range of two that holds the node is enough (7)",
    { loadBalancerIps: located("203.0.113.2"), sourceRanges: [prefix("198.51.100.0/24"), prefix("192.168.0.0/16")] },
    ["1 ready"],
    [
      "10.96.0.1:80 cluster masquerade=as-cluster-ip",
      "203.0.113.2:80 cluster masquerade=always from=198.51.100.0/24,192.168.0.0/16,203.0.113.2/32",
    ],
  ],
  [
    "a cluster IP that is also an external IP is dispatched once",
    { externalIps: located("10.96.0.1") },
    ["1 ready"],
    ["10.96.0.1:80 cluster masquerade=as-cluster-ip", "10.96.0.1:80 none masquerade=always"],
  ],
  [
    "a cluster IP that an older Service has (11)",
    { servesClusterIp: false, externalIps: located("10.96.0.1") },
    ["1 ready"],
    ["10.96.0.1:80 none masquerade=as-cluster-ip", "10.96.0.1:80 cluster masquerade=always"],
  ],
])("%s", (_, members, candidates, want) => {
  const all = candidates.map(candidate);
  const port = servicePort({ ...members, candidates: all, hasAnyEndpoint: all.length > 0 });
  const lists = chooseEndpoints(port, { name: "here", zone: undefined, addresses: [] });
  expect(frontendsOf({ ...port, ...lists }, address("192.168.0.2")).map(lineOf)).toEqual(want);
});

test("a frontend says what kind of address it has", () => {
  const port = servicePort({ ...EXTERNAL, candidates: [candidate("1 ready")], hasAnyEndpoint: true });
  const lists = chooseEndpoints(port, { name: "here", zone: undefined, addresses: [] });
  const kinds = frontendsOf({ ...port, ...lists }, undefined).map(({ kind }) => kind);
  expect(kinds).toEqual(["cluster-ip", "external-ip", "load-balancer-ip", "node-port"]);
});

test("endpoints elsewhere that this node may not use leave external addresses and node ports dropped", () => {
  const service = { ...servicePort({ ...EXTERNAL, hasAnyEndpoint: true }), clusterEndpoints: [], localEndpoints: [] };
  expect(frontendsOf(service, undefined).map(lineOf)).toEqual([
    "10.96.0.1:80 none drop masquerade=as-cluster-ip",
    "203.0.113.1:80 none drop masquerade=always",
    "203.0.113.2:80 none drop masquerade=always",
    "node:30080 none drop masquerade=always",
  ]);
});

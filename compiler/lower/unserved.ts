/** What is not translated: Services without endpoints, and cluster IPs at other ports (README.md, sections 6 and 10). */
import { addressField, commented, equal, goto, member, rule, verdict, vmap, within } from "../ir/build.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import type { RegularChain, Statement } from "../ir/types.ts";
import type { Settings } from "../node/settings.ts";
import type { Contribution } from "./contribution.ts";
import { type Frontend, keyOf } from "./frontends.ts";
import { addressComponent, frontendComponents, frontendKey, NODE_PORT_COMPONENTS, NODE_PORT_KEY } from "./keys.ts";
import { toNodePort } from "./node-ports.ts";
import { declareSet, declareVerdicts, type Fragment, regular, type TableShape } from "./shape.ts";
import { rangesOf } from "./sources.ts";

const REJECTING = "rejecting";
const CLUSTER_IPS = "cluster-ips";
/** Maps, and in iptables mode chains too, which checks cluster IPs and external addresses at different hooks. */
const AT_ANY_ADDRESS = "unserved";
const AT_NODE_PORTS = "unserved-node-ports";
export const UNSERVED_CLUSTER_IPS = "unserved-cluster-ips";
export const UNSERVED_EXTERNAL = "unserved-external";
/** Chains of nftables mode. */
export const UNSERVED_AT_NODE = "unserved-at-node";
export const UNSERVED_ELSEWHERE = "unserved-elsewhere";

const REJECT: Statement = { kind: "reject", with: "port-unreachable" };

/** Cluster IPs in use, whatever the port. */
export const clusterIps: Fragment = {
  sets: ({ family, settings }) =>
    settings.mode === "nftables" ? [declareSet(CLUSTER_IPS, "cluster IPs in use", [addressComponent(family)])] : [],
};

export const unserved: Fragment = {
  maps: ({ family, settings }) => {
    const key = frontendComponents(family);
    return [
      ...(settings.mode === "iptables"
        ? [
            declareVerdicts(UNSERVED_CLUSTER_IPS, "cluster IPs without endpoints", key),
            declareVerdicts(UNSERVED_EXTERNAL, "other addresses without endpoints", key),
          ]
        : [declareVerdicts(AT_ANY_ADDRESS, "addresses without endpoints", key)]),
      declareVerdicts(AT_NODE_PORTS, "node ports without endpoints", NODE_PORT_COMPONENTS),
    ];
  },
};

export function contributeUnserved(frontend: Frontend, settings: Settings, to: Contribution): void {
  const { service } = frontend;
  if (frontend.kind === "cluster-ip" && settings.mode === "nftables") {
    const { namespace, name, clusterIpOrigin } = service;
    const { address } = frontend;
    to.share(CLUSTER_IPS, address, { key: [address], comment: `${namespace}/${name}`, origin: clusterIpOrigin });
  }
  if (frontend.unserved === undefined) return;
  to.addFrontend(
    mapOf(frontend, settings),
    frontend,
    keyOf(frontend),
    frontend.unserved === "drop" ? { kind: "drop" } : { kind: "goto", chain: REJECTING },
  );
}

function mapOf({ kind }: Frontend, { mode }: Settings): string {
  if (kind === "node-port") return AT_NODE_PORTS;
  if (mode === "nftables") return AT_ANY_ADDRESS;
  return kind === "cluster-ip" ? UNSERVED_CLUSTER_IPS : UNSERVED_EXTERNAL;
}

export function unservedChains(shape: TableShape): RegularChain[] {
  const { family, settings, features } = shape;
  const key = frontendKey(family);
  const rejecting = regular(REJECTING, [rule(REJECT)]);
  if (settings.mode === "iptables") {
    const local = equal({ kind: "fib", of: "daddr", result: "type" }, ADDRESS_TYPE.local);
    return [
      rejecting,
      regular(UNSERVED_EXTERNAL, [rule(vmap(key, UNSERVED_EXTERNAL)), rule(local, vmap(NODE_PORT_KEY, AT_NODE_PORTS))]),
      regular(UNSERVED_CLUSTER_IPS, [rule(vmap(key, UNSERVED_CLUSTER_IPS))]),
    ];
  }
  const daddr = addressField(family, "daddr");
  const { serviceCidrs } = settings.families[family];
  const unallocated = rule(within(daddr, rangesOf(serviceCidrs)), verdict({ kind: "drop" }));
  return [
    rejecting,
    regular(UNSERVED_AT_NODE, [
      ...(features.has("node-ports") ? [rule(...toNodePort(shape), vmap(NODE_PORT_KEY, AT_NODE_PORTS))] : []),
      rule(vmap(key, AT_ANY_ADDRESS)),
    ]),
    regular(UNSERVED_CLUSTER_IPS, [rule(vmap(key, AT_ANY_ADDRESS)), commented("unknown port", rule(REJECT))]),
    regular(UNSERVED_ELSEWHERE, [
      ...(features.has("external-addresses") ? [rule(vmap(key, AT_ANY_ADDRESS))] : []),
      rule(member(daddr, CLUSTER_IPS), goto(UNSERVED_CLUSTER_IPS)),
      ...(serviceCidrs.length === 0 ? [] : [commented("no Service has this address", unallocated)]),
    ]),
  ];
}

/** From the destination to the list of endpoints (README.md, section 4). */
import { commented, goto, jump, rule, vmap } from "../ir/build.ts";
import type { Component, Expression, RegularChain, Verdict } from "../ir/types.ts";
import type { Settings } from "../node/settings.ts";
import type { Contribution } from "./contribution.ts";
import { firstEndpoint, firstEndpointChain, pickFrom } from "./endpoints.ts";
import { type Frontend, keyKindOf, keyOf } from "./frontends.ts";
import {
  FRONTEND_KEYS,
  type FrontendKey,
  frontendComponents,
  frontendKey,
  NODE_PORT_COMPONENTS,
  NODE_PORT_KEY,
} from "./keys.ts";
import { toNodePort } from "./node-ports.ts";
import { declareVerdicts, type Fragment, type MapShape, regular, type TableShape, whileReplacing } from "./shape.ts";
import { isAskedFirst, SOURCE_RANGED } from "./source-ranges.ts";
import { fromNode, fromPod } from "./sources.ts";

/** Chains and maps of frontends that are told apart by one kind of key. `all` is where packets come in; the other two
 *  are for externalTrafficPolicy Local, `external` being the chain that decides between them. */
const NAMES = {
  address: {
    all: "services",
    external: "external",
    cluster: "external-cluster",
    local: "external-local",
  },
  "node-port": {
    all: "node-ports",
    external: "external-node-ports",
    cluster: "external-node-ports-cluster",
    local: "external-node-ports-local",
  },
} as const satisfies Record<FrontendKey, Record<string, string>>;

/** The chain that decides where packets to Services go. */
export const SERVICES = NAMES.address.all;

export const dispatch: Fragment = {
  maps: ({ family }) => [
    ...mapsOf("address", "cluster IPs, external IPs and load balancer addresses", frontendComponents(family)),
    ...mapsOf("node-port", "node ports", NODE_PORT_COMPONENTS),
  ],
};

function mapsOf(by: FrontendKey, comment: string, key: readonly Component[]): MapShape[] {
  const { all, cluster, local } = NAMES[by];
  return [
    declareVerdicts(all, comment, key),
    declareVerdicts(cluster, "policy Local: for pods and the node itself", key),
    declareVerdicts(local, "policy Local: for everybody else", key),
  ];
}

/** Where packets to `frontend` go. */
export function contributeDispatch(frontend: Frontend, settings: Settings, to: Contribution): void {
  const { service, dispatch } = frontend;
  if (dispatch.kind === "none") return;
  const names = NAMES[keyKindOf(frontend)];
  const key = keyOf(frontend);
  const ranged = isAskedFirst(frontend, settings);
  if (dispatch.kind === "endpoints") {
    // Sources that are kept out leave just as packets do during a replacement: they must not find a slot 0.
    add(pickFrom(ranged ? "cluster" : "only", frontend, to));
    return;
  }
  // After the chain for externalTrafficPolicy Local nothing may follow in nftables mode; in iptables mode the search goes on.
  add({ kind: settings.mode === "nftables" || ranged ? "goto" : "jump", chain: names.external });
  to.addFrontend(names.cluster, frontend, key, pickFrom("cluster", frontend, to));
  if (service.localEndpoints.length > 0) {
    to.addFrontend(names.local, frontend, key, pickFrom("local", frontend, to));
  }

  function add(verdict: Verdict): void {
    if (ranged) to.addFrontend(SOURCE_RANGED, frontend, key, verdict);
    to.addFrontend(names.all, frontend, key, ranged ? { kind: "jump", chain: SOURCE_RANGED } : verdict);
  }
}

/** Chains that look a frontend up. Leaving a chain that picks means that the rules are just being replaced: a rule behind
 *  the jump then translates. */
export function dispatchChains(shape: TableShape): RegularChain[] {
  return [
    ...chainsBy("address", frontendKey(shape.family), shape),
    ...chainsBy("node-port", NODE_PORT_KEY, shape),
    ...FRONTEND_KEYS.flatMap((by) => FIRST_LISTS.map((list) => firstEndpointChain(by, list, shape))),
  ];
}

const FIRST_LISTS = ["only", "cluster", "local"] as const;

function chainsBy(by: FrontendKey, key: Expression, shape: TableShape): RegularChain[] {
  const { family, settings, features } = shape;
  const { detector } = settings.families[family];
  const { all, external, cluster, local } = NAMES[by];
  const pods =
    detector === undefined ? [] : [commented("pods of this node", rule(fromPod(detector, family), goto(cluster)))];
  return [
    regular(all, [
      rule(vmap(key, all)),
      ...(by === "address" && features.has("node-ports")
        ? [rule(...toNodePort(shape), jump(NAMES["node-port"].all))]
        : []),
      whileReplacing(goto(firstEndpoint(by, "only"))),
    ]),
    regular(
      external,
      [
        ...pods,
        commented("this node itself", rule(fromNode(), goto(cluster))),
        rule(vmap(key, local)),
        whileReplacing(goto(firstEndpoint(by, "local"))),
      ],
      "externalTrafficPolicy Local",
    ),
    regular(cluster, [rule(vmap(key, cluster)), whileReplacing(goto(firstEndpoint(by, "cluster")))]),
  ];
}

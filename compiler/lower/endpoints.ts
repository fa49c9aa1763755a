/** Picks one endpoint of a list by chance, and translates to it. */
import { invariant } from "../invariant.ts";
import { random, rule } from "../ir/build.ts";
import type { RegularChain, Verdict } from "../ir/types.ts";
import type { ServiceEndpoint } from "../model/types.ts";
import type { Protocol } from "../net/protocol.ts";
import { contributeSticky, stickyRules } from "./affinity.ts";
import type { Contribution, EndpointListKind, PickChain } from "./contribution.ts";
import { type Frontend, keyKindOf } from "./frontends.ts";
import {
  addressComponent,
  addressPortComponents,
  FRONTEND_KEYS,
  type FrontendKey,
  slotComponents,
  slotKey,
} from "./keys.ts";
import { declareMap, declareSet, dnatTo, type Fragment, regular, type TableShape, whileReplacing } from "./shape.ts";

/** Endpoints, each twice: traffic that comes back to its source has such a pair of addresses. */
export const HAIRPIN = "hairpin";

/** First slot of each list: the lists of one frontend share a map. Slot 0 existing thus means: every packet to this frontend
 *  may take it. */
const LIST_OFFSET: Readonly<Record<EndpointListKind, number>> = { only: 0, cluster: 16384, local: 32768 };

/** Slots of one list. */
export const LIST_CAPACITY = 16384;

const endpointsMap = (by: FrontendKey, protocol: Protocol): string =>
  by === "address" ? `endpoints-${protocol}` : `node-port-endpoints-${protocol}`;

export const endpoints: Fragment = {
  sets: ({ family }) => {
    const address = addressComponent(family);
    return [declareSet(HAIRPIN, "endpoints, for traffic that comes back to its source", [address, address])];
  },
  mapsOf: (protocol, { family }) =>
    FRONTEND_KEYS.map((by) =>
      declareMap(
        endpointsMap(by, protocol),
        "endpoint by slot",
        slotComponents(family, by, protocol),
        addressPortComponents(family, protocol),
      ),
    ),
};

/** A jump to the chain that picks from `list`, whose endpoints become elements. */
export function pickFrom(list: EndpointListKind, frontend: Frontend, to: Contribution): Verdict {
  const { service, port } = frontend;
  const picked = endpointsOf(frontend, list);
  invariant(picked.length > 0 && picked.length <= LIST_CAPACITY, "a list has from 1 to LIST_CAPACITY endpoints");
  const { protocol, affinitySeconds } = service;
  const by = keyKindOf(frontend);
  const pick: PickChain = { by, list, count: picked.length, protocol, affinitySeconds };
  const chain = pickChainName(pick);
  to.picks.set(chain, pick);
  const slots = to.elementsOf(endpointsMap(by, protocol));
  const hairpins = to.sharedOf(HAIRPIN);
  for (let index = 0; index < picked.length; index++) {
    const endpoint = picked[index] as ServiceEndpoint;
    const { address, origin } = endpoint;
    const isHere = frontend.kind === "node-port" || frontend.address === address; // any address may be the node's
    if (isHere && port === endpoint.port) to.features.add("translates-to-self");
    const number = LIST_OFFSET[list] + index;
    const slot = frontend.kind === "node-port" ? [port, number] : [frontend.address, port, number];
    // With affinity, the first endpoint alone stands here too: for packets that come while rules are replaced.
    if (affinitySeconds === undefined || index === 0)
      slots.push({ key: slot, value: [address, endpoint.port], origin });
    if (affinitySeconds !== undefined) contributeSticky(service, endpoint, by, slot, affinitySeconds, to);
    if (!hairpins.has(address)) hairpins.set(address, { key: [address, address], origin });
  }
  return { kind: "jump", chain };
}

function endpointsOf(frontend: Frontend, list: EndpointListKind): readonly ServiceEndpoint[] {
  const { service, dispatch } = frontend;
  const local = list === "local" || (list === "only" && dispatch.kind === "endpoints" && dispatch.list === "local");
  return local ? service.localEndpoints : service.clusterEndpoints;
}

/** The name of a chain, by what it does. */
export function pickChainName({ by, list, count, protocol, affinitySeconds }: PickChain): string {
  const words = ["pick"];
  if (by === "node-port") words.push("node-port");
  if (list !== "only") words.push(list);
  if (affinitySeconds !== undefined) words.push("sticky", `${affinitySeconds}s`);
  return [...words, count, protocol].join("-");
}

/** One chain for each kind of list and number of endpoints that occurs. */
export function pickChains({ family, picks }: TableShape): RegularChain[] {
  return [...picks].map(([name, pick]) => {
    const { by, list, count, protocol, affinitySeconds } = pick;
    const offset = LIST_OFFSET[list];
    const anySlot = slotKey(family, by, protocol, random(count, offset));
    if (affinitySeconds === undefined) return regular(name, [rule(dnatTo(anySlot, endpointsMap(by, protocol)))]);
    // A random number below 1 is how nft lets a constant stand in a concatenated key.
    const slots = Array.from({ length: count }, (_, index) => slotKey(family, by, protocol, random(1, offset + index)));
    return regular(name, stickyRules(family, by, protocol, affinitySeconds, slots, anySlot));
  });
}

/** The chain for packets that see a verdict of the new rules but a chain that is empty in the old ones. */
export function firstEndpoint(by: FrontendKey, list: EndpointListKind): string {
  return ["first", ...(by === "node-port" ? ["node-port"] : []), ...(list === "only" ? [] : [list]), "endpoint"].join(
    "-",
  );
}

export function firstEndpointChain(
  by: FrontendKey,
  list: EndpointListKind,
  { family, protocols }: TableShape,
): RegularChain {
  const rules = protocols.map((protocol) =>
    whileReplacing(dnatTo(slotKey(family, by, protocol, random(1, LIST_OFFSET[list])), endpointsMap(by, protocol))),
  );
  return regular(firstEndpoint(by, list), rules, "only while rules are replaced");
}

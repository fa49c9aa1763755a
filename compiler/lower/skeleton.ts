/** The chains: a fixed number of them, whatever the cluster holds. Services and endpoints are elements (elements.ts);
 *  only the chains that pick one of n endpoints vary, with the numbers n that occur. */

import { required, unreachable } from "../invariant.ts";
import {
  addressField,
  anyBit,
  CT_STATE_FIELD,
  CT_STATUS_FIELD,
  commented,
  concat,
  equal,
  goto,
  IIFNAME,
  jump,
  L4PROTO,
  member,
  noBit,
  ORIGINAL_DADDR,
  PRIORITY_FIELD,
  random,
  rule,
  verdict,
  vmap,
  within,
} from "../ir/build.ts";
import { ADDRESS_TYPE, CT_STATE, CT_STATUS, PRIORITY } from "../ir/constants.ts";
import { mergeIntervals } from "../ir/interval.ts";
import type {
  BaseChain,
  Chain,
  Expression,
  Interval,
  Match,
  RegularChain,
  Rule,
  Statement,
  Step,
} from "../ir/types.ts";
import { type Family, parseAddress } from "../net/address.ts";
import { hostPrefix, type Prefix, prefixRange } from "../net/prefix.ts";
import { PROTOCOL_NUMBERS, type Protocol } from "../net/protocol.ts";
import type { Detector, Settings } from "../node/settings.ts";
import type { Pick, ServiceElements } from "./elements.ts";
import {
  affinitySet,
  dportOf,
  type EndpointListKind,
  endpointsMap,
  type FrontendKey,
  forwardMap,
  frontendKey,
  LIST_OFFSET,
  masqueradeMap,
  NAME,
  NODE_PORT_KEY,
  originalKey,
  rememberChain,
  slotKey,
  stickyEndpointsMap,
  stickySlotsMap,
} from "./names.ts";

/** What the chains of one family depend on. */
export interface Skeleton {
  readonly family: Family;
  readonly settings: Settings;
  readonly elements: ServiceElements;
  /** Whether TCP ports are opened for health checks. */
  readonly hasHealthChecks: boolean;
}

/** All chains of the kpc table of one family, base chains last, as nft lists them. */
export function buildChains(skeleton: Skeleton): Chain[] {
  const { mode } = skeleton.settings;
  return [
    ...[...skeleton.elements.picks].map(([name, pick]) => buildPickChain(name, pick, skeleton)),
    ...buildRememberChains(skeleton),
    ...buildDispatchChains(skeleton),
    ...buildPostroutingChains(skeleton, "masquerade", MASQUERADE),
    ...(mode === "iptables" ? buildPostroutingChains(skeleton, "forward", verdict({ kind: "accept" })) : []),
    ...(mode === "nftables" ? nftablesFilterChains(skeleton) : iptablesFilterChains(skeleton)),
    natChain("nat-prerouting", "prerouting", PRIORITY.dstnat, [rule(jump("services"))]),
    natChain("nat-output", "output", PRIORITY.dstnat, [rule(jump("services"))]),
    ...leavingChains(skeleton),
    natChain("nat-postrouting", "postrouting", PRIORITY.srcnat, [
      ...leavingRules(skeleton),
      ...decisionRules(skeleton, masqueradeMap),
    ]),
  ];
}

const NEW = anyBit(CT_STATE_FIELD, CT_STATE.new);
const MASQUERADE: Statement = { kind: "masquerade", random: "fully-random" };
const REJECT: Statement = { kind: "reject", with: "port-unreachable" };

// --- picking an endpoint --------------------------------------------------------------------------------------------

function buildPickChain(name: string, pick: Pick, { family }: Skeleton): RegularChain {
  const { key, list, count, protocol, affinitySeconds } = pick;
  const offset = LIST_OFFSET[list];
  const anySlot = slotKey(family, key, protocol, random(count, offset));
  if (affinitySeconds === undefined) return regular(name, [rule(dnatTo(anySlot, endpointsMap(key, protocol)))]);
  const map = stickySlotsMap(key, protocol);
  const known = member(concat(addressField(family, "saddr"), PRIORITY_FIELD), affinitySet(affinitySeconds));
  const remember = goto(rememberChain(affinitySeconds, protocol));
  const rules: Rule[] = [];
  for (let index = 0; index < count; index++) {
    // A random number below 1 is how nft lets a constant stand in a concatenated key.
    const thisSlot = slotKey(family, key, protocol, random(1, offset + index));
    rules.push(rule(setIdentity(thisSlot, map)), rule(known, remember));
  }
  rules.push(rule(setIdentity(anySlot, map)), rule(remember));
  return regular(name, rules);
}

/** The packet's priority serves as the register for the endpoint's identity: nft has no other word that a rule can
 *  write and a later one can use in a key, and the mark belongs to others. */
function setIdentity(slot: Expression, map: string): Statement {
  return { kind: "set", field: { kind: "meta", key: "priority" }, value: { kind: "lookup", key: slot, map } };
}

function dnatTo(key: Expression, map: string): Statement {
  return { kind: "dnat", to: { kind: "map", key, map }, random: "none" };
}

/** Notes that the client is now at the endpoint, and sends it there. In rules of their own: when the set is full the
 *  packet still has to go on. */
function buildRememberChains({ family, elements }: Skeleton): RegularChain[] {
  return elements.affinitySeconds.flatMap((seconds) =>
    elements.protocols.map((protocol) => {
      const key = concat(addressField(family, "saddr"), PRIORITY_FIELD);
      return regular(rememberChain(seconds, protocol), [
        rule({ kind: "remember", operation: "update", set: affinitySet(seconds), key }),
        rule(ofProtocol(protocol), dnatTo(PRIORITY_FIELD, stickyEndpointsMap(protocol))),
      ]);
    }),
  );
}

// --- from the destination to the list ----------------------------------------------------------------------------------

function buildDispatchChains(skeleton: Skeleton): RegularChain[] {
  const { family, settings } = skeleton;
  const { detector } = settings.families[family];
  const key = frontendKey(family);
  const shortCircuits = (chain: string): Rule[] => [
    ...(detector === undefined ? [] : [commented("pods of this node", rule(detects(detector, family), goto(chain)))]),
    commented("this node itself", rule(fromNode(), goto(chain))),
  ];
  const chains = [
    regular("services", [
      rule(vmap(key, NAME.services)),
      rule(...toNodePort(skeleton), jump("node-ports")),
      whileReplacing(goto("first-endpoint")),
    ]),
    regular(
      "external",
      [
        ...shortCircuits("external-cluster"),
        rule(vmap(key, NAME.externalLocal)),
        whileReplacing(goto("first-local-endpoint")),
      ],
      "externalTrafficPolicy Local",
    ),
    regular("external-cluster", [
      rule(vmap(key, NAME.externalCluster)),
      whileReplacing(goto("first-cluster-endpoint")),
    ]),
    regular("node-ports", [
      rule(vmap(NODE_PORT_KEY, NAME.nodePorts)),
      whileReplacing(goto("first-node-port-endpoint")),
    ]),
    regular(
      "external-node-ports",
      [
        ...shortCircuits("external-node-ports-cluster"),
        rule(vmap(NODE_PORT_KEY, NAME.externalNodePortsLocal)),
        whileReplacing(goto("first-node-port-local-endpoint")),
      ],
      "externalTrafficPolicy Local",
    ),
    regular("external-node-ports-cluster", [
      rule(vmap(NODE_PORT_KEY, NAME.externalNodePortsCluster)),
      whileReplacing(goto("first-node-port-cluster-endpoint")),
    ]),
    firstEndpointChain("first-endpoint", "address", "only", skeleton),
    firstEndpointChain("first-cluster-endpoint", "address", "cluster", skeleton),
    firstEndpointChain("first-local-endpoint", "address", "local", skeleton),
    firstEndpointChain("first-node-port-endpoint", "node-port", "only", skeleton),
    firstEndpointChain("first-node-port-cluster-endpoint", "node-port", "cluster", skeleton),
    firstEndpointChain("first-node-port-local-endpoint", "node-port", "local", skeleton),
  ];
  if (settings.mode === "iptables") {
    const allowed = member(
      concat(addressField(family, "daddr"), L4PROTO, dportOfAny(), addressField(family, "saddr")),
      NAME.allowedSources,
    );
    const rules = [
      rule(allowed, vmap(key, NAME.sourceRanged)),
      whileReplacing(allowed, goto("first-cluster-endpoint")),
    ];
    chains.push(regular(NAME.sourceRanged, rules, "loadBalancerSourceRanges"));
  }
  return chains;
}

/** Where packets go that see a verdict of the new ruleset but a chain that is empty in the old one. */
function firstEndpointChain(
  name: string,
  key: FrontendKey,
  list: EndpointListKind,
  { family, elements }: Skeleton,
): RegularChain {
  const rules = elements.protocols.map((protocol): Rule => {
    const slot = slotKey(family, key, protocol, random(1, LIST_OFFSET[list]));
    return { steps: [dnatTo(slot, endpointsMap(key, protocol))], whileReplacing: true };
  });
  return regular(name, rules, "only while rules are replaced");
}

/** True for packets to an address on which node ports answer. */
function toNodePort({ family, settings }: Skeleton): Match[] {
  const { nodePorts, localhostNodePorts } = settings.families[family];
  const daddr = addressField(family, "daddr");
  if (nodePorts.kind === "listed") return [member(daddr, NAME.nodePortAddresses)];
  const local = equal({ kind: "fib", of: "daddr", result: "type" }, ADDRESS_TYPE.local);
  const notLoopback = localhostNodePorts ? [] : [within(daddr, [loopbackOf(family)], true)];
  if (nodePorts.kind === "every-local") return [...notLoopback, local];
  return [within(daddr, mergeIntervals(nodePorts.prefixes.map(prefixRange))), ...notLoopback, local];
}

function loopbackOf(family: Family): Interval {
  const from = required(parseAddress(family === "IPv4" ? "127.0.0.0" : "::1"), "loopback parses");
  return prefixRange({ address: from, length: family === "IPv4" ? 8 : 128 });
}

/** Address type LOCAL, whatever the hook: also a packet that comes back from outside with the node's address. */
function fromNode(): Match {
  return equal({ kind: "fib", of: "saddr", result: "type" }, ADDRESS_TYPE.local);
}

function detects(detector: Detector, family: Family, negated = false): Match {
  switch (detector.kind) {
    case "source":
      return within(addressField(family, "saddr"), ranges(detector.prefixes), negated);
    case "interface":
      return { kind: "compare", left: IIFNAME, operator: negated ? "!=" : "==", right: detector.name };
    case "interface-prefix":
      return { kind: "name-prefix", left: IIFNAME, negated, prefix: detector.prefix };
    default:
      return unreachable(detector);
  }
}

function ranges(prefixes: readonly Prefix[]): Interval[] {
  return mergeIntervals(prefixes.map(prefixRange));
}

// --- masquerading ------------------------------------------------------------------------------------------------------

/** Asks `map` of the destination that the client asked for: no mark is needed to remember it until the end. Connection tracking does not call a packet translated that was
 *  sent where it was going: with a frontend that is its own endpoint, its word is not enough. What else comes here with a
 *  frontend's address has been translated, or it would have been dropped or rejected before. */
function decisionRules(skeleton: Skeleton, map: (key: FrontendKey, protocol: Protocol) => string): Rule[] {
  const { family, settings, elements } = skeleton;
  const translated = anyBit(CT_STATUS_FIELD, CT_STATUS.dnat);
  const ask = (key: FrontendKey, ...matches: readonly Match[]): Rule[] =>
    elements.protocols.map((protocol) =>
      rule(...matches, ofProtocol(protocol), vmap(originalKey(key), map(key, protocol))),
    );
  const listed = settings.families[family].nodePorts.kind === "listed";
  const toNodeAddress = listed ? [member(ORIGINAL_DADDR, NAME.nodePortAddresses)] : [];
  if (!elements.translatesToSelf) {
    const untranslated = rule(noBit(CT_STATUS_FIELD, CT_STATUS.dnat), verdict({ kind: "return" }));
    return [commented("not translated", untranslated), ...ask("address"), ...ask("node-port", ...toNodeAddress)];
  }
  const nodePorts = listed
    ? ask("node-port", ...toNodeAddress)
    : [...ask("node-port", translated), ...ask("node-port", ...toNodePort(skeleton))];
  return [...ask("address"), ...nodePorts];
}

/** One chain per reason (README.md, section 5); `action` is what happens when the reason holds. Traffic that comes back to
 *  its source is a reason for every frontend. */
function buildPostroutingChains(
  { family, settings, elements }: Skeleton,
  prefix: "masquerade" | "forward",
  action: Statement,
): RegularChain[] {
  const { detector } = settings.families[family];
  const hairpin = `${prefix}-hairpin`;
  const isHairpin = member(concat(addressField(family, "saddr"), addressField(family, "daddr")), NAME.hairpin);
  const freeRegister = prefix === "masquerade" && elements.affinitySeconds.length > 0 ? [resetIdentity()] : [];
  const asClusterIp = [
    ...(detector === undefined
      ? []
      : [commented("not from a pod of this node", rule(detects(detector, family, true), action))]),
    rule(goto(hairpin)),
  ];
  return [
    regular(hairpin, [rule(isHairpin, action)], "from an endpoint to itself"),
    regular(`${prefix}-always`, [...freeRegister, rule(action)]),
    regular(`${prefix}-as-cluster-ip`, [...freeRegister, ...(settings.masqueradeAll ? [rule(action)] : asClusterIp)]),
    regular(
      `${prefix}-from-node`,
      [
        ...freeRegister,
        ...(detector === undefined ? [] : [rule(detects(detector, family), goto(hairpin))]),
        rule(fromNode(), action),
        rule(goto(hairpin)),
      ],
      "externalTrafficPolicy Local",
    ),
  ];
}

const LEAVING = "leaving-pod-network";

/** Before all decisions about Services: one of them may have sent the packet out of the pod network. */
function leavingRules({ family, settings }: Skeleton): Rule[] {
  const { podNetwork } = settings.families[family];
  return podNetwork === undefined
    ? []
    : [rule(within(addressField(family, "saddr"), ranges(podNetwork.cidrs)), jump(LEAVING))];
}

/** What pods send out of the pod network gets an address of the node (README.md, section 12). */
function leavingChains({ family, settings, elements }: Skeleton): RegularChain[] {
  const { podNetwork } = settings.families[family];
  if (podNetwork === undefined) return [];
  const inside = [...podNetwork.cidrs, ...podNetwork.nodes.map(hostPrefix), MULTICAST[family]];
  const toInside = within(addressField(family, "daddr"), ranges(inside));
  const rules = [
    commented("pods, nodes, multicast", rule(toInside, verdict({ kind: "return" }))),
    commented("this node itself", rule(fromNode(), verdict({ kind: "return" }))),
    ...(elements.affinitySeconds.length > 0 ? [resetIdentity()] : []),
    rule(MASQUERADE),
  ];
  return [regular(LEAVING, rules, "pods to elsewhere")];
}

const MULTICAST: Readonly<Record<Family, Prefix>> = {
  IPv4: { address: required(parseAddress("224.0.0.0"), "multicast parses"), length: 4 },
  IPv6: { address: required(parseAddress("ff00::"), "multicast parses"), length: 8 },
};

function resetIdentity(): Rule {
  const value: Expression = { kind: "constant", type: "classid", value: 0 };
  return commented("free the register", rule({ kind: "set", field: { kind: "meta", key: "priority" }, value }));
}

// --- what is not translated --------------------------------------------------------------------------------------------

function nftablesFilterChains(skeleton: Skeleton): Chain[] {
  const { family, settings } = skeleton;
  const key = frontendKey(family);
  const daddr = addressField(family, "daddr");
  const { serviceCidrs } = settings.families[family];
  const sourceKey = concat(daddr, L4PROTO, dportOfAny(), addressField(family, "saddr"));
  const unallocated = rule(within(daddr, ranges(serviceCidrs)), verdict({ kind: "drop" }));
  return [
    regular(
      "firewall",
      [
        rule(
          member(key, NAME.sourceRangedAddresses),
          member(sourceKey, NAME.allowedSources, true),
          verdict({ kind: "drop" }),
        ),
      ],
      "loadBalancerSourceRanges",
    ),
    regular("rejecting", [rule(REJECT)]),
    regular("unserved-at-node", [
      rule(...toNodePort(skeleton), vmap(NODE_PORT_KEY, NAME.unservedNodePorts)),
      rule(vmap(key, NAME.unserved)),
    ]),
    regular("unserved-elsewhere", [
      rule(vmap(key, NAME.unserved)),
      commented("unknown port of a cluster IP", rule(member(daddr, NAME.clusterIps), REJECT)),
      ...(serviceCidrs.length === 0 ? [] : [commented("no Service has this address", unallocated)]),
    ]),
    filterChain("firewall-prerouting", "prerouting", PRIORITY.dstnat - 10, [rule(NEW, jump("firewall"))]),
    filterChain("firewall-output", "output", PRIORITY.dstnat - 10, [rule(NEW, jump("firewall"))]),
    filterChain("filter-input", "input", PRIORITY.filter, [rule(NEW, jump("unserved-at-node"))]),
    filterChain("filter-forward", "forward", PRIORITY.filter, [rule(NEW, jump("unserved-elsewhere"))]),
    filterChain("filter-output", "output", PRIORITY.filter, [rule(NEW, jump("unserved-elsewhere"))]),
  ];
}

/** In kube-proxy's order of jumps. All checks come after translation: what still has a Service's address was left alone. */
function iptablesFilterChains(skeleton: Skeleton): Chain[] {
  const { family, settings, hasHealthChecks } = skeleton;
  const key = frontendKey(family);
  const local = equal({ kind: "fib", of: "daddr", result: "type" }, ADDRESS_TYPE.local);
  const martian = settings.families[family].localhostNodePorts ? antiMartian(family) : [];
  const healthChecks = member(dportOf("tcp"), NAME.healthCheckNodePorts);
  const accept = verdict({ kind: "accept" });
  return [
    regular(
      "firewall",
      [rule(member(key, NAME.sourceRangedAddresses), verdict({ kind: "drop" }))],
      "loadBalancerSourceRanges",
    ),
    regular("rejecting", [rule(REJECT)]),
    regular("unserved-external", [
      rule(vmap(key, NAME.unservedExternal)),
      rule(local, vmap(NODE_PORT_KEY, NAME.unservedNodePorts)),
    ]),
    regular("unserved-cluster-ips", [rule(vmap(key, NAME.unservedClusterIps))]),
    regular("forward-translated", decisionRules(skeleton, forwardMap)),
    filterChain("filter-input", "input", PRIORITY.filter, [
      ...martian,
      rule(NEW, jump("firewall")),
      ...(hasHealthChecks ? [commented("health checks", rule(healthChecks, accept))] : []),
      rule(NEW, jump("unserved-external")),
    ]),
    filterChain("filter-forward", "forward", PRIORITY.filter, [
      rule(NEW, jump("firewall")),
      ...(settings.tcpBeLiberal ? [] : [rule(anyBit(CT_STATE_FIELD, CT_STATE.invalid), verdict({ kind: "drop" }))]),
      commented("to be masqueraded", rule(NEW, jump("forward-translated"))),
      rule(anyBit(CT_STATE_FIELD, CT_STATE.related | CT_STATE.established), accept),
      rule(NEW, jump("unserved-cluster-ips")),
      rule(NEW, jump("unserved-external")),
    ]),
    filterChain("filter-output", "output", PRIORITY.filter, [
      ...martian,
      rule(NEW, jump("firewall")),
      rule(NEW, jump("unserved-cluster-ips")),
    ]),
  ];
}

/** Loopback node ports need route_localnet, which lets strangers address 127.0.0.0/8: keep them out. A packet without a
 *  connection has no status that could be asked. */
function antiMartian(family: Family): Rule[] {
  const loopback = [loopbackOf(family)];
  const block = (...states: Match[]): Rule =>
    commented(
      "block incoming localnet connections",
      rule(
        within(addressField(family, "daddr"), loopback),
        within(addressField(family, "saddr"), loopback, true),
        ...states,
        verdict({ kind: "drop" }),
      ),
    );
  return [
    block(anyBit(CT_STATE_FIELD, CT_STATE.invalid | CT_STATE.untracked)),
    block(noBit(CT_STATE_FIELD, CT_STATE.related | CT_STATE.established), noBit(CT_STATUS_FIELD, CT_STATUS.dnat)),
  ];
}

// --- shapes ------------------------------------------------------------------------------------------------------------

function regular(name: string, rules: readonly Rule[], comment?: string): RegularChain {
  return { kind: "regular", name, rules, ...(comment === undefined ? {} : { comment }) };
}

function natChain(name: string, hook: BaseChain["hook"], priority: number, rules: readonly Rule[]): BaseChain {
  return { kind: "base", name, type: "nat", hook, priority, policy: "accept", rules };
}

function filterChain(name: string, hook: BaseChain["hook"], priority: number, rules: readonly Rule[]): BaseChain {
  return { kind: "base", name, type: "filter", hook, priority, policy: "accept", rules };
}

function whileReplacing(...steps: Step[]): Rule {
  return { steps, whileReplacing: true };
}

function ofProtocol(protocol: Protocol): Match {
  return equal(L4PROTO, PROTOCOL_NUMBERS[protocol]);
}

function dportOfAny(): Expression {
  return { kind: "transport", protocol: "th", field: "dport" };
}

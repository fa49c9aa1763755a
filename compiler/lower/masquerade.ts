/** Which connections get an address of the node, and which of them the iptables mode lets through (README.md, section 5). */
import {
  addressField,
  anyBit,
  CT_STATUS_FIELD,
  commented,
  concat,
  goto,
  jump,
  member,
  noBit,
  rule,
  verdict,
  vmap,
} from "../ir/build.ts";
import { CT_STATUS } from "../ir/constants.ts";
import type { Match, RegularChain, Rule, Statement } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import type { Protocol } from "../net/protocol.ts";
import type { Settings } from "../node/settings.ts";
import { resetIdentity } from "./affinity.ts";
import type { Contribution } from "./contribution.ts";
import { HAIRPIN } from "./endpoints.ts";
import { type Frontend, keyKindOf, type MasqueradeReason } from "./frontends.ts";
import { FRONTEND_KEYS, type FrontendKey, ofProtocol, originalComponents, originalKey } from "./keys.ts";
import { openedToNodePort, toNodePort } from "./node-ports.ts";
import { declareSet, declareVerdicts, type Fragment, regular, type TableShape } from "./shape.ts";
import { fromNode, fromPod } from "./sources.ts";

export const MASQUERADE: Statement = { kind: "masquerade", random: "fully-random" };

/** What is asked of a connection: whether it is masqueraded, and whether it is forwarded because it will be. */
type Question = "masquerade" | "forward";

const ACTIONS: Readonly<Record<Question, Statement>> = { masquerade: MASQUERADE, forward: verdict({ kind: "accept" }) };

const mapFor = (question: Question, by: FrontendKey, protocol: Protocol): string =>
  by === "address" ? `${question}-${protocol}` : `${question}-node-ports-${protocol}`;

function questionsIn({ mode }: Settings): readonly Question[] {
  return mode === "iptables" ? ["masquerade", "forward"] : ["masquerade"];
}

/** Cluster IPs with their ports. A source decides about them, and that can be asked with less work. */
const clusterIpsOf = (protocol: Protocol): string => `cluster-ip-ports-${protocol}`;

export const masquerade: Fragment = {
  setsOf: (protocol, { family }) => [
    declareSet(clusterIpsOf(protocol), "cluster IPs that were asked for", originalComponents(family, "address")),
  ],
  mapsOf: (protocol, { family, settings }) =>
    questionsIn(settings).flatMap((question) =>
      FRONTEND_KEYS.map((by) =>
        declareVerdicts(mapFor(question, by, protocol), "by the destination asked for", originalComponents(family, by)),
      ),
    ),
};

export function contributeMasquerade(frontend: Frontend, settings: Settings, to: Contribution): void {
  if (frontend.dispatch.kind === "none") return;
  const { port, origin, service } = frontend;
  if (frontend.masquerade === "as-cluster-ip") {
    to.addToSet(clusterIpsOf(service.protocol), { key: [frontend.address, port], origin });
    return;
  }
  const by = keyKindOf(frontend);
  const key = frontend.kind === "node-port" ? [port] : [frontend.address, port];
  for (const question of questionsIn(settings)) {
    to.elementsOf(mapFor(question, by, service.protocol)).push({
      key,
      value: { kind: "goto", chain: reasonChain(question, by, frontend.masquerade) },
      origin,
    });
  }
}

const reasonChain = (question: Question, by: FrontendKey, reason: MasqueradeReason): string =>
  by === "address" ? `${question}-${reason}` : `${question}-node-port-${reason}`;

/** Decides by the destination that the client asked for: no mark is needed to remember it until the end. Connection
 *  tracking does not call a packet translated that was sent where it was going: with a frontend that is its own endpoint,
 *  its word is not enough. What else comes here with a frontend's address has been translated, or it would have been
 *  dropped or rejected before.
 *
 *  Most packets come from a pod, went to a cluster IP and keep their source: they are asked for nothing but that. */
export function decisionRules(question: Question, shape: TableShape): Rule[] {
  const { features } = shape;
  return [
    ...(asksTranslatedFirst(shape) ? translatedOnly(shape) : []),
    ...(features.has("external-addresses") ? asked(question, "address", shape) : []),
    ...clusterIpRules(question, shape),
    ...(features.has("node-ports") ? nodePortRules(question, shape) : []),
  ];
}

/** Whether all packets are asked if they were translated, or only those that are to be masqueraded if they went to a cluster IP. To
 *  iptables the question is as dear as those that it saves. */
function asksTranslatedFirst({ settings, features, sticky }: TableShape): boolean {
  return (
    settings.mode === "nftables" ||
    settings.masqueradeAll ||
    sticky ||
    features.has("external-addresses") ||
    features.has("node-ports")
  );
}

function translatedOnly({ features }: TableShape): Rule[] {
  const untranslated = rule(noBit(CT_STATUS_FIELD, CT_STATUS.dnat), verdict({ kind: "return" }));
  return features.has("translates-to-self") ? [] : [commented("not translated", untranslated)];
}

/** Asks for the frontend that the connection was opened to. */
function asked(question: Question, by: FrontendKey, { protocols }: TableShape, ...matches: readonly Match[]): Rule[] {
  return protocols.map((protocol) =>
    rule(...matches, ofProtocol(protocol), vmap(originalKey(by), mapFor(question, by, protocol))),
  );
}

/** By source first. Only packets of strangers, and of endpoints to themselves, are asked where they went. */
function clusterIpRules(question: Question, shape: TableShape): Rule[] {
  const { family, settings } = shape;
  const { detector } = settings.families[family];
  const decide = jump(clusterIpChain(question));
  const freeRegister = question === "masquerade" && shape.sticky ? [rule(jump(FREE_REGISTER))] : [];
  if (settings.masqueradeAll) return [...freeRegister, rule(decide)];
  const strangers =
    detector === undefined
      ? []
      : [commented("not from a pod of this node", rule(fromPod(detector, family, true), decide))];
  const hairpin = commented("from an endpoint to itself", rule(isHairpin(family), decide));
  return [...freeRegister, ...strangers, hairpin];
}

function nodePortRules(question: Question, shape: TableShape): Rule[] {
  const { family, settings, features } = shape;
  if (!features.has("translates-to-self") || settings.families[family].nodePorts.kind === "listed")
    return asked(question, "node-port", shape, ...openedToNodePort(shape));
  const translated = anyBit(CT_STATUS_FIELD, CT_STATUS.dnat);
  return [
    ...asked(question, "node-port", shape, translated),
    ...asked(question, "node-port", shape, ...toNodePort(shape)),
  ];
}

/** True for connections that were opened to a cluster IP. */
function toClusterIp(protocol: Protocol): Match[] {
  return [ofProtocol(protocol), member(originalKey("address"), clusterIpsOf(protocol))];
}

function isHairpin(family: Family): Match {
  return member(concat(addressField(family, "saddr"), addressField(family, "daddr")), HAIRPIN);
}

const clusterIpChain = (question: Question): string => `${question}-cluster-ip`;
const FREE_REGISTER = "free-register";

/** One chain for each reason. Traffic that comes back to its source is a reason for every frontend. */
export function reasonChains(shape: TableShape): RegularChain[] {
  const { protocols, sticky } = shape;
  const register = protocols.map((protocol) => rule(...toClusterIp(protocol), jump(`${FREE_REGISTER}-now`)));
  return [
    ...(sticky ? [regular(`${FREE_REGISTER}-now`, resetIdentity(shape)), regular(FREE_REGISTER, register)] : []),
    ...questionsIn(shape.settings).flatMap((question) => [
      regular(clusterIpChain(question), [
        ...(asksTranslatedFirst(shape) ? [] : translatedOnly(shape)),
        ...protocols.map((protocol) => rule(...toClusterIp(protocol), ACTIONS[question])),
      ]),
      ...reasonChainsOf(question, shape),
    ]),
  ];
}

function reasonChainsOf(question: Question, shape: TableShape): RegularChain[] {
  const { family, settings, features } = shape;
  if (!features.has("external-addresses") && !features.has("node-ports")) return [];
  const { detector } = settings.families[family];
  const action = ACTIONS[question];
  const hairpin = `${question}-hairpin`;
  const freeRegister = question === "masquerade" ? resetIdentity(shape) : [];
  return [
    regular(hairpin, [rule(isHairpin(family), action)], "from an endpoint to itself"),
    regular(reasonChain(question, "address", "always"), [...freeRegister, rule(action)]),
    regular(
      reasonChain(question, "address", "from-node"),
      [
        ...freeRegister,
        ...(detector === undefined ? [] : [rule(fromPod(detector, family), goto(hairpin))]),
        rule(fromNode(), action),
        rule(goto(hairpin)),
      ],
      "externalTrafficPolicy Local",
    ),
    ...(features.has("node-ports") ? REASONS.map((reason) => nodePortChain(question, reason, shape)) : []),
  ];
}

/** A cluster IP with a node port's number is asked for by its address. */
function nodePortChain(question: Question, reason: MasqueradeReason, { protocols }: TableShape): RegularChain {
  return regular(reasonChain(question, "node-port", reason), [
    ...protocols.map((protocol) => rule(...toClusterIp(protocol), verdict({ kind: "return" }))),
    rule(goto(reasonChain(question, "address", reason))),
  ]);
}

const REASONS: readonly MasqueradeReason[] = ["always", "from-node"];

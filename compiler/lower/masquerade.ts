/** Which connections get an address of the node, and which of them the iptables mode lets through (README.md, section 5). */
import {
  addressField,
  anyBit,
  CT_STATUS_FIELD,
  commented,
  concat,
  goto,
  member,
  noBit,
  rule,
  verdict,
  vmap,
} from "../ir/build.ts";
import { CT_STATUS } from "../ir/constants.ts";
import type { Match, RegularChain, Rule, Statement } from "../ir/types.ts";
import type { Protocol } from "../net/protocol.ts";
import type { Settings } from "../node/settings.ts";
import { resetIdentity } from "./affinity.ts";
import type { Contribution } from "./contribution.ts";
import { HAIRPIN } from "./endpoints.ts";
import { type Frontend, keyKindOf } from "./frontends.ts";
import { FRONTEND_KEYS, type FrontendKey, ofProtocol, originalComponents, originalKey } from "./keys.ts";
import { openedToNodePort, toNodePort } from "./node-ports.ts";
import { declareVerdicts, type Fragment, regular, type TableShape } from "./shape.ts";
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

export const masquerade: Fragment = {
  mapsOf: (protocol, { family, settings }) =>
    questionsIn(settings).flatMap((question) =>
      FRONTEND_KEYS.map((by) =>
        declareVerdicts(mapFor(question, by, protocol), "by the destination asked for", originalComponents(family, by)),
      ),
    ),
};

/** Also cluster IPs that no one masquerades are listed: a node port of the same number must not decide for them. */
export function contributeMasquerade(frontend: Frontend, settings: Settings, to: Contribution): void {
  if (frontend.dispatch.kind === "none") return;
  const { port, origin, service } = frontend;
  const key = frontend.kind === "node-port" ? [port] : [frontend.address, port];
  for (const question of questionsIn(settings)) {
    to.elementsOf(mapFor(question, keyKindOf(frontend), service.protocol)).push({
      key,
      value: { kind: "goto", chain: `${question}-${frontend.masquerade}` },
      origin,
    });
  }
}

/** Asks a map of the destination that the client asked for: no mark is needed to remember it until the end. Connection
 *  tracking does not call a packet translated that was sent where it was going: with a frontend that is its own endpoint,
 *  its word is not enough. What else comes here with a frontend's address has been translated, or it would have been
 *  dropped or rejected before. */
export function decisionRules(question: Question, shape: TableShape): Rule[] {
  const { family, settings, protocols, translatesToSelf } = shape;
  const ask = (by: FrontendKey, ...matches: readonly Match[]): Rule[] =>
    protocols.map((protocol) =>
      rule(...matches, ofProtocol(protocol), vmap(originalKey(by), mapFor(question, by, protocol))),
    );
  if (!translatesToSelf) {
    const untranslated = rule(noBit(CT_STATUS_FIELD, CT_STATUS.dnat), verdict({ kind: "return" }));
    return [
      commented("not translated", untranslated),
      ...ask("address"),
      ...ask("node-port", ...openedToNodePort(shape)),
    ];
  }
  const translated = anyBit(CT_STATUS_FIELD, CT_STATUS.dnat);
  const nodePorts =
    settings.families[family].nodePorts.kind === "listed"
      ? ask("node-port", ...openedToNodePort(shape))
      : [...ask("node-port", translated), ...ask("node-port", ...toNodePort(shape))];
  return [...ask("address"), ...nodePorts];
}

/** One chain for each reason. Traffic that comes back to its source is a reason for every frontend. */
export function reasonChains(shape: TableShape): RegularChain[] {
  return questionsIn(shape.settings).flatMap((question) => reasonChainsOf(question, shape));
}

function reasonChainsOf(question: Question, shape: TableShape): RegularChain[] {
  const { family, settings } = shape;
  const { detector } = settings.families[family];
  const action = ACTIONS[question];
  const hairpin = `${question}-hairpin`;
  const isHairpin = member(concat(addressField(family, "saddr"), addressField(family, "daddr")), HAIRPIN);
  const freeRegister = question === "masquerade" ? resetIdentity(shape) : [];
  const asClusterIp = [
    ...(detector === undefined
      ? []
      : [commented("not from a pod of this node", rule(fromPod(detector, family, true), action))]),
    rule(goto(hairpin)),
  ];
  return [
    regular(hairpin, [rule(isHairpin, action)], "from an endpoint to itself"),
    regular(`${question}-always`, [...freeRegister, rule(action)]),
    regular(`${question}-as-cluster-ip`, [...freeRegister, ...(settings.masqueradeAll ? [rule(action)] : asClusterIp)]),
    regular(
      `${question}-from-node`,
      [
        ...freeRegister,
        ...(detector === undefined ? [] : [rule(fromPod(detector, family), goto(hairpin))]),
        rule(fromNode(), action),
        rule(goto(hairpin)),
      ],
      "externalTrafficPolicy Local",
    ),
  ];
}

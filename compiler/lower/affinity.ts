/** Session affinity: a client is sent to an endpoint again where it was sent before (README.md, section 9). */
import { addressField, commented, concat, goto, member, PRIORITY_FIELD, rule } from "../ir/build.ts";
import type { Expression, KeyPart, RegularChain, Rule, Statement } from "../ir/types.ts";
import type { ServiceEndpoint } from "../model/types.ts";
import type { Family } from "../net/address.ts";
import type { Protocol } from "../net/protocol.ts";
import type { ServicePortView } from "../node/view.ts";
import type { Contribution } from "./contribution.ts";

import {
  addressComponent,
  addressPortComponents,
  FRONTEND_KEYS,
  type FrontendKey,
  IDENTITY_COMPONENT,
  ofProtocol,
  slotComponents,
} from "./keys.ts";
import { declareMap, dnatTo, type Fragment, regular, type TableShape } from "./shape.ts";

/** Entries that one sticky client needs: one per endpoint that it has been at. */
const SET_SIZE = 1048576;

/** Who is at which endpoint, for one timeout. */
const affinitySet = (seconds: number): string => `affinity-${seconds}s`;

/** From a slot to the endpoint's identity. */
const slotsMap = (by: FrontendKey, protocol: Protocol): string =>
  by === "address" ? `sticky-slots-${protocol}` : `sticky-node-port-slots-${protocol}`;

/** From an endpoint's identity to its address and port. */
const endpointsMap = (protocol: Protocol): string => `sticky-endpoints-${protocol}`;

const rememberChain = (seconds: number, protocol: Protocol): string => `remember-${seconds}s-${protocol}`;

export const affinity: Fragment = {
  sets: ({ family, affinitySeconds }) =>
    affinitySeconds.map((seconds) => ({
      name: affinitySet(seconds),
      comment: "clients and the endpoints they are at",
      key: [addressComponent(family), IDENTITY_COMPONENT],
      interval: false,
      dynamic: true,
      size: SET_SIZE,
      timeoutSeconds: seconds,
    })),
  mapsOf: (protocol, { family, sticky }) =>
    sticky
      ? [
          ...FRONTEND_KEYS.map((by) =>
            declareMap(slotsMap(by, protocol), "identity by slot", slotComponents(family, by, protocol), [
              IDENTITY_COMPONENT,
            ]),
          ),
          declareMap(
            endpointsMap(protocol),
            "endpoint by identity",
            [IDENTITY_COMPONENT],
            addressPortComponents(family, protocol),
          ),
        ]
      : [],
};

/** Notes that `endpoint` stands in `slot`. */
export function contributeSticky(
  service: ServicePortView,
  endpoint: ServiceEndpoint,
  by: FrontendKey,
  slot: readonly KeyPart[],
  seconds: number,
  to: Contribution,
): void {
  const { protocol } = service;
  const { address, port, origin } = endpoint;
  const identity = to.identities.of(service, endpoint);
  to.affinitySeconds.add(seconds);
  to.elementsOf(slotsMap(by, protocol)).push({ key: slot, value: [identity], origin });
  if (to.stickyIdentities.has(identity)) return;
  to.stickyIdentities.add(identity);
  to.elementsOf(endpointsMap(protocol)).push({ key: [identity], value: [address, port], origin });
}

/** Goes through `slots` for an endpoint that the client has been at; takes `anySlot` where there is none. */
export function stickyRules(
  family: Family,
  by: FrontendKey,
  protocol: Protocol,
  seconds: number,
  slots: readonly Expression[],
  anySlot: Expression,
): Rule[] {
  const map = slotsMap(by, protocol);
  const known = member(clientAndIdentity(family), affinitySet(seconds));
  const remember = goto(rememberChain(seconds, protocol));
  return [
    ...slots.flatMap((slot) => [rule(setIdentity({ kind: "lookup", key: slot, map })), rule(known, remember)]),
    rule(setIdentity({ kind: "lookup", key: anySlot, map })),
    rule(remember),
  ];
}

/** Notes that the client is now at the endpoint, and sends it there. In rules of their own: when the set is full the
 *  packet still has to go on. */
export function rememberChains({ family, affinitySeconds, protocols }: TableShape): RegularChain[] {
  return affinitySeconds.flatMap((seconds) =>
    protocols.map((protocol) =>
      regular(rememberChain(seconds, protocol), [
        rule({ kind: "remember", operation: "update", set: affinitySet(seconds), key: clientAndIdentity(family) }),
        rule(ofProtocol(protocol), dnatTo(PRIORITY_FIELD, endpointsMap(protocol))),
      ]),
    ),
  );
}

function clientAndIdentity(family: Family): Expression {
  return concat(addressField(family, "saddr"), PRIORITY_FIELD);
}

/** The packet's priority serves as the register for the endpoint's identity: nft has no other word that a rule can
 *  write and a later one can use in a key, and the mark belongs to others. */
function setIdentity(value: Expression): Statement {
  return { kind: "set", field: { kind: "meta", key: "priority" }, value };
}

/** Gives the priority back, where some Service uses it. */
export function resetIdentity({ affinitySeconds }: TableShape): Rule[] {
  if (affinitySeconds.length === 0) return [];
  return [commented("free the register", rule(setIdentity({ kind: "constant", type: "classid", value: 0 })))];
}

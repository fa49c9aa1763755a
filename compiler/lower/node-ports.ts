/** At which addresses of the node its node ports answer (README.md, section 8). */
import { required } from "../invariant.ts";
import {
  addressField,
  anyBit,
  CT_STATE_FIELD,
  CT_STATUS_FIELD,
  commented,
  equal,
  member,
  noBit,
  ORIGINAL_DADDR,
  rule,
  verdict,
  within,
} from "../ir/build.ts";
import { ADDRESS_TYPE, CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { Interval, Match, Rule, SetElement } from "../ir/types.ts";
import { type Family, parseAddress } from "../net/address.ts";
import { prefixRange } from "../net/prefix.ts";
import type { Settings } from "../node/settings.ts";
import { addressComponent } from "./keys.ts";
import { declareSet, type Fragment, type TableShape } from "./shape.ts";
import { rangesOf } from "./sources.ts";

export const NODE_PORT_ADDRESSES = "node-port-addresses";

export const nodePorts: Fragment = {
  sets: ({ family, settings }) =>
    settings.families[family].nodePorts.kind === "listed"
      ? [declareSet(NODE_PORT_ADDRESSES, "addresses that answer on node ports", [addressComponent(family)])]
      : [],
};

/** The addresses that the settings list. */
export function nodePortAddresses(family: Family, settings: Settings): SetElement[] {
  const { nodePorts } = settings.families[family];
  return nodePorts.kind === "listed" ? nodePorts.addresses.map((address) => ({ key: [address] })) : [];
}

/** True for packets to an address on which node ports answer. */
export function toNodePort({ family, settings }: TableShape): Match[] {
  const { nodePorts, localhostNodePorts } = settings.families[family];
  const daddr = addressField(family, "daddr");
  if (nodePorts.kind === "listed") return [member(daddr, NODE_PORT_ADDRESSES)];
  const local = equal({ kind: "fib", of: "daddr", result: "type" }, ADDRESS_TYPE.local);
  const notLoopback = localhostNodePorts ? [] : [within(daddr, [loopbackOf(family)], true)];
  if (nodePorts.kind === "every-local") return [...notLoopback, local];
  return [within(daddr, rangesOf(nodePorts.prefixes)), ...notLoopback, local];
}

/** The same of connections that were opened to such an address, as far as the settings list them. */
export function openedToNodePort({ family, settings }: TableShape): Match[] {
  return settings.families[family].nodePorts.kind === "listed" ? [member(ORIGINAL_DADDR, NODE_PORT_ADDRESSES)] : [];
}

function loopbackOf(family: Family): Interval {
  const from = required(parseAddress(family === "IPv4" ? "127.0.0.0" : "::1"), "loopback parses");
  return prefixRange({ address: from, length: family === "IPv4" ? 8 : 128 });
}

/** Loopback node ports need route_localnet, which lets strangers address 127.0.0.0/8: keep them out. A packet without a
 *  connection has no status that could be asked. */
export function antiMartian({ family, settings }: TableShape): Rule[] {
  if (!settings.families[family].localhostNodePorts) return [];
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

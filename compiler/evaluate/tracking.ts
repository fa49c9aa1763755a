/** What connection tracking and NAT do to packets, besides the rules. */
import { CONNTRACK_PRIORITY, CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { BaseChain, Hook } from "../ir/types.ts";
import { runBaseChain } from "./chain.ts";
import type { TableIndex } from "./machine.ts";
import { valuesBehind } from "./preimage.ts";
import { Ranges } from "./ranges.ts";
import { within, without } from "./region.ts";
import { hasConnection, narrow, type State } from "./state.ts";

/** Whether connection tracking has not looked at the packets yet. Those that come back by loopback have their connections. */
export function isBeforeTracking(hook: Hook, { priority }: BaseChain, { original }: State): boolean {
  const isFirst = hook === "output" || (hook === "prerouting" && original.inInterface !== undefined);
  return isFirst && priority < CONNTRACK_PRIORITY;
}

/** Until then packets belong to nothing, which is what invalid ones do (nft_ct_get_eval), unless a rule has kept them out. */
export function runBeforeTracking(chain: BaseChain, state: State, table: TableIndex, hook: Hook): State[] {
  const isKeptOut = state.ctState === CT_STATE.untracked && state.original.tracking !== "untracked";
  const ends: State[] = [];
  runBaseChain(chain, isKeptOut ? state : { ...state, ctState: CT_STATE.invalid }, table, hook, ends);
  return ends.map((end) => (end.ctState === CT_STATE.untracked ? end : { ...end, ctState: state.ctState }));
}

/** NAT chains see the first packet of a connection, until one of them has decided. */
export function asksNat(hook: Hook, state: State): boolean {
  if (state.original.tracking !== "first" || !hasConnection(state)) return false;
  return isSourceHook(hook) ? !state.sourceSettled : !state.destinationSettled;
}

/** Behind a hook at which NAT is decided, "not translated" is a decision too. */
export function settle(hook: Hook, state: State): State {
  if (hook === "forward" || (isSourceHook(hook) ? state.sourceSettled : state.destinationSettled)) return state;
  return isSourceHook(hook) ? { ...state, sourceSettled: true } : { ...state, destinationSettled: true };
}

/** Whether the packets may be of connections that were translated before they came. */
export function mayBeTranslated({ tracking }: State["original"]): boolean {
  return tracking === "original" || tracking === "reply";
}

/** Packets of connections that are there, where the kernel does to them what was decided for the first one (nf_nat_packet): those
 *  whose destination it changes go where the connection says; what source others get is not followed. */
export function translateAgain(hook: Hook, state: State): State[] {
  const isSource = isSourceHook(hook);
  if (state.end !== undefined || !hasConnection(state)) return [state];
  if (hook === "forward" || (isSource ? state.sourceSettled : state.destinationSettled)) return [state];
  const bit = isSource === (state.original.tracking === "original") ? CT_STATUS.snat : CT_STATUS.dnat;
  const { region } = state;
  const values = valuesBehind({ field: "ctstatus", masked: { mask: bit, xor: 0 } }, Ranges.of(bit), region.ctstatus);
  const [changed, same] = [within(region, "ctstatus", values), without(region, "ctstatus", values)];
  const left = same === undefined ? [] : [narrow(state, same)];
  if (changed === undefined) return left;
  const moved = narrow(state, changed);
  if (isSource) return [...left, { ...moved, overwritten: new Set([...moved.overwritten, ...OF_SOURCES]) }];
  return [...left, { ...moved, destination: "toaddr", destinationPort: "toport" }];
}

/** Expressions, as `describe` names them. */
const OF_SOURCES = ["ip saddr", "ip6 saddr", "th sport", "tcp sport", "udp sport", "sctp sport", "fib saddr type"];

function isSourceHook(hook: Hook): boolean {
  return hook === "postrouting" || hook === "input";
}

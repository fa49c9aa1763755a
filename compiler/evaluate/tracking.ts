/** What connection tracking and NAT do to packets, besides the rules. */
import { CONNTRACK_PRIORITY, CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { BaseChain, Hook } from "../ir/types.ts";
import { within, without } from "../packets/packet-set.ts";
import { valuesBehind } from "../packets/preimage.ts";
import { Ranges } from "../packets/ranges.ts";
import { runBaseChain } from "./chain.ts";
import { tupleBehindNat } from "./connection.ts";
import type { Frame } from "./frame.ts";
import { type Branch, hasConnection, narrow, type SharedState, type State, withShared } from "./state.ts";
import type { TableIndex } from "./table-index.ts";

/** Whether connection tracking has not looked at the packets yet. Those that come back by loopback have their connections. */
export function isBeforeTracking(hook: Hook, { priority }: BaseChain, { original }: SharedState): boolean {
  const isFirst = hook === "output" || (hook === "prerouting" && original.inInterface !== undefined);
  return isFirst && priority < CONNTRACK_PRIORITY;
}

export function runBeforeTracking(
  chain: BaseChain,
  state: State,
  table: TableIndex,
  where: Pick<Frame, "hook" | "behind" | "runner">,
): State[] {
  const { ctState } = state.shared;
  const ends: State[] = [];
  runBaseChain(chain, hideConnection(state), table, where, ends);
  return ends.map((end) => showConnection(end, ctState));
}

/** Before connection tracking packets belong to nothing, as invalid ones do (nft_ct_get_eval), unless a rule has kept them out. */
export function hideConnection(state: State): State {
  const { ctState, original } = state.shared;
  const isKeptOut = ctState === CT_STATE.untracked && original.tracking !== "untracked";
  return isKeptOut ? state : withShared(state, { ctState: CT_STATE.invalid });
}

/** Packets behind a chain before connection tracking, which had `ctState` in front of it. */
export function showConnection(state: State, ctState: SharedState["ctState"]): State {
  return state.shared.ctState === CT_STATE.untracked ? state : withShared(state, { ctState });
}

/** NAT chains see the first packet of a connection, until one of them has decided. */
export function asksNat(hook: Hook, shared: SharedState): boolean {
  return shared.original.tracking === "first" && hasConnection(shared) && !isDecided(hook, shared);
}

/** Confirms NAT behind a hook: "not translated" is a decision too. At forward the destination was decided before. */
export function confirmNat(hook: Hook, state: State): State {
  if (isDecided(hook, state.shared)) return state;
  return withShared(state, isSourceHook(hook) ? { sourceDecided: true } : { destinationDecided: true });
}

function isDecided(hook: Hook, { sourceDecided, destinationDecided }: SharedState): boolean {
  return isSourceHook(hook) ? sourceDecided : destinationDecided;
}

/** Whether the packets may be of connections that were translated before they came. */
export function mayBeTranslated({ tracking }: SharedState["original"]): boolean {
  return tracking === "original" || tracking === "reply";
}

/** Packets of connections that are there, where the kernel does to them what was decided for the first one (nf_nat_packet): those
 *  whose destination it changes go where the connection says; what source others get is known where the connection is. */
export function translateAgain(hook: Hook, state: State): State[] {
  const { shared, branches } = state;
  if (shared.end !== undefined || !hasConnection(shared) || isDecided(hook, shared)) return [state];
  const isSource = isSourceHook(hook);
  const bit = isSource === (shared.original.tracking === "original") ? CT_STATUS.snat : CT_STATUS.dnat;
  const moved: Branch[] = [];
  const others: Branch[] = [];
  for (const branch of branches) {
    const { region } = branch;
    const values = valuesBehind({ field: "ctstatus", masked: { mask: bit, xor: 0 } }, Ranges.of(bit), region.ctstatus);
    const [changed, same] = [within(region, "ctstatus", values), without(region, "ctstatus", values)];
    if (same !== undefined) others.push(narrow(branch, same));
    if (changed === undefined) continue;
    const after = narrow(branch, changed);
    moved.push(isSource ? after : { ...after, destination: "toaddr", destinationPort: "toport" });
  }
  const change = isSource ? newSourceOfConnection(shared) : {};
  return [
    ...(others.length === 0 ? [] : [{ shared, branches: others }]),
    ...(moved.length === 0 ? [] : [{ shared: { ...shared, ...change }, branches: moved }]),
  ];
}

/** The change that gives packets their connection's source; the source is unknown where the connection's entry is not given. */
function newSourceOfConnection({ original, overwritten }: SharedState): Partial<SharedState> {
  const { connection, tracking } = original;
  if (connection === undefined || (tracking !== "original" && tracking !== "reply"))
    return { overwritten: new Set([...overwritten, ...OF_SOURCES]) };
  const { source, sourcePort } = tupleBehindNat(connection, tracking);
  // An ICMP error about the connection has no ports of its own.
  return original.protocol === connection.protocol ? { source, sourcePort } : { source };
}

/** Expressions, as `describe` names them. */
const OF_SOURCES = ["ip saddr", "ip6 saddr", "th sport", "tcp sport", "udp sport", "sctp sport", "fib saddr type"];

function isSourceHook(hook: Hook): boolean {
  return hook === "postrouting" || hook === "input";
}

/** A single packet as it is by now, and its connection. */

import { invariant } from "../invariant.ts";
import { CT_STATUS } from "../ir/constants.ts";
import type { PacketSet } from "../packets/packet-set.ts";
import type { Cut } from "../packets/ranges.ts";
import { type ConnectionEntry, natStatus, type Tuple, turnedRound } from "./connection.ts";
import type { Departure } from "./packet.ts";
import { type Branch, hasConnection, type Now, numberNow, type SharedState, valueNow } from "./state.ts";

/** The packet behind the hooks of the node; undefined: it was dropped or refused, or no routes are known. */
export function departureOf(shared: SharedState, branch: Branch): Departure | undefined {
  const { route, end } = shared;
  if (route === undefined || end !== undefined) return undefined;
  return {
    route,
    protocol: shared.protocol,
    tuple: tupleOf(shared, branch),
    mark: numberNow("mark", shared, branch.region),
    connection: connectionOf(shared, branch),
    choices: shared.choices,
  };
}

/** Addresses and ports of a packet by now. */
export function tupleOf({ source, sourcePort }: SharedState, { region, destination, destinationPort }: Branch): Tuple {
  return {
    source: only(source, region),
    sourcePort: only(sourcePort, region),
    destination: only(destination, region),
    destinationPort: only(destinationPort, region),
  };
}

/** The entry of the packet's connection as it is by now; undefined: it belongs to none, or to one that was not given. */
export function connectionOf(shared: SharedState, branch: Branch): ConnectionEntry | undefined {
  const { original, protocol } = shared;
  const { region } = branch;
  if (!shared.isTracked || !hasConnection(shared)) return undefined;
  const mark = numberNow("ctMark", shared, region) ?? original.connection?.mark ?? 0;
  if (original.connection !== undefined) {
    const status = numberNow("ctStatus", shared, region) ?? original.connection.status;
    return { ...original.connection, status, mark };
  }
  if (original.tracking !== "first") return undefined;
  const came: Tuple = {
    source: only<Tuple["source"]>("saddr", region),
    sourcePort: only<number>("sport", region),
    destination: only<Tuple["destination"]>("daddr", region),
    destinationPort: only<number>("dport", region),
  };
  const reply = turnedRound(tupleOf(shared, branch));
  const isThrough = shared.hook === "postrouting" || shared.hook === "input";
  const status = (numberNow("ctStatus", shared, region) ?? 0) | (isThrough ? CT_STATUS.confirmed : 0);
  return { protocol, original: came, reply, status: status | natStatus(came, reply), mark };
}

function only<T extends Cut>(now: Now<T>, region: PacketSet): T {
  const value = valueNow(now, region);
  invariant(typeof value !== "object", "a single packet has one value in each field");
  return value;
}

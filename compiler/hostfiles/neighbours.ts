/** Who is behind which link-layer address: `ip -j neigh` and `bridge -j fdb`. */
import type { Report } from "../diagnostics.ts";
import { asString } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import { asAddress } from "./values.ts";

/** An address that an interface reaches. */
export interface NeighbourEntry {
  readonly address: Address;
  readonly interface: string;
  readonly mac: string;
}

/** Where a bridge, or a tunnel, sends frames to a link-layer address. */
export interface ForwardingEntry {
  readonly mac: string;
  /** The port of a bridge, or the tunnel. */
  readonly interface: string;
  /** The outer address, of tunnels. */
  readonly remote: Address | undefined;
}

/** The neighbours of a list; one without a link-layer address (it did not answer) is left out. */
export function readNeighbours(entries: readonly Field[], root: Field, report: Report): readonly NeighbourEntry[] {
  const context = { report, root, subject: "a neighbour" };
  return entries.flatMap((entry): NeighbourEntry[] => {
    const mac = asString(context, entry.get("lladdr"));
    const name = asString(context, entry.get("dev"));
    if (mac === undefined || name === undefined) return [];
    const address = asAddress(context, entry.get("dst"));
    return address === undefined ? [] : [{ address, interface: name, mac: mac.toLowerCase() }];
  });
}

/** The forwarding table of bridges and tunnels. */
export function readForwarding(entries: readonly Field[], root: Field, report: Report): readonly ForwardingEntry[] {
  const context = { report, root, subject: "a forwarding entry" };
  return entries.flatMap((entry): ForwardingEntry[] => {
    const mac = asString(context, entry.get("mac"));
    const name = asString(context, entry.get("ifname"));
    if (mac === undefined || name === undefined) return [];
    return [{ mac: mac.toLowerCase(), interface: name, remote: asAddress(context, entry.get("dst")) }];
  });
}

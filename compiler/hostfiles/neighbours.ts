/** Who is behind which link-layer address: `ip -j neigh` and `bridge -j fdb`. */
import type { Report } from "../diagnostics.ts";
import { asString } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import { asAddress, withMember } from "./values.ts";

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
  return withMember(context, entries, "dst").flatMap(({ entry, member }): NeighbourEntry[] => {
    const mac = asString(context, entry.get("lladdr"));
    const name = asString(context, entry.get("dev"));
    const address = asAddress(context, member);
    return address === undefined || mac === undefined || name === undefined
      ? []
      : [{ address, interface: name, mac: mac.toLowerCase() }];
  });
}

/** The forwarding table of bridges and tunnels. */
export function readForwarding(entries: readonly Field[], root: Field, report: Report): readonly ForwardingEntry[] {
  const context = { report, root, subject: "a forwarding entry" };
  return withMember(context, entries, "mac").flatMap(({ entry, member }): ForwardingEntry[] => {
    const mac = asString(context, member);
    const name = asString(context, entry.get("ifname"));
    if (mac === undefined || name === undefined) return [];
    return [{ mac: mac.toLowerCase(), interface: name, remote: asAddress(context, entry.get("dst")) }];
  });
}

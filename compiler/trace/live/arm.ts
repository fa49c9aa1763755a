/** The rules that ask the kernel to tell a packet's way. */
import { type Address, familyOf, printAddress } from "../../net/address.ts";

/** Which packets are asked about; undefined: any. */
export interface TracedTuple {
  /** IANA number. */
  readonly protocol: number;
  readonly source: Address | undefined;
  readonly sourcePort: number | undefined;
  readonly destination: Address;
  /** Undefined: the protocol has no ports. */
  readonly destinationPort: number | undefined;
}

/** The verdict that packets of connections that are there already get: they are not told of any further. */
export const LATER_VERDICT = "jump later";

/** Packets of the traced kind in a second, at most: a busy host is not slowed down. */
const MOST_PER_SECOND = 100;

/**
 * Commands for `nft -i`, a line each. The table belongs to the process that made it: the kernel removes it with that process,
 * however it ends. Should it live on, it asks for nothing after `seconds`.
 *
 * A connection's first packet is the one that is predicted. Whether a packet is one is known from connection tracking on,
 * behind the first hooks: later packets get `LATER_VERDICT` there, and are left out by whoever reads the events. The state `new`
 * does not tell: it lasts until a reply comes. A host's packet to itself comes in again by `lo`, confirmed by then.
 */
export function armingCommands(table: string, tuple: TracedTuple, seconds: number): readonly string[] {
  const match = matchOf(tuple);
  const at = (hook: string, priority: number): string =>
    `{ type filter hook ${hook} priority ${priority}; policy accept; }`;
  return [
    `add table inet ${table} { flags owner; }`,
    `add set inet ${table} armed { type inet_proto; flags timeout; }`,
    `add element inet ${table} armed { ${tuple.protocol} timeout ${seconds}s }`,
    `add chain inet ${table} later`,
    `add rule inet ${table} later meta nftrace set 0`,
    ...["prerouting", "output"].flatMap((hook) => [
      `add chain inet ${table} ${hook}-tracked ${at(hook, -199)}`,
      `add rule inet ${table} ${hook}-tracked ${hook === "prerouting" ? "iifname != lo " : ""}${match} ct status confirmed ${LATER_VERDICT}`,
      `add chain inet ${table} ${hook} ${at(hook, -350)}`,
      `add rule inet ${table} ${hook} meta l4proto @armed ${match} limit rate ${MOST_PER_SECOND}/second meta nftrace set 1`,
    ]),
  ];
}

/**
 * Commands for `nft -f` that make the table `table`, which asks for all packets of the tuple: where nothing else uses the network and the
 * table is to be deleted.
 */
export function tracingCommands(table: string, tuple: TracedTuple): readonly string[] {
  return [
    `add table inet ${table}`,
    ...["prerouting", "output"].flatMap((hook) => [
      `add chain inet ${table} ${hook} { type filter hook ${hook} priority -350; policy accept; }`,
      `add rule inet ${table} ${hook} ${matchOf(tuple)} meta nftrace set 1`,
    ]),
  ];
}

function matchOf({ protocol, source, sourcePort, destination, destinationPort }: TracedTuple): string {
  const family = familyOf(destination) === "IPv4" ? "ip" : "ip6";
  return [
    `meta l4proto ${protocol}`,
    ...(source === undefined ? [] : [`${family} saddr ${printAddress(source)}`]),
    `${family} daddr ${printAddress(destination)}`,
    ...(sourcePort === undefined ? [] : [`th sport ${sourcePort}`]),
    ...(destinationPort === undefined ? [] : [`th dport ${destinationPort}`]),
  ].join(" ");
}

/** Conntrack's entries of UDP: dumped and deleted by netlink. */
import type { Address, Family, Ipv4, Ipv6 } from "../../compiler/net/address.ts";
import { addressBytes, attribute, u8, u16BigEndian, u32 } from "../lab/netlink.ts";
import { NetfilterTrouble, type NetlinkPort } from "./netfilter.ts";
import { attributesIn, attributesOf, ERRNO, messagesIn, netfilterMessage } from "./nf-tables.ts";
import type { ConnectionEnd, TrackedConnection } from "./stale-connections.ts";

const CONNTRACK = 1;
const MESSAGE = { get: 1, delete: 2 } as const;
const FLAG = { acknowledge: 4, dump: 0x300, nested: 0x8000 } as const;
const FAMILY: Readonly<Record<Family, number>> = { IPv4: 2, IPv6: 10 };
const UDP = 17;

/** Attributes of an entry, of a tuple, of its addresses and of its transport. */
const ENTRY = { original: 1, reply: 2, id: 12, zone: 18, filter: 25 } as const;
const TUPLE = { addresses: 1, transport: 2 } as const;
const ADDRESSES = { IPv4: { source: 1, destination: 2 }, IPv6: { source: 3, destination: 4 } } as const;
const TRANSPORT = { protocol: 1, sourcePort: 2, destinationPort: 3 } as const;

/** What the kernel compares, of the original tuple. */
const COMPARES = { destination: 2, protocol: 8, destinationPort: 32 } as const;

/** An entry, and what the kernel finds it by. */
export interface KernelConnection extends TrackedConnection {
  readonly family: Family;
  readonly tuple: Buffer;
  readonly id: Buffer | undefined;
  readonly zone: Buffer | undefined;
}

/** Entries of UDP, of those with this destination where one is given. Without an address any counts. Throws `NetfilterTrouble`. */
export async function dumpConnections(
  netfilter: NetlinkPort,
  family: Family,
  destination?: { readonly address?: Address | undefined; readonly port?: number },
): Promise<KernelConnection[]> {
  const { address: wanted, port } = destination ?? {};
  // Linux 6.18 compares addresses of IPv6 the wrong way round, and gives those that differ.
  const address = family === "IPv4" ? wanted : undefined;
  const compared =
    COMPARES.protocol |
    (address === undefined ? 0 : COMPARES.destination) |
    (port === undefined ? 0 : COMPARES.destinationPort);
  const addresses =
    address === undefined
      ? []
      : [nested(TUPLE.addresses, attribute(ADDRESSES[family].destination, addressBytes(address)))];
  const ports = port === undefined ? [] : [attribute(TRANSPORT.destinationPort, u16BigEndian(port))];
  const transport = nested(TUPLE.transport, attribute(TRANSPORT.protocol, u8(UDP)), ...ports);
  const message = netfilterMessage(
    MESSAGE.get,
    FLAG.dump,
    FAMILY[family],
    [
      nested(ENTRY.original, ...addresses, transport),
      nested(ENTRY.filter, attribute(1, u32(compared)), attribute(2, u32(0))),
    ],
    CONNTRACK,
  );
  const found: KernelConnection[] = [];
  await netfilter.ask(message, (bytes) => {
    for (const { at, end } of messagesIn(bytes)) {
      const connection = readConnection(bytes, at, end, family);
      if (connection !== undefined && isWanted(connection, wanted, port)) found.push(connection);
    }
  });
  return found;
}

/** A kernel before 5.8 filters nothing. */
function isWanted({ destination }: KernelConnection, address: Address | undefined, port: number | undefined): boolean {
  return (
    (address === undefined || destination.address === address) && (port === undefined || destination.port === port)
  );
}

/** Deletes entries: how many were there. Throws `NetfilterTrouble` for the first that the kernel keeps. */
export async function deleteConnections(
  netfilter: NetlinkPort,
  connections: readonly KernelConnection[],
): Promise<number> {
  const answers = await Promise.all(connections.map((each) => deleteConnection(netfilter, each)));
  return answers.filter((wasThere) => wasThere).length;
}

async function deleteConnection(
  netfilter: NetlinkPort,
  { family, tuple, id, zone }: KernelConnection,
): Promise<boolean> {
  const attributes = [
    nested(ENTRY.original, tuple),
    ...(id === undefined ? [] : [attribute(ENTRY.id, id)]),
    ...(zone === undefined ? [] : [attribute(ENTRY.zone, zone)]),
  ];
  try {
    await netfilter.ask(netfilterMessage(MESSAGE.delete, FLAG.acknowledge, FAMILY[family], attributes, CONNTRACK));
    return true;
  } catch (error) {
    // Its time was over, or another connection has its tuple by now.
    if (error instanceof NetfilterTrouble && error.errno === ERRNO.noEntry) return false;
    throw error;
  }
}

function nested(type: number, ...parts: readonly Uint8Array[]): Buffer {
  return attribute(type | FLAG.nested, ...parts);
}

/** Undefined: it is not of UDP. */
function readConnection(bytes: Buffer, at: number, end: number, family: Family): KernelConnection | undefined {
  const found = attributesIn(bytes, at, end);
  const tuple = found.get(ENTRY.original);
  const original = readTuple(tuple, family);
  const reply = readTuple(found.get(ENTRY.reply), family);
  if (tuple === undefined || original === undefined || reply === undefined) return undefined;
  return {
    family,
    destination: original.destination,
    answering: reply.source,
    // The bytes are those of a part that is gone soon.
    tuple: Buffer.from(tuple),
    id: copyOf(found.get(ENTRY.id)),
    zone: copyOf(found.get(ENTRY.zone)),
  };
}

function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes);
}

function readTuple(
  bytes: Buffer | undefined,
  family: Family,
): { readonly source: ConnectionEnd; readonly destination: ConnectionEnd } | undefined {
  const found = attributesOf(bytes);
  const addresses = attributesOf(found.get(TUPLE.addresses));
  const transport = attributesOf(found.get(TUPLE.transport));
  const [source, destination] = [ADDRESSES[family].source, ADDRESSES[family].destination].map((type) =>
    readAddress(addresses.get(type)),
  );
  const [from, to] = [TRANSPORT.sourcePort, TRANSPORT.destinationPort].map((type) =>
    transport.get(type)?.readUInt16BE(),
  );
  const isUdp = transport.get(TRANSPORT.protocol)?.[0] === UDP;
  if (!isUdp || source === undefined || destination === undefined || from === undefined || to === undefined)
    return undefined;
  return { source: { address: source, port: from }, destination: { address: destination, port: to } };
}

function readAddress(bytes: Buffer | undefined): Address | undefined {
  if (bytes === undefined) return undefined;
  if (bytes.length === 4) return bytes.readUInt32BE() as Ipv4;
  return ((bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8)) as Ipv6;
}

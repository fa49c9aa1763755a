/** Messages of rtnetlink(7) as bytes, in the byte order of small-endian machines. */
import { type Address, familyOf } from "../../compiler/net/address.ts";

/** Types of messages. */
export const RTM = {
  newLink: 16,
  setLink: 19,
  newAddress: 20,
  newRoute: 24,
  newNeighbour: 28,
  newRule: 32,
  deleteRule: 33,
} as const;

/** What a message asks for besides an acknowledgement. */
export const NLM = { excl: 0x200, create: 0x400, append: 0x800, replace: 0x100 } as const;

/** Address families. */
export const AF = { unspecified: 0, inet: 2, bridge: 7, inet6: 10 } as const;

export function afOf(address: Address): number {
  return familyOf(address) === "IPv4" ? AF.inet : AF.inet6;
}

export function u8(...values: readonly number[]): Buffer {
  return Buffer.from(values);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u16BigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, "latin1");
}

/** In network order. */
export function addressBytes(address: Address): Buffer {
  const digits = typeof address === "number" ? 8 : 32;
  return Buffer.from(address.toString(16).padStart(digits, "0"), "hex");
}

/** A type-length-value, padded to four bytes. */
export function attribute(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  return Buffer.concat([u16(4 + value.length), u16(type), value, Buffer.alloc(-value.length & 3)]);
}

/** A message without its sequence number. `body`: the header of its type and the attributes behind that. */
export interface NetlinkMessage {
  /** What it does, for whoever is told that the kernel refused it. */
  readonly does: string;
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** Bytes of a message whose sequence number is `index`. */
export function encodeMessage({ type, flags, body }: NetlinkMessage, index: number): Buffer {
  const REQUEST_AND_ACK = 5;
  return Buffer.concat([
    u32(16 + body.length),
    u16(type),
    u16(flags | REQUEST_AND_ACK),
    u32(index),
    u32(0),
    body,
    Buffer.alloc(-body.length & 3),
  ]);
}

const IFF_UP = 1;

/** struct ifinfomsg. */
export function linkHeader(index: number, up: boolean, family: number = AF.unspecified): Buffer {
  const flags = up ? IFF_UP : 0;
  return Buffer.concat([u8(family, 0), u16(0), u32(index), u32(flags), u32(flags)]);
}

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
  setNeighbourTable: 67,
} as const;

/** What a message asks for. */
export const NLM = { excl: 0x200, create: 0x400, append: 0x800, replace: 0x100 } as const;

/** Address families. */
export const AF = { unspecified: 0, inet: 2, bridge: 7, inet6: 10 } as const;

export function afOf(address: Address): number {
  return familyOf(address) === "IPv4" ? AF.inet : AF.inet6;
}

/** Bytes of Node's pool, which costs less than memory of their own. */
export function zeros(length: number): Buffer {
  return Buffer.allocUnsafe(length).fill(0);
}

/** In place of an attribute that a message does not have. */
export const NOTHING: Buffer = Buffer.alloc(0);

export function u8(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = values[i] ?? 0;
  return bytes;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u16BigEndian(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, "latin1");
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** In network order. */
export function addressBytes(address: Address): Buffer {
  const bytes = Buffer.allocUnsafe(addressLength(address));
  writeAddress(bytes, 0, address);
  return bytes;
}

export function addressLength(address: Address): number {
  return typeof address === "number" ? 4 : 16;
}

/** In network order. */
export function writeAddress(bytes: Buffer, at: number, address: Address): void {
  if (typeof address === "number") {
    bytes.writeUInt32BE(address >>> 0, at);
    return;
  }
  bytes.writeBigUInt64BE(address >> 64n, at);
  bytes.writeBigUInt64BE(address & 0xffff_ffff_ffff_ffffn, at + 8);
}

/** A type-length-value, padded to four bytes. */
export function attribute(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = 4 + lengthOf(parts);
  const bytes = Buffer.allocUnsafe((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  copyParts(parts, bytes, 4);
  for (let at = length; at < bytes.length; at++) bytes[at] = 0;
  return bytes;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

function copyParts(parts: readonly Uint8Array[], to: Buffer, start: number): void {
  let at = start;
  for (const part of parts) {
    to.set(part, at);
    at += part.length;
  }
}

/** A message without its sequence number. `body`: the header of its type and the attributes behind that. */
export interface NetlinkMessage {
  /** What it does, for whoever is told that the kernel refused it. */
  readonly does: string;
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** Messages that are sent at once. */
export interface NetlinkBatch {
  readonly bytes: Buffer;
  readonly messages: readonly NetlinkMessage[];
}

/** The message of a batch that an answer names by its sequence number. */
export function messageOf({ messages }: NetlinkBatch, sequence: number): NetlinkMessage | undefined {
  return sequence === LAST ? messages.at(-1) : messages[sequence];
}

/** Bytes of netlink messages that are sent at once: less than a socket takes. */
const MOST_BYTES = 24_000;

/** The sequence number of a batch's last message, the only one that asks for an acknowledgement. The kernel tells of errors in any. */
const LAST = 0xffffffff;

export function encodeBatches(messages: readonly NetlinkMessage[]): NetlinkBatch[] {
  const batches: NetlinkMessage[][] = [];
  let bytes = MOST_BYTES;
  for (const message of messages) {
    bytes += messageLength(message);
    if (bytes > MOST_BYTES) {
      batches.push([]);
      bytes = messageLength(message);
    }
    batches.at(-1)?.push(message);
  }
  return batches.map(encodeBatch);
}

function messageLength({ body }: NetlinkMessage): number {
  return 16 + ((body.length + 3) & ~3);
}

function encodeBatch(messages: readonly NetlinkMessage[]): NetlinkBatch {
  const bytes = zeros(messages.reduce((sum, message) => sum + messageLength(message), 0));
  const [REQUEST, ACK] = [1, 4];
  let at = 0;
  for (const [i, message] of messages.entries()) {
    const { type, flags, body } = message;
    const isLast = i === messages.length - 1;
    bytes.writeUInt32LE(16 + body.length, at);
    bytes.writeUInt16LE(type, at + 4);
    bytes.writeUInt16LE(flags | REQUEST | (isLast ? ACK : 0), at + 6);
    bytes.writeUInt32LE(isLast ? LAST : i, at + 8);
    bytes.set(body, at + 16);
    at += messageLength(message);
  }
  return { bytes, messages };
}

const IFF_UP = 1;

/** struct ifinfomsg. */
export function linkHeader(index: number, up: boolean, family: number = AF.unspecified): Buffer {
  const flags = up ? IFF_UP : 0;
  return Buffer.concat([u8(family, 0), u16(0), u32(index), u32(flags), u32(flags)]);
}

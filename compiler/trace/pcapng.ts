/** Captures as files of pcapng, which Wireshark and tshark open (draft-ietf-opsawg-pcapng). Little-endian. */

/** A capture of several interfaces. */
export interface Capture {
  /** About all of it. */
  readonly comment: string;
  readonly interfaces: readonly CaptureInterface[];
  readonly packets: readonly CaptureFrame[];
}

export interface CaptureInterface {
  readonly name: string;
  readonly link: CaptureLink;
}

/** What packets of an interface begin with: an Ethernet header, or that of IP. */
export type CaptureLink = "ethernet" | "ip";

export interface CaptureFrame {
  /** An index of `interfaces`. */
  readonly interface: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly direction: "in" | "out";
  /** The first ones. */
  readonly bytes: Uint8Array;
  /** Of the whole packet. */
  readonly length: number;
  readonly comments: readonly string[];
}

const BLOCK = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const;
const COMMENT = 1;
const SECTION = { program: 4 } as const;
const INTERFACE = { name: 2, resolution: 9 } as const;
const PACKET = { flags: 2 } as const;
const LINK_TYPES: Readonly<Record<CaptureLink, number>> = { ethernet: 1, ip: 101 };
/** 10 to the power of -9 seconds. */
const NANOSECONDS = 9;
const DIRECTIONS: Readonly<Record<CaptureFrame["direction"], number>> = { in: 1, out: 2 };
/** An option's length is of 16 bits. */
const LONGEST_TEXT = 65_535;

/** The file's bytes. `program`: what has made it. */
export function printPcapng({ comment, interfaces, packets }: Capture, program: string): Uint8Array {
  const magic = [0x1a2b3c4d, 0x00000001, 0xffffffff, 0xffffffff]; // version 1.0, a section of unknown length
  return joined([
    block(BLOCK.section, words(...magic), options(textOption(COMMENT, comment), textOption(SECTION.program, program))),
    ...interfaces.map(({ name, link }) =>
      block(
        BLOCK.interface,
        words(LINK_TYPES[link], 0),
        options(textOption(INTERFACE.name, name), option(INTERFACE.resolution, Uint8Array.of(NANOSECONDS))),
      ),
    ),
    ...packets.map(packetBlock),
  ]);
}

function packetBlock(packet: CaptureFrame): Uint8Array {
  const { time, bytes, length, direction, comments } = packet;
  const high = Number(time >> 32n);
  const low = Number(time & 0xffffffffn);
  return block(
    BLOCK.packet,
    words(packet.interface, high, low, bytes.length, length),
    padded(bytes),
    options(...comments.map((text) => textOption(COMMENT, text)), option(PACKET.flags, words(DIRECTIONS[direction]))),
  );
}

/** The length stands on both sides. */
function block(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = joined(parts);
  const length = 12 + body.length;
  return joined([words(type, length), body, words(length)]);
}

function options(...list: readonly Uint8Array[]): Uint8Array {
  return joined([...list, words(0)]);
}

function textOption(code: number, text: string): Uint8Array {
  return option(code, cutText(new TextEncoder().encode(text)));
}

/** Without half a character at its end. */
function cutText(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= LONGEST_TEXT) return bytes;
  let end = LONGEST_TEXT;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function option(code: number, value: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  return joined([head, padded(value)]);
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(i * 4, value, true);
  return bytes;
}

function padded(bytes: Uint8Array): Uint8Array {
  return joined([bytes, new Uint8Array(-bytes.length & 3)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

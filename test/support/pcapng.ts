/** A reader of pcapng that knows nothing of how kpc writes it: blocks, options, and the checksums of IP packets. */

export interface ReadCapture {
  readonly comment: string | undefined;
  readonly interfaces: readonly { readonly name: string; readonly linkType: number }[];
  readonly packets: readonly ReadCapturePacket[];
}

export interface ReadCapturePacket {
  /** The interface's name. */
  readonly at: string;
  readonly direction: "in" | "out" | undefined;
  readonly nanoseconds: bigint;
  readonly length: number;
  readonly bytes: Buffer;
  readonly comments: readonly string[];
}

/** Throws where the file is not as the format says. */
export function readPcapng(file: Buffer): ReadCapture {
  let comment: string | undefined;
  const interfaces: { name: string; linkType: number }[] = [];
  const packets: ReadCapturePacket[] = [];
  for (let at = 0; at < file.length; ) {
    const type = file.readUInt32LE(at);
    const length = file.readUInt32LE(at + 4);
    if (length % 4 !== 0 || file.readUInt32LE(at + length - 4) !== length)
      throw new Error(`block at ${at}: length ${length}`);
    const body = file.subarray(at + 8, at + length - 4);
    at += length;
    switch (type) {
      case 0x0a0d0d0a:
        if (body.readUInt32LE(0) !== 0x1a2b3c4d || body.readUInt16LE(4) !== 1)
          throw new Error("not a section of version 1");
        comment = textsOf(readOptions(body.subarray(16)), 1)[0];
        break;
      case 1: {
        const options = readOptions(body.subarray(8));
        if (options.find(({ code }) => code === 9)?.value[0] !== 9) throw new Error("times are not in nanoseconds");
        interfaces.push({ name: textsOf(options, 2)[0] ?? "", linkType: body.readUInt16LE(0) });
        break;
      }
      case 6: {
        const own = interfaces[body.readUInt32LE(0)];
        if (own === undefined) throw new Error("a packet of an interface that is not described");
        const captured = body.readUInt32LE(12);
        const options = readOptions(body.subarray(20 + captured + (-captured & 3)));
        const flags = options.find(({ code }) => code === 2)?.value.readUInt32LE(0) ?? 0;
        packets.push({
          at: own.name,
          direction: (["in", "out"] as const)[(flags & 3) - 1],
          nanoseconds: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
          length: body.readUInt32LE(16),
          bytes: body.subarray(20, 20 + captured),
          comments: textsOf(options, 1),
        });
        break;
      }
      default:
        throw new Error(`block of unknown type ${type}`);
    }
  }
  return { comment, interfaces, packets };
}

interface ReadOption {
  readonly code: number;
  readonly value: Buffer;
}

function readOptions(bytes: Buffer): ReadOption[] {
  const found: ReadOption[] = [];
  for (let at = 0; at < bytes.length; ) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (code === 0) return found;
    found.push({ code, value: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length + (-length & 3);
  }
  throw new Error("options without an end");
}

function textsOf(options: readonly ReadOption[], wanted: number): string[] {
  return options.filter(({ code }) => code === wanted).map(({ value }) => value.toString("utf8"));
}

/** Whether all checksums of an IP packet are right: that of IPv4's header, and of TCP, UDP or ICMP. */
export function hasRightChecksums(packet: Buffer): boolean {
  const isV6 = (packet[0] ?? 0) >> 4 === 6;
  const header = isV6 ? 40 : ((packet[0] ?? 0) & 15) * 4;
  const protocol = packet[isV6 ? 6 : 9] ?? 0;
  if (!isV6 && onesSum(packet.subarray(0, header)) !== 0xffff) return false;
  const body = packet.subarray(header);
  if (protocol === 4) return hasRightChecksums(body);
  const addresses = isV6 ? packet.subarray(8, 40) : packet.subarray(12, 20);
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(body.length, 0);
  pseudo.writeUInt16BE(protocol, 2);
  const covered = protocol === 1 ? [body] : [addresses, pseudo, body];
  return onesSum(Buffer.concat(covered)) === 0xffff;
}

function onesSum(bytes: Buffer): number {
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
  let sum = 0;
  for (let i = 0; i < even.length; i += 2) sum += even.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

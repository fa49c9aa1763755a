/**
 * The same lookups in JavaScript as fast as it gets: views of the engine's memory, no objects, nothing allocated for a packet.
 * Packets that the engine's lanes leave to its path of one packet go there here, too.
 */
import * as P from "../../assembly/headers.ts";
import * as L from "../../assembly/layout.ts";
import { type EngineMemory, type Implementation, INTERFACE_KIND } from "./engine-memory.ts";

const HASH_B = L.HASH_B | 0;
const NOWHERE = -1;
const PACKET_WORDS = L.PACKET_BYTES >>> 2;

// What packets have where, in words.
const SOURCE4 = P.IPV4_SOURCE / 4;
const DESTINATION4 = P.IPV4_DESTINATION / 4;
const BODY4 = P.IPV4_BYTES / 4;
const SOURCE6 = P.IPV6_SOURCE / 4;
const DESTINATION6 = P.IPV6_DESTINATION / 4;
const BODY6 = P.IPV6_BYTES / 4;
/** Bits of the word with IPV4_FRAGMENT that are set in fragments only. */
const FRAGMENTED = 0xff3f0000;

/** Views are in the host's byte order: for little-endian ones, as tables are. */
export function jsWays(memory: EngineMemory): Implementation[] {
  const { bytes, tableAt, packetsAt, results } = memory;
  const words = new Uint32Array(bytes.buffer);
  const halves = new Uint16Array(bytes.buffer);
  const table = tableAt >>> 2;
  const word = (at: number): number => words[table + (at >>> 2)] as number;
  /** Where a section begins, in words of the memory. */
  const section = (at: number): number => (tableAt + word(at)) >>> 2;
  const seed = word(L.H_SEED) | 0;
  const bucketMask = word(L.H_BUCKET_MASK);
  const slotMask = word(L.H_SLOT_MASK);
  const pilots = (tableAt + word(L.H_PILOTS)) >>> 1;
  const entries = section(L.H_ENTRIES);
  const extendedRows = section(L.H_EXTENDED);
  const allowed = section(L.H_ALLOWED);
  const blocks = section(L.H_BLOCKS);
  const blockCount = word(L.H_BLOCK_COUNT);
  const locals = section(L.H_LOCAL);
  const localShift = Math.clz32(word(L.H_LOCAL_MASK));
  const localFactor = word(L.H_LOCAL_FACTOR) | 0;
  const detected4 = section(L.H_DETECTED4);
  const detectedEnd4 = detected4 + (word(L.H_DETECTED4_COUNT) * L.PREFIX4_BYTES) / 4;
  const detected6 = section(L.H_DETECTED6);
  const detectedEnd6 = detected6 + (word(L.H_DETECTED6_COUNT) * L.PREFIX6_BYTES) / 4;
  const windows = section(L.H_WINDOWS);
  const windowsEnd = windows + (word(L.H_WINDOW_COUNT) * L.WINDOW_BYTES) / 4;
  const endpoints4 = section(L.H_ENDPOINTS4);
  const endpoints6 = section(L.H_ENDPOINTS6);
  const kind = INTERFACE_KIND < word(L.H_INTERFACE_CLASS_COUNT) ? INTERFACE_KIND : 1;
  const codes = section(L.H_CODES) + ((kind * word(L.H_BEHAVIOUR_COUNT)) << (L.CODES_SHIFT - 2));
  const other4 = word(L.H_OTHER4) | 0;
  const other6 = word(L.H_OTHER6) | 0;
  const localDefault4 = word(L.H_LOCAL_DEFAULT4) | 0;
  const localDefault6 = word(L.H_LOCAL_DEFAULT6) | 0;

  /** The number of the block of the address at a place; BLOCK_UNKNOWN for none. */
  function blockOf(at: number): number {
    const a = words[at] as number;
    const b = words[at + 1] as number;
    const c = words[at + 2] as number;
    for (let number = 1, block = blocks; number <= blockCount; number++, block += L.BLOCK_BYTES / 4)
      if (words[block] === a && words[block + 1] === b && words[block + 2] === c) return number;
    return L.BLOCK_UNKNOWN;
  }

  /** What is said about an address of the node; -1 for others. */
  function aboutLocal(key0: number, block: number): number {
    const place = Math.imul((key0 + block) | 0, localFactor) >>> localShift;
    const local = locals + (place << 1);
    if (((words[local] as number) | 0) !== key0) return -1;
    const about = words[local + 1] as number;
    return ((about >>> L.LOCAL_BLOCK_SHIFT) & L.LOCAL_BLOCK_MASK) === block ? about : -1;
  }

  /** The place of the entry of a key. */
  function findEntry(key0: number, key1: number): number {
    const a = Math.imul(key0 ^ seed, L.HASH_A);
    const b = Math.imul(key1, HASH_B);
    const sum = (a + b) | 0;
    const bucket = (Math.imul(sum ^ (sum >>> L.SUM_FOLD_SHIFT), L.HASH_C) >>> L.BUCKET_SHIFT) & bucketMask;
    const product = Math.imul((a >>> L.MIX_FOLD_SHIFT) ^ b, L.HASH_C);
    const mix = product ^ (product >>> L.MIX_FOLD_SHIFT);
    const slot = (Math.imul(mix, halves[pilots + bucket] as number) >>> L.PLACE_SHIFT) & slotMask;
    const entry = entries + (slot << 2);
    const isSame = ((words[entry] as number) | 0) === key0 && ((words[entry + 1] as number) | 0) === key1;
    return isSame ? entry : NOWHERE;
  }

  /** The default word of an address that is not the node's. */
  function defaultOf(key0: number, block: number, otherwise: number): number {
    let found = otherwise;
    for (let window = windows; window < windowsEnd; window += L.WINDOW_BYTES / 4) {
      if (words[window + L.WINDOW_BLOCK / 4] !== block) continue;
      const first =
        swap((words[window + L.WINDOW_KEY0 / 4] as number) | 0) + (words[window + L.WINDOW_FIRST / 4] as number);
      const bit = (swap(key0) - first) >>> 0;
      if (bit >= (words[window + L.WINDOW_COUNT / 4] as number)) continue;
      const byte = bytes[tableAt + (words[window + L.WINDOW_BITS / 4] as number) + (bit >>> 3)] as number;
      const isSet = ((byte >>> (bit & 7)) & 1) !== 0;
      found = (words[window + (isSet ? L.WINDOW_SET : L.WINDOW_UNSET) / 4] as number) | 0;
    }
    return found;
  }

  function isAllowed4(extended: number, source: number): boolean {
    const address = swap(source) >>> 0;
    let interval = allowed + ((words[extended + L.EXTENDED_ALLOWED / 4] as number) >>> 2);
    const end = interval + (words[extended + L.EXTENDED_ALLOWED_COUNT / 4] as number) * (L.ALLOWED4_BYTES / 4);
    for (; interval < end; interval += L.ALLOWED4_BYTES / 4) {
      const last = words[interval + L.ALLOWED4_LAST / 4] as number;
      if (address >= (words[interval] as number) && address <= last) return true;
    }
    return false;
  }

  /** The order of the address at a place, of a packet, and of one of an interval. */
  function compare(packet: number, interval: number): number {
    for (let i = 0; i < 4; i++) {
      const difference = (swap((words[packet + i] as number) | 0) >>> 0) - (words[interval + i] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  function isAllowed6(extended: number, source: number): boolean {
    let interval = allowed + ((words[extended + L.EXTENDED_ALLOWED / 4] as number) >>> 2);
    const end = interval + (words[extended + L.EXTENDED_ALLOWED_COUNT / 4] as number) * (L.ALLOWED6_BYTES / 4);
    for (; interval < end; interval += L.ALLOWED6_BYTES / 4)
      if (compare(source, interval) >= 0 && compare(source, interval + L.ALLOWED6_LAST / 4) <= 0) return true;
    return false;
  }

  /** The ports of a packet whose transport header is at a place; -1: it is not plain. `rest`: bytes from there on. */
  function arePlain(at: number, protocol: number, rest: number): boolean {
    if (protocol === P.TCP) {
      const length = ((words[at + P.TCP_OFFSET / 4] as number) >>> 2) & 0x3c;
      return length >= P.TCP_BYTES && length <= rest;
    }
    if (protocol !== P.UDP) return false;
    const length = swap16((words[at + P.UDP_LENGTH / 4] as number) & 0xffff);
    return length >= P.UDP_BYTES && length <= rest;
  }

  /** Writes the result of the packet in a slot; false: it is not plain. */
  function classify4(packet: number, slot: number): boolean {
    const first = words[packet] as number;
    if ((first & 0xff) !== P.IPV4_PLAIN || ((words[packet + 1] as number) & FRAGMENTED) !== 0) return false;
    const protocol = ((words[packet + 2] as number) >>> 8) & 0xff;
    const rest = swap16(first >>> 16) - P.IPV4_BYTES;
    let ports = (words[packet + BODY4] as number) | 0;
    if (!arePlain(packet + BODY4, protocol, rest)) {
      if (protocol !== P.ICMP || (ports & 0xff) !== P.ICMP_ECHO_REQUEST || rest < P.ICMP_BYTES) return false;
      ports = 0;
    }
    const source = (words[packet + SOURCE4] as number) | 0;
    const destination = (words[packet + DESTINATION4] as number) | 0;
    if ((source & 0xff) === 127 || (destination & 0xff) === 127) return false;
    let from = 0;
    for (let prefix = detected4; prefix < detectedEnd4; prefix += L.PREFIX4_BYTES / 4)
      if ((source & (words[prefix + L.PREFIX4_MASK / 4] as number)) === ((words[prefix] as number) | 0))
        from = L.SOURCE_DETECTED;
    if (aboutLocal(source, L.BLOCK_IPV4) !== -1) from |= L.SOURCE_LOCAL;
    const mixed = Math.imul(source, L.HASH_A);
    const hash = (mixed ^ destination) + Math.imul(ports, HASH_B);
    const flow = Math.imul(hash ^ (hash >>> L.SUM_FOLD_SHIFT), L.HASH_C);
    return answer(
      destination,
      L.BLOCK_IPV4,
      (ports >>> 16) | (protocol << L.KEY1_PROTOCOL_SHIFT),
      from,
      flow,
      packet,
      slot,
    );
  }

  function classify6(packet: number, slot: number): boolean {
    const about = words[packet + 1] as number;
    const protocol = (about >>> 16) & 0xff;
    const rest = swap16(about & 0xffff);
    let ports = (words[packet + BODY6] as number) | 0;
    if (!arePlain(packet + BODY6, protocol, rest)) {
      if (protocol !== P.ICMPV6 || (ports & 0xff) !== P.ICMPV6_ECHO_REQUEST || rest < P.ICMP_BYTES) return false;
      ports = 0;
    }
    const [source, destination] = [packet + SOURCE6, packet + DESTINATION6];
    const [a, b] = [words[source] as number, words[source + 1] as number];
    const [c, d] = [words[source + 2] as number, words[source + 3] as number];
    let from = 0;
    for (let prefix = detected6; prefix < detectedEnd6; prefix += L.PREFIX6_BYTES / 4) {
      const mask = prefix + L.PREFIX6_MASK / 4;
      const difference =
        ((a & (words[mask] as number)) ^ (words[prefix] as number)) |
        ((b & (words[mask + 1] as number)) ^ (words[prefix + 1] as number)) |
        ((c & (words[mask + 2] as number)) ^ (words[prefix + 2] as number)) |
        ((d & (words[mask + 3] as number)) ^ (words[prefix + 3] as number));
      if (difference === 0) from = L.SOURCE_DETECTED;
    }
    const sourceBlock = blockOf(source);
    if (sourceBlock !== L.BLOCK_UNKNOWN && aboutLocal(d | 0, sourceBlock) !== -1) from |= L.SOURCE_LOCAL;
    const high = Math.imul(a ^ Math.imul(b, HASH_B), L.HASH_A);
    const fold = ((d + high) | 0) ^ c;
    const to = (words[destination + 3] as number) | 0;
    const hash = (Math.imul(fold, L.HASH_A) ^ to) + Math.imul(ports, HASH_B);
    const flow = Math.imul(hash ^ (hash >>> L.SUM_FOLD_SHIFT), L.HASH_C);
    const rest1 = (ports >>> 16) | (protocol << L.KEY1_PROTOCOL_SHIFT);
    return answer(to, blockOf(destination), rest1, from, flow, packet, slot);
  }

  function answer(
    destination: number,
    block: number,
    rest: number,
    from: number,
    flow: number,
    packet: number,
    slot: number,
  ): boolean {
    const isV6 = block !== L.BLOCK_IPV4;
    const about = aboutLocal(destination, block);
    if (about !== -1 && (about & L.LOCAL_OWN) !== 0) return false;
    const entry =
      about === -1
        ? findEntry(destination, rest | (block << L.KEY1_BLOCK_SHIFT))
        : findEntry(about & L.LOCAL_CLASS_MASK, rest | (L.BLOCK_LOCAL << L.KEY1_BLOCK_SHIFT));
    if (entry === NOWHERE) {
      const known =
        about === -1 ? defaultOf(destination, block, isV6 ? other6 : other4) : isV6 ? localDefault6 : localDefault4;
      if (known === L.NO_DEFAULT) return false;
      results[slot] = (words[codes + ((known & 0xff) << (L.CODES_SHIFT - 2)) + from] as number) & 0xff;
      results[slot + 1] = L.NO_ENDPOINT;
      return true;
    }
    const row0 = words[entry + L.ENTRY_ROW0 / 4] as number;
    const row1 = words[entry + L.ENTRY_ROW1 / 4] as number;
    let codeAt = codes + ((row1 >>> L.ROW1_BEHAVIOUR_SHIFT) << (L.CODES_SHIFT - 2)) + from;
    let code = words[codeAt] as number;
    let base = row0;
    let first = row1 & L.ROW1_COUNT_MASK;
    let second = (row1 >>> L.ROW1_SECOND_SHIFT) & L.ROW1_COUNT_MASK;
    if ((code & L.CODE_EXTENDED) !== 0) {
      const extended = extendedRows + row0 * (L.EXTENDED_BYTES / 4);
      base = words[extended + L.EXTENDED_BASE / 4] as number;
      first = words[extended + L.EXTENDED_FIRST / 4] as number;
      second = words[extended + L.EXTENDED_SECOND / 4] as number;
      if ((code & L.CODE_ALLOWED) !== 0) {
        const isIn = isV6
          ? isAllowed6(extended, packet + SOURCE6)
          : isAllowed4(extended, (words[packet + SOURCE4] as number) | 0);
        if (isIn) codeAt += L.SOURCE_ALLOWED;
        code = words[codeAt] as number;
      }
    }
    const isTranslated = (code & L.VERDICT_MASK) === L.VERDICT_DNAT;
    if ((code & L.CODE_ASK_ENDPOINT) !== 0 || (!isTranslated && (code & L.CODE_HAIRPIN) !== 0)) return false;
    results[slot] = (code & 0xff) | ((((entry - entries) >>> 2) + 1) << L.RESULT_SLOT_SHIFT);
    if (!isTranslated) {
      results[slot + 1] = L.NO_ENDPOINT;
      return true;
    }
    if ((code & L.CODE_THIRD) !== 0) return false;
    const isSecond = (code & L.CODE_SECOND) !== 0;
    const number = (isSecond ? base + first : base) + part(flow, isSecond ? second : first);
    results[slot + 1] = number;
    return (code & L.CODE_HAIRPIN) === 0 || !isEndpoint(number, packet, isV6);
  }

  /** Whether the packet is from an endpoint. */
  function isEndpoint(number: number, packet: number, isV6: boolean): boolean {
    if (!isV6) return words[endpoints4 + number * (L.ENDPOINT4_BYTES / 4)] === words[packet + SOURCE4];
    const record = endpoints6 + number * (L.ENDPOINT6_BYTES / 4);
    return (
      words[record + 3] === words[packet + SOURCE6 + 3] &&
      words[record] === words[packet + SOURCE6] &&
      words[record + 1] === words[packet + SOURCE6 + 1] &&
      words[record + 2] === words[packet + SOURCE6 + 2]
    );
  }

  function classifyMany(count: number): void {
    let packet = packetsAt >>> 2;
    for (let i = 0; i < count; i++, packet += PACKET_WORDS) {
      const version = ((words[packet] as number) >>> 4) & 15;
      const isDone = version === 4 ? classify4(packet, i << 1) : version === 6 ? classify6(packet, i << 1) : false;
      if (!isDone) memory.classifyOne(i);
    }
  }

  return [{ name: "JavaScript", classifyMany }];
}

/** A number below `count`: the upper half of the product, of which a number holds 53 bits. */
function part(hash: number, count: number): number {
  return Math.floor(((hash >>> 0) * count) / 2 ** 32);
}

function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function swap16(half: number): number {
  return ((half & 0xff) << 8) | (half >>> 8);
}

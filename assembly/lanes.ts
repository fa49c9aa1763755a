/**
 * What the stages of a batch hand on: four packets at a time, a lane each. A stage goes over a whole chunk before the next one
 * begins, so that what one packet waits for from memory and what the next one waits for is under way at the same time.
 */
/** Packets in a chunk. */
export const CHUNK: u32 = 256;

/** The chunk's packets by family, as addresses. Room for three more: groups of four are filled up. */
export const packets4: usize = memory.data(1040);
export const packets6: usize = memory.data(1040);
/** Packets that have to be looked at one by one. */
export const attention: usize = memory.data(8192);

/** Four packets in scratch: vectors at these offsets. The destination's KEY0, then the KEY0 that is looked for. */
export const G_KEY0: usize = 0;
/** KEY1: without the block at first. */
export const G_KEY1: usize = 16;
/** The block; BLOCK_UNKNOWN for addresses without one. */
export const G_BLOCK: usize = 32;
/** The kind of source, times four. */
export const G_KIND: usize = 48;
/** The flow's hash, and the source's finger. */
export const G_HASH: usize = 64;
export const G_FINGER: usize = 80;
/** The source, as it is looked for among the node's addresses, and where. */
export const G_SOURCE: usize = 96;
export const G_SOURCE_AT: usize = 112;
/** Where the next thing to be read is: an address of the node, a pilot, an entry. */
export const G_AT: usize = 128;
/** The second half of the hash; then, all ones for those with an entry. */
export const G_MIX: usize = 144;
export const G_HIT: usize = 144;
/** The destination's KEY0, for those without an entry. */
export const G_DESTINATION: usize = 96;
/** All ones for destinations that are the node's. */
export const G_LOCAL: usize = 160;
/** The entry's rows. */
export const G_ROW0: usize = 176;
export const G_ROW1: usize = 192;
/** What those without an entry get. */
export const G_DEFAULT: usize = 224;
/** Where the code is; then, where the endpoint's finger is, and all ones where the endpoint may be the source. */
export const G_CODE_AT: usize = 208;
export const G_FINGER_AT: usize = 224;
export const G_HAIRPIN: usize = 240;
export const GROUP_BYTES: usize = 256;

export const scratch: usize = memory.data(16640);

const pins: usize = memory.data(512);

/** `value` in all lanes, by way of memory: a constant that a loop uses would be made anew at each use. */
export function pinned(number: usize, value: i32): v128 {
  const at = pins + (number << 4);
  v128.store(at, i32x4.splat(value));
  return v128.load(at);
}

/** Groups of which a stage has found something: their places in scratch, and the lanes, a bit each. */
export const found: usize = memory.data(528);

/** Notes a group at `end` of the list `found`, if one of its lanes has its bit set. Gives the new end. */
export function note(end: usize, group: usize, lanes: i32): usize {
  store<u32>(end, <u32>group);
  store<u32>(end, <u32>lanes, 4);
  return end + ((<usize>(lanes != 0)) << 3);
}

/** Number of packets in `attention`. */
let waiting: u32 = 0;

export function waitingPackets(): u32 {
  return waiting;
}

export function nobodyWaits(): void {
  waiting = 0;
}

/** Notes the packet at `packet`. */
export function wait(packet: u32): void {
  store<u32>(attention + ((<usize>waiting) << 2), packet);
  waiting++;
}

/** Notes the packets of `list` that are in `found` up to `end`. */
export function waitForFound(end: usize, list: usize): void {
  for (let at = found; at < end; at += 8) {
    const packets = list + ((<usize>load<u32>(at) - scratch) >> GROUP_TO_LIST);
    for (let lanes = load<u32>(at, 4); lanes != 0; lanes &= lanes - 1) wait(load<u32>(packets + (ctz(lanes) << 2)));
  }
}

/** A group in scratch has GROUP_BYTES, sixteen times as many as in a list. */
const GROUP_TO_LIST: usize = 4;

/** Fills the group that a list of `count` packets ends in, by repeating the last one. Gives how many there are then. */
export function fillUp(list: usize, count: u32): u32 {
  const full = (count + 3) & ~3;
  for (let at = count; at < full; at++)
    store<u32>(list + ((<usize>at) << 2), load<u32>(list + ((<usize>count) << 2) - 4));
  return full;
}

/** The result of the packet at `packet`: slots are eight times as long as results. */
export function resultOf(packet: usize, packets: usize, results: usize): usize {
  return results + ((packet - packets) >> 3);
}

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
export const attention: usize = memory.data(4096);

/** Four packets in scratch: vectors at these offsets. */
export const G_KEY0: usize = 0;
/** Without the block. */
export const G_KEY1: usize = 16;
/** The block; BLOCK_UNKNOWN for addresses without one. */
export const G_BLOCK: usize = 32;
/** The kind of source, times four. */
export const G_KIND: usize = 48;
/** The flow's hash, and the source's finger. */
export const G_HASH: usize = 64;
export const G_FINGER: usize = 80;
/** Where the entry is, and the default word. */
export const G_ENTRY: usize = 96;
export const G_DEFAULT: usize = 112;
export const GROUP_BYTES: usize = 128;

export const scratch: usize = memory.data(8192);

const pins: usize = memory.data(512);

/** `value` in all lanes, by way of memory: a constant that a loop uses would be made anew at each use. */
export function pinned(number: usize, value: i32): v128 {
  const at = pins + (number << 4);
  v128.store(at, i32x4.splat(value));
  return v128.load(at);
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

/** Notes those packets of a group, whose addresses are at `list`, that have their bit set. */
export function waitFor(list: usize, bits: i32): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    if (((bits >> <i32>lane) & 1) != 0) wait(load<u32>(list + (lane << 2)));
  }
}

/** Fills the group that a list of `count` packets ends in, by repeating the last one. */
export function fillUp(list: usize, count: u32): void {
  const end = list + ((<usize>count) << 2);
  if ((count & 3) == 0) return;
  const last = load<u32>(end - 4);
  for (let at = end; at < list + ((<usize>((count + 3) & ~3)) << 2); at += 4) store<u32>(at, last);
}

/** The result of the packet at `packet`: slots are eight times as long as results. */
export function resultOf(packet: usize, packets: usize, results: usize): usize {
  return results + ((packet - packets) >> 3);
}

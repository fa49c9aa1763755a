/** Addresses that tables know: blocks of IPv6 addresses, and the node's own. */
import {
  BLOCK_BYTES,
  H_BLOCK_COUNT,
  H_BLOCKS,
  H_LOCAL,
  H_LOCAL_FACTOR,
  H_LOCAL_MASK,
  LOCAL_ABOUT,
  LOCAL_BLOCK_MASK,
  LOCAL_BLOCK_SHIFT,
  LOCAL_SHIFT,
} from "./layout";
import { section, word } from "./table";

/** The number of the block of an IPv6 address; 0: none. */
export function blockOf(address: usize): u32 {
  const high = load<u64>(address);
  const low = load<u32>(address, 8);
  const count = word(H_BLOCK_COUNT);
  let block = section(H_BLOCKS);
  for (let number: u32 = 1; number <= count; number++, block += BLOCK_BYTES)
    if (load<u64>(block) == high && load<u32>(block, 8) == low) return number;
  return 0;
}

/** The LOCAL record of an address; 0: it is not the node's. */
export function findLocal(key0: u32, block: u32): usize {
  const place = ((key0 + block) * word(H_LOCAL_FACTOR)) >> clz(word(H_LOCAL_MASK));
  const local = section(H_LOCAL) + ((<usize>place) << LOCAL_SHIFT);
  if (load<u32>(local) != key0) return 0;
  return ((load<u32>(local, LOCAL_ABOUT) >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK) == block ? local : 0;
}

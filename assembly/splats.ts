/** Blocks of IPv6 addresses as lanes compare them: each word four times. */
import { BLOCK_BYTES, H_BLOCK_COUNT, H_BLOCKS } from "./layout";
import { section, word } from "./table";

/** A block's three words, then its number. There is room for as many as there can be: BLOCK_UNKNOWN - 1. */
export const SPLAT_SECOND: usize = 16;
export const SPLAT_THIRD: usize = 32;
export const SPLAT_NUMBER: usize = 48;
export const SPLAT_BLOCK_BYTES: usize = 64;
export const splatBlocks: usize = memory.data(253 * 64);

/** Blocks that are looked at for all packets, whether there are as many or not. */
export const FEW_BLOCKS: u32 = 4;

/** Makes them for a table that is taken into use. */
export function makeSplats(): void {
  let block = section(H_BLOCKS);
  let to = splatBlocks;
  for (let number: u32 = 1; number <= word(H_BLOCK_COUNT); number++, block += BLOCK_BYTES, to += SPLAT_BLOCK_BYTES) {
    v128.store(to, v128.load32_splat(block));
    v128.store(to, v128.load32_splat(block, 4), SPLAT_SECOND);
    v128.store(to, v128.load32_splat(block, 8), SPLAT_THIRD);
    v128.store(to, i32x4.splat(<i32>number), SPLAT_NUMBER);
  }
  // Number 0 is as good as no block, whatever its words are.
  for (let number = word(H_BLOCK_COUNT); number < FEW_BLOCKS; number++, to += SPLAT_BLOCK_BYTES)
    v128.store(to, i32x4.splat(0), SPLAT_NUMBER);
}

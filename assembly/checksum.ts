/** Whether a table is as it was written. */
import { H_SEED, HASH_A, HASH_B, SUM_SHIFT } from "./layout";

/** The sum of the words behind the checksum, each mixed with its place. */
export function checksumOf(table: usize, size: u32): u32 {
  let sum: u32 = 0;
  for (let at: u32 = H_SEED; at < size; at += 4) sum += mixed(load<u32>(table + <usize>at) ^ (at * <u32>HASH_B));
  return sum;
}

function mixed(word: u32): u32 {
  const product = (word ^ (word >> SUM_SHIFT)) * <u32>HASH_A;
  return product ^ (product >> SUM_SHIFT);
}

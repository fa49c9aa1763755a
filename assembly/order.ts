/** Whether an IPv6 address, given as two numbers, is lower than one given as four words, highest first. */

export function isBefore(high: u64, low: u64, at: usize): bool {
  const other = pair(at);
  return high < other || (high == other && low < pair(at + 8));
}

function pair(at: usize): u64 {
  return ((<u64>load<u32>(at)) << 32) | <u64>load<u32>(at, 4);
}

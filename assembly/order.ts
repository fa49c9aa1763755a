/** Which of two IPv6 addresses is the higher one. One is given as two numbers, one as four words, highest first. */

export function isBefore(high: u64, low: u64, at: usize): bool {
  const other = pair(at);
  return high < other || (high == other && low < pair(at + 8));
}

export function isBehind(high: u64, low: u64, at: usize): bool {
  const other = pair(at);
  return high > other || (high == other && low > pair(at + 8));
}

function pair(at: usize): u64 {
  return ((<u64>load<u32>(at)) << 32) | <u64>load<u32>(at, 4);
}

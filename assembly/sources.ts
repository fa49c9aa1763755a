/** What kind of source a packet has. */

import { blockOf, findLocal } from "./addresses";
import {
  ALLOWED4_BYTES,
  ALLOWED4_LAST,
  ALLOWED6_BYTES,
  ALLOWED6_LAST,
  EXTENDED_ALLOWED,
  EXTENDED_ALLOWED_COUNT,
  H_ALLOWED,
  H_DETECTED4,
  H_DETECTED4_COUNT,
  H_DETECTED6,
  H_DETECTED6_COUNT,
  PREFIX4_BYTES,
  PREFIX4_MASK,
  PREFIX6_BYTES,
  PREFIX6_MASK,
  SOURCE_DETECTED,
  SOURCE_LOCAL,
  SOURCE_LOOPBACK,
} from "./layout";
import { isBefore, isBehind } from "./order";
import { isV6, source } from "./packet";
import { section, word } from "./table";

/** What is true of the source of the packet that was parsed, whatever the destination. */
export function sourceClass(): u32 {
  const detected: u32 = isDetected() ? SOURCE_DETECTED : 0;
  if (!isV6 && load<u8>(source) == 127) return detected | SOURCE_LOCAL | SOURCE_LOOPBACK;
  return detected | (isLocal() ? SOURCE_LOCAL : 0);
}

function isLocal(): bool {
  if (!isV6) return findLocal(load<u32>(source), 0) != 0;
  const block = blockOf(source);
  return block != 0 && findLocal(load<u32>(source, 12), block) != 0;
}

function isDetected(): bool {
  if (!isV6) {
    let prefix = section(H_DETECTED4);
    const end = prefix + word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
    const address = load<u32>(source);
    for (; prefix < end; prefix += PREFIX4_BYTES)
      if ((address & load<u32>(prefix, PREFIX4_MASK)) == load<u32>(prefix)) return true;
    return false;
  }
  let prefix = section(H_DETECTED6);
  const end = prefix + word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  const high = load<u64>(source);
  const low = load<u64>(source, 8);
  for (; prefix < end; prefix += PREFIX6_BYTES) {
    if ((high & load<u64>(prefix, PREFIX6_MASK)) != load<u64>(prefix)) continue;
    if ((low & load<u64>(prefix, PREFIX6_MASK + 8)) == load<u64>(prefix, 8)) return true;
  }
  return false;
}

/** Whether the address at `from` is among those that the row of an EXTENDED record allows. */
export function isAllowed(extended: usize, from: usize, ofV6: bool): bool {
  let interval = section(H_ALLOWED) + load<u32>(extended, EXTENDED_ALLOWED);
  const count = load<u32>(extended, EXTENDED_ALLOWED_COUNT);
  // All of them: which one it is in cannot be foretold, how many there are can.
  let isIn = false;
  if (!ofV6) {
    const address = bswap<u32>(load<u32>(from));
    for (let i: u32 = 0; i < count; i++, interval += ALLOWED4_BYTES)
      isIn = isIn | ((address >= load<u32>(interval)) & (address <= load<u32>(interval, ALLOWED4_LAST)));
    return isIn;
  }
  const high = bswap<u64>(load<u64>(from));
  const low = bswap<u64>(load<u64>(from, 8));
  for (let i: u32 = 0; i < count; i++, interval += ALLOWED6_BYTES)
    isIn = isIn | (!isBefore(high, low, interval) & !isBehind(high, low, interval + ALLOWED6_LAST));
  return isIn;
}

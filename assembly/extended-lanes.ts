/** Packets whose row or endpoint has more to say, one by one, but without branches. */

import { isEndpoint } from "./answer-lanes";
import { IPV4_SOURCE, IPV6_SOURCE } from "./headers";
import {
  CHUNK,
  found,
  G_AT,
  G_CODE_AT,
  G_HASH,
  G_ROW0,
  groupAt,
  lanesAt,
  resultOf,
  SLOT_SHIFT,
  scratch,
  wait,
} from "./lanes";
import {
  CODE_ALLOWED,
  CODE_ASK_ENDPOINT,
  CODE_EXTENDED,
  CODE_HAIRPIN,
  CODE_SECOND,
  CODE_SHIFT,
  CODE_THIRD,
  EXTENDED_BASE,
  EXTENDED_BYTES,
  EXTENDED_FIRST,
  EXTENDED_SECOND,
  H_ENTRIES,
  H_EXTENDED,
  RESULT_ENDPOINT,
  RESULT_SLOT_SHIFT,
  SOURCE_ALLOWED,
  VERDICT_DNAT,
  VERDICT_MASK,
} from "./layout";
import { isAllowed } from "./sources";
import { section } from "./table";

/** Completes the results of the packets in `found`. */
export function specialLanes(list: usize, foundEnd: usize, packets: usize, results: usize, isV6: bool): void {
  const end = listLanes(foundEnd);
  const records = section(H_EXTENDED);
  const entries = section(H_ENTRIES);
  for (let at = lanesFound; at < end; at += 4) {
    const lane = <usize>load<u32>(at);
    const packet = load<u32>(list + (lane - scratch));
    const result = resultOf(<usize>packet, packets, results);
    if (!extend(lane, <usize>packet, result, isV6, records, entries)) wait(packet);
  }
}

const lanesFound: usize = memory.data(4 * CHUNK + 16);

/** The lanes of the groups in `found`, one by one: how many a group has cannot be foretold, and nothing depends on it. */
function listLanes(foundEnd: usize): usize {
  let end = lanesFound;
  for (let at = found; at < foundEnd; at += 4) {
    const group = <u32>groupAt(at);
    const lanes = lanesAt(at);
    store<u32>(end, group);
    end += (<usize>(lanes & 1)) << 2;
    store<u32>(end, group + 4);
    end += (<usize>(lanes & 2)) << 1;
    store<u32>(end, group + 8);
    end += <usize>(lanes & 4);
    store<u32>(end, group + 12);
    end += <usize>((lanes & 8) >> 1);
  }
  return end;
}

/** Writes the result of a packet with an extended row; false when there is more to it. What differs from packet to packet is
 *  computed, not branched upon. */
function extend(lane: usize, packet: usize, result: usize, isV6: bool, records: usize, entries: usize): bool {
  let codeAt = <usize>load<u32>(lane, G_CODE_AT);
  let code = load<u32>(codeAt);
  if ((code & CODE_EXTENDED) == 0) return false;
  const record = records + <usize>load<u32>(lane, G_ROW0) * EXTENDED_BYTES;
  if ((code & CODE_ALLOWED) != 0) {
    const isIn = isAllowed(record, packet + (isV6 ? IPV6_SOURCE : IPV4_SOURCE), isV6);
    code = load<u32>(codeAt + <usize>isIn * CODE_OF_ALLOWED);
  }
  const entry = load<u32>(lane, G_AT) - <u32>entries;
  store<u32>(result, (code & 0xff) | ((entry << SLOT_SHIFT) + (1 << RESULT_SLOT_SHIFT)));
  const isTranslated: u32 = <u32>((code & VERDICT_MASK) == VERDICT_DNAT);
  const isSecond: u32 = <u32>((code & CODE_SECOND) != 0);
  const first = load<u32>(record, EXTENDED_FIRST);
  const choices = isSecond ? load<u32>(record, EXTENDED_SECOND) : first;
  const base = load<u32>(record, EXTENDED_BASE) + (first & (0 - isSecond));
  const number = base + <u32>((<u64>load<u32>(lane, G_HASH) * <u64>choices) >> 32);
  store<u32>(result, number | (isTranslated - 1), RESULT_ENDPOINT);
  if ((code & (CODE_ASK_ENDPOINT | CODE_THIRD)) != 0) return false;
  if ((code & CODE_HAIRPIN) == 0) return true;
  return isTranslated != 0 && !isEndpoint(packet, number, isV6);
}

/** From a code to that of allowed sources. */
const CODE_OF_ALLOWED: usize = SOURCE_ALLOWED << CODE_SHIFT;

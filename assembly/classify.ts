/** Packets one by one. */
import { answer, decide, endpoint } from "./decide";
import { NO_ENDPOINT, PACKET_BYTES, RESULT_BYTES, RESULT_ENDPOINT } from "./layout";
import { parse, SEEN } from "./packet";

/** Writes the result of one packet: see RESULT. */
export function classifyOne(
  packet: usize,
  given: u32,
  length: u32,
  interfaceClass: u32,
  how: u32,
  random: u32,
  result: usize,
): u32 {
  const verdict = parse(packet, given, length);
  if (verdict != SEEN) {
    store<u32>(result, verdict);
    store<i32>(result, NO_ENDPOINT, RESULT_ENDPOINT);
    return verdict;
  }
  decide(interfaceClass, how, random);
  store<u32>(result, answer);
  store<u32>(result, endpoint, RESULT_ENDPOINT);
  return answer;
}

/** Longer than any packet says it is. */
const ENDLESS: u32 = 0xffffffff;

/** Packets in slots of PACKET_BYTES; each is as long as it says. `randoms`: a word for each packet, or 0. */
export function classifyEach(
  packets: usize,
  count: u32,
  interfaceClass: u32,
  how: u32,
  randoms: usize,
  results: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const random = randoms == 0 ? 0 : load<u32>(randoms + ((<usize>i) << 2));
    classifyOne(packets, PACKET_BYTES, ENDLESS, interfaceClass, how, random, results);
    packets += PACKET_BYTES;
    results += RESULT_BYTES;
  }
}

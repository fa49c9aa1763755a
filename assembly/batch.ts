/** Packets by the batch. */
import { answerLanes, touchEntries } from "./answer-lanes";
import { classifyOne } from "./classify";
import { attention, CHUNK, fillUp, nobodyWaits, packets4, packets6, resultOf, wait, waitingPackets } from "./lanes";
import { defaultLanes } from "./default-lanes";
import { parseLanes4 } from "./lanes4";
import { parseLanes6 } from "./lanes6";
import {
  CHOOSE_FLOW,
  CODES_SHIFT,
  ENTRY_SHIFT,
  H_BEHAVIOUR_COUNT,
  H_CODES,
  H_FINGERS4,
  H_FINGERS6,
  H_INTERFACE_KIND_COUNT,
  H_LOCAL_DEFAULT4,
  H_LOCAL_DEFAULT6,
  H_OTHER4,
  H_OTHER6,
  H_SLOT_MASK,
  PACKET_BYTES,
} from "./layout";
import { placeLanes } from "./place-lanes";
import { section, word } from "./table";

/** Longer than any packet says it is. */
const ENDLESS: u32 = 0xffffffff;

/** Tables with more bytes of entries do not stay in the nearest caches. */
const NEAR_BYTES: u32 = 1 << 19;

/** Keeps the loads of `touchEntries` from being left out. */
let sink: u32 = 0;

/** Packets in slots of PACKET_BYTES; each is as long as it says. Endpoints are chosen by flow. */
export function classifyByLanes(packets: usize, count: u32, interfaceKind: u32, results: usize): void {
  const kinds = word(H_INTERFACE_KIND_COUNT);
  const ofInterface = interfaceKind < kinds ? interfaceKind : 1;
  const codes = section(H_CODES) + ((<usize>(ofInterface * word(H_BEHAVIOUR_COUNT))) << CODES_SHIFT);
  const isFar = word(H_SLOT_MASK) << ENTRY_SHIFT >= NEAR_BYTES;
  for (let done: u32 = 0; done < count; done += CHUNK) {
    const chunk = packets + <usize>done * PACKET_BYTES;
    nobodyWaits();
    sort(chunk, min(CHUNK, count - done));
    if (count4 != 0) {
      parseLanes4(count4);
      defaultLanes(count4, word(H_OTHER4), false);
      placeLanes(packets4, count4, word(H_LOCAL_DEFAULT4));
      if (isFar) sink |= touchEntries(count4);
      answerLanes(packets4, count4, codes, section(H_FINGERS4), packets, results);
    }
    if (count6 != 0) {
      parseLanes6(count6);
      defaultLanes(count6, word(H_OTHER6), true);
      placeLanes(packets6, count6, word(H_LOCAL_DEFAULT6));
      if (isFar) sink |= touchEntries(count6);
      answerLanes(packets6, count6, codes, section(H_FINGERS6), packets, results);
    }
    const end = attention + ((<usize>waitingPackets()) << 2);
    for (let at = attention; at < end; at += 4) {
      const packet = <usize>load<u32>(at);
      classifyOne(packet, PACKET_BYTES, ENDLESS, interfaceKind, CHOOSE_FLOW, 0, resultOf(packet, packets, results));
    }
  }
}

let count4: u32 = 0;
let count6: u32 = 0;

/** Makes the lists of a chunk: IPv4 packets without options, IPv6 packets, others. */
function sort(packet: usize, count: u32): void {
  let end4 = packets4;
  let end6 = packets6;
  const end = packet + <usize>count * PACKET_BYTES;
  for (; packet < end; packet += PACKET_BYTES) {
    const first = <u32>load<u8>(packet);
    store<u32>(end4, <u32>packet);
    store<u32>(end6, <u32>packet);
    const is4 = first == 0x45;
    const is6 = first >> 4 == 6;
    end4 += (<usize>is4) << 2;
    end6 += (<usize>is6) << 2;
    if (!(is4 || is6)) wait(<u32>packet);
  }
  count4 = <u32>((end4 - packets4) >> 2);
  count6 = <u32>((end6 - packets6) >> 2);
  fillUp(packets4, count4);
  fillUp(packets6, count6);
  count4 = (count4 + 3) & ~3;
  count6 = (count6 + 3) & ~3;
}

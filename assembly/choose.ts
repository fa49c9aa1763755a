/** Which of several endpoints a packet goes to. */
import {
  CHOOSE_RANDOM,
  CHOOSE_RENDEZVOUS,
  ENDPOINT4_BYTES,
  ENDPOINT4_PORT,
  ENDPOINT6_BYTES,
  ENDPOINT6_PORT,
  H_ENDPOINTS4,
  H_ENDPOINTS6,
  HASH_A,
  HASH_B,
  HASH_C,
  SUM_FOLD_SHIFT,
} from "./layout";
import { destination, isV6, ports, source } from "./packet";
import { section } from "./table";

/** The number of one of `count` endpoints, the first of which is `first`. `random` is used by CHOOSE_RANDOM only. */
export function choose(how: u32, random: u32, first: u32, count: u32): u32 {
  if (how == CHOOSE_RENDEZVOUS) return first + rendezvous(flowHash(), first, count);
  return first + part(how == CHOOSE_RANDOM ? random : flowHash(), count);
}

/** A number below `count`, each for an equal share of the hashes. */
function part(hash: u32, count: u32): u32 {
  return <u32>((<u64>hash * <u64>count) >> 32);
}

/** Equal for packets of one flow. */
export function flowHash(): u32 {
  const from = isV6 ? fold6(source) : load<u32>(source);
  const to = isV6 ? load<u32>(destination, 12) : load<u32>(destination);
  const hash = ((from * <u32>HASH_A) ^ to) + ports * <u32>HASH_B;
  return (hash ^ (hash >> SUM_FOLD_SHIFT)) * <u32>HASH_C;
}

/** The four words of an IPv6 address in one. */
function fold6(address: usize): u32 {
  const high = load<u32>(address) ^ (load<u32>(address, 4) * <u32>HASH_B);
  return (load<u32>(address, 12) + high * <u32>HASH_A) ^ load<u32>(address, 8);
}

function finish(hash: u32): u32 {
  hash = (hash ^ (hash >> 15)) * <u32>HASH_B;
  hash = (hash ^ (hash >> 13)) * <u32>HASH_C;
  return hash ^ (hash >> 16);
}

/** The endpoint that ranks highest for a flow. Ranks depend on the endpoint and on nothing around it: when one goes, only
 *  its own flows move. */
function rendezvous(flow: u32, first: u32, count: u32): u32 {
  let best: u32 = 0;
  let most: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const identity = endpointHash(first + i);
    // No two endpoints of a list are equal: where the first half ties the second decides.
    const rank = ((<u64>finish(flow ^ identity)) << 32) | <u64>identity;
    if (rank < most) continue;
    most = rank;
    best = i;
  }
  return best;
}

function endpointHash(number: u32): u32 {
  if (isV6) {
    const endpoint = section(H_ENDPOINTS6) + <usize>number * ENDPOINT6_BYTES;
    return finish(fold6(endpoint) + <u32>load<u16>(endpoint, ENDPOINT6_PORT) * <u32>HASH_C);
  }
  const endpoint = section(H_ENDPOINTS4) + <usize>number * ENDPOINT4_BYTES;
  return finish(load<u32>(endpoint) * <u32>HASH_A + <u32>load<u16>(endpoint, ENDPOINT4_PORT) * <u32>HASH_C);
}

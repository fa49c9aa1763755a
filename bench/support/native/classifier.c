/*
 * The engine's classifyMany in C, as an addon of Node.js: what a compiler for this very processor makes of the same algorithm.
 * Stage by stage and function by function as in assembly/, which says why things are as they are; layout.h is made of
 * assembly/layout.ts. It works on the bytes of the engine's memory: places are offsets into it, as there.
 *
 * PREFETCH: entries are asked for by prefetching, not by reading them.
 */
#include <immintrin.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "layout.h"

typedef uint32_t u32;
typedef uint64_t u64;
typedef u32 u32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef u32 any32 __attribute__((may_alias, aligned(1)));
typedef u64 any64 __attribute__((may_alias, aligned(1)));
typedef uint16_t any16 __attribute__((may_alias, aligned(1)));
typedef u32x4 any32x4 __attribute__((may_alias, aligned(1)));

/* --- the table in use ---------------------------------------------------------------------------------------------------- */

static uint8_t *memory;
static u32 table;

static inline u32 load8(u32 at) { return memory[at]; }
static inline u32 load16(u32 at) { return *(const any16 *)(memory + at); }
static inline u32 load32(u32 at) { return *(const any32 *)(memory + at); }
static inline u64 load64(u32 at) { return *(const any64 *)(memory + at); }
static inline void store32(u32 at, u32 value) { *(any32 *)(memory + at) = value; }
static inline u32 word(u32 at) { return load32(table + at); }
static inline u32 section(u32 at) { return table + word(at); }
static inline u32 big16(u32 at) { return __builtin_bswap16((uint16_t)load16(at)); }
static inline u64 pair(u32 at) { return ((u64)load32(at) << 32) | load32(at + 4); }

static inline bool isBefore(u64 high, u64 low, u32 at) {
  const u64 other = pair(at);
  return high < other || (high == other && low < pair(at + 8));
}

static inline bool isBehind(u64 high, u64 low, u32 at) {
  const u64 other = pair(at);
  return high > other || (high == other && low > pair(at + 8));
}

/* --- packets one by one: packet.ts --------------------------------------------------------------------------------------- */

enum { SEEN = 0 };
enum { NEW, INVALID, UNTRACKED };
enum { ICMP = 1, TCP = 6, UDP = 17, GRE = 47, ICMPV6 = 58, SCTP = 132, UDPLITE = 136 };
enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, NOTHING_NEXT = 59, DESTINATION = 60 };
/* net.ipv6.max_hbh_opts_number, unless somebody sets it. */
enum { MAX_OPTIONS = 8, ROUTER_ALERT = 5, GRE_PPP = 0x880b };

static bool isV6;
static u32 source;
static u32 destination;
static u32 protocol;
static u32 ports;
static u32 tracking;

static u32 parse4(u32 at, u32 given, u32 length);
static u32 parse6(u32 at, u32 given, u32 length);
static bool isExtension(u32 next);
static u32 checkOptions(u32 header, u32 there, u32 rest);
static u32 end(u32 next, u32 state, bool more);
static u32 parseTransport(u32 at, u32 header, u32 given, u32 total, bool more);
static u32 bytesOf(u32 number);

static u32 parse4(u32 at, u32 given, u32 length) {
  if (given < 20) return length < 20 ? VERDICT_MALFORMED : VERDICT_UNSEEN;
  u32 header = (load8(at) & 15) << 2;
  u32 total = big16(at + 2);
  if (header < 20 || total < header || total > length) return VERDICT_MALFORMED;
  isV6 = false;
  source = at + 12;
  destination = at + 16;
  protocol = load8(at + 9);
  u32 fragment = big16(at + 6);
  if ((fragment & 0x1fff) != 0) return VERDICT_FRAGMENT;
  return parseTransport(at, header, (given < total ? given : total), total, (fragment & 0x2000) != 0);
}

static u32 parse6(u32 at, u32 given, u32 length) {
  if (given < 40) return length < 40 ? VERDICT_MALFORMED : VERDICT_UNSEEN;
  u32 payload = big16(at + 4);
  u32 next = load8(at + 6);
  u32 total = length;
  if (payload != 0 || next != 0) {
    total = payload + 40;
    if (total > length) return VERDICT_MALFORMED;
  }
  u32 there = (given < total ? given : total);
  isV6 = true;
  source = at + 8;
  destination = at + 24;
  u32 header = 40;
  if (next == HOP_BY_HOP) {
    u32 verdict = checkOptions(at + header, there - header, total - header);
    if (verdict != SEEN) return verdict;
  }
  u32 gathered = false;
  u32 more = false;
  u32 authenticated = false;
  while (isExtension(next)) {
    /* The kernel reads this much of each, and does not mind where the header ends. */
    u32 needed = next == FRAGMENT ? 4 : 2;
    if (header + needed > total) return next == FRAGMENT && !gathered ? VERDICT_FRAGMENT : end(next, INVALID, more);
    if (header + needed > there) return VERDICT_UNSEEN;
    u32 here = at + header;
    u32 after = load8(here);
    if (next == FRAGMENT) {
      u32 field = big16(here + 2);
      u32 offset = field & 0xfff8;
      u32 bytes = total > header + 8 ? total - header - 8 : 0;
      u32 last = (field & 1) == 0;
      /* A fragment of an odd length is not gathered but goes on as it is, and what has been gathered is not gathered again. */
      if (!gathered && (last || (bytes & 7) == 0)) {
        /* One without bytes is lost, unless a transport header should be in it: see below. */
        if (offset != 0 || (bytes == 0 && (isExtension(after) || after == NOTHING_NEXT))) return VERDICT_FRAGMENT;
        more = !last;
      } else if (offset != 0) {
        return end(after, INVALID, more);
      }
      gathered = true;
      header += 8;
    } else if (next == AUTHENTICATION) {
      authenticated = true;
      header += (load8(here + 1) + 2) << 2;
    } else {
      header += (load8(here + 1) + 1) << 3;
    }
    next = after;
  }
  if (next == NOTHING_NEXT) return end(next, INVALID, more);
  protocol = next;
  u32 verdict = parseTransport(at, header, there, total, more);
  /* Conntrack looks behind this header; nft's rules take it for the packet's protocol. */
  if (authenticated) protocol = AUTHENTICATION;
  return verdict;
}

static bool isExtension(u32 next) {
  return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == AUTHENTICATION || next == DESTINATION;
}

/* What the kernel makes of hop-by-hop options before any rule: of the `rest` bytes of the packet, `there` are given. */
static u32 checkOptions(u32 header, u32 there, u32 rest) {
  if (rest < 8) return VERDICT_MALFORMED;
  if (there < 8) return VERDICT_UNSEEN;
  u32 length = (load8(header + 1) + 1) << 3;
  if (length > rest) return VERDICT_MALFORMED;
  if (length > there) return VERDICT_UNSEEN;
  u32 at = header + 2;
  const u32 last = header + length;
  u32 padding = 0;
  u32 count = 0;
  while (at < last) {
    u32 type = load8(at);
    /* One byte of padding, or an option with its length. */
    if (type != 0 && at + 2 > last) return VERDICT_MALFORMED;
    u32 bytes = type == 0 ? 1 : load8(at + 1) + 2;
    if (at + bytes > last) return VERDICT_MALFORMED;
    if (type <= 1) {
      padding += bytes;
      if (padding > 7) return VERDICT_MALFORMED;
      for (u32 i = 2; i < bytes; i++) if (load8(at + i) != 0) return VERDICT_MALFORMED;
    } else {
      padding = 0;
      if (++count > MAX_OPTIONS) return VERDICT_MALFORMED;
      /* Who does not know an option drops the packet, unless its two highest bits say otherwise. That holds for jumbograms, */
      /* which are longer than anything that is given here. */
      if (type >> 6 != 0) return VERDICT_MALFORMED;
      if (type == ROUTER_ALERT && bytes != 4) return VERDICT_MALFORMED;
    }
    at += bytes;
  }
  return SEEN;
}

/* The packet has a transport header that is no good, or none: of fragments nobody knows yet. */
static u32 end(u32 next, u32 state, bool more) {
  if (more) return VERDICT_FRAGMENT;
  protocol = next;
  tracking = state;
  return SEEN;
}

/* The transport header is `header` bytes behind `at`. `more`: it is the first of several fragments. */
static u32 parseTransport(u32 at, u32 header, u32 given, u32 total, bool more) {
  u32 here = at + header;
  u32 rest = total > header ? total - header : 0;
  u32 there = given > header ? given - header : 0;
  u32 needed = bytesOf(protocol);
  /* First fragments of IPv6 whose transport header is cut off are not gathered either; of most protocols that is to say */
  /* without a byte of it. */
  if (isV6 && rest < (protocol == TCP || protocol == UDP || protocol == ICMPV6 ? needed : 1)) more = false;
  if (rest < needed) return end(protocol, INVALID, more);
  if (there < needed) return VERDICT_UNSEEN;
  switch (protocol) {
    case TCP: {
      u32 bytes = ((load8(here + 12) >> 4)) << 2;
      if (bytes < 20 || (!more && bytes > rest)) tracking = INVALID;
      break;
    }
    case UDP: {
      u32 bytes = big16(here + 4);
      if (bytes < 8 || (!more && bytes > rest)) tracking = INVALID;
      break;
    }
    case UDPLITE: {
      /* How many of its bytes the checksum is of; 0: all. */
      u32 covered = big16(here + 4);
      if (covered != 0 && (covered < 8 || (!more && covered > rest))) tracking = INVALID;
      return SEEN;
    }
    case GRE: {
      /* Of the version that PPTP uses, nothing but PPP. */
      if (rest < 8) return SEEN;
      if (there < 8) return VERDICT_UNSEEN;
      if ((load8(here + 1) & 7) == 1 && big16(here + 2) != GRE_PPP) tracking = INVALID;
      return SEEN;
    }
    case SCTP:
      break;
    case ICMP: {
      /* Requests for echo, time, information and address mask open something like a connection. */
      u32 type = load8(here);
      if (isV6 || (type != 8 && type != 13 && type != 15 && type != 17)) tracking = INVALID;
      return SEEN;
    }
    case ICMPV6: {
      u32 type = load8(here);
      if (isV6 && ((type >= 130 && type <= 136) || type == 143)) tracking = UNTRACKED;
      else if (!isV6 || (type != 128 && type != 139)) tracking = INVALID;
      return SEEN;
    }
    default:
      return SEEN;
  }
  if (tracking == NEW) ports = load32(here);
  return SEEN;
}


/* The least that conntrack wants of a protocol: its header, and of SCTP the beginning of a chunk. */
static u32 bytesOf(u32 number) {
  if (number == TCP) return 20;
  if (number == SCTP) return 16;
  if (number == UDP || number == UDPLITE || number == ICMP || number == ICMPV6) return 8;
  return 0;
}

static u32 parse(u32 at, u32 given, u32 length) {
  ports = 0;
  tracking = NEW;
  if (given < 1) return VERDICT_MALFORMED;
  const u32 version = load8(at) >> 4;
  if (version == 4) return parse4(at, given, length);
  if (version == 6) return parse6(at, given, length);
  return VERDICT_MALFORMED;
}

/* --- addresses.ts, destinations.ts --------------------------------------------------------------------------------------- */

#define NOWHERE 0xffffffffu

static u32 blockOf(u32 address) {
  const u64 high = load64(address);
  const u32 low = load32(address + 8);
  const u32 count = word(H_BLOCK_COUNT);
  u32 block = section(H_BLOCKS);
  for (u32 number = 1; number <= count; number++, block += BLOCK_BYTES)
    if (load64(block) == high && load32(block + 8) == low) return number;
  return 0;
}

static u32 findLocal(u32 key0, u32 block) {
  const u32 place = ((key0 + block) * word(H_LOCAL_FACTOR)) >> __builtin_clz(word(H_LOCAL_MASK));
  const u32 local = section(H_LOCAL) + (place << LOCAL_SHIFT);
  if (load32(local) != key0) return 0;
  return ((load32(local + LOCAL_ABOUT) >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK) == block ? local : 0;
}

static u32 findSlot(u32 key0, u32 key1) {
  const u32 a = (key0 ^ word(H_SEED)) * HASH_A;
  const u32 b = key1 * HASH_B;
  u32 bucket = a + b;
  bucket = (((bucket ^ (bucket >> 15)) * HASH_C) >> BUCKET_SHIFT) & word(H_BUCKET_MASK);
  u32 mix = ((a >> 16) ^ b) * HASH_C;
  mix ^= mix >> 16;
  const u32 pilot = load16(section(H_PILOTS) + (bucket << 1));
  const u32 slot = ((mix * pilot) >> PLACE_SHIFT) & word(H_SLOT_MASK);
  const u32 entry = section(H_ENTRIES) + (slot << ENTRY_SHIFT);
  return load32(entry) == key0 && load32(entry + ENTRY_KEY1) == key1 ? slot : NOWHERE;
}

static u32 lowerBits(u32 key0) { return __builtin_bswap32(key0) & 0xfffff; }

static u32 windowOf(u32 key0, u32 block) {
  u32 window = section(H_WINDOWS);
  const u32 last = window + word(H_WINDOW_COUNT) * WINDOW_BYTES;
  for (; window < last; window += WINDOW_BYTES) {
    if (load32(window + WINDOW_KEY0) != (key0 & WINDOW_MASK) || load32(window + WINDOW_BLOCK) != block) continue;
    if (lowerBits(key0) - load32(window + WINDOW_FIRST) < load32(window + WINDOW_COUNT)) return window;
  }
  return 0;
}

static u32 regionOf4(u32 address) {
  const u32 regions = section(H_REGIONS4);
  u32 low = 0;
  u32 high = word(H_REGIONS4_COUNT);
  while (high - low > 1) {
    const u32 middle = (low + high) >> 1;
    if (address < load32(regions + middle * REGION4_BYTES)) high = middle;
    else low = middle;
  }
  return load32(regions + low * REGION4_BYTES + REGION4_DEFAULT);
}

static u32 regionOf6(u32 address) {
  const u32 regions = section(H_REGIONS6);
  const u64 highHalf = __builtin_bswap64(load64(address));
  const u64 lowHalf = __builtin_bswap64(load64(address + 8));
  u32 low = 0;
  u32 high = word(H_REGIONS6_COUNT);
  while (high - low > 1) {
    const u32 middle = (low + high) >> 1;
    if (isBefore(highHalf, lowHalf, regions + middle * REGION6_BYTES)) high = middle;
    else low = middle;
  }
  return load32(regions + low * REGION6_BYTES + REGION6_DEFAULT);
}

static u32 defaultOf(u32 address, u32 key0, u32 block, bool ofV6) {
  const u32 window = ofV6 && block == 0 ? 0 : windowOf(key0, block);
  if (window != 0) {
    const u32 bit = lowerBits(key0) - load32(window + WINDOW_FIRST);
    const u32 bits = load8(table + load32(window + WINDOW_BITS) + (bit >> 3));
    return ((bits >> (bit & 7)) & 1) != 0 ? load32(window + WINDOW_SET) : load32(window + WINDOW_UNSET);
  }
  return ofV6 ? regionOf6(address) : regionOf4(__builtin_bswap32(key0));
}

/* --- sources.ts ---------------------------------------------------------------------------------------------------------- */

static bool isDetected(void) {
  if (!isV6) {
    u32 prefix = section(H_DETECTED4);
    const u32 last = prefix + word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
    const u32 address = load32(source);
    for (; prefix < last; prefix += PREFIX4_BYTES)
      if ((address & load32(prefix + 4)) == load32(prefix)) return true;
    return false;
  }
  u32 prefix = section(H_DETECTED6);
  const u32 last = prefix + word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  const u64 high = load64(source);
  const u64 low = load64(source + 8);
  for (; prefix < last; prefix += PREFIX6_BYTES) {
    if ((high & load64(prefix + PREFIX6_MASK)) != load64(prefix)) continue;
    if ((low & load64(prefix + PREFIX6_MASK + 8)) == load64(prefix + 8)) return true;
  }
  return false;
}

static bool isLocal(void) {
  if (!isV6) return findLocal(load32(source), 0) != 0;
  const u32 block = blockOf(source);
  return block != 0 && findLocal(load32(source + 12), block) != 0;
}

static u32 sourceKind(void) {
  const u32 detected = isDetected() ? SOURCE_DETECTED : 0;
  if (!isV6 && load8(source) == 127) return detected | SOURCE_LOCAL | SOURCE_LOOPBACK;
  return detected | (isLocal() ? SOURCE_LOCAL : 0);
}

static bool isAllowed(u32 extended, u32 from, bool ofV6) {
  u32 interval = section(H_ALLOWED) + load32(extended + EXTENDED_ALLOWED);
  const u32 count = load32(extended + EXTENDED_ALLOWED_COUNT);
  bool isIn = false;
  if (!ofV6) {
    const u32 address = __builtin_bswap32(load32(from));
    for (u32 i = 0; i < count; i++, interval += 8)
      isIn |= (address >= load32(interval)) & (address <= load32(interval + 4));
    return isIn;
  }
  const u64 high = __builtin_bswap64(load64(from));
  const u64 low = __builtin_bswap64(load64(from + 8));
  for (u32 i = 0; i < count; i++, interval += 32)
    isIn |= !isBefore(high, low, interval) & !isBehind(high, low, interval + 16);
  return isIn;
}

/* --- choose.ts, decide.ts: by flow --------------------------------------------------------------------------------------- */

static u32 fold6(u32 address) {
  const u32 high = load32(address) ^ (load32(address + 4) * HASH_B);
  return (load32(address + 12) + high * HASH_A) ^ load32(address + 8);
}

static u32 flowHash(void) {
  const u32 from = isV6 ? fold6(source) : load32(source);
  const u32 to = load32(destination + (isV6 ? 12 : 0));
  const u32 hash = ((from * HASH_A) ^ to) + ports * HASH_B;
  return (hash ^ (hash >> 15)) * HASH_C;
}

static u32 part(u32 hash, u32 count) { return (u32)(((u64)hash * count) >> 32); }

static u32 answer;
static u32 endpoint;
static u32 code;
static u32 slot;
static u32 fallback;

static void findRow(void) {
  slot = NOWHERE;
  u32 block = BLOCK_IPV4;
  u32 key0 = load32(destination);
  if (isV6) {
    block = blockOf(destination);
    key0 = load32(destination + 12);
  }
  const bool isKnown = !isV6 || block != 0;
  const u32 local = isKnown ? findLocal(key0, block) : 0;
  const u32 rest = (ports >> 16) | (protocol << KEY1_PROTOCOL_SHIFT);
  if (local != 0 || (!isV6 && (key0 & 0xff) == 127)) {
    const u32 about = local != 0 ? load32(local + LOCAL_ABOUT) : word(H_LOOPBACK_KIND);
    const u32 kind = about & LOCAL_KIND_MASK;
    fallback = load32(section(H_KINDS) + kind * KIND_BYTES);
    if (tracking != NEW) return;
    if (local != 0 && (about & LOCAL_OWN) != 0) slot = findSlot(key0, rest | (block << KEY1_BLOCK_SHIFT));
    if (slot == NOWHERE) slot = findSlot(kind, rest | (BLOCK_LOCAL << KEY1_BLOCK_SHIFT));
    return;
  }
  fallback = defaultOf(destination, key0, block, isV6);
  if (tracking == NEW && isKnown) slot = findSlot(key0, rest | (block << KEY1_BLOCK_SHIFT));
}

static u32 behaviourIn(u32 value) {
  if (tracking == NEW) return value & 0xff;
  return (value >> (tracking == INVALID ? DEFAULT_INVALID_SHIFT : DEFAULT_UNTRACKED_SHIFT)) & 0xff;
}

static u32 codesOf(u32 ofInterface, u32 behaviour) {
  return section(H_CODES) + ((ofInterface * word(H_BEHAVIOUR_COUNT) + behaviour) << CODES_SHIFT);
}

static bool isSource(u32 record) {
  if (!isV6) return load32(record) == load32(source);
  return load64(record) == load64(source) && load64(record + 8) == load64(source + 8);
}

static void settle(u32 chosen, u32 ofInterface, u32 kind) {
  const u32 record =
      isV6 ? section(H_ENDPOINTS6) + chosen * ENDPOINT6_BYTES : section(H_ENDPOINTS4) + chosen * ENDPOINT4_BYTES;
  u32 fate = code;
  if ((code & CODE_ASK_ENDPOINT) != 0) {
    const u32 number = load16(record + (isV6 ? ENDPOINT6_FATE : ENDPOINT4_FATE));
    if (number != 0) {
      const u32 fates = section(H_FATES) + ((ofInterface * word(H_FATE_COUNT) + number - 1) << CODES_SHIFT);
      fate = load32(fates + (kind << 2));
    }
  }
  if ((fate & CODE_HAIRPIN) != 0 && isSource(record)) fate >>= CODE_HAIRPIN_SHIFT;
  u32 low = fate & TREATMENT_MASK;
  if ((low & VERDICT_MASK) == VERDICT_DNAT) {
    low |= code & STICKY;
    endpoint = chosen;
  }
  answer = (answer & 0xffffff00) | low;
}

static void decide(u32 interfaceKind) {
  findRow();
  endpoint = NO_ENDPOINT;
  const u32 ofInterface = interfaceKind < word(H_INTERFACE_KIND_COUNT) ? interfaceKind : 1;
  const u32 from = sourceKind();
  if (slot == NOWHERE) {
    code = load32(codesOf(ofInterface, behaviourIn(fallback)) + (from << 2));
    answer = code & 0xff;
    return;
  }
  const u32 entry = section(H_ENTRIES) + (slot << ENTRY_SHIFT);
  u32 base = load32(entry + ENTRY_ROW0);
  const u32 row1 = load32(entry + ENTRY_ROW1);
  u32 first = row1 & ROW1_COUNT_MASK;
  u32 second = (row1 >> ROW1_SECOND_SHIFT) & ROW1_COUNT_MASK;
  u32 third = 0;
  u32 fourth = 0;
  u32 kind = from;
  const u32 ofRow = codesOf(ofInterface, row1 >> ROW1_BEHAVIOUR_SHIFT);
  code = load32(ofRow + (kind << 2));
  if ((code & CODE_EXTENDED) != 0) {
    const u32 extended = section(H_EXTENDED) + base * EXTENDED_BYTES;
    base = load32(extended + EXTENDED_BASE);
    first = load32(extended + EXTENDED_FIRST);
    second = load32(extended + EXTENDED_SECOND);
    third = load32(extended + EXTENDED_THIRD);
    fourth = load32(extended + EXTENDED_FOURTH);
    if ((code & CODE_ALLOWED) != 0 && isAllowed(extended, source, isV6)) {
      kind |= SOURCE_ALLOWED;
      code = load32(ofRow + (kind << 2));
    }
  }
  answer = (code & 0xff) | ((slot + 1) << RESULT_SLOT_SHIFT);
  if ((code & VERDICT_MASK) != VERDICT_DNAT && (code & CODE_HAIRPIN) == 0) return;
  const bool isOdd = (code & CODE_SECOND) != 0;
  if ((code & CODE_THIRD) != 0) {
    base += first + second;
    first = third;
    second = fourth;
  }
  const u32 firstChoice = isOdd ? base + first : base;
  settle(firstChoice + part(flowHash(), isOdd ? second : first), ofInterface, kind);
}

static void classifyOne(u32 packet, u32 given, u32 length, u32 interfaceKind, u32 result) {
  const u32 verdict = parse(packet, given, length);
  if (verdict != SEEN) {
    store32(result, verdict);
    store32(result + RESULT_ENDPOINT, NO_ENDPOINT);
    return;
  }
  decide(interfaceKind);
  store32(result, answer);
  store32(result + RESULT_ENDPOINT, endpoint);
}

/* --- four packets at a time: lanes.ts ------------------------------------------------------------------------------------ */

enum { CHUNK = 256, GROUPS = CHUNK / 4 };

typedef struct {
  u32x4 key0, key1, block, kind, hash, finger;
  union { u32x4 source, asked; };
  u32x4 sourceAt, at;
  union { u32x4 mix, hit; };
  u32x4 local, row0, row1, codeAt, fingerAt, hairpin;
} Group;

typedef struct { u32 group, lanes; } Found;

static Group scratch[GROUPS] __attribute__((aligned(64)));
static Found found[GROUPS + 1];
static u32 packets4[CHUNK + 4] __attribute__((aligned(64)));
static u32 packets6[CHUNK + 4] __attribute__((aligned(64)));
/* A packet may be noted by several stages. */
static u32 attention[8 * CHUNK];
static u32 waiting;
static u64 listed[CHUNK + 4] __attribute__((aligned(64)));

static inline u32x4 splat(u32 value) { return (u32x4){value, value, value, value}; }
static inline u32x4 equal(u32x4 a, u32x4 b) { return (u32x4)(a == b); }
static inline u32x4 either(u32x4 a, u32x4 b, u32x4 mask) { return (a & mask) | (b & ~mask); }
static inline u32 signs(u32x4 a) { return (u32)_mm_movemask_ps((__m128)a); }
static inline u32x4 load128(u32 at) { return *(const any32x4 *)(memory + at); }
static inline u32x4 everywhere(u32 at) { return splat(load32(at)); }
static inline u32x4 swapHalves(u32x4 a) { return (u32x4)(((u16x8)a << 8) | ((u16x8)a >> 8)); }
static inline u32x4 interleaveLow(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){0, 4, 1, 5}); }
static inline u32x4 interleaveHigh(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){2, 6, 3, 7}); }
static inline u32x4 lowHalves(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){0, 1, 4, 5}); }
static inline u32x4 highHalves(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){2, 3, 6, 7}); }
static inline u32x4 words(u32x4 at) { return (u32x4){load32(at[0]), load32(at[1]), load32(at[2]), load32(at[3])}; }
static inline u32x4 bytes(u32x4 at) { return (u32x4){load8(at[0]), load8(at[1]), load8(at[2]), load8(at[3])}; }

/* The first words of four records, and the second ones. */
static inline void pairs(u32x4 at, u32x4 *first, u32x4 *second) {
  const u32x4 a = (u32x4)_mm_set_epi64x((long long)load64(at[1]), (long long)load64(at[0]));
  const u32x4 b = (u32x4)_mm_set_epi64x((long long)load64(at[3]), (long long)load64(at[2]));
  *first = __builtin_shuffle(a, b, (u32x4){0, 2, 4, 6});
  *second = __builtin_shuffle(a, b, (u32x4){1, 3, 5, 7});
}

/* Four words at each of four places, turned: the first words, the second ones, and so on. */
static inline void rows(u32 p0, u32 p1, u32 p2, u32 p3, u32x4 column[4]) {
  const u32x4 a = load128(p0), b = load128(p1), c = load128(p2), d = load128(p3);
  const u32x4 ab = interleaveLow(a, b), cd = interleaveLow(c, d);
  const u32x4 abHigh = interleaveHigh(a, b), cdHigh = interleaveHigh(c, d);
  column[0] = lowHalves(ab, cd);
  column[1] = highHalves(ab, cd);
  column[2] = lowHalves(abHigh, cdHigh);
  column[3] = highHalves(abHigh, cdHigh);
}

static inline u32 note(u32 count, u32 group, u32 lanes) {
  found[count] = (Found){group, lanes};
  return count + (lanes != 0);
}

static inline void wait(u32 packet) { attention[waiting++] = packet; }

static void waitForFound(u32 count, const u32 *list) {
  for (u32 i = 0; i < count; i++)
    for (u32 lanes = found[i].lanes; lanes != 0; lanes &= lanes - 1)
      wait(list[found[i].group * 4 + (u32)__builtin_ctz(lanes)]);
}

static u32 fillUp(u32 *list, u32 count) {
  const u32 full = (count + 3) & ~3u;
  for (u32 i = count; i < full; i++) list[i] = list[count - 1];
  return full;
}

/* --- lanes4.ts, lanes6.ts ------------------------------------------------------------------------------------------------ */

static void parseLanes4(u32 count) {
  const u32 localAt = section(H_LOCAL);
  const int localShift = __builtin_clz(word(H_LOCAL_MASK));
  const u32 localFactor = word(H_LOCAL_FACTOR);
  const u32 detectedAt = section(H_DETECTED4);
  const u32 detectedEnd = detectedAt + word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    const u32 *p = packets4 + i * 4;
    Group *group = scratch + i;
    u32x4 front[4], back[4];
    rows(p[0], p[1], p[2], p[3], front);
    rows(p[0] + 16, p[1] + 16, p[2] + 16, p[3] + 16, back);
    const u32x4 from = front[3], to = back[0], portsThere = back[1];
    const u32x4 offsetTcp = {load32(p[0] + 32), load32(p[1] + 32), load32(p[2] + 32), load32(p[3] + 32)};

    const u32x4 header = (front[0] & 0xff) | (front[1] & 0xff3f0000);
    const u32x4 rest = (swapHalves(front[0]) >> 16) - 20;
    const u32x4 proto = front[2] & 0xff00;
    const u32x4 isTcp = equal(proto, splat(TCP << 8));
    const u32x4 udpBytes = swapHalves(back[2]) & 0xffff;
    const u32x4 length = either((offsetTcp >> 2) & 0x3c, udpBytes, isTcp);
    const u32x4 isShort = length - (8 + (isTcp & 12));
    const u32x4 isLong = rest - length;
    const u32x4 hasPorts = (isTcp | equal(proto, splat(UDP << 8))) & ~(isShort | isLong);
    const u32x4 isEcho = equal((portsThere & 0xff) | proto, splat((ICMP << 8) | 8));
    u32x4 plain = hasPorts | (isEcho & ~(rest - 8));
    plain &= equal(header, splat(0x45));
    const u8x16 loopback = (u8x16)splat(0x7f7f7f7f);
    const u32x4 isLoopback = (u32x4)(((u8x16)from == loopback) | ((u8x16)to == loopback));
    plain &= ~(isLoopback << 24);
    const u32x4 both = portsThere & ~isEcho;
    noted = note(noted, i, signs(plain) ^ 15);

    u32x4 detected = splat(0);
    for (u32 prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX4_BYTES)
      detected |= equal(from & everywhere(prefix + 4), everywhere(prefix));

    const u32x4 mixed = from * HASH_A;
    const u32x4 hash = (mixed ^ to) + both * HASH_B;
    group->key0 = to;
    group->key1 = (both >> 16) | (proto << 8);
    group->block = splat(BLOCK_IPV4);
    group->kind = detected & (SOURCE_DETECTED << 2);
    group->hash = (hash ^ (hash >> 15)) * HASH_C;
    group->finger = mixed >> 24;
    group->source = from;
    group->sourceAt = (((from * localFactor) >> localShift) << LOCAL_SHIFT) + localAt;
    group->at = (((to * localFactor) >> localShift) << LOCAL_SHIFT) + localAt;
  }
  waitForFound(noted, packets4);
}

static void parseLanes6(u32 count) {
  const u32 foldsAt = section(H_FOLDS6);
  const int foldsShift = __builtin_clz(word(H_FOLDS6_MASK));
  const u32 foldsFactor = word(H_FOLDS6_FACTOR);
  const u32 localAt = section(H_LOCAL);
  const int localShift = __builtin_clz(word(H_LOCAL_MASK));
  const u32 localFactor = word(H_LOCAL_FACTOR);
  const u32 detectedAt = section(H_DETECTED6);
  const u32 detectedEnd = detectedAt + word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  const u32 blocksAt = section(H_BLOCKS);
  const u32 blocksEnd = blocksAt + word(H_BLOCK_COUNT) * BLOCK_BYTES;
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    const u32 *p = packets6 + i * 4;
    Group *group = scratch + i;
    u32x4 front[4], middle[4], back[4];
    rows(p[0], p[1], p[2], p[3], front);
    rows(p[0] + 16, p[1] + 16, p[2] + 16, p[3] + 16, middle);
    rows(p[0] + 32, p[1] + 32, p[2] + 32, p[3] + 32, back);
    const u32x4 about = front[1];
    const u32x4 source0 = front[2], source1 = front[3], source2 = middle[0], source3 = middle[1];
    const u32x4 destination0 = middle[2], destination1 = middle[3], destination2 = back[0], destination3 = back[1];
    const u32x4 portsThere = back[2];
    const u32x4 offsetTcp = {load32(p[0] + 52), load32(p[1] + 52), load32(p[2] + 52), load32(p[3] + 52)};

    const u32x4 rest = swapHalves(about) & 0xffff;
    const u32x4 proto = about & 0xff0000;
    const u32x4 isTcp = equal(proto, splat(TCP << 16));
    const u32x4 udpBytes = swapHalves(back[3]) & 0xffff;
    const u32x4 length = either((offsetTcp >> 2) & 0x3c, udpBytes, isTcp);
    const u32x4 isShort = length - (8 + (isTcp & 12));
    const u32x4 isLong = rest - length;
    const u32x4 hasPorts = (isTcp | equal(proto, splat(UDP << 16))) & ~(isShort | isLong);
    const u32x4 isEcho = equal((portsThere & 0xff) | proto, splat((ICMPV6 << 16) | 128));
    u32x4 plain = hasPorts | (isEcho & ~(rest - 8));
    plain &= equal(front[0] & 0xf0, splat(0x60));
    const u32x4 both = portsThere & ~isEcho;
    noted = note(noted, i, signs(plain) ^ 15);

    const u32x4 fold = (source3 + (source0 ^ (source1 * HASH_B)) * HASH_A) ^ source2;
    u32x4 detected = splat(0);
    for (u32 prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX6_BYTES) {
      u32x4 other = (source0 & everywhere(prefix + PREFIX6_MASK)) ^ everywhere(prefix);
      other |= (source1 & everywhere(prefix + PREFIX6_MASK + 4)) ^ everywhere(prefix + 4);
      other |= (source2 & everywhere(prefix + PREFIX6_MASK + 8)) ^ everywhere(prefix + 8);
      other |= (source3 & everywhere(prefix + PREFIX6_MASK + 12)) ^ everywhere(prefix + 12);
      detected |= equal(other, splat(0));
    }

    u32x4 block = splat(BLOCK_UNKNOWN);
    u32x4 number = splat(1);
    for (u32 at = blocksAt; at < blocksEnd; at += BLOCK_BYTES) {
      u32x4 other = destination0 ^ everywhere(at);
      other |= destination1 ^ everywhere(at + 4);
      other |= destination2 ^ everywhere(at + 8);
      block = either(number, block, equal(other, splat(0)));
      if (signs(equal(block, splat(BLOCK_UNKNOWN))) == 0) break;
      number += 1;
    }

    const u32x4 mixed = fold * HASH_A;
    const u32x4 hash = (mixed ^ destination3) + both * HASH_B;
    group->key0 = destination3;
    group->key1 = (both >> 16) | proto;
    group->block = block;
    group->kind = detected & (SOURCE_DETECTED << 2);
    group->hash = (hash ^ (hash >> 15)) * HASH_C;
    group->finger = mixed >> 24;
    group->source = fold;
    group->sourceAt = (((fold * foldsFactor) >> foldsShift) << 2) + foldsAt;
    group->at = ((((destination3 + block) * localFactor) >> localShift) << LOCAL_SHIFT) + localAt;
  }
  waitForFound(noted, packets6);
}

/* --- source-lanes.ts, place-lanes.ts, default-lanes.ts ------------------------------------------------------------------- */

static void sourceLanes4(u32 count) {
  for (u32 i = 0; i < count / 4; i++) {
    u32x4 address, about;
    pairs(scratch[i].sourceAt, &address, &about);
    const u32x4 isIPv4 = equal(about & (LOCAL_BLOCK_MASK << LOCAL_BLOCK_SHIFT), splat(0));
    scratch[i].kind |= equal(address, scratch[i].source) & isIPv4 & (SOURCE_LOCAL << 2);
  }
}

static void sourceLanes6(u32 count) {
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++)
    noted = note(noted, i, signs(equal(words(scratch[i].sourceAt), scratch[i].source)));
  waitForFound(noted, packets6);
}

static void keyLanes(const u32 *list, u32 count) {
  const u32 seed = word(H_SEED);
  const u32 bucketMask = word(H_BUCKET_MASK) << 1;
  const u32 pilotsAt = section(H_PILOTS);
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    Group *group = scratch + i;
    const u32x4 to = group->key0;
    u32x4 address, about;
    pairs(group->at, &address, &about);
    const u32x4 isOwn = equal(address, to) & equal((about >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK, group->block);
    noted = note(noted, i, signs(isOwn & equal(about & LOCAL_OWN, splat(LOCAL_OWN))));
    const u32x4 key0 = either(about & LOCAL_KIND_MASK, to, isOwn);
    const u32x4 key1 = group->key1 | ((group->block | (isOwn & BLOCK_LOCAL)) << KEY1_BLOCK_SHIFT);
    group->local = isOwn;
    group->asked = to;
    group->key0 = key0;
    group->key1 = key1;
    const u32x4 mixA = (key0 ^ seed) * HASH_A;
    const u32x4 mixB = key1 * HASH_B;
    u32x4 bucket = mixA + mixB;
    bucket = (bucket ^ (bucket >> 15)) * HASH_C;
    group->at = ((bucket >> (BUCKET_SHIFT - 1)) & bucketMask) + pilotsAt;
    const u32x4 mix = ((mixA >> 16) ^ mixB) * HASH_C;
    group->mix = mix ^ (mix >> 16);
  }
  waitForFound(noted, list);
}

static void entryLanes(u32 count) {
  const u32 slotMask = word(H_SLOT_MASK) << ENTRY_SHIFT;
  const u32 entriesAt = section(H_ENTRIES);
  for (u32 i = 0; i < count / 4; i++) {
    const u32x4 product = scratch[i].mix * (words(scratch[i].at) & 0xffff);
    const u32x4 at = ((product >> (PLACE_SHIFT - ENTRY_SHIFT)) & slotMask) + entriesAt;
    scratch[i].at = at;
#if PREFETCH
    for (int lane = 0; lane < 4; lane++) __builtin_prefetch(memory + at[lane]);
#endif
  }
}

static u32x4 through(u32 window, u32x4 key0, u32x4 block, u32x4 otherwise) {
  const u8x16 order = {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12};
  const u32x4 host = (u32x4)__builtin_shuffle((u8x16)key0, order);
  const u32 first = __builtin_bswap32(load32(window + WINDOW_KEY0)) + load32(window + WINDOW_FIRST);
  const u32x4 bit = host - first;
  const u32x4 bounded = (u32x4)_mm_min_epu32((__m128i)bit, (__m128i)splat(load32(window + WINDOW_COUNT) - 1));
  const u32x4 isInside = equal(bit, bounded) & equal(block, everywhere(window + WINDOW_BLOCK));
  const u32x4 byte = bytes((bounded >> 3) + (table + load32(window + WINDOW_BITS)));
  const u32x4 isUnset = equal((byte >> (bounded & 7)) & 1, splat(0));
  const u32x4 own = either(everywhere(window + WINDOW_UNSET), everywhere(window + WINDOW_SET), isUnset);
  return either(own, otherwise, isInside);
}

static u32x4 defaultsOf(const Group *group, u32x4 other, u32x4 local, bool ofV6) {
  u32x4 known = other;
  u32 window = section(H_WINDOWS);
  const u32 last = window + word(H_WINDOW_COUNT) * WINDOW_BYTES;
  const u32x4 block = group->key1 >> KEY1_BLOCK_SHIFT;
  for (; window < last; window += WINDOW_BYTES)
    if ((load32(window + WINDOW_BLOCK) != 0) == ofV6) known = through(window, group->asked, block, known);
  return either(local, known, group->local);
}

/* --- answer-lanes.ts ----------------------------------------------------------------------------------------------------- */

static u32 rowLanes(u32 count, u32 codes) {
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    Group *group = scratch + i;
    u32x4 column[4];
    rows(group->at[0], group->at[1], group->at[2], group->at[3], column);
    const u32x4 isHit = equal(column[0], group->key0) & equal(column[1], group->key1);
    group->hit = isHit;
    group->row0 = column[2];
    group->row1 = column[3];
    group->codeAt = ((column[3] >> ROW1_BEHAVIOUR_SHIFT) << CODES_SHIFT) + group->kind + codes;
    noted = note(noted, i, signs(isHit) ^ 15);
  }
  return noted;
}

static void missLanes(const u32 *list, u32 count, u32 codes, u32 other, u32 local, bool ofV6) {
  u32 unknown = 0;
  for (u32 i = 0; i < count; i++) {
    const u32 number = found[i].group;
    Group *group = scratch + number;
    const u32x4 isHit = group->hit;
    const u32x4 known = defaultsOf(group, splat(other), splat(local), ofV6);
    const u32x4 isNone = equal(known, splat(NO_DEFAULT));
    const u32x4 at = ((known & 0xff & ~isNone) << CODES_SHIFT) + group->kind + codes;
    group->codeAt = either(group->codeAt, at, isHit);
    unknown = note(unknown, number, signs(isNone & ~isHit));
  }
  waitForFound(unknown, list);
}

/* Each lane of the upper halves of the products. */
static inline u32x4 parts(u32x4 hash, u32x4 choices) {
  const __m128i even = _mm_mul_epu32((__m128i)hash, (__m128i)choices);
  const __m128i odd = _mm_mul_epu32(_mm_srli_epi64((__m128i)hash, 32), _mm_srli_epi64((__m128i)choices, 32));
  return (u32x4)_mm_blend_epi16(_mm_srli_epi64(even, 32), odd, 0xcc);
}

static u32 answerLanes(u32 count, u32 fingers, u32x4 *results) {
  const u32 entriesAt = section(H_ENTRIES);
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    Group *group = scratch + i;
    const u32x4 codes = words(group->codeAt);
    const u32x4 row1 = group->row1, isHit = group->hit;
    const u32x4 first = row1 & ROW1_COUNT_MASK;
    const u32x4 isSecond = equal(codes & CODE_SECOND, splat(CODE_SECOND));
    const u32x4 choices = either((row1 >> ROW1_SECOND_SHIFT) & ROW1_COUNT_MASK, first, isSecond);
    const u32x4 number = group->row0 + (first & isSecond) + parts(group->hash, choices);
    const u32x4 isTranslated = equal(codes & VERDICT_MASK, splat(VERDICT_DNAT));
    const u32x4 isHairpin = equal(codes & CODE_HAIRPIN, splat(CODE_HAIRPIN)) & isHit;
    const u32x4 extra = (u32x4)((i32x4)(codes & (CODE_EXTENDED | CODE_ASK_ENDPOINT)) > 0);
    const u32x4 isSpecial = extra | (isHairpin & ~isTranslated);
    noted = note(noted, i, signs(isSpecial & isHit));
    const u32x4 mayBeSource = isHairpin & ~isSpecial;
    group->hairpin = mayBeSource;
    group->fingerAt = (number & mayBeSource) + fingers;

    const u32x4 entry = group->at - entriesAt;
    const u32x4 low = (codes & 0xff) | (((entry << (RESULT_SLOT_SHIFT - ENTRY_SHIFT)) + (1 << RESULT_SLOT_SHIFT)) & isHit);
    const u32x4 high = number | ~isTranslated;
    results[i * 2] = interleaveLow(low, high);
    results[i * 2 + 1] = interleaveHigh(low, high);
  }
  return noted;
}

static bool isEndpoint(u32 packet, u32 number, bool ofV6) {
  if (!ofV6) return load32(section(H_ENDPOINTS4) + number * ENDPOINT4_BYTES) == load32(packet + 12);
  const u32 record = section(H_ENDPOINTS6) + number * ENDPOINT6_BYTES;
  return load64(record) == load64(packet + 8) && load64(record + 8) == load64(packet + 16);
}

/* Writes the result of a packet with an extended row; false when there is more to it. */
static bool extend(const Group *group, u32 lane, u32 packet, any32 *result, bool ofV6) {
  u32 codeAt = group->codeAt[lane];
  u32 value = load32(codeAt);
  if ((value & CODE_EXTENDED) == 0) return false;
  const u32 record = section(H_EXTENDED) + group->row0[lane] * EXTENDED_BYTES;
  if ((value & CODE_ALLOWED) != 0) {
    if (isAllowed(record, packet + (ofV6 ? 8 : 12), ofV6)) codeAt += SOURCE_ALLOWED << 2;
    value = load32(codeAt);
  }
  if ((value & CODE_ASK_ENDPOINT) != 0) return false;
  const u32 entry = group->at[lane] - section(H_ENTRIES);
  result[0] = (value & 0xff) | ((entry << (RESULT_SLOT_SHIFT - ENTRY_SHIFT)) + (1 << RESULT_SLOT_SHIFT));
  result[1] = NO_ENDPOINT;
  if ((value & VERDICT_MASK) != VERDICT_DNAT) return (value & CODE_HAIRPIN) == 0;
  if ((value & CODE_THIRD) != 0) return false;
  const bool isSecond = (value & CODE_SECOND) != 0;
  const u32 first = load32(record + EXTENDED_FIRST);
  const u32 choices = isSecond ? load32(record + EXTENDED_SECOND) : first;
  const u32 number = load32(record + EXTENDED_BASE) + (isSecond ? first : 0) + part(group->hash[lane], choices);
  result[1] = number;
  return (value & CODE_HAIRPIN) == 0 || !isEndpoint(packet, number, ofV6);
}

static void specialLanes(const u32 *list, u32 count, u32x4 *results, bool ofV6) {
  for (u32 i = 0; i < count; i++) {
    const u32 number = found[i].group;
    for (u32 lanes = found[i].lanes; lanes != 0; lanes &= lanes - 1) {
      const u32 lane = (u32)__builtin_ctz(lanes);
      const u32 packet = list[number * 4 + lane];
      if (!extend(scratch + number, lane, packet, (any32 *)(results + number * 2) + lane * 2, ofV6)) wait(packet);
    }
  }
}

static void hairpinLanes(const u32 *list, u32 count, u32 fingers, bool ofV6) {
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    const u32x4 isHairpin = scratch[i].hairpin;
    if (signs(isHairpin) == 0) continue;
    noted = note(noted, i, signs(equal(bytes(scratch[i].fingerAt), scratch[i].finger) & isHairpin));
  }
  for (u32 i = 0; i < noted; i++) {
    const Group *group = scratch + found[i].group;
    for (u32 lanes = found[i].lanes; lanes != 0; lanes &= lanes - 1) {
      const u32 lane = (u32)__builtin_ctz(lanes);
      const u32 packet = list[found[i].group * 4 + lane];
      if (isEndpoint(packet, group->fingerAt[lane] - fingers, ofV6)) wait(packet);
    }
  }
}

#if !PREFETCH
static u32 touchEntries(u32 count) {
  u32 read = 0;
  for (u32 i = 0; i < count / 4; i++)
    for (int lane = 0; lane < 4; lane++) read |= load32(scratch[i].at[lane]);
  return read;
}
#endif

/* --- batch.ts ------------------------------------------------------------------------------------------------------------ */

#define ENDLESS 0xffffffffu
#define NEAR_BYTES (1u << 19)

static u32 packets;
static u32 resultsAt;
static u32 ofInterface;
static u32 codesAt;
static u32 count4;
static u32 count6;
#if !PREFETCH
static bool isFar;
static volatile u32 sink;
#endif

static inline u32 resultOf(u32 packet) { return resultsAt + ((packet - packets) >> 3); }

static void answerAll(const u32 *list, u32 count, u32 other, u32 local, u32 fingers, bool ofV6, void *to) {
  keyLanes(list, count);
  entryLanes(count);
#if !PREFETCH
  if (isFar) sink |= touchEntries(count);
#endif
  const u32 misses = rowLanes(count, codesAt);
  if (misses != 0) missLanes(list, misses, codesAt, other, local, ofV6);
  const u32 specials = answerLanes(count, fingers, to);
  specialLanes(list, specials, to, ofV6);
  hairpinLanes(list, count, fingers, ofV6);
}

static void ofIPv4(u32 count, void *to) {
  if (count == 0) return;
  parseLanes4(count);
  sourceLanes4(count);
  answerAll(packets4, count, word(H_OTHER4), word(H_LOCAL_DEFAULT4), section(H_FINGERS4), false, to);
}

static void ofIPv6(u32 count, void *to) {
  if (count == 0) return;
  parseLanes6(count);
  sourceLanes6(count);
  answerAll(packets6, count, word(H_OTHER6), word(H_LOCAL_DEFAULT6), section(H_FINGERS6), true, to);
}

static u32 commonVersion(u32 packet, u32 count) {
  if ((count & 31) != 0) return 0;
  const u32 version = load8(packet) >> 4;
  const u32 last = packet + count * PACKET_BYTES;
  for (packet += 5 * PACKET_BYTES; packet < last; packet += 17 * PACKET_BYTES)
    if (load8(packet) >> 4 != version) return 0;
  return version;
}

static void listAll(u32 *list, u32 packet, u32 count) {
  for (u32 i = 0; i < count; i++) list[i] = packet + i * PACKET_BYTES;
}

static void sort(u32 packet, u32 count) {
  u32 *end4 = packets4;
  u32 *end6 = packets6;
  const u32 last = packet + count * PACKET_BYTES;
  for (; packet < last; packet += PACKET_BYTES) {
    const u32 version = load8(packet) >> 4;
    *end4 = packet;
    *end6 = packet;
    u32 is4 = version == 4;
    u32 is6 = version == 6;
    /* What gcc knows nothing about it cannot make branches of: no processor foretells versions. */
    __asm__("" : "+r"(is4), "+r"(is6));
    end4 += is4;
    end6 += is6;
    if ((is4 | is6) == 0) wait(packet);
  }
  count4 = fillUp(packets4, (u32)(end4 - packets4));
  count6 = fillUp(packets6, (u32)(end6 - packets6));
}

static void deliver(const u32 *list, u32 count) {
  for (u32 i = 0; i < count; i++) *(any64 *)(memory + resultOf(list[i])) = listed[i];
}

static void classifyMany(u32 at, u32 count, u32 interfaceKind, u32 to) {
  packets = at;
  resultsAt = to;
  ofInterface = interfaceKind < word(H_INTERFACE_KIND_COUNT) ? interfaceKind : 1;
  codesAt = codesOf(ofInterface, 0);
#if !PREFETCH
  isFar = word(H_SLOT_MASK) << ENTRY_SHIFT >= NEAR_BYTES;
#endif
  for (u32 done = 0; done < count; done += CHUNK) {
    const u32 chunk = packets + done * PACKET_BYTES;
    const u32 size = count - done < CHUNK ? count - done : CHUNK;
    waiting = 0;
    const u32 version = commonVersion(chunk, size);
    if (version == 4) {
      listAll(packets4, chunk, size);
      ofIPv4(size, memory + resultOf(chunk));
    } else if (version == 6) {
      listAll(packets6, chunk, size);
      ofIPv6(size, memory + resultOf(chunk));
    } else {
      sort(chunk, size);
      ofIPv4(count4, listed);
      deliver(packets4, count4);
      ofIPv6(count6, listed);
      deliver(packets6, count6);
    }
    for (u32 i = 0; i < waiting; i++)
      classifyOne(attention[i], PACKET_BYTES, ENDLESS, ofInterface, resultOf(attention[i]));
  }
}

/* --- for Node.js --------------------------------------------------------------------------------------------------------- */

/* classifyMany(memory, table, packets, count, interfaceKind, results): the engine's memory, and places in it. */
static napi_value classifyManyFrom(napi_env env, napi_callback_info info) {
  size_t given = 6;
  napi_value values[6];
  void *data;
  u32 numbers[5];
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given < 6) return NULL;
  if (napi_get_typedarray_info(env, values[0], NULL, NULL, &data, NULL, NULL) != napi_ok) return NULL;
  for (int i = 0; i < 5; i++)
    if (napi_get_value_uint32(env, values[i + 1], &numbers[i]) != napi_ok) return NULL;
  memory = data;
  table = numbers[0];
  classifyMany(numbers[1], numbers[2], numbers[3], numbers[4]);
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "classifyMany", NAPI_AUTO_LENGTH, classifyManyFrom, NULL, &function) != napi_ok) return NULL;
  if (napi_set_named_property(env, exports, "classifyMany", function) != napi_ok) return NULL;
  return exports;
}

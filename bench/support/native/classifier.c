/*
 * The engine's classifyMany in C, as an addon of Node.js: what a compiler for this very processor makes of the same algorithm.
 * Stage by stage and function by function as in assembly/, which says why things are as they are; but IPv6 headers are read by one
 * loop, as C has registers for it, and IPv6 sources are compared as numbers of 128 bits. layout.h is made of assembly/layout.ts. It works on the bytes of the engine's memory: places are offsets into it, as there.
 *
 * PREFETCH: entries are asked for by prefetching, not by reading them.
 *
 * Long because it is all of assembly/ once more, and C compiles it in one piece.
 */
#include <immintrin.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "layout.h"

/* What differs by family is compiled for each. */
#define INLINE inline __attribute__((always_inline))

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

static inline u32 load8(size_t at) { return memory[at]; }
static inline u32 load16(size_t at) { return *(const any16 *)(memory + at); }
static inline u32 load32(size_t at) { return *(const any32 *)(memory + at); }
static inline u64 load64(size_t at) { return *(const any64 *)(memory + at); }
static inline u32x4 load128(size_t at) { return *(const any32x4 *)(memory + at); }
static inline void store32(u32 at, u32 value) { *(any32 *)(memory + at) = value; }
static inline u32 word(u32 at) { return load32(table + at); }
static inline u32 section(u32 at) { return table + word(at); }
static inline u32 big16(u32 at) { return __builtin_bswap16((uint16_t)load16(at)); }

/* IPv6 addresses: of packets, and of sections that are searched by size. */
typedef unsigned __int128 u128;

static inline u64 pair(size_t at) { return (load64(at) << 32) | (load64(at) >> 32); }
static inline u128 addressOf(size_t at) {
  return ((u128)__builtin_bswap64(load64(at)) << 64) | __builtin_bswap64(load64(at + 8));
}
static inline bool isBefore(u128 address, size_t at) { return address < (((u128)pair(at) << 64) | pair(at + 8)); }
static inline bool isBehind(u128 address, size_t at) { return address > (((u128)pair(at) << 64) | pair(at + 8)); }

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
  const u128 sought = addressOf(address);
  u32 low = 0;
  u32 high = word(H_REGIONS6_COUNT);
  while (high - low > 1) {
    const u32 middle = (low + high) >> 1;
    if (isBefore(sought, regions + middle * REGION6_BYTES)) high = middle;
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

static INLINE bool isAllowed(size_t extended, size_t from, bool ofV6) {
  size_t interval = section(H_ALLOWED) + load32(extended + EXTENDED_ALLOWED);
  const u32 count = load32(extended + EXTENDED_ALLOWED_COUNT);
  bool isIn = false;
  if (!ofV6) {
    const u32 address = __builtin_bswap32(load32(from));
    if (count < 4) {
      for (u32 i = 0; i < count; i++, interval += 8)
        isIn |= (address >= load32(interval)) & (address <= load32(interval + 4));
      return isIn;
    }
    /* Four at a time. The last four may have been among those before. */
    const size_t last = interval + (count - 4) * 8;
    const __m128i four = _mm_set1_epi32((int)address);
    __m128i found4 = _mm_setzero_si128();
    for (const size_t stop = last + 32; interval < stop; interval += 32) {
      const size_t here = interval < last ? interval : last;
      const u32x4 a = load128(here), b = load128(here + 16);
      const __m128i firsts = (__m128i)__builtin_shuffle(a, b, (u32x4){0, 2, 4, 6});
      const __m128i lasts = (__m128i)__builtin_shuffle(a, b, (u32x4){1, 3, 5, 7});
      const __m128i isFromFirst = _mm_cmpeq_epi32(_mm_max_epu32(four, firsts), four);
      found4 = _mm_or_si128(found4, _mm_and_si128(isFromFirst, _mm_cmpeq_epi32(_mm_min_epu32(four, lasts), four)));
    }
    return _mm_movemask_epi8(found4) != 0;
  }
  const u128 address = addressOf(from);
  for (u32 i = 0; i < count; i++, interval += 32) isIn |= !isBefore(address, interval) & !isBehind(address, interval + 16);
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
    const u32 about = local != 0 ? load32(local + LOCAL_ABOUT) : word(H_LOOPBACK_CLASS);
    const u32 kind = about & LOCAL_CLASS_MASK;
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
    const u32 number = load16(record + (isV6 ? ENDPOINT6_TREATMENT : ENDPOINT4_TREATMENT));
    if (number != 0) {
      const u32 fates = section(H_TREATMENTS) + ((ofInterface * word(H_TREATMENT_COUNT) + number - 1) << CODES_SHIFT);
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
  const u32 ofInterface = interfaceKind < word(H_INTERFACE_CLASS_COUNT) ? interfaceKind : 1;
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

/* MIXED: packets of both families that are sorted at a time. */
enum { CHUNK = 768, MIXED = 1344, GROUPS = CHUNK / 4 };
/* Blocks that are looked at for all packets. */
enum { FEW_BLOCKS = 4 };

/* A vector for each group; fields are a vector further apart than that. */
typedef u32x4 Field[GROUPS + 1];

static struct {
  Field key0, key1, kind, hash, finger, source, at;
  union { Field mix, hit; };
  Field row0, row1, codeAt, otherwise, fingerAt, hairpin;
} scratch __attribute__((aligned(64)));

/* Groups of which a stage has found something: their places in fields, and the lanes in the four lowest bits. */
static u32 found[GROUPS + 1];
/* Groups that are looked up once more. */
static u32 again[GROUPS + 1];
/* A byte for each group, a bit for each lane. */
static union { uint8_t group[GROUPS + 8]; u64 eight[GROUPS / 8 + 1]; } marks;
static u32 packets4[MIXED + 4] __attribute__((aligned(64)));
static u32 packets6[MIXED + 4] __attribute__((aligned(64)));
/* A packet may be noted by several stages. */
static u32 attention[8 * (MIXED + 8)];
static u32 waiting;

static inline u32x4 splat(u32 value) { return (u32x4){value, value, value, value}; }
static inline u32x4 equal(u32x4 a, u32x4 b) { return (u32x4)(a == b); }

/* gcc would put comparisons of bytes into masks, and back. */
static inline u32x4 equalBytes(u32x4 a, u32x4 b) {
  u8x16 same = (u8x16)((u8x16)a == (u8x16)b);
  __asm__("" : "+v"(same));
  return (u32x4)same;
}

static inline u32x4 either(u32x4 a, u32x4 b, u32x4 mask) { return (a & mask) | (b & ~mask); }
static inline u32 signs(u32x4 a) { return (u32)_mm_movemask_ps((__m128)a); }
static inline u32x4 everywhere(size_t at) { return splat(load32(at)); }

/* `value` in all lanes, by way of something that gcc knows nothing about: it would make constants anew at each use. */
static inline u32x4 pinned(u32 value) {
  u32x4 lanes = splat(value);
  __asm__("" : "+v"(lanes));
  return lanes;
}

/* The two bytes of each half. */
static inline u32x4 swapHalves(u32x4 a) {
  return (u32x4)__builtin_shuffle((u8x16)a, (u8x16){1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14});
}

static inline u32x4 interleaveLow(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){0, 4, 1, 5}); }
static inline u32x4 interleaveHigh(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){2, 6, 3, 7}); }
static inline u32x4 lowHalves(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){0, 1, 4, 5}); }
static inline u32x4 highHalves(u32x4 a, u32x4 b) { return __builtin_shuffle(a, b, (u32x4){2, 3, 6, 7}); }
static inline u32x4 words(u32x4 at) { return (u32x4){load32(at[0]), load32(at[1]), load32(at[2]), load32(at[3])}; }

/* Put where they belong one by one: gcc would put them together by shifting. */
static inline u32x4 bytes(u32x4 at) {
  __m128i there = _mm_cvtsi32_si128((int)load8(at[0]));
  there = _mm_insert_epi8(there, (int)load8(at[1]), 4);
  there = _mm_insert_epi8(there, (int)load8(at[2]), 8);
  return (u32x4)_mm_insert_epi8(there, (int)load8(at[3]), 12);
}

/* What a field has at a place: a group's is sixteen times its number, a lane's is its own in a list of packets. */
static inline u32x4 *of(Field field, size_t group) { return (u32x4 *)((uint8_t *)field + group); }
static inline u32 ofLane(const Field field, size_t lane) { return *(const any32 *)((const uint8_t *)field + lane); }
static inline u32 inList(const u32 *list, size_t lane) { return *(const u32 *)((const uint8_t *)list + lane); }
static inline size_t groupOf(u32 noted) { return noted & ~15u; }

/* The first words of four records, and the second ones. */
static inline void pairs(u32x4 at, u32x4 *first, u32x4 *second) {
  const u32x4 a = (u32x4)_mm_set_epi64x((long long)load64(at[1]), (long long)load64(at[0]));
  const u32x4 b = (u32x4)_mm_set_epi64x((long long)load64(at[3]), (long long)load64(at[2]));
  *first = __builtin_shuffle(a, b, (u32x4){0, 2, 4, 6});
  *second = __builtin_shuffle(a, b, (u32x4){1, 3, 5, 7});
}

/* Four words at each of four places, turned: the first words, the second ones, and so on. */
static inline void rowsFrom(const uint8_t *from, size_t p0, size_t p1, size_t p2, size_t p3, u32x4 column[4]) {
  const u32x4 a = *(const any32x4 *)(from + p0), b = *(const any32x4 *)(from + p1);
  const u32x4 c = *(const any32x4 *)(from + p2), d = *(const any32x4 *)(from + p3);
  const u32x4 ab = interleaveLow(a, b), cd = interleaveLow(c, d);
  const u32x4 abHigh = interleaveHigh(a, b), cdHigh = interleaveHigh(c, d);
  column[0] = lowHalves(ab, cd);
  column[1] = highHalves(ab, cd);
  column[2] = lowHalves(abHigh, cdHigh);
  column[3] = highHalves(abHigh, cdHigh);
}

static inline void rows(size_t p0, size_t p1, size_t p2, size_t p3, u32x4 column[4]) {
  rowsFrom(memory, p0, p1, p2, p3, column);
}

static inline u32 note(u32 count, u32 group, u32 lanes) {
  found[count] = group | lanes;
  return count + (lanes != 0);
}

static inline void wait(u32 packet) { attention[waiting++] = packet; }

static void waitForFound(u32 count, const u32 *list) {
  for (u32 i = 0; i < count; i++)
    for (u32 lanes = found[i] & 15; lanes != 0; lanes &= lanes - 1)
      wait(inList(list, groupOf(found[i]) + ((u32)__builtin_ctz(lanes) << 2)));
}

/* Groups behind the last one have no marks. */
static inline void clearMarks(u32 count) { marks.eight[count >> 5] = 0; }

/* The lanes that are marked, as places in a list. */
static u32 marked[CHUNK];
static u32 markedWords[GROUPS / 8 + 1];

static u32 listMarked(u32 count) {
  u32 some = 0;
  for (u32 i = 0; i < (count + 31) >> 5; i++) {
    markedWords[some] = i;
    some += marks.eight[i] != 0;
  }
  u32 all = 0;
  for (u32 i = 0; i < some; i++)
    for (u64 lanes = marks.eight[markedWords[i]]; lanes != 0; lanes &= lanes - 1) {
      const u32 bit = (u32)__builtin_ctzll(lanes);
      marked[all++] = (markedWords[i] << 7) + ((bit >> 3) << 4) + ((bit & 7) << 2);
    }
  return all;
}

static void waitForMarked(const u32 *list, u32 count) {
  const u32 all = listMarked(count);
  for (u32 i = 0; i < all; i++) wait(inList(list, marked[i]));
}

static u32 fillUp(u32 *list, u32 count) {
  const u32 full = (count + 3) & ~3u;
  for (u32 i = count; i < full; i++) list[i] = list[count - 1];
  return full;
}

static u32 againCount;

/* The bits that all of the node's addresses of a family have in common (local-filter.ts); mask 0: the parser does not ask for them. */
static struct { u32 mask, value; } commons[2];

/* --- lanes4.ts, lanes6.ts ------------------------------------------------------------------------------------------------ */

/* What keys are hashed with. */
typedef struct { u32x4 a, b, c, seed, bucketMask, pilotsAt; } Hashing;

static inline Hashing hashing(void) {
  return (Hashing){pinned(HASH_A), pinned(HASH_B), pinned(HASH_C),
                   pinned(word(H_SEED)), pinned(word(H_BUCKET_MASK) << 1), pinned(section(H_PILOTS))};
}

/* Where the pilots of keys are, and the second halves of the keys' hashes. */
static inline u32x4 hashKeys(u32x4 key0, u32x4 key1, const Hashing *with, u32x4 *half) {
  const u32x4 mixA = (key0 ^ with->seed) * with->a;
  const u32x4 mixB = key1 * with->b;
  const u32x4 sum = mixA + mixB;
  const u32x4 bucket = (sum ^ (sum >> 15)) * with->c;
  const u32x4 mix = ((mixA >> 16) ^ mixB) * with->c;
  *half = mix ^ (mix >> 16);
  return ((bucket >> (BUCKET_SHIFT - 1)) & with->bucketMask) + with->pilotsAt;
}

/* `slots`: where packets are, the engine's memory or copies. */
static void parseLanes4(const uint8_t *slots, const u32 *list, u32 count) {
  const Hashing with = hashing();
  const u32x4 localMask = pinned(commons[0].mask), localValue = pinned(commons[0].value);
  u32 suspects = 0;
  const u32x4 lowByte = pinned(0xff), fragment = pinned(0xff3f0000), noOptions = pinned(0x45), highByte = pinned(0xff00);
  const u32x4 tcp = pinned(TCP << 8), udp = pinned(UDP << 8), echo = pinned((ICMP << 8) | 8), loopback = pinned(0x7f7f7f7f);
  const u32x4 twenty = pinned(20), twelve = pinned(12), eight = pinned(8), detection = pinned(SOURCE_DETECTED << 2);
  const u32x4 offsetMask = pinned(0x3c), lowHalf = pinned(0xffff);
  const size_t detectedAt = section(H_DETECTED4);
  const size_t detectedEnd = detectedAt + word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
  clearMarks(count);
  for (u32 i = 0; i < count / 4; i++) {
    const size_t p0 = list[i * 4], p1 = list[i * 4 + 1], p2 = list[i * 4 + 2], p3 = list[i * 4 + 3];
    u32x4 front[4], back[4];
    rowsFrom(slots, p0, p1, p2, p3, front);
    rowsFrom(slots + 16, p0, p1, p2, p3, back);
    const u32x4 from = front[3], to = back[0], portsThere = back[1];
    const uint8_t *offsets = slots + 32;
    const u32x4 offsetTcp = {*(const any32 *)(offsets + p0), *(const any32 *)(offsets + p1), *(const any32 *)(offsets + p2),
                             *(const any32 *)(offsets + p3)};

    const u32x4 isLoopback = equalBytes(from, loopback) | equalBytes(to, loopback);
    const u32x4 header = ((front[0] | isLoopback) & lowByte) | (front[1] & fragment);
    /* The lengths of UDP and of the packet, lower and higher halves. */
    const u16x8 order = {0, 9, 2, 11, 4, 13, 6, 15};
    const u32x4 lengths = swapHalves((u32x4)__builtin_shuffle((u16x8)back[2], (u16x8)front[0], order));
    const u32x4 rest = (lengths >> 16) - twenty;
    const u32x4 proto = front[2] & highByte;
    const u32x4 isTcp = equal(proto, tcp);
    const u32x4 length = either((offsetTcp >> 2) & offsetMask, lengths & lowHalf, isTcp);
    const u32x4 isShort = length - (eight + (isTcp & twelve));
    const u32x4 isLong = rest - length;
    const u32x4 hasPorts = (isTcp | equal(proto, udp)) & ~(isShort | isLong);
    const u32x4 isEcho = equal((portsThere & lowByte) | proto, echo);
    u32x4 plain = hasPorts | (isEcho & ~(rest - eight));
    plain &= equal(header, noOptions);
    const u32x4 both = portsThere & ~isEcho;
    marks.group[i] = (uint8_t)(signs(plain) ^ 15);

    u32x4 detected = splat(0);
    for (size_t prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX4_BYTES)
      detected |= equal(from & everywhere(prefix + 4), everywhere(prefix));

    const u32x4 mixed = from * with.a;
    const u32x4 hash = (mixed ^ to) + both * with.b;
    const u32x4 key1 = (both >> 16) | (proto << 8);
    scratch.key0[i] = to;
    scratch.key1[i] = key1;
    scratch.kind[i] = detected & detection;
    scratch.hash[i] = (hash ^ (hash >> 15)) * with.c;
    scratch.finger[i] = mixed >> 24;
    scratch.at[i] = hashKeys(to, key1, &with, scratch.mix + i);
    again[suspects] = i << 4;
    suspects += signs(equal(to & localMask, localValue)) != 0;
  }
  againCount = suspects;
}

static void parseLanes6(const u32 *list, u32 count) {
  const Hashing with = hashing();
  const u32x4 localMask = pinned(commons[1].mask), localValue = pinned(commons[1].value);
  u32 suspects = 0;
  const u32x4 lowByte = pinned(0xff), highNibble = pinned(0xf0), versionSix = pinned(0x60), thirdByte = pinned(0xff0000);
  const u32x4 tcp = pinned(TCP << 16), udp = pinned(UDP << 16), echo = pinned((ICMPV6 << 16) | 128);
  const u32x4 twelve = pinned(12), eight = pinned(8), detection = pinned(SOURCE_DETECTED << 2);
  const u32x4 offsetMask = pinned(0x3c), lowHalf = pinned(0xffff), unknown = pinned(BLOCK_UNKNOWN), one = pinned(1);
  const size_t detectedAt = section(H_DETECTED6);
  const size_t detectedEnd = detectedAt + word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  const size_t blocksAt = section(H_BLOCKS);
  const size_t blocksEnd = blocksAt + word(H_BLOCK_COUNT) * BLOCK_BYTES;
  const size_t fewEnd = blocksAt + FEW_BLOCKS * BLOCK_BYTES;
  clearMarks(count);
  for (u32 i = 0; i < count / 4; i++) {
    const size_t p0 = list[i * 4], p1 = list[i * 4 + 1], p2 = list[i * 4 + 2], p3 = list[i * 4 + 3];
    u32x4 front[4], middle[4], back[4];
    rows(p0, p1, p2, p3, front);
    rows(p0 + 16, p1 + 16, p2 + 16, p3 + 16, middle);
    rows(p0 + 32, p1 + 32, p2 + 32, p3 + 32, back);
    const u32x4 about = front[1];
    const u32x4 source0 = front[2], source1 = front[3], source2 = middle[0], source3 = middle[1];
    const u32x4 destination0 = middle[2], destination1 = middle[3], destination2 = back[0], destination3 = back[1];
    const u32x4 portsThere = back[2];
    const u32x4 offsetTcp = {load32(p0 + 52), load32(p1 + 52), load32(p2 + 52), load32(p3 + 52)};

    const u32x4 rest = swapHalves(about) & lowHalf;
    const u32x4 proto = about & thirdByte;
    const u32x4 isTcp = equal(proto, tcp);
    const u32x4 udpBytes = swapHalves(back[3]) & lowHalf;
    const u32x4 length = either((offsetTcp >> 2) & offsetMask, udpBytes, isTcp);
    const u32x4 isShort = length - (eight + (isTcp & twelve));
    const u32x4 isLong = rest - length;
    const u32x4 hasPorts = (isTcp | equal(proto, udp)) & ~(isShort | isLong);
    const u32x4 isEcho = equal((portsThere & lowByte) | proto, echo);
    u32x4 plain = hasPorts | (isEcho & ~(rest - eight));
    plain &= equal(front[0] & highNibble, versionSix);
    const u32x4 both = portsThere & ~isEcho;
    marks.group[i] = (uint8_t)(signs(plain) ^ 15);

    const u32x4 fold = (source3 + (source0 ^ (source1 * with.b)) * with.a) ^ source2;
    u32x4 detected = splat(0);
    for (size_t prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX6_BYTES) {
      u32x4 other = (source0 & everywhere(prefix + PREFIX6_MASK)) ^ everywhere(prefix);
      other |= (source1 & everywhere(prefix + PREFIX6_MASK + 4)) ^ everywhere(prefix + 4);
      other |= (source2 & everywhere(prefix + PREFIX6_MASK + 8)) ^ everywhere(prefix + 8);
      other |= (source3 & everywhere(prefix + PREFIX6_MASK + 12)) ^ everywhere(prefix + 12);
      detected |= equal(other, splat(0));
    }

    u32x4 block = splat(0);
    u32x4 number = one;
    for (size_t at = blocksAt; at < blocksEnd; at += BLOCK_BYTES) {
      u32x4 other = destination0 ^ everywhere(at);
      other |= destination1 ^ everywhere(at + 4);
      other |= destination2 ^ everywhere(at + 8);
      block |= number & equal(other, splat(0));
      if (at >= fewEnd && signs(equal(block, splat(0))) == 0) break;
      number += one;
    }
    block |= unknown & equal(block, splat(0));

    const u32x4 mixed = fold * with.a;
    const u32x4 hash = (mixed ^ destination3) + both * with.b;
    const u32x4 key1 = (both >> 16) | proto | (block << KEY1_BLOCK_SHIFT);
    scratch.key0[i] = destination3;
    scratch.key1[i] = key1;
    scratch.kind[i] = detected & detection;
    scratch.hash[i] = (hash ^ (hash >> 15)) * with.c;
    scratch.finger[i] = mixed >> 24;
    scratch.source[i] = fold;
    scratch.at[i] = hashKeys(destination3, key1, &with, scratch.mix + i);
    again[suspects] = i << 4;
    suspects += signs(equal(destination3 & localMask, localValue)) != 0;
  }
  againCount = suspects;
}

/* --- source-questions.ts, source-lanes.ts -------------------------------------------------------------------------------- */

static bool doesAskSources(u32 ofInterface) {
  /* Of which table, by its checksum, and of which interface it was asked last. */
  static u64 asked = ~0ull;
  static bool asks;
  const u64 question = ((u64)word(H_CHECKSUM) << 32) | ofInterface;
  if (question == asked) return asks;
  asked = question;
  asks = false;
  const u32 last = codesOf(ofInterface + 1, 0);
  for (u32 at = codesOf(ofInterface, 0); at < last; at += 1 << CODES_SHIFT)
    for (u32 from = 0; from < 16; from++) {
      const u32 other = load32(at + (from << 2)) ^ load32(at + ((from & ~SOURCE_LOCAL) << 2));
      if (other << (32 - CODE_REASON_SHIFT) != 0) asks = true;
    }
  return asks;
}

static void sourceLanes4(const u32 *list, u32 count) {
  const u32 localAt = section(H_LOCAL);
  const int localShift = __builtin_clz(word(H_LOCAL_MASK));
  const u32 localFactor = word(H_LOCAL_FACTOR);
  for (u32 i = 0; i < count / 4; i++) {
    const size_t p0 = list[i * 4], p1 = list[i * 4 + 1], p2 = list[i * 4 + 2], p3 = list[i * 4 + 3];
    const u32x4 from = {load32(p0 + 12), load32(p1 + 12), load32(p2 + 12), load32(p3 + 12)};
    u32x4 address, about;
    pairs((((from * localFactor) >> localShift) << LOCAL_SHIFT) + localAt, &address, &about);
    const u32x4 isIPv4 = equal(about & (LOCAL_BLOCK_MASK << LOCAL_BLOCK_SHIFT), splat(0));
    scratch.kind[i] |= equal(address, from) & isIPv4 & (SOURCE_LOCAL << 2);
  }
}

static void sourceLanes6(const u32 *list, u32 count) {
  const u32 foldsAt = section(H_FOLDS6);
  const int foldsShift = __builtin_clz(word(H_FOLDS6_MASK));
  const u32 foldsFactor = word(H_FOLDS6_FACTOR);
  clearMarks(count);
  for (u32 i = 0; i < count / 4; i++) {
    const u32x4 fold = scratch.source[i];
    const u32x4 there = words((((fold * foldsFactor) >> foldsShift) << 2) + foldsAt);
    marks.group[i] = (uint8_t)signs(equal(there, fold));
  }
  waitForMarked(list, count);
}

/* --- place-lanes.ts, default-lanes.ts ------------------------------------------------------------------------------------ */

/* local-filter.ts */
typedef struct {
  u8x16 low, high;
  u32 factor, everywhere;
} Filter;

static Filter filters[2];

static bool fillFilter(Filter *filter, u32 factor, bool ofV6) {
  u32 products[32];
  uint8_t there[32] = {0};
  u32 taken = 0;
  const u32 last = section(H_LOCAL) + (word(H_LOCAL_MASK) + 1) * LOCAL_BYTES;
  for (u32 local = section(H_LOCAL); local < last; local += LOCAL_BYTES) {
    const u32 block = (load32(local + LOCAL_ABOUT) >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK;
    if (block == BLOCK_LOCAL || (block != 0) != ofV6) continue;
    const u32 product = (load32(local) + block) * factor;
    const u32 place = product >> 27;
    if ((taken >> place & 1) != 0 && products[place] != product) return false;
    taken |= 1u << place;
    products[place] = product;
    there[place] = (uint8_t)(product >> 16);
  }
  memcpy(&filter->low, there, 16);
  memcpy(&filter->high, there + 16, 16);
  filter->factor = factor;
  filter->everywhere = 0;
  return true;
}

static void findCommonBits(bool ofV6) {
  u32 ones = ~0u, zeros = ~0u, all = 0, some = 0;
  bool hasOwn = false;
  const u32 last = section(H_LOCAL) + (word(H_LOCAL_MASK) + 1) * LOCAL_BYTES;
  for (u32 local = section(H_LOCAL); local < last; local += LOCAL_BYTES) {
    const u32 key0 = load32(local), about = load32(local + LOCAL_ABOUT);
    const u32 block = (about >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK;
    if (block == BLOCK_LOCAL) continue;
    hasOwn |= (about & LOCAL_OWN) != 0;
    if ((block != 0) != ofV6 || (!ofV6 && (key0 & 0xff) == 127)) continue;
    ones &= key0;
    zeros &= ~key0;
  }
  const u32 mask = ones | zeros;
  const u32 slots = word(H_SLOT_MASK) + 1;
  const u32 step = (slots / 1024 > 1 ? slots / 1024 : 1) * ENTRY_BYTES;
  const u32 entriesEnd = section(H_ENTRIES) + slots * ENTRY_BYTES;
  for (u32 entry = section(H_ENTRIES); entry < entriesEnd; entry += step) {
    const u32 block = load32(entry + ENTRY_KEY1) >> KEY1_BLOCK_SHIFT;
    if (block == BLOCK_LOCAL || (block != 0) != ofV6) continue;
    all++;
    some += (load32(entry) & mask) == ones;
  }
  const bool isWorthIt = !hasOwn && mask != 0 && some * 32 <= all;
  commons[ofV6].mask = isWorthIt ? mask : 0;
  commons[ofV6].value = isWorthIt ? ones : 1;
}

static void makeFilters(void) {
  static u32 made;
  if (made == word(H_CHECKSUM)) return;
  made = word(H_CHECKSUM);
  for (u32 ofV6 = 0; ofV6 < 2; ofV6++) {
    u32 factor = HASH_A;
    filters[ofV6].everywhere = 0xffffffffu;
    for (u32 i = 0; i < 4096 && !fillFilter(filters + ofV6, factor, ofV6 != 0); i++) factor = (factor * HASH_A) | 1;
    findCommonBits(ofV6 != 0);
  }
}

static u32 suspectLanes(u32 misses, bool ofV6) {
  const Filter *filter = filters + ofV6;
  const u8x16 low = filter->low, high = filter->high;
  const u32 factor = filter->factor;
  const u32x4 all = splat(filter->everywhere);
  u32 kept = 0;
  u32 groups = 0;
  for (u32 i = 0; i < misses; i++) {
    const u32 noted = found[i];
    const size_t group = groupOf(noted);
    const u32x4 product = (*of(scratch.key0, group) + (*of(scratch.key1, group) >> KEY1_BLOCK_SHIFT)) * factor;
    const u32x4 place = product >> 27;
    /* Of the two halves the one that has the place. */
    const u32x4 below = (u32x4)_mm_shuffle_epi8((__m128i)low, (__m128i)place);
    const u32x4 above = (u32x4)_mm_shuffle_epi8((__m128i)high, (__m128i)place);
    const u32x4 there = either(below, above, equal(place & 16, splat(0)));
    const u32x4 other = (there ^ (product >> 16)) & 0xff;
    const u32 isAny = signs(equal(other, splat(0)) | all) != 0;
    found[kept] = noted;
    kept += 1 - isAny;
    again[groups] = noted;
    groups += isAny;
  }
  againCount = groups;
  return kept;
}

/* Before the lookup of entries, or after it. */
static INLINE u32 localLanes(u32 kept, bool isAfter) {
  const u32 localAt = section(H_LOCAL);
  const int localShift = __builtin_clz(word(H_LOCAL_MASK));
  const u32 localFactor = word(H_LOCAL_FACTOR);
  u32 groups = 0;
  for (u32 i = 0; i < againCount; i++) {
    const u32 noted = again[i];
    const size_t group = groupOf(noted);
    const u32x4 to = *of(scratch.key0, group);
    const u32x4 key1 = *of(scratch.key1, group);
    const u32x4 block = key1 >> KEY1_BLOCK_SHIFT;
    u32x4 address, about;
    pairs(((((to + block) * localFactor) >> localShift) << LOCAL_SHIFT) + localAt, &address, &about);
    const u32x4 isOfBlock = equal((about >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK, block);
    const u32x4 isOwn = equal(address, to) & isOfBlock & ~(*of(scratch.hit, group) & splat(isAfter ? ~0u : 0));
    *of(scratch.key0, group) = either(about & LOCAL_CLASS_MASK, to, isOwn);
    *of(scratch.key1, group) = key1 | (isOwn & (BLOCK_LOCAL << KEY1_BLOCK_SHIFT));
    const u32 isAny = signs(isOwn) != 0;
    found[kept] = noted;
    kept += 1 - isAny;
    again[groups] = (u32)group;
    groups += isAny;
  }
  againCount = groups;
  return kept;
}

static void replaceLocal(void) {
  localLanes(0, false);
  const Hashing with = hashing();
  for (u32 i = 0; i < againCount; i++) {
    const size_t group = again[i];
    u32x4 mix;
    *of(scratch.at, group) = hashKeys(*of(scratch.key0, group), *of(scratch.key1, group), &with, &mix);
    *of(scratch.mix, group) = mix;
  }
  againCount = 0;
}

static void kindLanes(void) {
  const Hashing with = hashing();
  const u32 slotMask = word(H_SLOT_MASK) << ENTRY_SHIFT;
  const u32 entriesAt = section(H_ENTRIES);
  for (u32 i = 0; i < againCount; i++) {
    const size_t group = again[i];
    u32x4 mix;
    const u32x4 pilotAt = hashKeys(*of(scratch.key0, group), *of(scratch.key1, group), &with, &mix);
    const u32x4 product = mix * (words(pilotAt) & 0xffff);
    *of(scratch.at, group) = ((product >> (PLACE_SHIFT - ENTRY_SHIFT)) & slotMask) + entriesAt;
  }
}

static void entryLanes(u32 count) {
  const u32 slotMask = word(H_SLOT_MASK) << ENTRY_SHIFT;
  const u32 entriesAt = section(H_ENTRIES);
  for (u32 i = 0; i < count / 4; i++) {
    const u32x4 product = scratch.mix[i] * (words(scratch.at[i]) & 0xffff);
    const u32x4 at = ((product >> (PLACE_SHIFT - ENTRY_SHIFT)) & slotMask) + entriesAt;
    scratch.at[i] = at;
#if PREFETCH
    for (int lane = 0; lane < 4; lane++) __builtin_prefetch(memory + at[lane]);
#endif
  }
}

static INLINE void lookThrough(size_t window, u32 count) {
  const u8x16 order = {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12};
  const u32 first = __builtin_bswap32(load32(window + WINDOW_KEY0)) + load32(window + WINDOW_FIRST);
  const u32x4 last = splat(load32(window + WINDOW_COUNT) - 1);
  const u32 bitsAt = table + load32(window + WINDOW_BITS);
  const u32x4 block = everywhere(window + WINDOW_BLOCK);
  const u32x4 unset = everywhere(window + WINDOW_UNSET);
  const u32x4 set = everywhere(window + WINDOW_SET);
  for (u32 i = 0; i < count; i++) {
    const size_t group = groupOf(found[i]);
    const u32x4 host = (u32x4)__builtin_shuffle((u8x16)*of(scratch.key0, group), order);
    const u32x4 bit = host - first;
    const u32x4 bounded = (u32x4)_mm_min_epu32((__m128i)bit, (__m128i)last);
    const u32x4 isInside = equal(bit, bounded) & equal(*of(scratch.key1, group) >> KEY1_BLOCK_SHIFT, block);
    const u32x4 byte = bytes((bounded >> 3) + bitsAt);
    const u32x4 isUnset = equal((byte >> (bounded & 7)) & 1, splat(0));
    const u32x4 own = either(unset, set, isUnset);
    *of(scratch.otherwise, group) = either(own, *of(scratch.otherwise, group), isInside);
  }
}

static INLINE void defaultLanes(u32 count, u32 other, bool ofV6) {
  for (u32 i = 0; i < count; i++) *of(scratch.otherwise, groupOf(found[i])) = splat(other);
  size_t window = section(H_WINDOWS);
  const size_t last = window + word(H_WINDOW_COUNT) * WINDOW_BYTES;
  for (; window < last; window += WINDOW_BYTES)
    if ((load32(window + WINDOW_BLOCK) != 0) == ofV6) lookThrough(window, count);
}

/* --- answer-lanes.ts ----------------------------------------------------------------------------------------------------- */

/* Reads the entries of a group; gives which lanes have none. */
static inline u32 rowsOf(size_t group, u32 codes) {
  const any32 *at = (const any32 *)of(scratch.at, group);
  u32x4 column[4];
  rows(at[0], at[1], at[2], at[3], column);
  const u32x4 isHit = equal(column[0], *of(scratch.key0, group)) & equal(column[1], *of(scratch.key1, group));
  *of(scratch.hit, group) = isHit;
  *of(scratch.row0, group) = column[2];
  *of(scratch.row1, group) = column[3];
  *of(scratch.codeAt, group) = ((column[3] >> ROW1_BEHAVIOUR_SHIFT) << CODES_SHIFT) + (*of(scratch.kind, group) + codes);
  return signs(isHit) ^ 15;
}

static u32 rowLanes(u32 count, u32 codes) {
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) noted = note(noted, i << 4, rowsOf((size_t)i << 4, codes));
  return noted;
}

static u32 kindRowLanes(u32 codes, u32 noted) {
  for (u32 i = 0; i < againCount; i++) noted = note(noted, again[i], rowsOf(again[i], codes));
  return noted;
}

static INLINE void missLanes(const u32 *list, u32 count, u32 codes, u32 other, u32 local, bool ofV6) {
  defaultLanes(count, other, ofV6);
  u32 unknown = 0;
  for (u32 i = 0; i < count; i++) {
    const size_t group = groupOf(found[i]);
    const u32x4 isHit = *of(scratch.hit, group);
    const u32x4 isOwn = equal(*of(scratch.key1, group) >> KEY1_BLOCK_SHIFT, splat(BLOCK_LOCAL));
    const u32x4 known = either(splat(local), *of(scratch.otherwise, group), isOwn);
    const u32x4 isNone = equal(known, splat(NO_DEFAULT));
    const u32x4 at = ((known & 0xff & ~isNone) << CODES_SHIFT) + (*of(scratch.kind, group) + codes);
    *of(scratch.codeAt, group) = either(*of(scratch.codeAt, group), at, isHit);
    unknown = note(unknown, (u32)group, signs(isNone & ~isHit));
  }
  waitForFound(unknown, list);
}

/* Each lane of the upper halves of the products. */
static inline u32x4 parts(u32x4 hash, u32x4 choices) {
  const __m128i even = _mm_mul_epu32((__m128i)hash, (__m128i)choices);
  const __m128i odd = _mm_mul_epu32(_mm_srli_epi64((__m128i)hash, 32), _mm_srli_epi64((__m128i)choices, 32));
  return (u32x4)_mm_blend_epi16(_mm_srli_epi64(even, 32), odd, 0xcc);
}

/* The result of a packet (batch.ts). */
static u32 packets;
static u32 resultsAt;
static inline u32 resultOf(u32 packet) { return resultsAt + ((packet - packets) >> 3); }

/* `results`: of packets that are neighbours, or NULL. */
static INLINE u32 answerLanes(const u32 *list, u32 count, u32 fingers, any32x4 *results) {
  const u32 entriesAt = section(H_ENTRIES);
  u32 noted = 0;
  for (u32 i = 0; i < count / 4; i++) {
    const u32x4 codes = words(scratch.codeAt[i]);
    const u32x4 row1 = scratch.row1[i], isHit = scratch.hit[i];
    const u32x4 first = row1 & ROW1_COUNT_MASK;
    const u32x4 isSecond = equal(codes & CODE_SECOND, splat(CODE_SECOND));
    const u32x4 choices = either((row1 >> ROW1_SECOND_SHIFT) & ROW1_COUNT_MASK, first, isSecond);
    const u32x4 number = scratch.row0[i] + (first & isSecond) + parts(scratch.hash[i], choices);
    const u32x4 isTranslated = equal(codes & VERDICT_MASK, splat(VERDICT_DNAT));
    const u32x4 isHairpin = equal(codes & CODE_HAIRPIN, splat(CODE_HAIRPIN)) & isHit;
    const u32x4 extra = (u32x4)((i32x4)(codes & (CODE_EXTENDED | CODE_ASK_ENDPOINT)) > 0);
    const u32x4 isSpecial = extra | (isHairpin & ~isTranslated);
    noted = note(noted, i << 4, signs(isSpecial & isHit));
    const u32x4 mayBeSource = isHairpin & ~isSpecial;
    scratch.hairpin[i] = mayBeSource;
    scratch.fingerAt[i] = (number & mayBeSource) + fingers;

    const u32x4 entry = scratch.at[i] - entriesAt;
    const u32x4 low = (codes & 0xff) | (((entry << (RESULT_SLOT_SHIFT - ENTRY_SHIFT)) + (1 << RESULT_SLOT_SHIFT)) & isHit);
    const u32x4 high = number | ~isTranslated;
    const u32x4 front = interleaveLow(low, high), back = interleaveHigh(low, high);
    if (results != NULL) {
      results[i * 2] = front;
      results[i * 2 + 1] = back;
    } else {
      _mm_storel_pd((double *)(memory + resultOf(list[i * 4])), (__m128d)front);
      _mm_storeh_pd((double *)(memory + resultOf(list[i * 4 + 1])), (__m128d)front);
      _mm_storel_pd((double *)(memory + resultOf(list[i * 4 + 2])), (__m128d)back);
      _mm_storeh_pd((double *)(memory + resultOf(list[i * 4 + 3])), (__m128d)back);
    }
  }
  return noted;
}

static INLINE bool isEndpoint(size_t packet, u32 number, bool ofV6) {
  if (!ofV6) return load32(section(H_ENDPOINTS4) + number * ENDPOINT4_BYTES) == load32(packet + 12);
  const size_t record = section(H_ENDPOINTS6) + number * ENDPOINT6_BYTES;
  return load64(record) == load64(packet + 8) && load64(record + 8) == load64(packet + 16);
}

/* Writes the result of a packet with an extended row; false when there is more to it. */
static INLINE bool extend(size_t lane, u32 packet, any32 *result, bool ofV6, u32 records, u32 entries) {
  const size_t codeAt = ofLane(scratch.codeAt, lane);
  u32 value = load32(codeAt);
  if ((value & CODE_EXTENDED) == 0) return false;
  const size_t record = records + ofLane(scratch.row0, lane) * EXTENDED_BYTES;
  if ((value & CODE_ALLOWED) != 0) {
    const bool isIn = isAllowed(record, packet + (ofV6 ? 8 : 12), ofV6);
    value = load32(codeAt + isIn * (SOURCE_ALLOWED << 2));
  }
  const u32 entry = ofLane(scratch.at, lane) - entries;
  result[0] = (value & 0xff) | ((entry << (RESULT_SLOT_SHIFT - ENTRY_SHIFT)) + (1 << RESULT_SLOT_SHIFT));
  const u32 isTranslated = (value & VERDICT_MASK) == VERDICT_DNAT;
  const u32 isSecond = (value & CODE_SECOND) != 0;
  const u32 first = load32(record + EXTENDED_FIRST);
  const u32 second = load32(record + EXTENDED_SECOND);
  const u32 base = load32(record + EXTENDED_BASE) + (first & (0 - isSecond));
  const u32 number = base + part(ofLane(scratch.hash, lane), isSecond ? second : first);
  result[1] = number | (isTranslated - 1);
  if ((value & (CODE_ASK_ENDPOINT | CODE_THIRD)) != 0) return false;
  if ((value & CODE_HAIRPIN) == 0) return true;
  return isTranslated != 0 && !isEndpoint(packet, number, ofV6);
}

static u32 lanesFound[CHUNK + 4];

/* The lanes of the groups in `found`, one by one. */
static u32 listLanes(u32 count) {
  u32 last = 0;
  for (u32 i = 0; i < count; i++) {
    const u32 group = (u32)groupOf(found[i]);
    const u32 lanes = found[i];
    lanesFound[last] = group;
    last += lanes & 1;
    lanesFound[last] = group + 4;
    last += (lanes >> 1) & 1;
    lanesFound[last] = group + 8;
    last += (lanes >> 2) & 1;
    lanesFound[last] = group + 12;
    last += (lanes >> 3) & 1;
  }
  return last;
}

static INLINE void specialLanes(const u32 *list, u32 count, bool ofV6) {
  const u32 lanes = listLanes(count);
  const u32 records = section(H_EXTENDED);
  const u32 entries = section(H_ENTRIES);
  for (u32 i = 0; i < lanes; i++) {
    const size_t lane = lanesFound[i];
    const u32 packet = inList(list, lane);
    if (!extend(lane, packet, (any32 *)(memory + resultOf(packet)), ofV6, records, entries)) wait(packet);
  }
}

static INLINE void hairpinLanes(const u32 *list, u32 count, u32 fingers, bool ofV6) {
  clearMarks(count);
  for (u32 i = 0; i < count / 4; i++) {
    const u32x4 isSame = equal(bytes(scratch.fingerAt[i]), scratch.finger[i]);
    marks.group[i] = (uint8_t)signs(isSame & scratch.hairpin[i]);
  }
  const u32 all = listMarked(count);
  for (u32 i = 0; i < all; i++) {
    const u32 packet = inList(list, marked[i]);
    if (isEndpoint(packet, ofLane(scratch.fingerAt, marked[i]) - fingers, ofV6)) wait(packet);
  }
}

#if !PREFETCH
static u32 touchEntries(u32 count) {
  const any32 *at = (const any32 *)scratch.at;
  u32 read = 0;
  for (u32 lane = 0; lane < count; lane++) read |= load32(at[lane]);
  return read;
}
#endif

/* --- batch.ts ------------------------------------------------------------------------------------------------------------ */

#define ENDLESS 0xffffffffu
#define NEAR_BYTES (1u << 19)

static u32 ofInterface;
static u32 codesAt;
static bool asksSources;
static u32 count4;
static u32 count6;
#if !PREFETCH
static bool isFar;
static volatile u32 sink;
#endif

static INLINE void answerAll(const u32 *list, u32 count, u32 other, u32 local, u32 fingers, bool ofV6, void *to) {
  const bool isEarly = commons[ofV6].mask != 0;
  if (againCount != 0) replaceLocal();
  entryLanes(count);
#if !PREFETCH
  if (isFar) sink |= touchEntries(count);
#endif
  u32 misses = rowLanes(count, codesAt);
  if (misses != 0) {
    if (!isEarly) misses = suspectLanes(misses, ofV6);
    if (againCount != 0) misses = localLanes(misses, true);
    if (againCount != 0) {
      kindLanes();
      misses = kindRowLanes(codesAt, misses);
    }
    if (misses != 0) missLanes(list, misses, codesAt, other, local, ofV6);
  }
  const u32 specials = to != NULL ? answerLanes(list, count, fingers, to) : answerLanes(list, count, fingers, NULL);
  specialLanes(list, specials, ofV6);
  hairpinLanes(list, count, fingers, ofV6);
}

/* --- odd-lanes.ts -------------------------------------------------------------------------------------------------------- */

/* Packets whose verdict is known. */
static struct { u32 packet, verdict; } settled[CHUNK + 1];
static u32 settledCount;
/* Copies of packets without their options, and the packets that they are of. */
static uint8_t copies[PACKET_BYTES * (CHUNK + 1)] __attribute__((aligned(64)));
static u32 copiesList[CHUNK + 4];
static u32 originals[CHUNK + 4];
static u32 copied;

/* Nothing branches upon what kind a packet is. */
static inline void settleIf(u32 packet, u32 verdict, bool is) {
  settled[settledCount].packet = packet;
  settled[settledCount].verdict = verdict;
  settledCount += is;
  attention[waiting] = packet;
}

static void sortOdd4(const u32 *list, u32 count) {
  const u32 all = listMarked(count);
  for (u32 i = 0; i < all; i++) {
    const u32 packet = inList(list, marked[i]);
    const u32 first = load8(packet);
    const u32 header = (first & 15) << 2;
    const u32 total = big16(packet + 2);
    const u32 fragment = big16(packet + 6);
    const bool isSound = (first - 0x45 <= 10) & (total >= header);
    const bool isLater = isSound & ((fragment & 0x1fff) != 0);
    const bool hasOptions = isSound & ((fragment & 0x3fff) == 0) & (header - 21 < 24) & (copied < CHUNK);
    settleIf(packet, VERDICT_FRAGMENT, isLater);
    waiting += !(isLater | hasOptions);
    const u32 plain = hasOptions ? header : 20;
    uint8_t *copy = copies + copied * PACKET_BYTES;
    memcpy(copy, memory + packet, 20);
    copy[0] = 0x45;
    *(any16 *)(copy + 2) = __builtin_bswap16((uint16_t)(total + 20 - plain));
    memcpy(copy + 20, memory + packet + plain, 16);
    copiesList[copied] = copied * PACKET_BYTES;
    originals[copied] = packet;
    copied += hasOptions;
  }
}

static void sortOdd6(const u32 *list, u32 count) {
  const u32 all = listMarked(count);
  for (u32 i = 0; i < all; i++) {
    const u32 packet = inList(list, marked[i]);
    const u32 payload = big16(packet + 4);
    const u32 next = load8(packet + 6);
    const u32 field = big16(packet + 42);
    const bool isGathered = ((field & 1) == 0) | ((payload & 7) == 0);
    const bool isLater = (next == FRAGMENT) & isGathered & ((field & 0xfff8) != 0);
    const u32 bytesThere = (load8(packet + 41) + 1) << 3;
    const bool isUnseen = (next == DESTINATION) & (load8(packet + 40) == TCP) & (payload >= bytesThere + 20);
    const bool isSettled = (load8(packet) >> 4 == 6) & (isLater | isUnseen);
    settleIf(packet, isLater ? VERDICT_FRAGMENT : VERDICT_UNSEEN, isSettled);
    waiting += !isSettled;
  }
}

/* --- batch.ts, by family ------------------------------------------------------------------------------------------------- */

static void decide4(const u32 *list, u32 count, void *to) {
  if (asksSources) sourceLanes4(list, count);
  answerAll(list, count, word(H_OTHER4), word(H_LOCAL_DEFAULT4), section(H_FINGERS4), false, to);
}

static void ofIPv4(const u32 *list, u32 count, void *to) {
  parseLanes4(memory, list, count);
  sortOdd4(list, count);
  decide4(list, count, to);
}

static void ofIPv6(const u32 *list, u32 count, void *to) {
  parseLanes6(list, count);
  sortOdd6(list, count);
  if (asksSources) sourceLanes6(list, count);
  answerAll(list, count, word(H_OTHER6), word(H_LOCAL_DEFAULT6), section(H_FINGERS6), true, to);
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

/* IPv4 packets, and others, of which those that are not IPv6 will wait. */
static void sort(u32 packet, u32 count) {
  u32 *end4 = packets4;
  u32 *end6 = packets6;
  const u32 last = packet + count * PACKET_BYTES;
#pragma GCC unroll 4
  for (; packet < last; packet += PACKET_BYTES) {
    *end4 = packet;
    *end6 = packet;
    u32 is4 = (load8(packet) & 0xf0) == 0x40;
    /* What gcc knows nothing about it cannot make branches of: no processor foretells versions. */
    __asm__("" : "+r"(is4));
    end4 += is4;
    end6 += 1 - is4;
  }
  count4 = fillUp(packets4, (u32)(end4 - packets4));
  count6 = fillUp(packets6, (u32)(end6 - packets6));
}

/* The packets of the chunk that its stages have not done with. */
static void attend(void) {
  for (u32 i = 0; i < settledCount; i++)
    *(any64 *)(memory + resultOf(settled[i].packet)) = settled[i].verdict | ((u64)NO_ENDPOINT << 32);
  settledCount = 0;
  for (u32 i = 0; i < waiting; i++)
    classifyOne(attention[i], PACKET_BYTES, ENDLESS, ofInterface, resultOf(attention[i]));
}

enum { FEW_COPIES = 8 };

static void ofCopies(void) {
  waiting = 0;
  if (copied < FEW_COPIES) {
    for (u32 i = 0; i < copied; i++) wait(originals[i]);
  } else {
    fillUp(copiesList, copied);
    const u32 count = fillUp(originals, copied);
    parseLanes4(copies, copiesList, count);
    waitForMarked(originals, count);
    decide4(originals, count, NULL);
  }
  attend();
  copied = 0;
}

static void classifyMany(u32 at, u32 count, u32 interfaceKind, u32 to) {
  packets = at;
  resultsAt = to;
  ofInterface = interfaceKind < word(H_INTERFACE_CLASS_COUNT) ? interfaceKind : 1;
  codesAt = codesOf(ofInterface, 0);
  asksSources = doesAskSources(ofInterface);
  makeFilters();
#if !PREFETCH
  isFar = word(H_SLOT_MASK) << ENTRY_SHIFT >= NEAR_BYTES;
#endif
  for (u32 done = 0; done < count;) {
    const u32 chunk = packets + done * PACKET_BYTES;
    u32 size = count - done < CHUNK ? count - done : CHUNK;
    waiting = 0;
    const u32 version = commonVersion(chunk, size);
    if (version == 4) {
      listAll(packets4, chunk, size);
      ofIPv4(packets4, size, memory + resultOf(chunk));
    } else if (version == 6) {
      listAll(packets6, chunk, size);
      ofIPv6(packets6, size, memory + resultOf(chunk));
    } else {
      size = count - done < MIXED ? count - done : MIXED;
      sort(chunk, size);
      for (u32 from = 0; from < count4; from += CHUNK) {
        const u32 some = count4 - from < CHUNK ? count4 - from : CHUNK;
        ofIPv4(packets4 + from, some, NULL);
      }
      for (u32 from = 0; from < count6; from += CHUNK) {
        const u32 some = count6 - from < CHUNK ? count6 - from : CHUNK;
        ofIPv6(packets6 + from, some, NULL);
      }
    }
    attend();
    done += size;
    if (copied >= (done < count ? CHUNK / 2 : 1)) ofCopies();
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

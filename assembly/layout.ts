/**
 * The bytes that compiler and engine share: tables, and results. Shared by asc and tsc: integer constants and nothing else.
 *
 * All numbers are little-endian, offsets count from the table's first byte, sections begin at multiples of 64. What is
 * compared with packets has the packet's own byte order: KEY words are loaded from packets and from tables alike. What is
 * searched by size (regions, allowed sources) is in host order.
 */

// --- header: words at these offsets ---------------------------------------------------------------------------------------

/** `kpct` */
export const MAGIC = 0x7463706b;
/** Stands in every table and is exported by the engine; loading compares the two. */
export const LAYOUT_VERSION = 2;

export const H_MAGIC = 0;
export const H_VERSION = 4;
/** Bytes of the table, names included. */
export const H_LENGTH = 8;
/** The sum of all words behind it, each mixed with its place: a word that changes changes the sum by what it was and is. */
export const H_CHECKSUM = 12;
/** Starts the hashes; chosen so that the rows find places. */
export const H_SEED = 16;
/** Numbers of buckets and slots are powers of two; these are one less. */
export const H_BUCKET_MASK = 20;
export const H_SLOT_MASK = 24;
/** u16 for each bucket: the odd factor that spreads its rows over free slots. */
export const H_PILOTS = 28;
/** ENTRY for each slot. */
export const H_ENTRIES = 32;
/** EXTENDED records, and how many. */
export const H_EXTENDED = 36;
export const H_EXTENDED_COUNT = 40;
/** ALLOWED4 or ALLOWED6 records. */
export const H_ALLOWED = 44;
export const H_ALLOWED_BYTES = 48;
/** BLOCK records, and how many. */
export const H_BLOCKS = 52;
export const H_BLOCK_COUNT = 56;
/** LOCAL records: a power of two of them, one less, and the factor that finds the place of each: as many of a product's
 *  highest bits as the mask has ones. */
export const H_LOCAL = 60;
export const H_LOCAL_MASK = 64;
export const H_LOCAL_FACTOR = 68;
/** KIND records, and how many. */
export const H_KINDS = 72;
export const H_KIND_COUNT = 76;
/** The kind of the addresses of 127.0.0.0/8 that are not in the set. */
export const H_LOOPBACK_CLASS = 80;
/** PREFIX4 and PREFIX6 records of detected sources. */
export const H_DETECTED4 = 84;
export const H_DETECTED4_COUNT = 88;
export const H_DETECTED6 = 92;
export const H_DETECTED6_COUNT = 96;
/** REGION4 and REGION6 records, sorted; the first begins at address 0. */
export const H_REGIONS4 = 100;
export const H_REGIONS4_COUNT = 104;
export const H_REGIONS6 = 108;
export const H_REGIONS6_COUNT = 112;
/** WINDOW records, and how many. */
export const H_WINDOWS = 116;
export const H_WINDOW_COUNT = 120;
/** Codes: for each interface kind, for each behaviour, a word for each kind of source. */
export const H_CODES = 124;
export const H_BEHAVIOUR_COUNT = 128;
/** Treatments: for each interface kind, for each treatment, a word for each kind of source. */
export const H_TREATMENTS = 132;
export const H_TREATMENT_COUNT = 136;
export const H_INTERFACE_CLASS_COUNT = 140;
/** ENDPOINT4 and ENDPOINT6 records; those with identities come first. */
export const H_ENDPOINTS4 = 144;
export const H_ENDPOINTS4_COUNT = 148;
export const H_ENDPOINTS6 = 152;
export const H_ENDPOINTS6_COUNT = 156;
/** A word for each of the first endpoints: what clients are remembered by. */
export const H_IDENTITIES4 = 160;
export const H_IDENTITIES4_COUNT = 164;
export const H_IDENTITIES6 = 168;
export const H_IDENTITIES6_COUNT = 172;
/** ABOUT records, one for each slot: what it says to people. The engine does not read it. */
export const H_ABOUT = 176;
/** Labels of rows in UTF-8, where ABOUT records say. */
export const H_LABELS = 180;
/** The default word of all addresses of a family that are not local and in no window, or NO_DEFAULT. */
export const H_OTHER4 = 184;
export const H_OTHER6 = 188;
/** Names and reasons, for people: JSON in UTF-8. The engine does not read it. */
export const H_NAMES = 192;
export const H_NAMES_LENGTH = 196;
/** How many of the kinds are of IPv4 addresses; the others are of IPv6 addresses. */
export const H_KIND4_COUNT = 200;
/** The default word of all the node's addresses of a family, or NO_DEFAULT. */
export const H_LOCAL_DEFAULT4 = 204;
export const H_LOCAL_DEFAULT6 = 208;
/** The node's IPv6 addresses, folded to a word each: places as of LOCAL records. */
export const H_FOLDS6 = 212;
export const H_FOLDS6_MASK = 216;
export const H_FOLDS6_FACTOR = 220;
/** A byte for each endpoint: of a product of its address (IPv6: folded) and HASH_A the highest one, from FINGER_SHIFT on. */
export const H_FINGERS4 = 224;
export const H_FINGERS6 = 228;
/** How many bytes of labels there are. */
export const H_LABELS_LENGTH = 232;
export const HEADER_BYTES = 256;

/** Sections begin at multiples of it: a cache line. */
export const ALIGNMENT = 64;

// --- records -------------------------------------------------------------------------------------------------------------

/** ENTRY: a destination and what it gets. KEY0: the last four bytes of the address, or the number of a local kind. KEY1: see
 *  below. Then two words of a row. */
export const ENTRY_KEY1 = 4;
export const ENTRY_ROW0 = 8;
export const ENTRY_ROW1 = 12;
export const ENTRY_BYTES = 16;
export const ENTRY_SHIFT = 4;

/** KEY1: the port's bytes as in the packet in bytes 0 and 1, then the protocol, then the block. */
export const KEY1_PROTOCOL_SHIFT = 16;
export const KEY1_BLOCK_SHIFT = 24;
/** Block of IPv4 addresses. */
export const BLOCK_IPV4 = 0;
/** Block of local kinds: KEY0 is the kind's number. IPv6 addresses have blocks from 1 on. */
export const BLOCK_LOCAL = 255;
/** No row and no address has this block: it stands for those that no block knows. */
export const BLOCK_UNKNOWN = 254;
/** Words of entries that no packet matches: no kind has this number. */
export const KEY_NOTHING = -1;

/** ROW0: number of the first endpoint of the first list; the second list follows the first. Or, of extended rows, the number
 *  of the EXTENDED record. ROW1: endpoints in the first list, in the second, and the behaviour. */
export const ROW1_SECOND_SHIFT = 12;
export const ROW1_BEHAVIOUR_SHIFT = 24;
export const ROW1_COUNT_MASK = 0xfff;
export const MAX_BEHAVIOURS = 255;

/** EXTENDED: rows with more to say. */
export const EXTENDED_BASE = 0;
export const EXTENDED_FIRST = 4;
export const EXTENDED_SECOND = 8;
/** Bytes from the start of the allowed sources. */
export const EXTENDED_ALLOWED = 12;
export const EXTENDED_ALLOWED_COUNT = 16;
/** How many endpoints the third list has, behind the second, and the fourth. Other rows have two lists. */
export const EXTENDED_THIRD = 20;
export const EXTENDED_FOURTH = 24;
export const EXTENDED_BYTES = 32;

/** ALLOWED4 and ALLOWED6: the first and the last address of allowed sources, in host order. */
export const ALLOWED4_LAST = 4;
export const ALLOWED4_BYTES = 8;
export const ALLOWED6_LAST = 16;
export const ALLOWED6_BYTES = 32;

/** BLOCK: the first twelve bytes of IPv6 addresses. */
export const BLOCK_BYTES = 16;

/** LOCAL: an address of the node: its KEY0, and a word with the number of its kind, its block (BLOCK_LOCAL in empty places),
 *  and whether it has rows of its own, too. */
export const LOCAL_KEY0 = 0;
export const LOCAL_ABOUT = 4;
export const LOCAL_CLASS_MASK = 0xffff;
export const LOCAL_BLOCK_SHIFT = 16;
export const LOCAL_BLOCK_MASK = 0xff;
export const LOCAL_OWN = 0x1000000;
export const LOCAL_BYTES = 8;
export const LOCAL_SHIFT = 3;

/** KIND: the default word of the addresses of a kind. */
export const KIND_BYTES = 4;

/** PREFIX4: address and mask, in the packet's byte order; PREFIX6 likewise. */
export const PREFIX4_MASK = 4;
export const PREFIX4_BYTES = 8;
export const PREFIX6_MASK = 16;
export const PREFIX6_BYTES = 32;

/** REGION4: first address, in host order; the default word of its addresses. REGION6: the address in four words, highest
 *  first. */
export const REGION4_DEFAULT = 4;
export const REGION4_BYTES = 8;
export const REGION6_DEFAULT = 16;
export const REGION6_BYTES = 20;

/** WINDOW: up to 2^20 neighbouring addresses with a bit each. KEY0 and MASK: the bits of the address's last four bytes that
 *  are the same in all of them, in the packet's byte order. FIRST: the first address that has a bit, of the twenty lower
 *  bits. Behaviours without and with the bit: default words. */
export const WINDOW_KEY0 = 0;
export const WINDOW_BLOCK = 4;
export const WINDOW_FIRST = 8;
export const WINDOW_COUNT = 12;
export const WINDOW_BITS = 16;
export const WINDOW_UNSET = 20;
export const WINDOW_SET = 24;
export const WINDOW_BYTES = 32;
/** The bits of KEY0 that name a window: all but the twenty lowest of the address. */
export const WINDOW_MASK = 0x0000f0ff;

/** A default word: behaviours of new packets, of invalid and of untracked ones, a byte each. */
export const DEFAULT_INVALID_SHIFT = 8;
export const DEFAULT_UNTRACKED_SHIFT = 16;
/** Stands for one where several are possible: the regions have to be asked. */
export const NO_DEFAULT = -1;

/** ENDPOINT4: the address's four bytes, port in host order, number of the treatment plus one, 0 for none. */
export const ENDPOINT4_PORT = 4;
export const ENDPOINT4_TREATMENT = 6;
export const ENDPOINT4_BYTES = 8;
export const ENDPOINT6_PORT = 16;
export const ENDPOINT6_TREATMENT = 18;
export const ENDPOINT6_BYTES = 24;

/** ABOUT: where the row's label begins, of how many bytes it is, and for how many seconds clients are remembered, plus one; 0:
 *  they are not. */
export const ABOUT_LABEL = 0;
export const ABOUT_LABEL_LENGTH = 4;
export const ABOUT_SECONDS = 8;
export const ABOUT_BYTES = 12;

// --- codes and results ---------------------------------------------------------------------------------------------------

/** The lowest byte of codes and of results. */
export const VERDICT_MASK = 7;
export const VERDICT_PASS = 0;
export const VERDICT_ACCEPT = 1;
export const VERDICT_DROP = 2;
export const VERDICT_REJECT = 3;
export const VERDICT_DNAT = 4;
/** Results only. No IP packet: the kernel drops it before any rule. */
export const VERDICT_MALFORMED = 5;
/** Results only. A fragment without the ports: the kernel keeps it until the first one has come. */
export const VERDICT_FRAGMENT = 6;
/** Results only. The transport header is not within the bytes that were given. */
export const VERDICT_UNSEEN = 7;
export const REJECT_SHIFT = 3;
export const REJECT_MASK = 7;
export const MASQUERADE = 64;
export const STICKY = 128;

/** The verdict, the way of rejecting and whether to masquerade. */
export const TREATMENT_MASK = 127;

/** Codes only. When the endpoint is the source, the treatment is another one. */
export const CODE_HAIRPIN = 256;
/** The endpoint is from the second list. */
export const CODE_SECOND = 512;
/** The endpoint's treatment decides. */
export const CODE_ASK_ENDPOINT = 1024;
/** The row is extended. */
export const CODE_EXTENDED = 2048;
/** The row has allowed sources. */
export const CODE_ALLOWED = 4096;
/** The treatment when the endpoint is the source. */
export const CODE_HAIRPIN_SHIFT = 13;
/** The endpoint is from the third list; with CODE_SECOND, from the fourth: of extended rows only. */
export const CODE_THIRD = 0x100000;
/** From here on the number of the reason, for people. */
export const CODE_REASON_SHIFT = 21;

/** Kinds of sources: bits of the number of a code within its behaviour. */
export const SOURCE_DETECTED = 1;
export const SOURCE_LOCAL = 2;
export const SOURCE_ALLOWED = 4;
/** 127.0.0.0/8. */
export const SOURCE_LOOPBACK = 8;
/** A behaviour's codes in one interface kind: a word for each kind of source. */
export const CODES_SHIFT = 6;
export const CODE_SHIFT = 2;

/** RESULT: the lowest byte as in codes, and from here on the number of the row's slot plus one, 0 for none; then the number
 *  of the endpoint. */
export const RESULT_SLOT_SHIFT = 8;
export const RESULT_ENDPOINT = 4;
export const RESULT_BYTES = 8;
export const NO_ENDPOINT = -1;

// --- packets -------------------------------------------------------------------------------------------------------------

/** Batches: a packet each, its first byte that of the IP header, zeros behind its end. */
export const PACKET_BYTES = 64;

/** How an endpoint is chosen: by a hash of the flow, by the caller's random number, by rendezvous. */
export const CHOOSE_FLOW = 0;
export const CHOOSE_RANDOM = 1;
export const CHOOSE_RENDEZVOUS = 2;

// --- loading -------------------------------------------------------------------------------------------------------------

/** What `load` answers. */
export const LOADED = 0;
export const NOT_A_TABLE = 1;
export const OTHER_VERSION = 2;
export const TRUNCATED = 3;
export const CORRUPTED = 4;
export const OUT_OF_BOUNDS = 5;

// --- hashing -------------------------------------------------------------------------------------------------------------

/** Odd factors. */
export const HASH_A = 0x9e3779b1;
export const HASH_B = 0x85ebca6b;
export const HASH_C = 0xc2b2ae35;
/** Halves that are mixed, of the sum that finds a bucket and of the flow's hash; and of the product that finds a slot. */
export const SUM_FOLD_SHIFT = 15;
export const MIX_FOLD_SHIFT = 16;
export const FINGER_SHIFT = 24;
/** What is folded of a word before the factor, and behind it, for the checksum. */
export const SUM_SHIFT = 15;
export const BUCKET_SHIFT = 11;
/** A pilot has two bytes. */
export const PILOT_SHIFT = 1;
export const PLACE_SHIFT = 8;
export const MAX_BUCKET_BITS = 21;
export const MAX_SLOT_BITS = 23;

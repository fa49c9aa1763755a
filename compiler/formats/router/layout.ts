/**
 * The layout of a table of routes: words of 32 bits, little-endian. Offsets in a table count words; `…_WORDS` are sizes of records.
 *
 *   header │ hosts │ nodes │ decisions │ targets │ endpoints │ TLS hosts │ texts │ UTF-16 units of all texts
 *
 * The paths of a host are a tree of their units, in which a node stands for the units that all paths below it go on with. A look-up
 * reads the path asked for once, from left to right, as long as it is in the tree.
 */

/** `kpcr` as bytes. */
export const ROUTER_MAGIC = 0x7263706b;
export const ROUTER_VERSION = 2;

// Header. The checksum is of all that follows it.
export const R_MAGIC = 0;
export const R_VERSION = 1;
/** Length of the table in bytes. */
export const R_LENGTH = 2;
export const R_CHECKSUM = 3;
/** Each part: where it begins, then how many records it has. */
export const R_HOSTS = 4;
export const R_NODES = 6;
export const R_DECISIONS = 8;
export const R_TARGETS = 10;
export const R_ENDPOINTS = 12;
export const R_TLS_HOSTS = 14;
export const R_TEXTS = 16;
/** Of units there are two in a word. */
export const R_UNITS = 18;
/** What the table was made from: a text. */
export const R_SOURCE = 20;
/** The listeners of Gateways: a text, empty where there are none. */
export const R_LISTENERS = 21;
export const R_HEADER_WORDS = 22;

// A host: the number of its name, then its nodes: where the children of the root are. The first host is all those that have no record.
export const HOST_NAME = 0;
export const HOST_CHILDREN = 1;
export const HOST_CHILDREN_COUNT = 2;
/** The decisions where no node takes a path: one that begins with a slash, one that does not, and the empty one. */
export const HOST_BELOW = 3;
export const HOST_ELSEWHERE = 4;
export const HOST_EMPTY = 5;
export const HOST_WORDS = 6;

// A node: the units that lead to it from its parent, of which the first one stands in its record, too; its children, which follow
// each other, sorted by their first units and behind their parent; and, where a path ends here, the decisions plus one for requests that go on
// with a slash, and for those that end here.
export const NODE_FIRST = 0;
export const NODE_UNITS = 1;
export const NODE_UNITS_COUNT = 2;
export const NODE_CHILDREN = 3;
export const NODE_CHILDREN_COUNT = 4;
export const NODE_BELOW = 5;
export const NODE_EXACT = 6;
export const NODE_WORDS = 7;

// A decision: its target, which rule makes it, and where that stands. Texts by their numbers.
export const DECISION_TARGET = 0;
export const DECISION_KIND = 1;
export const DECISION_HOST = 2;
export const DECISION_PATH = 3;
export const DECISION_FILE = 4;
export const DECISION_LINE = 5;
export const DECISION_COLUMN = 6;
export const DECISION_WORDS = 7;

/** Kinds of decisions: there are no routes, the fallback of a host, an exact path, a prefix. */
export const DECIDED_NOTHING = 0;
export const DECIDED_FALLBACK = 1;
export const DECIDED_EXACT = 2;
export const DECIDED_PREFIX = 3;

// A target: 0 and a backend with endpoints, or a status with its reason. Texts by their numbers.
export const TARGET_STATUS = 0;
export const TARGET_TEXT = 1;
export const TARGET_ENDPOINTS = 2;
export const TARGET_ENDPOINTS_COUNT = 3;
export const TARGET_WORDS = 4;

// An endpoint: its port, the bits of its address (32 or 128), and these, the first word highest.
export const ENDPOINT_PORT = 0;
export const ENDPOINT_BITS = 1;
export const ENDPOINT_ADDRESS = 2;
export const ENDPOINT_WORDS = 6;

// A host that clients name in the TLS handshake, and its certificate; 0: none. The first one is all those that have no record. Texts by
// their numbers.
export const TLS_HOST_NAME = 0;
export const TLS_HOST_CERTIFICATE = 1;
export const TLS_HOST_WORDS = 2;

// A text: its first unit, and how many. Text 0 has none.
export const TEXT_AT = 0;
export const TEXT_LENGTH = 1;
export const TEXT_WORDS = 2;

export const SLASH = 47;

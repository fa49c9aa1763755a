/**
 * The layout of a table of routes: words of 32 bits, little-endian. Offsets in a table count words; `…_WORDS` are sizes of records.
 *
 *   header │ hosts │ their buckets │ TLS hosts │ their buckets │ trees │ rules │ decisions │ targets │ endpoints │ texts │ their units
 *
 * A look-up reads the host asked for from its end to its beginning, and goes by a hash to the bucket that has its record. The paths of a
 * host are a tree of their units, in which a node stands for the units that all paths below it go on with. A look-up reads the path asked
 * for once, from left to right, as long as it is in the tree. Hosts that have the same paths in the same order share one tree.
 *
 * With many hosts a look-up waits for memory more than for anything else. So what it reads of one thing stands together: a record
 * and its name, a tree and its nodes and their units. Units are of UTF-16, two in a word, the first one in the low half.
 */

/** `kpcr` as bytes. */
export const ROUTER_MAGIC = 0x7263706b;
export const ROUTER_VERSION = 4;

// Header. The checksum is of all that follows it.
export const R_MAGIC = 0;
export const R_VERSION = 1;
/** Length of the table in bytes. */
export const R_LENGTH = 2;
export const R_CHECKSUM = 3;
/** Each part: where it begins, then how many records it has; parts whose records differ in size: how many words. */
export const R_HOSTS = 4;
export const R_HOST_BUCKETS = 6;
export const R_TLS_HOSTS = 8;
export const R_TLS_BUCKETS = 10;
export const R_TREES = 12;
export const R_RULES = 14;
export const R_DECISIONS = 16;
export const R_TARGETS = 18;
export const R_ENDPOINTS = 20;
export const R_TEXTS = 22;
/** How many units there are. */
export const R_UNITS = 24;
/** What the table was made from: a text. */
export const R_SOURCE = 26;
/** The listeners of Gateways: a text, empty where there are none. */
export const R_LISTENERS = 27;
/** 1: there are routes for hosts that have no record; 0: there are none, which is what their decision says. */
export const R_HAS_OTHERS = 28;
export const R_HEADER_WORDS = 29;

// A record with a name, of any size: the hash of its key, which is the name, or what follows the asterisk of a wildcard; twice the number of
// the units of the key, and one more for a wildcard; two words that depend on the kind of record; and the units of the name. The first
// record of a part is all names that have none.
export const NAME_HASH = 0;
export const NAME_LENGTH = 1;
export const NAME_UNITS = 4;

// A host: where its tree begins in its part, and its first decision: that of its fallback. Those of the rules of its tree follow.
export const HOST_TREE = 2;
export const HOST_DECISIONS = 3;

// A host that clients name in the TLS handshake: the text of its certificate; 0: none. The other word is 0.
export const TLS_HOST_CERTIFICATE = 2;

// Buckets, of which there are a power of two: where the first record of each begins in its part, and at the end where the part ends.
// Records are sorted by their buckets.

// A tree: its rules; how many nodes and units it has, which follow it; how many of the nodes are children of the root, the first ones; and who
// wins where no node takes a path: one that begins with a slash, one that does not, and the empty one. Winners: 0 for the fallback, and
// the number of a rule of the tree plus one.
export const TREE_RULES = 0;
export const TREE_RULES_COUNT = 1;
export const TREE_NODES_COUNT = 2;
export const TREE_UNITS_COUNT = 3;
export const TREE_CHILDREN_COUNT = 4;
export const TREE_BELOW = 5;
export const TREE_ELSEWHERE = 6;
export const TREE_EMPTY = 7;
export const TREE_WORDS = 8;

// A node: the units that lead to it from its parent, of which the first one stands in its record, too; its children, which follow
// each other, sorted by their first units and behind their parent; and, where a path ends here, the winners plus one for requests that go on
// with a slash, and for those that end here. Units and children by their numbers in the tree.
export const NODE_FIRST = 0;
export const NODE_UNITS = 1;
export const NODE_UNITS_COUNT = 2;
export const NODE_CHILDREN = 3;
export const NODE_CHILDREN_COUNT = 4;
export const NODE_BELOW = 5;
export const NODE_EXACT = 6;
export const NODE_WORDS = 7;

// A rule: 1 for an exact path, 0 for a prefix; and the text of its path.
export const RULE_IS_EXACT = 0;
export const RULE_PATH = 1;
export const RULE_WORDS = 2;

// A decision: its target, and where the rule that makes it stands: the text of a file, line and column, which are 0 where nobody knows.
export const DECISION_TARGET = 0;
export const DECISION_FILE = 1;
export const DECISION_LINE = 2;
export const DECISION_COLUMN = 3;
export const DECISION_WORDS = 4;

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

// A text: its first unit, and how many. Text 0 has none.
export const TEXT_AT = 0;
export const TEXT_LENGTH = 1;
export const TEXT_WORDS = 2;

export const SLASH = 47;

/** Tables are checked once, so that nothing has to be checked while they are in use. */
import { checksumOf } from "./checksum";
import {
  ABOUT_BYTES,
  ALIGNMENT,
  BLOCK_BYTES,
  BLOCK_LOCAL,
  BLOCK_UNKNOWN,
  CODE_ALLOWED,
  CODE_EXTENDED,
  CODE_HAIRPIN,
  CODE_SECOND,
  CODE_THIRD,
  CODES_SHIFT,
  CORRUPTED,
  ENDPOINT4_BYTES,
  ENDPOINT4_TREATMENT,
  ENDPOINT6_BYTES,
  ENDPOINT6_TREATMENT,
  ENTRY_BYTES,
  ENTRY_KEY1,
  ENTRY_ROW0,
  ENTRY_ROW1,
  EXTENDED_ALLOWED,
  EXTENDED_ALLOWED_COUNT,
  EXTENDED_BASE,
  EXTENDED_BYTES,
  EXTENDED_FIRST,
  EXTENDED_FOURTH,
  EXTENDED_SECOND,
  EXTENDED_THIRD,
  H_ABOUT,
  H_ALLOWED,
  H_ALLOWED_BYTES,
  H_BEHAVIOUR_COUNT,
  H_BLOCK_COUNT,
  H_BLOCKS,
  H_BUCKET_MASK,
  H_CHECKSUM,
  H_CODES,
  H_DETECTED4,
  H_DETECTED4_COUNT,
  H_DETECTED6,
  H_DETECTED6_COUNT,
  H_ENDPOINTS4,
  H_ENDPOINTS4_COUNT,
  H_ENDPOINTS6,
  H_ENDPOINTS6_COUNT,
  H_ENTRIES,
  H_EXTENDED,
  H_EXTENDED_COUNT,
  H_FINGERS4,
  H_FINGERS6,
  H_FOLDS6,
  H_FOLDS6_MASK,
  H_IDENTITIES4,
  H_IDENTITIES4_COUNT,
  H_IDENTITIES6,
  H_IDENTITIES6_COUNT,
  H_INTERFACE_CLASS_COUNT,
  H_KIND_COUNT,
  H_KIND4_COUNT,
  H_KINDS,
  H_LABELS,
  H_LABELS_LENGTH,
  H_LENGTH,
  H_LOCAL,
  H_LOCAL_DEFAULT4,
  H_LOCAL_DEFAULT6,
  H_LOCAL_MASK,
  H_LOOPBACK_CLASS,
  H_MAGIC,
  H_NAMES,
  H_NAMES_LENGTH,
  H_OTHER4,
  H_OTHER6,
  H_PILOTS,
  H_REGIONS4,
  H_REGIONS4_COUNT,
  H_REGIONS6,
  H_REGIONS6_COUNT,
  H_SLOT_MASK,
  H_TREATMENT_COUNT,
  H_TREATMENTS,
  H_VERSION,
  H_WINDOW_COUNT,
  H_WINDOWS,
  HEADER_BYTES,
  KEY_NOTHING,
  KEY1_BLOCK_SHIFT,
  KIND_BYTES,
  LAYOUT_VERSION,
  LOADED,
  LOCAL_ABOUT,
  LOCAL_BLOCK_MASK,
  LOCAL_BLOCK_SHIFT,
  LOCAL_BYTES,
  LOCAL_CLASS_MASK,
  MAGIC,
  MAX_BEHAVIOURS,
  MAX_BUCKET_BITS,
  MAX_SLOT_BITS,
  NO_DEFAULT,
  NOT_A_TABLE,
  OTHER_VERSION,
  OUT_OF_BOUNDS,
  PREFIX4_BYTES,
  PREFIX6_BYTES,
  REGION4_BYTES,
  REGION4_DEFAULT,
  REGION6_BYTES,
  REGION6_DEFAULT,
  ROW1_BEHAVIOUR_SHIFT,
  ROW1_COUNT_MASK,
  ROW1_SECOND_SHIFT,
  TRUNCATED,
  VERDICT_DNAT,
  VERDICT_MASK,
  WINDOW_BITS,
  WINDOW_BYTES,
  WINDOW_COUNT,
  WINDOW_FIRST,
  WINDOW_SET,
  WINDOW_UNSET,
} from "./layout";
import { makeFilters } from "./local-filter";
import { forgetSources } from "./source-questions";
import { makeSplats } from "./splats";
import { use } from "./table";

/** Where the table that is checked begins, and how long it is. */
let start: usize = 0;
let size: u32 = 0;

/** For each behaviour what its codes ask of rows: USES_… bits. */
const uses: usize = memory.data(256);
const USES_FIRST: u32 = 1;
const USES_SECOND: u32 = 2;
const USES_EXTENDED: u32 = 4;
const USES_ALLOWED: u32 = 8;
const USES_THIRD: u32 = 16;
const USES_FOURTH: u32 = 32;

const SOURCE_CLASSES: u32 = (<u32>1) << (CODES_SHIFT - 2);
const WINDOW_SIZE: u32 = 1 << 20;

/** Takes the table at `at`, of which `given` bytes are there, into use. Gives LOADED, or what is wrong with it. */
export function loadTable(at: usize, given: u32): u32 {
  const found = check(at, given);
  if (found == LOADED) adoptTable(at);
  return found;
}

/** Takes a table into use that has been checked: by this instance, or by another one of the same memory. */
export function adoptTable(at: usize): void {
  use(at);
  forgetSources();
  makeFilters();
  makeSplats();
}

function check(at: usize, given: u32): u32 {
  const end = <u64>at + <u64>given;
  if (end > (<u64>memory.size()) << 16) return TRUNCATED;
  if (given < 8 || load<u32>(at, H_MAGIC) != MAGIC) return NOT_A_TABLE;
  if (load<u32>(at, H_VERSION) != LAYOUT_VERSION) return OTHER_VERSION;
  if (given < <u32>HEADER_BYTES) return TRUNCATED;
  start = at;
  size = word(H_LENGTH);
  if (given < size) return TRUNCATED;
  if (size < <u32>HEADER_BYTES || (size & 3) != 0 || checksumOf(start, size) != word(H_CHECKSUM)) return CORRUPTED;
  return isSound() ? LOADED : OUT_OF_BOUNDS;
}

function word(offset: u32): u32 {
  return load<u32>(start + <usize>offset);
}

/** Nothing that the engine will read is outside of the table. */
function isSound(): bool {
  return haveRoom() && areCodesSound() && areDestinationsSound() && areEndpointsSound() && areEntriesSound();
}

/** The section at the offset in one word has as many records as the other word says. */
function hasRoom(offset: u32, count: u32, bytes: u32): bool {
  const at = word(offset);
  return (at & (ALIGNMENT - 1)) == 0 && <u64>at + <u64>count * <u64>bytes <= <u64>size;
}

/** A mask from which places are computed: as `isMask`, of one bit at least. */
function isPlaceMask(mask: u32): bool {
  return mask != 0 && isMask(mask, 20);
}

function isMask(mask: u32, most: u32): bool {
  return (mask & (mask + 1)) == 0 && mask < (<u32>1) << most;
}

function haveRoom(): bool {
  const kinds = word(H_INTERFACE_CLASS_COUNT);
  const behaviours = word(H_BEHAVIOUR_COUNT);
  const endpointTreatments = word(H_TREATMENT_COUNT);
  if (kinds < 2 || kinds > 0xffff || behaviours == 0 || behaviours > <u32>MAX_BEHAVIOURS || endpointTreatments > 0xffff)
    return false;
  if (!isMask(word(H_BUCKET_MASK), MAX_BUCKET_BITS) || !isMask(word(H_SLOT_MASK), MAX_SLOT_BITS)) return false;
  if (!isPlaceMask(word(H_LOCAL_MASK)) || word(H_BLOCK_COUNT) >= <u32>BLOCK_UNKNOWN) return false;
  if (word(H_REGIONS4_COUNT) == 0 || word(H_REGIONS6_COUNT) == 0) return false;
  return (
    hasRoom(H_PILOTS, word(H_BUCKET_MASK) + 2, 2) &&
    hasRoom(H_ENTRIES, word(H_SLOT_MASK) + 1, ENTRY_BYTES) &&
    hasRoom(H_EXTENDED, word(H_EXTENDED_COUNT), EXTENDED_BYTES) &&
    hasRoom(H_ALLOWED, word(H_ALLOWED_BYTES), 1) &&
    hasRoom(H_BLOCKS, word(H_BLOCK_COUNT), BLOCK_BYTES) &&
    hasRoom(H_LOCAL, word(H_LOCAL_MASK) + 1, LOCAL_BYTES) &&
    hasRoom(H_KINDS, word(H_KIND_COUNT), KIND_BYTES) &&
    hasRoom(H_DETECTED4, word(H_DETECTED4_COUNT), PREFIX4_BYTES) &&
    hasRoom(H_DETECTED6, word(H_DETECTED6_COUNT), PREFIX6_BYTES) &&
    hasRoom(H_REGIONS4, word(H_REGIONS4_COUNT), REGION4_BYTES) &&
    hasRoom(H_REGIONS6, word(H_REGIONS6_COUNT), REGION6_BYTES) &&
    hasRoom(H_WINDOWS, word(H_WINDOW_COUNT), WINDOW_BYTES) &&
    hasRoom(H_CODES, kinds * behaviours, 1 << CODES_SHIFT) &&
    <u64>kinds * <u64>endpointTreatments < 0x1000000 &&
    hasRoom(H_TREATMENTS, kinds * endpointTreatments, 1 << CODES_SHIFT) &&
    hasRoom(H_ENDPOINTS4, word(H_ENDPOINTS4_COUNT), ENDPOINT4_BYTES) &&
    hasRoom(H_ENDPOINTS6, word(H_ENDPOINTS6_COUNT), ENDPOINT6_BYTES) &&
    hasRoom(H_IDENTITIES4, word(H_IDENTITIES4_COUNT), 4) &&
    hasRoom(H_IDENTITIES6, word(H_IDENTITIES6_COUNT), 4) &&
    word(H_IDENTITIES4_COUNT) <= word(H_ENDPOINTS4_COUNT) &&
    word(H_IDENTITIES6_COUNT) <= word(H_ENDPOINTS6_COUNT) &&
    hasRoom(H_ABOUT, word(H_SLOT_MASK) + 1, ABOUT_BYTES) &&
    hasRoom(H_LABELS, word(H_LABELS_LENGTH), 1) &&
    isPlaceMask(word(H_FOLDS6_MASK)) &&
    hasRoom(H_FOLDS6, word(H_FOLDS6_MASK) + 1, 4) &&
    hasRoom(H_FINGERS4, word(H_ENDPOINTS4_COUNT) + 1, 1) &&
    hasRoom(H_FINGERS6, word(H_ENDPOINTS6_COUNT) + 1, 1) &&
    hasRoom(H_NAMES, word(H_NAMES_LENGTH), 1)
  );
}

/** Notes what the codes of each behaviour use. A behaviour is of extended rows with all of its codes, or with none. */
function areCodesSound(): bool {
  const behaviours = word(H_BEHAVIOUR_COUNT);
  memory.fill(uses, 0, 256);
  let code = start + <usize>word(H_CODES);
  for (let kind: u32 = 0; kind < word(H_INTERFACE_CLASS_COUNT); kind++) {
    for (let behaviour: u32 = 0; behaviour < behaviours; behaviour++) {
      let extended: u32 = 0;
      for (let source: u32 = 0; source < SOURCE_CLASSES; source++, code += 4) {
        const value = load<u32>(code);
        const here = usesOf(value);
        if ((here & USES_EXTENDED) != 0) extended++;
        store<u8>(uses + behaviour, <u32>load<u8>(uses + behaviour) | here);
      }
      const all = <u32>load<u8>(uses + behaviour);
      if (extended != ((all & USES_EXTENDED) != 0 ? SOURCE_CLASSES : 0)) return false;
      if ((all & (USES_ALLOWED | USES_THIRD | USES_FOURTH)) != 0 && extended == 0) return false;
    }
  }
  return true;
}

function usesOf(code: u32): u32 {
  let found: u32 = 0;
  if (needsEndpoint(code)) {
    if ((code & CODE_THIRD) != 0) found |= (code & CODE_SECOND) != 0 ? USES_FOURTH : USES_THIRD;
    else found |= (code & CODE_SECOND) != 0 ? USES_SECOND : USES_FIRST;
  }
  if ((code & CODE_EXTENDED) != 0) found |= USES_EXTENDED;
  if ((code & CODE_ALLOWED) != 0) found |= USES_ALLOWED;
  return found;
}

/** Whether the engine chooses an endpoint for it. */
function needsEndpoint(code: u32): bool {
  return (code & VERDICT_MASK) == VERDICT_DNAT || (code & CODE_HAIRPIN) != 0;
}

/** Whether the default words in `count` records of so many bytes, the first one of which is at `at`, name behaviours that need no row. */
function areDefaults(at: u32, count: u32, bytes: u32): bool {
  const behaviours = word(H_BEHAVIOUR_COUNT);
  for (; count != 0; count--, at += bytes) {
    for (let value = word(at), byte = 0; byte < 3; byte++, value >>= 8) {
      const behaviour = value & 0xff;
      if (behaviour >= behaviours || load<u8>(uses + behaviour) != 0) return false;
    }
  }
  return true;
}

function areDestinationsSound(): bool {
  const kinds = word(H_KIND_COUNT);
  const kinds4 = word(H_KIND4_COUNT);
  if (kinds4 > kinds || word(H_LOOPBACK_CLASS) >= kinds4) return false;
  if (!areDefaults(word(H_KINDS), kinds, KIND_BYTES)) return false;
  for (let i: u32 = 0; i <= word(H_LOCAL_MASK); i++) {
    const local = word(H_LOCAL) + i * LOCAL_BYTES;
    const about = word(local + LOCAL_ABOUT);
    const block = (about >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK;
    const kind = about & LOCAL_CLASS_MASK;
    if (block == <u32>BLOCK_LOCAL) continue;
    if (block == 0 ? kind >= kinds4 : block > word(H_BLOCK_COUNT) || kind < kinds4 || kind >= kinds) return false;
  }
  if (!areDefaults(word(H_REGIONS4) + REGION4_DEFAULT, word(H_REGIONS4_COUNT), REGION4_BYTES)) return false;
  if (!areDefaults(word(H_REGIONS6) + REGION6_DEFAULT, word(H_REGIONS6_COUNT), REGION6_BYTES)) return false;
  for (let i: u32 = 0; i < word(H_WINDOW_COUNT); i++) {
    const window = word(H_WINDOWS) + i * WINDOW_BYTES;
    const count = word(window + WINDOW_COUNT);
    const first = word(window + WINDOW_FIRST);
    if (count == 0 || count > WINDOW_SIZE || first >= WINDOW_SIZE || first + count > WINDOW_SIZE) return false;
    if (<u64>word(window + WINDOW_BITS) + ((<u64>count + 7) >> 3) > <u64>size) return false;
    if (!areDefaults(window + WINDOW_UNSET, 2, WINDOW_SET - WINDOW_UNSET)) return false;
  }
  return areDefaultsOrNone(H_OTHER4, H_OTHER6) && areDefaultsOrNone(H_LOCAL_DEFAULT4, H_LOCAL_DEFAULT6);
}

/** Whether the words of the header from `at` to `last` are default words, or NO_DEFAULT. */
function areDefaultsOrNone(at: u32, last: u32): bool {
  for (; at <= last; at += 4) if (word(at) != <u32>NO_DEFAULT && !areDefaults(at, 1, 4)) return false;
  return true;
}

function areEndpointsSound(): bool {
  return (
    areTreated(word(H_ENDPOINTS4) + ENDPOINT4_TREATMENT, word(H_ENDPOINTS4_COUNT), ENDPOINT4_BYTES) &&
    areTreated(word(H_ENDPOINTS6) + ENDPOINT6_TREATMENT, word(H_ENDPOINTS6_COUNT), ENDPOINT6_BYTES)
  );
}

/** Whether the numbers in `count` records of so many bytes, the first one of which is at `at`, are of treatments, or none. */
function areTreated(at: u32, count: u32, bytes: u32): bool {
  const endpointTreatments = word(H_TREATMENT_COUNT);
  for (; count != 0; count--, at += bytes) if (<u32>load<u16>(start + <usize>at) > endpointTreatments) return false;
  return true;
}

function areEntriesSound(): bool {
  const behaviours = word(H_BEHAVIOUR_COUNT);
  const extendedCount = word(H_EXTENDED_COUNT);
  let entry = start + <usize>word(H_ENTRIES);
  const end = entry + (<usize>word(H_SLOT_MASK) + 1) * ENTRY_BYTES;
  for (; entry < end; entry += ENTRY_BYTES) {
    // No packet asks for this key: there is no such kind.
    if (load<u32>(entry) == <u32>KEY_NOTHING && load<u32>(entry, ENTRY_KEY1) == <u32>KEY_NOTHING) continue;
    const row0 = load<u32>(entry, ENTRY_ROW0);
    const row1 = load<u32>(entry, ENTRY_ROW1);
    const behaviour = row1 >> ROW1_BEHAVIOUR_SHIFT;
    if (behaviour >= behaviours) return false;
    const used = <u32>load<u8>(uses + behaviour);
    const isV6 = isOfV6(entry);
    if ((used & USES_EXTENDED) == 0) {
      const second = (row1 >> ROW1_SECOND_SHIFT) & ROW1_COUNT_MASK;
      const first = row1 & ROW1_COUNT_MASK;
      if (!hasEnough(used, first, second, 0, 0) || !areEndpoints(isV6, row0, <u64>first + <u64>second)) return false;
      continue;
    }
    if (row0 >= extendedCount) return false;
    const extended = word(H_EXTENDED) + row0 * EXTENDED_BYTES;
    const first = word(extended + EXTENDED_FIRST);
    const second = word(extended + EXTENDED_SECOND);
    const third = word(extended + EXTENDED_THIRD);
    const fourth = word(extended + EXTENDED_FOURTH);
    if (!hasEnough(used, first, second, third, fourth)) return false;
    const count = <u64>first + <u64>second + <u64>third + <u64>fourth;
    if (!areEndpoints(isV6, word(extended + EXTENDED_BASE), count)) return false;
    const bytes = <u64>word(extended + EXTENDED_ALLOWED_COUNT) * (isV6 ? 32 : 8);
    if (<u64>word(extended + EXTENDED_ALLOWED) + bytes > <u64>word(H_ALLOWED_BYTES)) return false;
  }
  return true;
}

/** Whether packets that find an entry are IPv6 packets. */
function isOfV6(entry: usize): bool {
  const block = load<u32>(entry, ENTRY_KEY1) >> KEY1_BLOCK_SHIFT;
  return block == <u32>BLOCK_LOCAL ? load<u32>(entry) >= word(H_KIND4_COUNT) : block != 0;
}

/** No list is empty that a code uses. */
function hasEnough(used: u32, first: u32, second: u32, third: u32, fourth: u32): bool {
  if ((used & USES_FIRST) != 0 && first == 0) return false;
  if ((used & USES_SECOND) != 0 && second == 0) return false;
  if ((used & USES_THIRD) != 0 && third == 0) return false;
  return (used & USES_FOURTH) == 0 || fourth != 0;
}

function areEndpoints(isV6: bool, base: u32, count: u64): bool {
  return <u64>base + count <= <u64>word(isV6 ? H_ENDPOINTS6_COUNT : H_ENDPOINTS4_COUNT);
}

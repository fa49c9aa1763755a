/** What becomes of the packet that was parsed. */
import { blockOf, findLocal } from "./addresses";
import { choose } from "./choose";
import { defaultOf, findSlot, NOWHERE } from "./destinations";
import {
  BLOCK_IPV4,
  BLOCK_LOCAL,
  CODE_ALLOWED,
  CODE_ASK_ENDPOINT,
  CODE_EXTENDED,
  CODE_HAIRPIN,
  CODE_HAIRPIN_SHIFT,
  CODE_SECOND,
  CODE_SHIFT,
  CODE_THIRD,
  CODES_SHIFT,
  DEFAULT_INVALID_SHIFT,
  DEFAULT_UNTRACKED_SHIFT,
  ENDPOINT4_BYTES,
  ENDPOINT4_TREATMENT,
  ENDPOINT6_BYTES,
  ENDPOINT6_TREATMENT,
  ENTRY_ROW0,
  ENTRY_ROW1,
  ENTRY_SHIFT,
  EXTENDED_BASE,
  EXTENDED_BYTES,
  EXTENDED_FIRST,
  EXTENDED_FOURTH,
  EXTENDED_SECOND,
  EXTENDED_THIRD,
  H_BEHAVIOUR_COUNT,
  H_CODES,
  H_ENDPOINTS4,
  H_ENDPOINTS6,
  H_ENTRIES,
  H_EXTENDED,
  H_INTERFACE_CLASS_COUNT,
  H_KINDS,
  H_LOOPBACK_CLASS,
  H_TREATMENT_COUNT,
  H_TREATMENTS,
  KEY1_BLOCK_SHIFT,
  KEY1_PROTOCOL_SHIFT,
  KIND_BYTES,
  LOCAL_ABOUT,
  LOCAL_CLASS_MASK,
  LOCAL_OWN,
  NO_ENDPOINT,
  RESULT_SLOT_SHIFT,
  ROW1_BEHAVIOUR_SHIFT,
  ROW1_COUNT_MASK,
  ROW1_SECOND_SHIFT,
  SOURCE_ALLOWED,
  STICKY,
  TREATMENT_MASK,
  VERDICT_DNAT,
  VERDICT_MASK,
} from "./layout";
import { destination, INVALID, isV6, NEW, ports, protocol, source, tracking } from "./packet";
import { isAllowed, sourceClass } from "./sources";
import { section, word } from "./table";

// What `decide` has found.

/** The first word of the result. */
export let answer: u32 = 0;
/** The second one. */
export let endpoint: u32 = NO_ENDPOINT;
/** The code that the answer is from. */
export let code: u32 = 0;
/** How many endpoints there were to choose from, and the number of the first one. */
export let choices: u32 = 0;
export let firstChoice: u32 = 0;

/** The slot of the row, or `NOWHERE`, and what the destination gets without a row. */
let slot: u32 = NOWHERE;
let fallback: u32 = 0;

/** The packet came in by an interface of a kind, 0 for none. How endpoints are chosen: see `choose`. */
export function decide(interfaceClass: u32, how: u32, random: u32): void {
  findRow();
  endpoint = NO_ENDPOINT;
  choices = 0;
  const kinds = word(H_INTERFACE_CLASS_COUNT);
  // Names that no rule mentions are of kind 1.
  const ofInterface = interfaceClass < kinds ? interfaceClass : 1;
  const from = sourceClass();
  if (slot == NOWHERE) {
    code = load<u32>(codesOf(ofInterface, behaviourIn(fallback)) + ((<usize>from) << CODE_SHIFT));
    answer = code & 0xff;
    return;
  }
  const entry = section(H_ENTRIES) + ((<usize>slot) << ENTRY_SHIFT);
  let base = load<u32>(entry, ENTRY_ROW0);
  const row1 = load<u32>(entry, ENTRY_ROW1);
  let first = row1 & ROW1_COUNT_MASK;
  let second = (row1 >> ROW1_SECOND_SHIFT) & ROW1_COUNT_MASK;
  let third: u32 = 0;
  let fourth: u32 = 0;
  let kind = from;
  const codes = codesOf(ofInterface, row1 >> ROW1_BEHAVIOUR_SHIFT);
  code = load<u32>(codes + ((<usize>kind) << CODE_SHIFT));
  if ((code & CODE_EXTENDED) != 0) {
    const extended = section(H_EXTENDED) + <usize>base * EXTENDED_BYTES;
    base = load<u32>(extended, EXTENDED_BASE);
    first = load<u32>(extended, EXTENDED_FIRST);
    second = load<u32>(extended, EXTENDED_SECOND);
    third = load<u32>(extended, EXTENDED_THIRD);
    fourth = load<u32>(extended, EXTENDED_FOURTH);
    if ((code & CODE_ALLOWED) != 0 && isAllowed(extended, source, isV6)) {
      kind |= SOURCE_ALLOWED;
      code = load<u32>(codes + ((<usize>kind) << CODE_SHIFT));
    }
  }
  answer = (code & 0xff) | ((slot + 1) << RESULT_SLOT_SHIFT);
  if ((code & VERDICT_MASK) != VERDICT_DNAT && (code & CODE_HAIRPIN) == 0) return;
  if ((code & CODE_THIRD) != 0) {
    const isFourth = (code & CODE_SECOND) != 0;
    choices = isFourth ? fourth : third;
    firstChoice = base + first + second + (isFourth ? third : 0);
  } else {
    const isSecond = (code & CODE_SECOND) != 0;
    choices = isSecond ? second : first;
    firstChoice = isSecond ? base + first : base;
  }
  applyEndpoint(choose(how, random, firstChoice, choices), ofInterface, kind);
}

/** The endpoint has been chosen: what it makes of the packet. */
function applyEndpoint(chosen: u32, ofInterface: u32, kind: u32): void {
  const record = isV6
    ? section(H_ENDPOINTS6) + <usize>chosen * ENDPOINT6_BYTES
    : section(H_ENDPOINTS4) + <usize>chosen * ENDPOINT4_BYTES;
  let endpointTreatment = code;
  if ((code & CODE_ASK_ENDPOINT) != 0) {
    const number = <u32>(isV6 ? load<u16>(record, ENDPOINT6_TREATMENT) : load<u16>(record, ENDPOINT4_TREATMENT));
    if (number != 0) {
      const endpointTreatments =
        section(H_TREATMENTS) + <usize>((ofInterface * word(H_TREATMENT_COUNT) + number - 1) << CODES_SHIFT);
      endpointTreatment = load<u32>(endpointTreatments + ((<usize>kind) << CODE_SHIFT));
    }
  }
  if ((endpointTreatment & CODE_HAIRPIN) != 0 && isSource(record)) endpointTreatment >>= CODE_HAIRPIN_SHIFT;
  let low = endpointTreatment & TREATMENT_MASK;
  if ((low & VERDICT_MASK) == VERDICT_DNAT) {
    low |= code & STICKY;
    endpoint = chosen;
  }
  answer = (answer & 0xffffff00) | low;
}

/** Whether the endpoint is where the packet is from. */
function isSource(record: usize): bool {
  if (!isV6) return load<u32>(record) == load<u32>(source);
  return load<u64>(record) == load<u64>(source) && load<u64>(record, 8) == load<u64>(source, 8);
}

function findRow(): void {
  slot = NOWHERE;
  let block: u32 = BLOCK_IPV4;
  let key0 = load<u32>(destination);
  if (isV6) {
    block = blockOf(destination);
    key0 = load<u32>(destination, 12);
  }
  const isKnown = !isV6 || block != 0;
  const local = isKnown ? findLocal(key0, block) : 0;
  const rest = (ports >> 16) | (protocol << KEY1_PROTOCOL_SHIFT);
  if (local != 0 || (!isV6 && (key0 & 0xff) == 127)) {
    const about = local != 0 ? load<u32>(local, LOCAL_ABOUT) : word(H_LOOPBACK_CLASS);
    const kind = about & LOCAL_CLASS_MASK;
    fallback = load<u32>(section(H_KINDS) + <usize>kind * KIND_BYTES);
    if (tracking != NEW) return;
    if (local != 0 && (about & LOCAL_OWN) != 0) slot = findSlot(key0, rest | (block << KEY1_BLOCK_SHIFT));
    if (slot == NOWHERE) slot = findSlot(kind, rest | ((<u32>BLOCK_LOCAL) << KEY1_BLOCK_SHIFT));
    return;
  }
  fallback = defaultOf(destination, key0, block, isV6);
  if (tracking == NEW && isKnown) slot = findSlot(key0, rest | (block << KEY1_BLOCK_SHIFT));
}

function behaviourIn(word: u32): u32 {
  if (tracking == NEW) return word & 0xff;
  return (word >> (tracking == INVALID ? DEFAULT_INVALID_SHIFT : DEFAULT_UNTRACKED_SHIFT)) & 0xff;
}

function codesOf(ofInterface: u32, behaviour: u32): usize {
  return section(H_CODES) + ((<usize>(ofInterface * word(H_BEHAVIOUR_COUNT) + behaviour)) << CODES_SHIFT);
}

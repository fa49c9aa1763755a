/**
 * The classifier's exports. All numbers are 32 bits wide, addresses are offsets into `memory`. Without a table there is
 * nothing to classify with: `load` first, unless the module came with one.
 */
import { classifyByLanes } from "./batch";
import { classifyEach, classifyOne } from "./classify";
import { choices, code, firstChoice } from "./decide";
import { CHOOSE_FLOW, H_LENGTH, LAYOUT_VERSION, LOADED, MAGIC } from "./layout";
import { adoptTable, loadTable } from "./load";
import { table, word } from "./table";

/** The table layout that this engine reads. */
export function layoutVersion(): u32 {
  return LAYOUT_VERSION;
}

let free: usize = behind(__heap_base);

/** The first byte behind the engine's own data, and behind the table that the module came with: a multiple of 64. Tables,
 *  packets and results go there. */
export function freeMemory(): usize {
  return free;
}

function behind(at: usize): usize {
  return (at + 63) & ~63;
}

/** Takes the table at `at`, of which `given` bytes are there, into use instead of another. Gives 0, or the number of what is
 *  wrong with it; then nothing has changed. */
function takeTable(at: usize, given: u32): u32 {
  return loadTable(at, given);
}

export { takeTable as load };

/** Takes the table at `at` into use, which another instance of the same memory has taken before, and nobody has changed since. */
export function adopt(at: usize): void {
  adoptTable(at);
}

/** The table in use; 0: none. */
export function tableInUse(): usize {
  return table;
}

/**
 * Classifies the packet of `length` bytes at `packet`, of which `given` are there. It came in by an interface of a kind, 0:
 * it is the node's own. `how`: how an endpoint is chosen; `random` is for CHOOSE_RANDOM. Writes eight bytes to `result`, and
 * gives the first four of them; -1 without a table.
 */
export function classify(
  packet: usize,
  given: u32,
  length: u32,
  interfaceClass: u32,
  how: u32,
  random: u32,
  result: usize,
): i32 {
  if (table == 0) return -1;
  return classifyOne(packet, given, length, interfaceClass, how, random, result);
}

/** The code behind the last answer of `classify`: it has the number of the reason. */
export function lastCode(): u32 {
  return code;
}

/** How many endpoints `classify` has chosen from for its last answer. */
export function lastChoices(): u32 {
  return choices;
}

/** The number of the first of them; the others follow. */
export function lastFirstChoice(): u32 {
  return firstChoice;
}

/** Classifies `count` packets in slots of 64 bytes with zeros behind their ends; each is as long as its header says.
 *  `randoms`: a word for each packet, for CHOOSE_RANDOM. Writes eight bytes for each. Gives how many: 0 without a table. */
export function classifyMany(
  packets: usize,
  count: u32,
  interfaceClass: u32,
  how: u32,
  randoms: usize,
  results: usize,
): u32 {
  if (table == 0) return 0;
  if (how == CHOOSE_FLOW) classifyByLanes(packets, count, interfaceClass, results);
  else classifyEach(packets, count, interfaceClass, how, randoms, results);
  return count;
}

// A module that came with its table has it where free memory begins.
if (load<u32>(free) == MAGIC && loadTable(free, <u32>(((<usize>memory.size()) << 16) - free)) == LOADED)
  free = behind(table + <usize>word(H_LENGTH));

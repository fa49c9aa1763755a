/** The engine's module with a table in it: one file that classifies when it is instantiated. */
import { LAYOUT_VERSION } from "../../../assembly/layout.ts";
import { invariant, required } from "../../invariant.ts";

/** What a module says of itself, in the custom section `kpc`, as JSON. */
export interface ModuleInfo {
  /** kpc's own. */
  readonly version: string;
  /** The table's layout. */
  readonly layout: number;
  /** What the table was made from. */
  readonly source: string;
}

/** `engine` with `table` as a data segment at `at`, where the engine looks for it when it starts. */
export function embedTable(
  engine: Uint8Array,
  table: Uint8Array,
  at: number,
  info: Omit<ModuleInfo, "layout">,
): Uint8Array {
  const sections = readSections(engine);
  invariant(!sections.some(({ id }) => id === DATA_COUNT), "the engine counts no segments ahead");
  replaceSection(sections, MEMORY, (body) => withRoom(required(body, "the engine has a memory"), at + table.length));
  replaceSection(sections, DATA, (body) => withSegment(body ?? number(0), table, at));
  const about = new TextEncoder().encode(JSON.stringify({ ...info, layout: LAYOUT_VERSION } satisfies ModuleInfo));
  sections.push({ id: CUSTOM, body: join([sized(new TextEncoder().encode("kpc")), about]) });
  return join([
    engine.subarray(0, HEADER_BYTES),
    ...sections.flatMap(({ id, body }) => [Uint8Array.of(id), sized(body)]),
  ]);
}

interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

const CUSTOM = 0;
const MEMORY = 5;
const DATA = 11;
const DATA_COUNT = 12;
const HEADER_BYTES = 8;
const PAGE_BYTES = 65536;
/** Room behind the table for the caller's packets and results: a batch of 4096. */
const ROOM_BYTES = 6 * PAGE_BYTES;

function readSections(module: Uint8Array): Section[] {
  const sections: Section[] = [];
  for (let at = HEADER_BYTES; at < module.length; ) {
    const { value: size, next } = readNumber(module, at + 1);
    sections.push({ id: module[at] as number, body: module.subarray(next, next + size) });
    at = next + size;
  }
  return sections;
}

/** Gives the section with this number another body. One that is missing has no body, and comes last. */
function replaceSection(sections: Section[], id: number, change: (body: Uint8Array | undefined) => Uint8Array): void {
  const at = sections.findIndex((section) => section.id === id);
  const body = change(sections[at]?.body);
  if (at < 0) sections.push({ id, body });
  else sections[at] = { id, body };
}

/** A memory section of one memory without a maximum. */
function withRoom(body: Uint8Array, bytes: number): Uint8Array {
  invariant(body[0] === 1 && body[1] === 0, "the engine has one memory that can grow");
  const pages = Math.ceil((bytes + ROOM_BYTES) / PAGE_BYTES);
  return join([Uint8Array.of(1, 0), number(Math.max(pages, readNumber(body, 2).value))]);
}

/** A data section with one more segment. */
function withSegment(body: Uint8Array, bytes: Uint8Array, at: number): Uint8Array {
  const { value: count, next } = readNumber(body, 0);
  const place = join([Uint8Array.of(0, I32_CONST), signedNumber(at), Uint8Array.of(END)]);
  return join([number(count + 1), body.subarray(next), place, sized(bytes)]);
}

const I32_CONST = 0x41;
const END = 0x0b;

function sized(bytes: Uint8Array): Uint8Array {
  return join([number(bytes.length), bytes]);
}

/** A number in LEB128, and where it ends. */
function readNumber(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7, at++) {
    const byte = required(bytes[at], "the number goes on");
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return { value, next: at + 1 };
  }
}

function number(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

/** A number that is not negative, as signed LEB128. */
function signedNumber(value: number): Uint8Array {
  const bytes = number(value);
  const last = bytes.at(-1) as number;
  return last < 64 ? bytes : Uint8Array.from([...bytes.subarray(0, -1), last | 128, 0]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

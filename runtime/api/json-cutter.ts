/** Cuts JSON into objects while it arrives, so that memory holds one object at a time. The pieces may be cut anywhere. */
import { ApiTrouble } from "./trouble.ts";

/** etcd holds objects of up to 1.5 MB, and a server may be set to take more. */
export const MAX_OBJECT_BYTES = 32 * 1024 * 1024;

/** Lists and objects in each other. Those of the API have twenty; what reads them further has a stack that ends. */
export const MAX_NESTING = 1000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Objects one after the other. Between them there may be white space, and what `between` allows. */
export class ObjectCutter {
  private readonly between: number;
  private readonly end: number;
  /** What has arrived of the object that has begun. */
  private begun: Buffer[] = [];
  private begunBytes = 0;
  private depth = 0;
  private isInString = false;
  private isEscaped = false;

  /** `between`, `end`: bytes outside of objects that are skipped, and the one that ends them; -1: none. */
  constructor(between = -1, end = -1) {
    this.between = between;
    this.end = end;
  }

  /** Whether an object has begun and not ended. */
  get isWithin(): boolean {
    return this.depth > 0;
  }

  /** Reads `chunk` from `from` on. Yields each object that ends in it; returns where `end` stood, or the length of the chunk.
   *  Throws ApiTrouble `malformed` or `too-large`. */
  *cut(chunk: Buffer, from = 0): Generator<Buffer, number> {
    for (let at = from; at < chunk.length; ) {
      const start = at;
      if (this.depth === 0) {
        const byte = chunk[at] as number;
        if (byte === this.end) return at;
        if (isSpace(byte) || byte === this.between) {
          at++;
          continue;
        }
        if (byte !== OPEN_OBJECT)
          throw new ApiTrouble("malformed", `the answer has ${shown(byte)} instead of an object`);
        this.depth = 1;
        at++;
      }
      at = this.behindObject(chunk, at);
      if (this.depth > 0) this.keep(chunk.subarray(start));
      else yield this.take(chunk.subarray(start, at));
    }
    return chunk.length;
  }

  /** Where the object that has begun is over; the length of the chunk: it goes on, and the state says how. A start reads each byte of a cluster here, most of
   *  them in strings, and before this is compiled: hence loops over variables. */
  private behindObject(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let { depth, isInString } = this;
    let at = from;
    if (this.isEscaped && at < length) {
      this.isEscaped = false;
      at++;
    }
    while (at < length && depth > 0) {
      if (isInString) {
        while (at < length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
        if (at === length) break;
        if (chunk[at++] === QUOTE) isInString = false;
        else if (at === length) this.isEscaped = true;
        else at++;
        continue;
      }
      const byte = chunk[at++];
      if (byte === QUOTE) isInString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth++;
        if (depth > MAX_NESTING)
          throw new ApiTrouble("malformed", `the answer has an object that is nested deeper than ${MAX_NESTING}`);
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth--;
    }
    this.depth = depth;
    this.isInString = isInString;
    return at;
  }

  private keep(part: Buffer): void {
    this.begunBytes += part.length;
    if (this.begunBytes > MAX_OBJECT_BYTES)
      throw new ApiTrouble("too-large", `the answer has an object of more than ${MAX_OBJECT_BYTES} bytes`);
    this.begun.push(part);
  }

  private take(last: Buffer): Buffer {
    if (this.begun.length === 0) return last;
    this.keep(last);
    const whole = Buffer.concat(this.begun);
    this.begun = [];
    this.begunBytes = 0;
    return whole;
  }
}

/** The bytes of a list beside its items: kind, resource version, token; or a Status. */
const MAX_HEAD_BYTES = 1024 * 1024;

/** A list of the API: its items while they arrive, then what stands around them. */
export class ListCutter {
  private readonly items = new ObjectCutter(COMMA, CLOSE_LIST);
  private isInItems = false;
  /** The text with empty `items`. */
  private rest = "";
  private depth = 0;
  private isInString = false;
  private isEscaped = false;
  /** The text of the last string, and the key before the value, at the list's own level. */
  private lastString = "";
  private key = "";
  private readonly onHead: (head: unknown) => void;

  /** `onHead` gets what stands before the items, as an object, before the first of them. */
  constructor(onHead: (head: unknown) => void) {
    this.onHead = onHead;
  }

  /** Yields the items that end in `chunk`. Throws ApiTrouble `malformed` or `too-large`. */
  *cut(chunk: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < chunk.length) {
      if (this.isInItems) {
        at = yield* this.items.cut(chunk, at);
        if (at < chunk.length) this.isInItems = false;
      } else at = this.readAround(chunk, at);
    }
  }

  /** What stands around the items, once everything has arrived. Throws ApiTrouble `cut-off` or `malformed`. */
  end(): Readonly<Record<string, unknown>> {
    if (this.depth > 0 || this.isInItems || this.rest.trim() === "")
      throw new ApiTrouble("cut-off", "the answer ends within a list");
    return parseObject(this.rest);
  }

  /** Reads until the items begin: returns the place after `[`, or the length of the chunk. */
  private readAround(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.isInString) {
        if (this.isEscaped) this.isEscaped = false;
        else if (byte === BACKSLASH) this.isEscaped = true;
        else if (byte === QUOTE) this.isInString = false;
        if (this.depth === 1 && this.isInString && this.lastString.length < 16)
          this.lastString += String.fromCharCode(byte);
        continue;
      }
      if (byte === QUOTE) {
        this.isInString = true;
        if (this.depth === 1) this.lastString = "";
      } else if (byte === COLON && this.depth === 1) this.key = this.lastString;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.depth++;
        if (byte === OPEN_LIST && this.depth === 2 && this.key === "items") {
          this.keep(chunk, from, at + 1);
          this.onHead(parseObject(`${this.rest}]}`));
          this.isInItems = true;
          return at + 1;
        }
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.depth--;
      else if (byte === COMMA && this.depth === 1) this.key = "";
    }
    this.keep(chunk, from, at);
    return at;
  }

  private keep(chunk: Buffer, from: number, to: number): void {
    if (this.rest.length + to - from > MAX_HEAD_BYTES)
      throw new ApiTrouble("too-large", `the answer has more than ${MAX_HEAD_BYTES} bytes beside its items`);
    // One character a byte, so that a character that is cut in two stays whole.
    this.rest += chunk.toString("latin1", from, to);
  }
}

/** An object of JSON, whose bytes are given one character each, or as bytes. Throws ApiTrouble `malformed`. */
export function parseObject(text: Buffer | string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(typeof text === "string" ? Buffer.from(text, "latin1").toString() : text.toString());
  } catch {
    throw new ApiTrouble("malformed", "the answer is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ApiTrouble("malformed", "the answer is not an object of JSON");
}

function shown(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`;
}

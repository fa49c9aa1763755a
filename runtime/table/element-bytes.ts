/** Elements of sets and maps as nf_tables holds them, and back. */
import { keptComment } from "../../compiler/formats/nft/print-elements.ts";
import { required, unreachable } from "../../compiler/invariant.ts";
import { partsOfKey } from "../../compiler/ir/sets.ts";
import type {
  Component,
  DataType,
  KeyPart,
  MapDeclaration,
  MapElement,
  SetDeclaration,
  SetElement,
  Value,
  Verdict,
} from "../../compiler/ir/types.ts";
import type { Digest } from "./digest.ts";
import type { RawElement } from "./nf-tables.ts";

const NONE = new Uint8Array(0);

/** Declared sets and maps. */
type Declared = SetDeclaration | MapDeclaration;

/** Bytes of a value; it fills whole words in a key. Undefined: kpc's own tables have no such type. */
const SIZES: Readonly<Partial<Record<DataType, { readonly bytes: number; readonly isHostOrder?: true }>>> = {
  ipv4_addr: { bytes: 4 },
  ipv6_addr: { bytes: 16 },
  inet_proto: { bytes: 1 },
  inet_service: { bytes: 2 },
  integer: { bytes: 4, isHostOrder: true },
  classid: { bytes: 4, isHostOrder: true },
  mark: { bytes: 4, isHostOrder: true },
};

/** Whether elements of `set` can be told in bytes: sets of kpc's own tables that no packet fills. */
export function hasKnownBytes(set: Declared): boolean {
  const components = "data" in set && set.data !== "verdict" ? [...set.key, ...set.data] : set.key;
  const isSimple = !set.interval || set.key.length > 1;
  return set.dynamic === undefined && isSimple && components.every(({ type }) => SIZES[type] !== undefined);
}

/** An element as bytes. */
export interface ElementBytes {
  readonly key: Uint8Array;
  /** The last key of an interval; of no bytes: there is none. */
  readonly end: Uint8Array;
  /** Data, or a verdict as `verdictBytes` spells it; of no bytes: there is none. */
  readonly value: Uint8Array;
  readonly comment: Uint8Array;
}

/** The bytes are good until this is called again: there are hundreds of thousands of elements, and nobody keeps theirs. */
export function bytesOfElement(set: Declared, element: SetElement | MapElement): ElementBytes {
  const parts = partsOfKey(element);
  const { comment } = element;
  return {
    key: write(set.key, parts, startOf, KEYS),
    end: set.interval ? write(set.key, parts, endOf, ENDS) : NONE,
    value: "value" in element ? valueBytes(set, element) : NONE,
    comment: comment === undefined ? NONE : COMMENTS.of(comment),
  };
}

/** The bytes of the text that was asked for last: neighbours among elements have the same comment, or the same verdict. */
class LastText {
  private text: string | undefined;
  private bytes: Uint8Array = NONE;
  private readonly make: (text: string) => string;

  constructor(make: (text: string) => string) {
    this.make = make;
  }

  of(text: string): Uint8Array {
    if (text !== this.text) {
      this.bytes = Buffer.from(this.make(text), "latin1");
      this.text = text;
    }
    return this.bytes;
  }
}

/** The same of one that the kernel told. */
export function bytesOfRaw({ key, keyEnd, value, verdict, comment }: RawElement): ElementBytes {
  return {
    key,
    end: keyEnd ?? NONE,
    value: value ?? (verdict === undefined ? NONE : verdictBytes(verdict.code, verdict.chain)),
    comment: comment === undefined ? NONE : Buffer.from(comment, "latin1"),
  };
}

/** Adds an element to `digest`, or takes it away. Gives its mark. */
export function digestBytes(
  digest: Digest,
  { key, end, value, comment }: ElementBytes,
  change: "add" | "remove" = "add",
): number {
  return digest[change](key, end, value, comment);
}

function startOf(part: KeyPart): Value {
  return typeof part === "object" ? part.from : part;
}

function endOf(part: KeyPart): Value {
  return typeof part === "object" ? part.to : part;
}

function valueBytes(set: Declared, { value }: MapElement): Uint8Array {
  if ("kind" in value) return verdictBytes(CODES[value.kind], "chain" in value ? value.chain : undefined);
  return write("data" in set && set.data !== "verdict" ? set.data : [], value, startOf, VALUES);
}

const CODES = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const satisfies Record<
  Verdict["kind"],
  number
>;

function verdictBytes(code: number, chain: string | undefined): Uint8Array {
  return VERDICTS.of(`${code} ${chain ?? ""}`);
}

const COMMENTS = new LastText(keptComment);
const VERDICTS = new LastText((text) => text);

/** An array of each length that was asked for. */
class Scratch {
  private readonly arrays: Uint8Array[] = [];

  of(length: number): Uint8Array {
    this.arrays[length] ??= new Uint8Array(length);
    return this.arrays[length];
  }
}

const KEYS = new Scratch();
const ENDS = new Scratch();
const VALUES = new Scratch();

function write(
  components: readonly Component[],
  parts: readonly KeyPart[],
  valueIn: (part: KeyPart) => Value,
  scratch: Scratch,
): Uint8Array {
  const { length, fields } = layoutOf(components);
  const bytes = scratch.of(length);
  bytes.fill(0);
  for (let i = 0; i < fields.length; i++) {
    const { at, size, isHostOrder } = fields[i] as Layout["fields"][number];
    const value = valueIn(parts[i] as KeyPart);
    if (typeof value === "bigint") {
      let rest = value;
      for (let j = size - 1; j >= 0; j--, rest >>= 8n) bytes[at + j] = Number(rest & 0xffn);
    } else {
      const number = Number(value);
      for (let j = 0; j < size; j++) bytes[at + (isHostOrder ? j : size - 1 - j)] = number >>> (8 * j);
    }
  }
  return bytes;
}

/** Where the values of a key, or of data, stand. */
interface Layout {
  readonly length: number;
  readonly fields: readonly { readonly at: number; readonly size: number; readonly isHostOrder: boolean }[];
}

/** By the components of a declaration, which stays while there are elements. */
const LAYOUTS = new WeakMap<readonly Component[], Layout>();

function layoutOf(components: readonly Component[]): Layout {
  const known = LAYOUTS.get(components);
  if (known !== undefined) return known;
  let at = 0;
  const fields = components.map(({ type }) => {
    const { bytes: size, isHostOrder = false } = sizeOf(type);
    const field = { at, size, isHostOrder };
    at += paddedLength(type);
    return field;
  });
  // A key of one part has no padding.
  const [only] = fields;
  const layout = { length: fields.length === 1 && only !== undefined ? only.size : at, fields };
  LAYOUTS.set(components, layout);
  return layout;
}

function sizeOf(type: DataType): { readonly bytes: number; readonly isHostOrder?: true } {
  return required(SIZES[type], "sets whose bytes are not known are not told in bytes");
}

function paddedLength(type: DataType): number {
  return (sizeOf(type).bytes + 3) & ~3;
}

// --- reading -----------------------------------------------------------------------------------------------------------

/** The element of `set` that the kernel told. */
export function readElement(set: Declared, raw: RawElement): SetElement | MapElement {
  const from = read(set.key, raw.key);
  const to = raw.keyEnd === undefined ? from : read(set.key, raw.keyEnd);
  const key = from.map((value, i): KeyPart => {
    const end = to[i] as Value;
    return value === end ? value : { from: value, to: end };
  });
  const comment = raw.comment === undefined ? {} : { comment: raw.comment };
  if (raw.verdict !== undefined) return { key, ...comment, value: readVerdict(raw.verdict) };
  if (raw.value === undefined || !("data" in set) || set.data === "verdict") return { key, ...comment };
  return { key, ...comment, value: read(set.data, raw.value) };
}

function read(components: readonly Component[], bytes: Buffer): Value[] {
  let at = 0;
  return components.map(({ type }) => {
    const { bytes: size, isHostOrder } = sizeOf(type);
    const from = at;
    at += paddedLength(type);
    if (size === 16) return (bytes.readBigUInt64BE(from) << 64n) | bytes.readBigUInt64BE(from + 8);
    return isHostOrder ? bytes.readUIntLE(from, size) : bytes.readUIntBE(from, size);
  });
}

type VerdictCode = (typeof CODES)[keyof typeof CODES];

function readVerdict({ code, chain = "" }: NonNullable<RawElement["verdict"]>): Verdict {
  const known = code as VerdictCode;
  switch (known) {
    case CODES.drop:
      return { kind: "drop" };
    case CODES.accept:
      return { kind: "accept" };
    case CODES.continue:
      return { kind: "continue" };
    case CODES.return:
      return { kind: "return" };
    case CODES.jump:
      return { kind: "jump", chain };
    case CODES.goto:
      return { kind: "goto", chain };
    default:
      return unreachable(known);
  }
}

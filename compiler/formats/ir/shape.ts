/** Plain data of JSON, read into types: each reader takes what it expects, or says where it found something else. */

/** What is at one place of a text, and the place. */
export interface JsonPlace {
  readonly value: unknown;
  /** `ruleset.tables[0].name`; empty for the whole. */
  readonly path: string;
  readonly depth: number;
}

/** Not the data that was expected. Caught by who called the first reader, and told to the user. */
export class Misshapen extends Error {}

export type Reader<T> = (json: JsonPlace) => T;

/** For a member that may be left out. */
export interface Optional<T> {
  readonly optional: Reader<T>;
}

export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? Optional<Exclude<T[K], undefined>> : Reader<T[K]>;
};

export function fail({ path, value }: JsonPlace, expected: string): never {
  const found = value === undefined ? "nothing" : JSON.stringify(value).slice(0, 60);
  throw new Misshapen(`expected ${expected} in ${path === "" ? "the text" : path}, found ${found}`);
}

export function member(json: JsonPlace, key: string): JsonPlace {
  const { value, path, depth } = json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail(json, "an object");
  // More would be no program that anybody wrote, and exhaust the stack.
  if (depth > MAX_DEPTH) return fail({ ...json, value: "…" }, `no more than ${MAX_DEPTH} levels`);
  const found = Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
  return { value: found, path: path === "" ? key : `${path}.${key}`, depth: depth + 1 };
}

const MAX_DEPTH = 100;

export function optional<T>(reader: Reader<T>): Optional<T> {
  return { optional: reader };
}

/** An object with these members and no others. */
export function object<T extends object>(fields: Fields<T>): Reader<T> {
  const entries = Object.entries(fields) as [string, Reader<unknown> | Optional<unknown>][];
  return (json) => {
    const read = entries.flatMap(([key, reader]): [string, unknown][] => {
      const part = member(json, key);
      if (typeof reader === "function") return [[key, reader(part)]];
      return part.value === undefined ? [] : [[key, reader.optional(part)]];
    });
    for (const key of Object.keys(json.value as object))
      if (!Object.hasOwn(fields, key)) fail(member(json, key), "no such member");
    return Object.fromEntries(read) as T;
  };
}

export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (json) => {
    const { value, path, depth } = json;
    if (!Array.isArray(value)) return fail(json, "a list");
    return value.map((item, i) => reader({ value: item, path: `${path}[${i}]`, depth: depth + 1 }));
  };
}

export function text(json: JsonPlace): string {
  return typeof json.value === "string" ? json.value : fail(json, "text");
}

/** A whole number, not below 0 unless `isSigned`. */
export function whole(isSigned = false): Reader<number> {
  return (json) => {
    const { value } = json;
    return Number.isSafeInteger(value) && (isSigned || (value as number) >= 0)
      ? (value as number)
      : fail(json, "a whole number");
  };
}

/** Seconds, to the millisecond. */
export function seconds(json: JsonPlace): number {
  const { value } = json;
  const isTime = typeof value === "number" && value >= 0 && Math.round(value * 1000) / 1000 === value;
  return isTime ? value : fail(json, "seconds");
}

export function flag(json: JsonPlace): boolean {
  return typeof json.value === "boolean" ? json.value : fail(json, "true or false");
}

/** One of the keys of `words`: a record has to name all of a type. */
export function oneOf<T extends string>(words: Readonly<Record<T, unknown>>): Reader<T> {
  return (json) =>
    typeof json.value === "string" && Object.hasOwn(words, json.value)
      ? (json.value as T)
      : fail(json, `one of ${Object.keys(words).join(", ")}`);
}

export function literal<T extends string | true>(wanted: T): Reader<T> {
  return (json) => (json.value === wanted ? wanted : fail(json, JSON.stringify(wanted)));
}

/** A value that has been read already. */
export function known<T>(value: T): Reader<T> {
  return () => value;
}

/** Objects of several kinds, by their member `kind`: a record has to have a reader for each. */
export function byKind<T extends { readonly kind: string }>(
  readers: { readonly [K in T["kind"]]: Reader<Extract<T, { readonly kind: K }>> },
): Reader<T> {
  const kind = oneOf<T["kind"]>(readers);
  return (json) => (readers[kind(member(json, "kind"))] as Reader<T>)(json);
}

/** The functions of lodash-es that chevrotain calls, for what it gives them: arrays, texts and plain objects, and functions that are called
 *  for each element. Bundles for browsers hold this instead of lodash-es, which is ten times as long. */

type Collection = object | string | null | undefined;

type Key = string | number;

type Call<Result = unknown> = (value: unknown, key: Key, collection: Collection) => Result;

/** Of an array or a text the indexes, of another object its own keys. */
function keysOf(collection: Collection): Key[] {
  if (collection === null || collection === undefined) return [];
  return isList(collection) ? Array.from(collection, (_, index) => index) : Object.keys(collection);
}

function isList(collection: object | string): collection is ArrayLike<unknown> & Iterable<unknown> {
  return Array.isArray(collection) || typeof collection === "string";
}

function at(collection: Collection, key: Key): unknown {
  return (collection as Readonly<Record<Key, unknown>>)[key];
}

const isObjectLike = (value: unknown): value is object => typeof value === "object" && value !== null;

export const assign = Object.assign;
export const isArray = Array.isArray;
export const isFunction = (value: unknown): boolean => typeof value === "function";
export const isObject = (value: unknown): boolean => isObjectLike(value) || isFunction(value);
export const isRegExp = (value: unknown): boolean => value instanceof RegExp;
export const isString = (value: unknown): boolean => typeof value === "string";
export const isUndefined = (value: unknown): boolean => value === undefined;
export const identity = <T>(value: T): T => value;
export const noop = (): void => undefined;

export function has(value: unknown, key: PropertyKey): boolean {
  return value !== null && value !== undefined && Object.hasOwn(value, key);
}

export function isEmpty(value: unknown): boolean {
  return typeof value === "string" || isObjectLike(value) ? keysOf(value).length === 0 : true;
}

export function keys(collection: Collection): string[] {
  return keysOf(collection).map(String);
}

export function values(collection: Collection): unknown[] {
  return keysOf(collection).map((key) => at(collection, key));
}

export function map<Result>(collection: Collection, call: Call<Result>): Result[] {
  return keysOf(collection).map((key) => call(at(collection, key), key, collection));
}

/** Ends where `call` gives false. */
export function forEach<C extends Collection>(collection: C, call: Call): C {
  for (const key of keysOf(collection)) if (call(at(collection, key), key, collection) === false) break;
  return collection;
}

export function filter(collection: Collection, call: Call): unknown[] {
  return keysOf(collection).flatMap((key) => {
    const value = at(collection, key);
    return call(value, key, collection) ? [value] : [];
  });
}

export function reject(collection: Collection, call: Call): unknown[] {
  return filter(collection, (...all) => !call(...all));
}

export function find(collection: Collection, call: Call): unknown {
  const key = keysOf(collection).find((each) => call(at(collection, each), each, collection));
  return key === undefined ? undefined : at(collection, key);
}

export function some(collection: Collection, call: Call): boolean {
  return keysOf(collection).some((key) => call(at(collection, key), key, collection));
}

export function every(collection: Collection, call: Call): boolean {
  return keysOf(collection).every((key) => call(at(collection, key), key, collection));
}

/** Without `first`, the first element is that. */
export function reduce(
  collection: Collection,
  call: (result: unknown, value: unknown, key: Key, collection: Collection) => unknown,
  ...first: [unknown?]
): unknown {
  const all = keysOf(collection);
  let result = first.length > 0 ? first[0] : at(collection ?? [], all.shift() ?? 0);
  for (const key of all) result = call(result, at(collection, key), key, collection);
  return result;
}

export function flatMap(collection: Collection, call: Call): unknown[] {
  return map(collection, call).flat();
}

export function groupBy(collection: Collection, call: (value: unknown) => PropertyKey): Record<PropertyKey, unknown[]> {
  const groups: Record<PropertyKey, unknown[]> = {};
  for (const value of values(collection)) {
    const name = call(value);
    if (Object.hasOwn(groups, name)) groups[name]?.push(value);
    else groups[name] = [value];
  }
  return groups;
}

export function pickBy(value: object, call: (value: unknown, key: string) => unknown): object {
  return Object.fromEntries(Object.entries(value).filter(([key, member]) => call(member, key)));
}

export function defaults(value: object | undefined, others: object): object {
  const all = (value ?? {}) as Record<string, unknown>;
  for (const [key, member] of Object.entries(others)) if (all[key] === undefined) all[key] = member;
  return all;
}

/** Of the same class, with the same members. */
export function clone<T>(value: T): T {
  if (Array.isArray(value)) return value.slice() as T;
  return isObjectLike(value) ? Object.assign(Object.create(Object.getPrototypeOf(value)) as T & object, value) : value;
}

export function includes(collection: Collection, wanted: unknown): boolean {
  return typeof collection === "string" ? collection.includes(String(wanted)) : values(collection).includes(wanted);
}

export function indexOf(list: readonly unknown[] | undefined, wanted: unknown): number {
  return list?.indexOf(wanted) ?? -1;
}

export function compact(list: readonly unknown[] | undefined): unknown[] {
  return (list ?? []).filter(Boolean);
}

export function difference(list: readonly unknown[] | undefined, others: readonly unknown[]): unknown[] {
  const left = new Set(others);
  return (list ?? []).filter((each) => !left.has(each));
}

export function drop(list: readonly unknown[] | undefined, count = 1): unknown[] {
  return (list ?? []).slice(Math.max(count, 0));
}

export function dropRight(list: readonly unknown[] | undefined, count = 1): unknown[] {
  return (list ?? []).slice(0, Math.max((list ?? []).length - Math.max(count, 0), 0));
}

export function first(list: readonly unknown[] | undefined): unknown {
  return list?.[0];
}

export function last(list: readonly unknown[] | undefined): unknown {
  return list?.at(-1);
}

/** By one level. */
export function flatten(list: readonly unknown[] | undefined): unknown[] {
  return (list ?? []).flat();
}

export function uniq(list: readonly unknown[] | undefined): unknown[] {
  return [...new Set(list ?? [])];
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

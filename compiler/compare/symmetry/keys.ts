/** Keys of elements, held against each other. */
import { keyText } from "../../evaluate/lookup.ts";
import { isForOthers } from "../../ir/sets.ts";
import type { KeyPart, SetElement } from "../../ir/types.ts";

/** Whether no two elements are for one and the same key, by its text. Those for several keys, and for all others, are left out. */
export function areKeysDistinct(elements: readonly SetElement[]): boolean {
  const keys: (readonly KeyPart[])[] = [];
  for (const { key } of elements) if (!isForOthers(key) && !hasInterval(key)) keys.push(key);
  const [first] = keys;
  if (first === undefined) return true;
  return keys.every((key) => isOfNumbers(key) && isLike(key, first))
    ? areDistinct(keys)
    : new Set(keys.map(keyText)).size === keys.length;
}

function hasInterval(key: readonly KeyPart[]): boolean {
  for (let i = 0; i < key.length; i++) if (typeof key[i] === "object") return true;
  return false;
}

function isOfNumbers(key: readonly KeyPart[]): boolean {
  for (let i = 0; i < key.length; i++) if (typeof key[i] !== "number" && typeof key[i] !== "bigint") return false;
  return true;
}

/** Whether two keys of numbers have one text only where their parts are equal. */
function isLike(key: readonly KeyPart[], other: readonly KeyPart[]): boolean {
  if (key.length !== other.length) return false;
  for (let i = 0; i < key.length; i++) if (typeof key[i] !== typeof other[i]) return false;
  return true;
}

/** Of a million keys no text is made: a hash says where to look for equal ones, which are compared part by part. */
function areDistinct(keys: readonly (readonly KeyPart[])[]): boolean {
  // At most half of the places are taken: by the number of a key, and one.
  const places = new Int32Array(2 ** (33 - Math.clz32(keys.length)));
  const mask = places.length - 1;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as readonly KeyPart[];
    let place = hashOf(key) & mask;
    for (; places[place] !== 0; place = (place + 1) & mask)
      if (areSame(key, keys[(places[place] as number) - 1] as readonly KeyPart[])) return false;
    places[place] = i + 1;
  }
  return true;
}

function hashOf(key: readonly KeyPart[]): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) {
    const part = key[i] as number | bigint;
    const bits = typeof part === "number" ? part | 0 : Number(BigInt.asIntN(32, part ^ (part >> 61n)));
    hash = Math.imul(hash ^ bits, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function areSame(key: readonly KeyPart[], other: readonly KeyPart[]): boolean {
  for (let i = 0; i < key.length; i++) if (key[i] !== other[i]) return false;
  return true;
}

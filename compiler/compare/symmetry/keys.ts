/** Keys of elements, held against each other. */
import { keyText } from "../../evaluate/lookup.ts";
import { forEachElement } from "../../ir/element-rows.ts";
import { isForOthers } from "../../ir/sets.ts";
import type { KeyPart, SetDeclaration } from "../../ir/types.ts";

/** Whether no two elements of `set` are for one and the same key, by its text. Those for several keys, and for all others, are left
 *  out. */
export function areKeysDistinct(set: Pick<SetDeclaration, "elements">): boolean {
  /** The parts of keys, one behind the other. */
  const parts: KeyPart[] = [];
  let first: readonly KeyPart[] | undefined;
  let count = 0;
  let areNumbers = true;
  forEachElement(set, ({ key }) => {
    if (isForOthers(key) || hasInterval(key)) return;
    count++;
    first ??= [...key];
    areNumbers &&= isOfNumbers(key) && isLike(key, first);
    if (areNumbers) for (let i = 0; i < key.length; i++) parts.push(key[i] as KeyPart);
  });
  if (areNumbers) return areDistinct(parts as (number | bigint)[], first?.length ?? 0, count);
  const texts = new Set<string>();
  forEachElement(set, ({ key }) => {
    if (!isForOthers(key) && !hasInterval(key)) texts.add(keyText(key));
  });
  return texts.size === count;
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

/** Of a million keys no text is made: a hash says where to look for equal ones, which are compared part by part. `parts`: those of
 *  `count` keys of so many parts. */
function areDistinct(parts: readonly (number | bigint)[], width: number, count: number): boolean {
  // At most half of the places are taken: by the number of a key, and one.
  const places = new Int32Array(2 ** (33 - Math.clz32(count)));
  const mask = places.length - 1;
  for (let i = 0; i < count; i++) {
    let place = hashOf(parts, i * width, width) & mask;
    for (; places[place] !== 0; place = (place + 1) & mask)
      if (areSame(parts, i * width, ((places[place] as number) - 1) * width, width)) return false;
    places[place] = i + 1;
  }
  return true;
}

function hashOf(parts: readonly (number | bigint)[], from: number, width: number): number {
  let hash = 0;
  for (let i = from; i < from + width; i++) {
    const part = parts[i] as number | bigint;
    const bits = typeof part === "number" ? part | 0 : Number(BigInt.asIntN(32, part ^ (part >> 61n)));
    hash = Math.imul(hash ^ bits, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function areSame(parts: readonly (number | bigint)[], from: number, other: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (parts[from + i] !== parts[other + i]) return false;
  return true;
}

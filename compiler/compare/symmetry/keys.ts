/** Keys of elements, held against each other. */
import { keyText } from "../../evaluate/lookup.ts";
import { forEachElement } from "../../ir/element-rows.ts";
import { isForOthers } from "../../ir/sets.ts";
import type { ElementKey, KeyPart, SetDeclaration } from "../../ir/types.ts";
import type { DescribedElement } from "./describe.ts";
import type { Token } from "./tokens.ts";

/** What the key is of all elements of a template, but for its parameters. */
export interface KeyForm {
  /** `single`: for one key; `ranged`: for several; `others`: for all that no other element has. */
  readonly kind: "single" | "ranged" | "others";
  readonly token: Token;
  /** How many parameters it has: they come before those of the value. */
  readonly width: number;
}

export function keyFormOf(key: ElementKey, { keyToken: token, keyEnd: width }: DescribedElement): KeyForm {
  return { kind: isForOthers(key) ? "others" : hasInterval(key) ? "ranged" : "single", token, width };
}

export function hasInterval(key: readonly KeyPart[]): boolean {
  for (let i = 0; i < key.length; i++) if (typeof key[i] === "object") return true;
  return false;
}

/** Whether no two elements of `set` are for one and the same key, by its text. Those for several keys, and for all others, are left out. */
export function areTextsDistinct(set: Pick<SetDeclaration, "elements">): boolean {
  const texts = new Set<string>();
  let count = 0;
  forEachElement(set, ({ key }) => {
    if (isForOthers(key) || hasInterval(key)) return;
    count++;
    texts.add(keyText(key));
  });
  return texts.size === count;
}

/** Finding elements by key. */
import { partHolds } from "../ir/interval.ts";
import type { KeyPart, SetElement, Value } from "../ir/types.ts";

/** The elements of a set or map, ready to be asked. */
export class ElementIndex<Element extends SetElement> {
  private readonly exact = new Map<string, Element>();
  private readonly ranged: Element[] = [];
  private catchAll: Element | undefined;

  constructor(declaration: { readonly elements: readonly Element[] }) {
    for (const element of declaration.elements) {
      if (element.catchAll) this.catchAll = element;
      else if (element.key.some((part) => typeof part === "object")) this.ranged.push(element);
      else this.exact.set(keyText(element.key), element);
    }
  }

  find(key: readonly Value[]): Element | undefined {
    return this.exact.get(keyText(key)) ?? this.ranged.find((element) => holds(element.key, key)) ?? this.catchAll;
  }
}

function holds(parts: readonly KeyPart[], key: readonly Value[]): boolean {
  return parts.length === key.length && parts.every((part, i) => partHolds(part, key[i] as Value));
}

/** A key as text: its parts joined by blanks. */
export function keyText(key: readonly KeyPart[]): string {
  // `join` takes several times as long for a few parts, and a large program is asked for hundreds of thousands of keys.
  let text = `${key[0] ?? ""}`;
  for (let i = 1; i < key.length; i++) text += ` ${key[i]}`;
  return text;
}

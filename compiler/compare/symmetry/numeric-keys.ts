/** Keys of elements that are numbers, held against each other without making texts of them. */
import { isForOthers } from "../../ir/sets.ts";
import type { ElementKey } from "../../ir/types.ts";
import { hasInterval, type KeyForm } from "./keys.ts";
import type { Token } from "./tokens.ts";

/** Whether keys are numbers and bigints, the same in all: then two have one text only where their parts are equal. */
export class KeyTypes {
  private first: readonly string[] | undefined;
  areLike = true;

  /** Has to be told a key of each form. */
  add(key: ElementKey): void {
    if (isForOthers(key) || hasInterval(key)) return;
    this.first ??= key.map((part) => typeof part);
    const { first } = this;
    if (key.length !== first.length) this.areLike = false;
    for (let i = 0; i < key.length; i++) {
      const type = typeof key[i];
      if (type !== first[i] || type === "string") this.areLike = false;
    }
  }
}

/** The columns of elements. */
interface KeyColumns {
  readonly templates: Int32Array;
  readonly starts: Int32Array;
  readonly parameters: Int32Array;
  /** By template. */
  readonly keys: ReadonlyMap<Token, KeyForm>;
}

/** As `areTextsDistinct`, of `count` elements from row `first` on, whose types are like. Of a million keys no text is
 *  made: a hash says where to look for equal ones, which are compared number by number. */
export function areKeysDistinct(
  { templates, starts, parameters, keys }: KeyColumns,
  first: number,
  count: number,
): boolean {
  const forms: (KeyForm | undefined)[] = [];
  // At most half of the places are taken: by the number of a row, from 1.
  const places = new Int32Array(2 ** (33 - Math.clz32(count)));
  const mask = places.length - 1;
  const isSame = (row: number, other: number): boolean => {
    const [{ token, width }, { token: otherToken }] = [forms[row], forms[other]] as [KeyForm, KeyForm];
    if (token !== otherToken) return false;
    const [from, otherFrom] = [starts[first + row] as number, starts[first + other] as number];
    for (let i = 0; i < width; i++) if (parameters[from + i] !== parameters[otherFrom + i]) return false;
    return true;
  };
  let template = -1;
  let form: KeyForm | undefined;
  for (let row = 0; row < count; row++) {
    const own = templates[first + row] as Token;
    // Most are of the same one as the row before.
    if (own !== template) {
      template = own;
      form = keys.get(own);
    }
    forms.push(form);
    if (form?.kind !== "single") continue;
    const start = starts[first + row] as number;
    let hash = Math.imul(form.token, 0x85ebca77);
    for (let i = 0; i < form.width; i++) {
      hash = Math.imul(hash ^ (parameters[start + i] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    let place = hash & mask;
    for (; places[place] !== 0; place = (place + 1) & mask)
      if (isSame(row, (places[place] as number) - 1)) return false;
    places[place] = row + 1;
  }
  return true;
}

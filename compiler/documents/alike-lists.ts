/** Items of a List with a long array of alike elements: one that is read whole shows how others may be read. */
import { type AlikeElement, AlikeElements, type Differing } from "./alike-elements.ts";
import { countMembers, hasMoreMembers, memberAt, parseJson } from "./json-text.ts";
import { isObject } from "./show.ts";
import type { AlikeList } from "./types.ts";

/** The value of a part without the elements of one of its arrays, and these. */
export class AlikePart implements AlikeList {
  readonly key = LONG_LIST;
  readonly value: unknown;
  readonly elements: readonly AlikeElement[];

  constructor(value: unknown, elements: readonly AlikeElement[]) {
    this.value = value;
    this.elements = elements;
  }
}

/** The array that most of a cluster's text is in, and the strings that differ from one of its elements to the next. */
const LONG_LIST = "endpoints";
const DIFFERING: Differing = {
  read: ["addresses.0", "nodeName"],
  unread: ["targetRef.name", "targetRef.namespace", "targetRef.resourceVersion", "targetRef.uid", "zone"],
};

/** Reads items of a List whose long arrays have alike elements, once one of them has been read whole. */
export class AlikeLists {
  private readonly elements = new AlikeElements(DIFFERING);
  /** How items begin, up to the bracket that opens the array. */
  private readonly beginnings: string[] = [];

  /** `value`: that of the item from `start` to `end`. */
  learn(text: string, start: number, end: number, value: unknown): void {
    if (this.beginnings.length === MOST_BEGINNINGS || !isObject(value)) return;
    const list = value[LONG_LIST];
    if (!Array.isArray(list) || list.length < FEWEST_ALIKE) return;
    const open = memberAt(text, start, LONG_LIST);
    if (open === undefined || open > start + LONGEST_BEGINNING || open > end) return;
    const beginning = text.slice(start, open + 1);
    if (!this.beginnings.includes(beginning)) this.beginnings.push(beginning);
  }

  /** The item from `start` to `end`; undefined: it is to be read whole. */
  read(text: string, start: number, end: number): AlikePart | undefined {
    for (const beginning of this.beginnings) {
      if (!text.startsWith(beginning, start)) continue;
      const found = this.elements.read(text, start + beginning.length - 1, end);
      if (found === undefined) return undefined;
      const rest = beginning + text.slice(found.close, end);
      const value = parseJson(rest);
      if (value === undefined || hasMoreMembers(rest, 0, rest.length, countMembers(value))) return undefined;
      return new AlikePart(value, found.elements);
    }
    return undefined;
  }
}

const MOST_BEGINNINGS = 4;
const LONGEST_BEGINNING = 512;
const FEWEST_ALIKE = 2;

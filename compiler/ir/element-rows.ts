/** Elements of sets and maps that a reader has not made objects of: a listing may have a million, of which most are looked at once. */
import type { FormedRows } from "./row-forms.ts";
import type { MapDeclaration, MapElement, SetDeclaration, SetElement } from "./types.ts";

/** A set or map that a table declares. */
type Declared = SetDeclaration | MapDeclaration;

type AnyElement = SetElement | MapElement;

export interface ElementRows extends FormedRows {
  readonly count: number;
  /** The element of a row, from 0, as an object to keep. */
  readonly make: (row: number) => AnyElement;
  /** The element of a row until this or `forEach` is called again: not to be kept, nor what is in it but numbers and texts. */
  readonly peek: (row: number) => AnyElement;
  /** Calls `visit` with each element in turn. What it is given says something else behind the call: it is not to be kept, nor what is
   *  in it but numbers and texts. */
  readonly forEach: (visit: (element: AnyElement, row: number) => void) => void;
}

interface Kept {
  readonly rows: ElementRows;
  /** All of the set or map but its elements. */
  readonly properties: object;
}

const KEPT = new WeakMap<object, Kept>();

/** `properties` with the elements of `rows`, which are made when somebody asks for all. Copies have them made. */
export function withElementRows<Of extends Declared>(properties: Omit<Of, "elements">, rows: ElementRows): Of {
  let made: readonly AnyElement[] | undefined;
  const declared = Object.defineProperty({ ...properties }, "elements", {
    enumerable: true,
    configurable: true,
    get: () => (made ??= Array.from({ length: rows.count }, (_, row) => rows.make(row))),
  }) as Of;
  KEPT.set(declared, { rows, properties });
  return declared;
}

/** The elements of `set` as rows; undefined: they are objects. */
export function rowsOfElements(set: object): ElementRows | undefined {
  return KEPT.get(set)?.rows;
}

/** Without making objects of them. */
export function countElements(set: Declared): number {
  return KEPT.get(set)?.rows.count ?? set.elements.length;
}

/** Calls `visit` with each element of `set`, as `ElementRows.forEach`. */
export function forEachElement(
  set: Pick<Declared, "elements">,
  visit: (element: AnyElement, row: number) => void,
): void {
  const rows = KEPT.get(set)?.rows;
  if (rows !== undefined) rows.forEach(visit);
  else for (let row = 0; row < set.elements.length; row++) visit(set.elements[row] as AnyElement, row);
}

/** The elements of `set` for which `stays` says so. */
export function filterElements(set: Declared, stays: (row: number) => boolean): readonly AnyElement[] {
  const rows = KEPT.get(set)?.rows;
  if (rows === undefined) return (set.elements as readonly AnyElement[]).filter((_, row) => stays(row));
  const kept: AnyElement[] = [];
  for (let row = 0; row < rows.count; row++) if (stays(row)) kept.push(rows.make(row));
  return kept;
}

/** `set` with these elements in place of its own, of which none is made. */
export function withElements<Of extends Declared>(set: Of, elements: Of["elements"]): Of {
  return { ...((KEPT.get(set)?.properties ?? set) as Of), elements };
}

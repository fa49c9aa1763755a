/** Finds which rule of a host takes a path. */
import * as L from "../../compiler/formats/router/layout.ts";
import type { RouterTable } from "./table.ts";

/** The trees of paths, which it reads where they are in the table. */
export class PathTrees {
  private readonly words: Int32Array;
  private readonly units: Uint16Array;
  private readonly trees: number;

  constructor({ words, units }: RouterTable) {
    this.words = words;
    this.units = units;
    this.trees = words[L.R_TREES] as number;
  }

  /** Who wins in the tree that begins at `tree` of its part, for a request target: 0 for the fallback, or the number of a rule plus one. */
  winner(tree: number, target: string): number {
    const { words, units } = this;
    const root = this.trees + tree;
    const { length } = target;
    let unit = length > 0 ? target.charCodeAt(0) : QUESTION_MARK;
    if (unit === QUESTION_MARK || unit === HASH_MARK) return words[root + L.TREE_EMPTY] as number;
    let winner = words[root + (unit === L.SLASH ? L.TREE_BELOW : L.TREE_ELSEWHERE)] as number;
    const nodes = root + L.TREE_WORDS;
    const unitsAt = (nodes + (words[root + L.TREE_NODES_COUNT] as number) * L.NODE_WORDS) * 2;
    let first = 0;
    let count = words[root + L.TREE_CHILDREN_COUNT] as number;
    for (let i = 0; count > 0; ) {
      const node = this.childWith(unit, nodes + first * L.NODE_WORDS, count);
      if (node < 0) return winner;
      const end = i + (words[node + L.NODE_UNITS_COUNT] as number);
      if (end > length) return winner;
      const offset = unitsAt + (words[node + L.NODE_UNITS] as number) - i;
      // The first unit is that of the child.
      for (i++; i < end; i++) if (target.charCodeAt(i) !== units[offset + i]) return winner;
      unit = i < length ? target.charCodeAt(i) : QUESTION_MARK;
      const exact = words[node + L.NODE_EXACT] as number;
      if (unit === QUESTION_MARK || unit === HASH_MARK) return exact === 0 ? winner : exact - 1;
      if (unit === L.SLASH && exact !== 0) winner = (words[node + L.NODE_BELOW] as number) - 1;
      first = words[node + L.NODE_CHILDREN] as number;
      count = words[node + L.NODE_CHILDREN_COUNT] as number;
    }
    return winner;
  }

  /** The one of `count` children from `at` on whose first unit is `unit`; -1: none. */
  private childWith(unit: number, at: number, count: number): number {
    const { words } = this;
    let [low, high] = [0, count];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((words[at + middle * L.NODE_WORDS + L.NODE_FIRST] as number) <= unit) low = middle;
      else high = middle;
    }
    const child = at + low * L.NODE_WORDS;
    return words[child + L.NODE_FIRST] === unit ? child : -1;
  }
}

const HASH_MARK = 35;
const QUESTION_MARK = 63;

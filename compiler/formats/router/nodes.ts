/** The paths of a tree as nodes. */
import {
  NODE_BELOW,
  NODE_CHILDREN,
  NODE_CHILDREN_COUNT,
  NODE_EXACT,
  NODE_FIRST,
  NODE_UNITS,
  NODE_UNITS_COUNT,
  NODE_WORDS,
  TREE_CHILDREN_COUNT,
  TREE_NODES_COUNT,
  TREE_UNITS_COUNT,
} from "./layout.ts";
import type { PathWinners } from "./paths.ts";
import type { WordList } from "./words.ts";

/** Adds the nodes for `paths`, which are sorted and not empty, and their units behind the record at `tree`, which is the last one in `words`.
 *  `winnerOf`: what the table has for a winner. */
export function addNodes(
  words: WordList,
  tree: number,
  paths: readonly PathWinners[],
  winnerOf: (winner: number) => number,
): void {
  // Four numbers for each group of paths: from one to another, how many units they have in common, and where the record of their node is. Objects
  // would take longer, and so would recursion, which a path could make as deep as it has units.
  const groups = [0, paths.length, 0, ROOT];
  // Three numbers for each node: a path that leads through it, and from which unit to which.
  const leading: number[] = [];
  let unitCount = 0;
  for (let group = 0; group < groups.length; group += 4) {
    const from = groups[group] as number;
    const to = groups[group + 1] as number;
    const depth = groups[group + 2] as number;
    const parent = groups[group + 3] as number;
    const first = leading.length / 3;
    for (let start = from; start < to; ) {
      const { path, below, exact } = paths[start] as PathWinners;
      const end = endOfPart(paths, start, to, depth);
      // They are sorted: what the first and the last one have in common, all have.
      const deep = end === start + 1 ? path.length : commonUnits(path, (paths[end - 1] as PathWinners).path, depth + 1);
      const at = words.reserve(NODE_WORDS);
      words.set(at + NODE_FIRST, path.charCodeAt(depth));
      words.set(at + NODE_UNITS, unitCount);
      words.set(at + NODE_UNITS_COUNT, deep - depth);
      leading.push(start, depth, deep);
      unitCount += deep - depth;
      if (path.length === deep) {
        words.set(at + NODE_BELOW, winnerOf(below) + 1);
        words.set(at + NODE_EXACT, winnerOf(exact) + 1);
        start++;
      }
      if (start < end) groups.push(start, end, deep, at);
      start = end;
    }
    const count = leading.length / 3 - first;
    if (parent === ROOT) {
      words.set(tree + TREE_CHILDREN_COUNT, count);
    } else {
      words.set(parent + NODE_CHILDREN, first);
      words.set(parent + NODE_CHILDREN_COUNT, count);
    }
  }
  words.set(tree + TREE_NODES_COUNT, leading.length / 3);
  words.set(tree + TREE_UNITS_COUNT, unitCount);
  const units = words.reserve((unitCount + 1) >> 1);
  let unit = 0;
  for (let node = 0; node < leading.length; node += 3) {
    const { path } = paths[leading[node] as number] as PathWinners;
    const to = leading[node + 2] as number;
    for (let i = leading[node + 1] as number; i < to; i++, unit++) words.setUnit(units, unit, path.charCodeAt(i));
  }
}

const ROOT = -1;

/** Behind the last one of the paths from `start` on, and before `to`, that have the same unit behind the first `depth` ones. */
function endOfPart(paths: readonly PathWinners[], start: number, to: number, depth: number): number {
  const unit = (paths[start] as PathWinners).path.charCodeAt(depth);
  let end = start + 1;
  while (end < to && (paths[end] as PathWinners).path.charCodeAt(depth) === unit) end++;
  return end;
}

/** How many units two paths have in common, which are at least `depth`. */
function commonUnits(one: string, other: string, depth: number): number {
  let count = depth;
  while (count < one.length && one.charCodeAt(count) === other.charCodeAt(count)) count++;
  return count;
}

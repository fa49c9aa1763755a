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

/** Paths `from` to `to`, which have their first `depth` units in common. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Likewise, and where the record of the node is below which they are; undefined: the root. */
interface Group extends Part {
  readonly parent: number | undefined;
}

/** The units of a path that lead to a node. */
interface NodeUnits {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/** Adds the nodes for `paths`, which are sorted and not empty, and their units behind the record at `tree`, which is the last one in `words`.
 *  `winnerOf`: what the table has for a winner. */
export function addNodes(
  words: WordList,
  tree: number,
  paths: readonly PathWinners[],
  winnerOf: (winner: number) => number,
): void {
  const groups: Group[] = [{ from: 0, to: paths.length, depth: 0, parent: undefined }];
  const leading: NodeUnits[] = [];
  let unitCount = 0;
  // A list instead of recursion: a path can have a node for each of its units.
  for (const group of groups) {
    const parts = partsOf(paths, group);
    if (group.parent === undefined) {
      words.set(tree + TREE_CHILDREN_COUNT, parts.length);
    } else {
      words.set(group.parent + NODE_CHILDREN, leading.length);
      words.set(group.parent + NODE_CHILDREN_COUNT, parts.length);
    }
    let at = words.reserve(parts.length * NODE_WORDS);
    for (const part of parts) {
      const { path, below, exact } = paths[part.from] as PathWinners;
      words.set(at + NODE_FIRST, path.charCodeAt(group.depth));
      words.set(at + NODE_UNITS, unitCount);
      words.set(at + NODE_UNITS_COUNT, part.depth - group.depth);
      leading.push({ path, from: group.depth, to: part.depth });
      unitCount += part.depth - group.depth;
      const endsHere = path.length === part.depth;
      if (endsHere) {
        words.set(at + NODE_BELOW, winnerOf(below) + 1);
        words.set(at + NODE_EXACT, winnerOf(exact) + 1);
      }
      const from = endsHere ? part.from + 1 : part.from;
      if (from < part.to) groups.push({ from, to: part.to, depth: part.depth, parent: at });
      at += NODE_WORDS;
    }
  }
  words.set(tree + TREE_NODES_COUNT, leading.length);
  words.set(tree + TREE_UNITS_COUNT, unitCount);
  const units = words.reserve((unitCount + 1) >> 1);
  let unit = 0;
  for (const { path, from, to } of leading)
    for (let i = from; i < to; i++, unit++) words.setUnit(units, unit, path.charCodeAt(i));
}

/** The paths of a group by their next unit, each part as deep as its paths are the same. */
function partsOf(paths: readonly PathWinners[], { from, to, depth }: Group): Part[] {
  const parts: Part[] = [];
  for (let start = from; start < to; ) {
    const first = (paths[start] as PathWinners).path;
    let end = start + 1;
    while (end < to && (paths[end] as PathWinners).path.charCodeAt(depth) === first.charCodeAt(depth)) end++;
    // They are sorted: what the first and the last one have in common, all have.
    const last = (paths[end - 1] as PathWinners).path;
    let deep = depth + 1;
    while (deep < first.length && first.charCodeAt(deep) === last.charCodeAt(deep)) deep++;
    parts.push({ from: start, to: end, depth: deep });
    start = end;
  }
  return parts;
}

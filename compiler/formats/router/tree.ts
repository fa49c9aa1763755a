/** The paths of a host as a tree of their units. */
import {
  NODE_BELOW,
  NODE_CHILDREN,
  NODE_CHILDREN_COUNT,
  NODE_EXACT,
  NODE_FIRST,
  NODE_UNITS,
  NODE_UNITS_COUNT,
  NODE_WORDS,
} from "./layout.ts";
import type { PathWinners } from "./paths.ts";
import type { WordList } from "./words.ts";

/** Nodes that follow each other: the number of the first one, and how many. */
export interface NodeRange {
  readonly first: number;
  readonly count: number;
}

/** Paths `from` to `to`, which have their first `depth` units in common. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Likewise, and the node below which they are; undefined: the root. */
interface Group extends Part {
  readonly node: number | undefined;
}

/** Adds the tree of `paths`, which are sorted and not empty, to `nodes`; gives the children of its root. `units`: where those of each
 *  path of the host begin; `decisionOf`: the decision of a winner. */
export function addPathTree(
  nodes: WordList,
  paths: readonly PathWinners[],
  units: readonly number[],
  decisionOf: (winner: number) => number,
): NodeRange {
  const groups: Group[] = [{ from: 0, to: paths.length, depth: 0, node: undefined }];
  let root: NodeRange = { first: 0, count: 0 };
  // A list instead of recursion: a path can have a node for each of its units.
  for (const group of groups) {
    const parts = partsOf(paths, group);
    const first = nodes.reserve(parts.length * NODE_WORDS) / NODE_WORDS;
    if (group.node === undefined) {
      root = { first, count: parts.length };
    } else {
      nodes.set(group.node * NODE_WORDS + NODE_CHILDREN, first);
      nodes.set(group.node * NODE_WORDS + NODE_CHILDREN_COUNT, parts.length);
    }
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      const { path, route, below, exact } = paths[part.from] as PathWinners;
      const at = (first + i) * NODE_WORDS;
      nodes.set(at + NODE_FIRST, path.charCodeAt(group.depth));
      nodes.set(at + NODE_UNITS, (units[route] as number) + group.depth);
      nodes.set(at + NODE_UNITS_COUNT, part.depth - group.depth);
      const endsHere = path.length === part.depth;
      if (endsHere) {
        nodes.set(at + NODE_BELOW, decisionOf(below) + 1);
        nodes.set(at + NODE_EXACT, decisionOf(exact) + 1);
      }
      const from = endsHere ? part.from + 1 : part.from;
      if (from < part.to) groups.push({ from, to: part.to, depth: part.depth, node: first + i });
    }
  }
  return root;
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

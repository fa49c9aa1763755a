import { isCollection, isMap, isPair, isScalar, type Document as YamlDocument, type Node as YamlNode } from "yaml";
import type { Path } from "./types.ts";
import { keyText, type TreeRange } from "./yaml-value.ts";

/** The range of the value (or key) at `path` in `tree`; of the deepest one above it that exists. Aliases and merged keys
 *  (`<<`) are not followed: the place is then that of the alias, or of the map that merges. */
export function nodeRange(tree: YamlDocument.Parsed, path: Path, what: "key" | "value"): TreeRange {
  let node: YamlNode | null = tree.contents;
  let key: YamlNode | undefined;
  for (const step of path) {
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && keyText(item.key) === step);
      if (pair === undefined) break;
      key = pair.key as YamlNode;
      node = pair.value as YamlNode | null;
    } else {
      const item = node.items[Number(step)] as YamlNode | undefined;
      if (item === undefined) break;
      key = undefined;
      node = item;
    }
  }
  const shown = what === "key" || hasNoText(node) ? (key ?? node) : node;
  const [start, end] = shown?.range ?? [0, 0];
  return [start, end];
}

/** An empty value (`key:` and nothing) has a range without characters: its key is easier to find. */
function hasNoText(node: YamlNode | null): boolean {
  return node === null || node.range?.[0] === node.range?.[1];
}

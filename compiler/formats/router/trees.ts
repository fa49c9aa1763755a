/** Rules of hosts, and the trees of their paths: one for all hosts that have the same paths in the same order. */
import type { PathRoute } from "../../ir/routes.ts";
import * as L from "./layout.ts";
import { addNodes } from "./nodes.ts";
import { winnersOf } from "./paths.ts";
import { type TextList, WordList } from "./words.ts";

export class TreeList {
  readonly words = new WordList();
  readonly rules = new WordList();
  private readonly texts: TextList;
  /** Trees by their rules. */
  private readonly known = new Map<string, number>();
  /** The last tree that was asked for, and the paths for which. */
  private last: { readonly paths: readonly PathRoute[]; readonly tree: number } | undefined;

  constructor(texts: TextList) {
    this.texts = texts;
  }

  /** Where the tree of `paths` begins. */
  of(paths: readonly PathRoute[]): number {
    const { last } = this;
    if (last !== undefined && haveSameRules(last.paths, paths)) return last.tree;
    const rules = printRules(paths);
    const tree = this.known.get(rules) ?? this.add(paths);
    this.known.set(rules, tree);
    this.last = { paths, tree };
    return tree;
  }

  private add(paths: readonly PathRoute[]): number {
    const { words } = this;
    const winnerOf = (winner: number): number => (winner === paths.length ? 0 : winner + 1);
    const winners = winnersOf(paths);
    const tree = words.reserve(L.TREE_WORDS);
    words.set(tree + L.TREE_RULES, this.addRules(paths));
    words.set(tree + L.TREE_RULES_COUNT, paths.length);
    words.set(tree + L.TREE_BELOW, winnerOf(winners.below));
    words.set(tree + L.TREE_ELSEWHERE, winnerOf(winners.elsewhere));
    words.set(tree + L.TREE_EMPTY, winnerOf(winners.empty));
    addNodes(words, tree, winners.paths, winnerOf);
    return tree;
  }

  /** Gives the number of the first one. */
  private addRules(paths: readonly PathRoute[]): number {
    const { rules } = this;
    const first = rules.reserve(paths.length * L.RULE_WORDS);
    let at = first;
    for (const { match, path } of paths) {
      rules.set(at + L.RULE_IS_EXACT, match === "exact" ? 1 : 0);
      rules.set(at + L.RULE_PATH, this.texts.add(path));
      at += L.RULE_WORDS;
    }
    return first / L.RULE_WORDS;
  }
}

/** A text that only the same rules in the same order have: paths can have any characters. */
function printRules(paths: readonly PathRoute[]): string {
  let text = "";
  for (const { match, path } of paths) text += `${match} ${path.length} ${path}`;
  return text;
}

function haveSameRules(some: readonly PathRoute[], others: readonly PathRoute[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) {
    const [one, other] = [some[i] as PathRoute, others[i] as PathRoute];
    if (one.match !== other.match || one.path !== other.path) return false;
  }
  return true;
}

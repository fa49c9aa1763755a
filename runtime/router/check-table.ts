/** Whether a table of routes is one that a look-up never leaves: then it is read without checks. */
import * as L from "../../compiler/formats/router/layout.ts";
import { TableError } from "../table-error.ts";

/** The sizes of records of parts; 1 where they differ. */
const PARTS = [
  { at: L.R_HOSTS, record: 1 },
  { at: L.R_HOST_BUCKETS, record: 1 },
  { at: L.R_TLS_HOSTS, record: 1 },
  { at: L.R_TLS_BUCKETS, record: 1 },
  { at: L.R_TREES, record: 1 },
  { at: L.R_RULES, record: L.RULE_WORDS },
  { at: L.R_DECISIONS, record: L.DECISION_WORDS },
  { at: L.R_TARGETS, record: L.TARGET_WORDS },
  { at: L.R_ENDPOINTS, record: L.ENDPOINT_WORDS },
  { at: L.R_TEXTS, record: L.TEXT_WORDS },
] as const;

/** Throws `TableError` where a part of a table points out of it. */
export function checkTable({ words, units }: { readonly words: Int32Array; readonly units: Uint16Array }): void {
  new TableCheck(words, units).run();
}

class TableCheck {
  private readonly words: Int32Array;
  private readonly units: Uint16Array;

  constructor(words: Int32Array, units: Uint16Array) {
    this.words = words;
    this.units = units;
  }

  run(): void {
    for (const { at, record } of PARTS) {
      const [start, count] = [this.word(at), this.word(at + 1)];
      if (start < L.R_HEADER_WORDS || count < 0 || start + count * record > this.words.length) throw damaged();
    }
    checkRange(this.word(L.R_UNITS), 0, this.words.length + 1);
    checkRange(this.word(L.R_UNITS) * 2, this.count(L.R_UNITS), this.units.length);
    this.checkTexts();
    const trees = this.checkTrees();
    this.checkNames(L.R_HOSTS, L.R_HOST_BUCKETS, (at) => {
      const tree = this.word(at + L.HOST_TREE);
      if (trees[tree] !== 1) throw damaged();
      const rules = this.word(this.word(L.R_TREES) + tree + L.TREE_RULES_COUNT);
      checkRange(this.word(at + L.HOST_DECISIONS), 1 + rules, this.count(L.R_DECISIONS));
    });
    this.checkNames(L.R_TLS_HOSTS, L.R_TLS_BUCKETS, (at) =>
      check(this.word(at + L.TLS_HOST_CERTIFICATE), this.count(L.R_TEXTS)),
    );
    this.checkRules();
    this.checkDecisions();
    this.checkTargets();
  }

  private word(at: number): number {
    return this.words[at] as number;
  }

  /** How many records a part has, or words. */
  private count(part: number): number {
    return this.word(part + 1);
  }

  /** Records with names, one behind the other, and that each bucket begins with one of them. */
  private checkNames(part: number, buckets: number, checkRecord: (at: number) => void): void {
    const [start, count] = [this.word(part), this.count(part)];
    const [first, size] = [this.word(buckets), this.count(buckets) - 1];
    if (size < 2 || (size & (size - 1)) !== 0) throw damaged();
    let bucket = 0;
    for (let at = 0; at < count; ) {
      if (at + L.NAME_UNITS > count) throw damaged();
      checkRecord(start + at);
      const length = this.word(start + at + L.NAME_LENGTH);
      if (length < 0) throw damaged();
      at += L.NAME_UNITS + ((unitsOfName(length) + 1) >> 1);
      while (bucket <= size && this.word(first + bucket) === at) bucket++;
      if (at > count) throw damaged();
    }
    if (bucket !== size + 1) throw damaged();
  }

  /** That a look-up stays in its tree, and finds rules of it. Gives 1 for each word of the part where a tree begins. */
  private checkTrees(): Uint8Array {
    const [start, count] = [this.word(L.R_TREES), this.count(L.R_TREES)];
    const trees = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      if (at + L.TREE_WORDS > count) throw damaged();
      trees[at] = 1;
      const tree = start + at;
      const rules = this.word(tree + L.TREE_RULES_COUNT);
      checkRange(this.word(tree + L.TREE_RULES), rules, this.count(L.R_RULES));
      for (const each of [L.TREE_BELOW, L.TREE_ELSEWHERE, L.TREE_EMPTY]) check(this.word(tree + each), rules + 1);
      const [nodes, units] = [this.word(tree + L.TREE_NODES_COUNT), this.word(tree + L.TREE_UNITS_COUNT)];
      if (nodes < 0 || units < 0) throw damaged();
      at += L.TREE_WORDS + nodes * L.NODE_WORDS + Math.ceil(units / 2);
      if (at > count) throw damaged();
      checkRange(0, this.word(tree + L.TREE_CHILDREN_COUNT), nodes);
      this.checkNodes(tree + L.TREE_WORDS, nodes, units, rules);
    }
    return trees;
  }

  /** Nodes of a tree with as many units and rules. A look-up ends with the path: each node has a unit of it. */
  private checkNodes(start: number, nodes: number, units: number, rules: number): void {
    for (let at = start; at < start + nodes * L.NODE_WORDS; at += L.NODE_WORDS) {
      const leading = this.word(at + L.NODE_UNITS_COUNT);
      if (leading < 1) throw damaged();
      checkRange(this.word(at + L.NODE_UNITS), leading, units);
      checkRange(this.word(at + L.NODE_CHILDREN), this.word(at + L.NODE_CHILDREN_COUNT), nodes);
      check(this.word(at + L.NODE_BELOW), rules + 2);
      check(this.word(at + L.NODE_EXACT), rules + 2);
    }
  }

  private checkRules(): void {
    const [start, count] = [this.word(L.R_RULES), this.count(L.R_RULES)];
    for (let at = start; at < start + count * L.RULE_WORDS; at += L.RULE_WORDS) {
      check(this.word(at + L.RULE_IS_EXACT), 2);
      check(this.word(at + L.RULE_PATH), this.count(L.R_TEXTS));
    }
  }

  private checkDecisions(): void {
    const [start, count] = [this.word(L.R_DECISIONS), this.count(L.R_DECISIONS)];
    const [targets, texts] = [this.count(L.R_TARGETS), this.count(L.R_TEXTS)];
    for (let at = start; at < start + count * L.DECISION_WORDS; at += L.DECISION_WORDS) {
      check(this.word(at + L.DECISION_TARGET), targets);
      check(this.word(at + L.DECISION_FILE), texts);
    }
  }

  private checkTargets(): void {
    const [start, count] = [this.word(L.R_TARGETS), this.count(L.R_TARGETS)];
    for (let at = start; at < start + count * L.TARGET_WORDS; at += L.TARGET_WORDS) {
      check(this.word(at + L.TARGET_TEXT), this.count(L.R_TEXTS));
      const endpoints = this.word(at + L.TARGET_ENDPOINTS_COUNT);
      checkRange(this.word(at + L.TARGET_ENDPOINTS), endpoints, this.count(L.R_ENDPOINTS));
    }
  }

  private checkTexts(): void {
    const [start, count] = [this.word(L.R_TEXTS), this.count(L.R_TEXTS)];
    for (const text of [L.R_SOURCE, L.R_LISTENERS]) check(this.word(text), count);
    for (let at = start; at < start + count * L.TEXT_WORDS; at += L.TEXT_WORDS)
      checkRange(this.word(at + L.TEXT_AT), this.word(at + L.TEXT_LENGTH), this.count(L.R_UNITS));
  }
}

/** How many units a name has, for the word that tells it. */
export function unitsOfName(length: number): number {
  return (length >> 1) + (length & 1);
}

/** A number below `count`, or the table is damaged. */
function check(number: number, count: number): void {
  if (number < 0 || number >= count) throw damaged();
}

/** That `count` things from number `first` on are among `all`. */
function checkRange(first: number, count: number, all: number): void {
  if (first < 0 || count < 0 || first + count > all) throw damaged();
}

function damaged(): TableError {
  return new TableError("the table is damaged: a part of it points out of it");
}

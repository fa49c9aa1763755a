import { isAlias, isMap, isPair, isScalar, isSeq, type Scalar, type Document as YamlDocument } from "yaml";
import type { DiagnosticCode } from "../diagnostics.ts";
import { show } from "./show.ts";

/** Half-open range of offsets in the text of a tree. */
export type TreeRange = readonly [start: number, end: number];

/** Something that makes a tree no plain data. */
interface ValueProblem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly range: TreeRange;
  /** Where a key that is set twice is set first. */
  readonly first?: TreeRange;
}

/** Values that aliases may stand for in one document, all in all: more than real manifests have, too few for a bomb. */
const MAX_ALIASED = 1_000_000;

/** What JSON.parse would give for the contents of `tree`, where aliases share their anchor's value; and what is wrong
 *  with it: keys that are set twice or are no scalars, aliases without an anchor before them (or inside it), aliases
 *  that multiply beyond all measure. Merge keys (`<<: *defaults`) are followed, as older manifests use them. */
export function toValue(tree: YamlDocument.Parsed): {
  readonly value: unknown;
  readonly problems: readonly ValueProblem[];
} {
  const converter = new Converter();
  return { value: converter.convert(tree.contents), problems: converter.problems };
}

/** The name that a key has in plain data. */
export function keyText(key: Scalar): string {
  return String(scalarValue(key));
}

class Converter {
  readonly problems: ValueProblem[] = [];
  /** With each value its size: how many values it is, those behind aliases counted each time. */
  private readonly anchors = new Map<string, { readonly value: unknown; readonly size: number }>();
  private size = 0;
  private aliased = 0;

  convert(node: unknown): unknown {
    const before = this.size++;
    const value = this.convertNode(node);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.anchors.set(anchor, { value, size: this.size - before });
    return value;
  }

  private convertNode(node: unknown): unknown {
    if (isScalar(node)) return scalarValue(node);
    if (isMap(node)) return this.convertMap(node.items);
    if (isSeq(node)) return node.items.map((item) => this.convert(item));
    if (isAlias(node)) return this.resolve(node.source, rangeOf(node));
    return null;
  }

  private resolve(name: string, range: TreeRange): unknown {
    const anchored = this.anchors.get(name);
    if (anchored === undefined) {
      this.problems.push({ code: "yaml-syntax", message: `alias ${show(`*${name}`)} has no anchor before it`, range });
      return null;
    }
    const before = this.aliased;
    this.aliased += anchored.size;
    this.size += anchored.size;
    if (this.aliased > MAX_ALIASED && before <= MAX_ALIASED) {
      const message = `aliases stand for more than ${MAX_ALIASED} values`;
      this.problems.push({ code: "too-many-aliases", message, range });
    }
    return anchored.value;
  }

  private convertMap(pairs: readonly unknown[]): unknown {
    const map: Record<string, unknown> = {};
    const merges: unknown[] = [];
    let firsts: ReadonlyMap<string, TreeRange> | undefined;
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const { key } = pair;
      if (!isScalar(key) || key.value === null) {
        const message = "expected a key that is a scalar, found a list, a map, an alias or nothing";
        this.problems.push({ code: "yaml-syntax", message, range: rangeOf(key ?? pair.value) });
      } else if (key.value === "<<" && key.type === "PLAIN") {
        merges.push(this.convert(pair.value));
      } else {
        const name = keyText(key);
        if (Object.hasOwn(map, name)) {
          firsts ??= keyRanges(pairs);
          const first = firsts.get(name) ?? rangeOf(key);
          const message = `key ${show(name)} already set in map`;
          this.problems.push({ code: "duplicate-key", message, range: rangeOf(key), first });
        }
        set(map, name, this.convert(pair.value));
      }
    }
    for (const merged of merges.flat()) {
      if (typeof merged !== "object" || merged === null) continue;
      for (const [name, value] of Object.entries(merged)) if (!Object.hasOwn(map, name)) set(map, name, value);
    }
    return map;
  }
}

/** Where each key of a map stands first. */
function keyRanges(pairs: readonly unknown[]): ReadonlyMap<string, TreeRange> {
  const ranges = new Map<string, TreeRange>();
  for (const pair of pairs) {
    if (!isPair(pair) || !isScalar(pair.key)) continue;
    const name = keyText(pair.key);
    if (!ranges.has(name)) ranges.set(name, rangeOf(pair.key));
  }
  return ranges;
}

/** The value of a scalar as kubectl reads it, whose library follows YAML 1.1 where ours follows 1.2: `yes`, `on`, `y` are
 *  booleans, `010` is octal, and `1_000` is a number, unless quoted. */
function scalarValue(scalar: Scalar): unknown {
  const { value, source, type } = scalar;
  if (typeof value === "object" && value !== null) return source ?? null; // a date, or bytes, of an explicit tag
  if (type !== "PLAIN" || source === undefined || scalar.tag !== undefined) return flatten(value);
  if (typeof value === "number") return /^[-+]?0[0-7]+$/.test(source) ? Number.parseInt(source, 8) : value;
  if (typeof value !== "string" || !/^[-+0-9yYnNoO]/.test(source)) return value;
  if (/^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(source)) return true;
  if (/^(?:n|N|no|No|NO|off|Off|OFF)$/.test(source)) return false;
  return /^[-+]?[0-9][0-9_]*_[0-9_]*$/.test(source) ? Number(source.replaceAll("_", "")) : value;
}

/** The library puts quoted scalars together character by character, and V8 keeps every step (32 bytes each) until somebody
 *  looks into the string: a search does. */
function flatten(value: unknown): unknown {
  if (typeof value === "string") value.search(/./);
  return value;
}

/** Sets a member of its own, also for `__proto__`, which an assignment would take for the prototype. */
function set(map: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") map[name] = value;
  else Object.defineProperty(map, name, { value, writable: true, enumerable: true, configurable: true });
}

function rangeOf(node: unknown): TreeRange {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return range === undefined || range === null ? [0, 0] : [range[0], range[1]];
}

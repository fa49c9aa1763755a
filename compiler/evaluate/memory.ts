/**
 * What rules remember: sets and lists that some rule of the program fills, and buckets that packets fill or drain.
 *
 * What earlier packets have put into them is not known: that a key is there is assumed both ways. The packet's own rules are
 * followed. Two programs remember alike when each packet has them do the same to their lists: then what is assumed of one
 * list is one fact on both sides.
 */
import { RuleForms } from "../ir/rule-forms.ts";
import type { AskedMap, AskedSet, Chain, Expression, Rule, Step, Table } from "../ir/types.ts";
import { isInert, lookupsIn, mapsIn } from "../ir/walk.ts";
import { type BucketUse, bucketOf } from "./buckets.ts";
import { listUseOf } from "./list-use.ts";

/** Something that was done to a list on the packet's way. */
export interface Entered {
  readonly list: string;
  /** What was entered, as `symbolOf` names it; undefined: it is not known. */
  readonly key: string | undefined;
  /** Whether the key is there now; undefined: it is not known. */
  readonly isThere: boolean | undefined;
  readonly text: string;
}

/** The lists of a program. */
export class Lists {
  private readonly names = new Map<Table, Map<string, string>>();
  private readonly filled = new Set<string>();
  private readonly emptied = new Set<string>();
  /** Buckets by the matches that ask them, where it depends on the match what becomes of packets. */
  private readonly buckets = new Map<Step, string>();
  /** Lists on which it depends what becomes of packets. */
  readonly tested = new Set<string>();

  constructor(tables: readonly Table[]) {
    const taken = new Set<string>();
    for (const table of tables) {
      const names = new Map<string, string>();
      for (const each of [...table.sets, ...table.maps]) {
        const { name, timeoutSeconds: seconds } = each;
        const life = seconds === undefined ? "" : ` (${seconds} s)`;
        const text = `@${name}${taken.has(name) ? ` of table ${table.family} ${table.name}` : ""}${life}`;
        names.set(name, text);
      }
      for (const name of names.keys()) taken.add(name);
      this.names.set(table, names);
    }
    const places = placesOfLists(tables);
    this.nameBuckets(places);
    for (const { table, chain } of places) for (const rule of chain.rules) this.note(rule, table);
    for (const list of this.tested) if (!this.filled.has(list)) this.tested.delete(list);
  }

  /** The name of a set or map that some rule fills or empties; undefined: what is listed is all that there is. */
  filledSet(name: AskedSet | AskedMap, table: Table): string | undefined {
    if (typeof name !== "string" || isAffinity(name, table)) return undefined;
    const list = this.names.get(table)?.get(name) ?? `@${name}`;
    return this.filled.has(list) ? list : undefined;
  }

  /** Whether rules take keys out of it. */
  isEmptied(list: string): boolean {
    return this.emptied.has(list);
  }

  /** A list that a step which is not understood names, and that some rule fills. */
  filledBy(step: Step, table: Table): { readonly list: string; readonly fills: boolean } | undefined {
    const use = listUseOf(step);
    if (use === undefined) return undefined;
    const list = this.nameOf(use.list, table);
    return this.filled.has(list) ? { list, fills: use.fills } : undefined;
  }

  /** Whether `expression` looks something up in a map that rules fill. */
  readsFilled(expression: Expression, table: Table): boolean {
    for (const map of mapsIn(expression)) if (this.filledSet(map, table) !== undefined) return true;
    return false;
  }

  /** The bucket that a match asks, and by that changes. Two matches of one text have one bucket only where they name it. */
  bucketAskedBy(step: Step): string | undefined {
    return this.buckets.get(step);
  }

  /** The first of the buckets of one text is named by that, in the order of chains by name, which two forms of one ruleset share;
   *  others by their chain as well. */
  private nameBuckets(places: readonly PlaceOfLists[]): void {
    const owners = new Map<string, Table>();
    const taken = new Set<string>();
    const byName = [...places].sort(({ chain: a }, { chain: b }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (const { table, chain } of byName) {
      for (const [step, { shared, isOfTable }] of bucketsIn(chain.rules)) {
        if (shared === undefined) {
          const own = `${step.text} of table ${table.family}`;
          let name = step.text;
          for (let i = 1; taken.has(`${own} ${name}`); i++)
            name = `${step.text} (in ${chain.name}${i === 1 ? "" : `, ${i}`})`;
          taken.add(`${own} ${name}`);
          this.buckets.set(step, name);
        } else {
          const owner = isOfTable ? (owners.get(shared) ?? table) : table;
          owners.set(shared, owner);
          this.buckets.set(step, owner === table ? shared : `${shared} of table ${table.family} ${table.name}`);
        }
      }
    }
    for (const bucket of this.buckets.values()) {
      this.filled.add(bucket);
      this.tested.add(bucket);
    }
  }

  private nameOf(list: string, table: Table): string {
    return this.names.get(table)?.get(list.slice(1)) ?? list;
  }

  private note({ steps }: Rule, table: Table): void {
    for (const [i, step] of steps.entries()) {
      for (const list of testedBy(step)) if (decides(steps.slice(i))) this.tested.add(this.nameOf(list, table));
      const use = listUseOf(step);
      if (use?.fills) {
        this.filled.add(this.nameOf(use.list, table));
        this.emptied.add(this.nameOf(use.list, table)); // or it may be
      }
      if (step.kind !== "remember" || isAffinity(step.set, table)) continue;
      const list = this.nameOf(`@${step.set}`, table);
      this.filled.add(list);
      if (step.operation === "delete") this.emptied.add(list);
    }
  }
}

interface PlaceOfLists {
  readonly table: Table;
  readonly chain: Chain;
}

/** The chains that have to do with lists or buckets: of a large dump few, and the rules of others need not be objects. */
function placesOfLists(tables: readonly Table[]): readonly PlaceOfLists[] {
  const forms = new RuleForms(usesLists);
  return tables.flatMap((table) =>
    table.chains
      .filter((chain) => {
        let uses = false;
        const add = (each: boolean): void => {
          uses ||= each;
        };
        forms.forEach(chain, add, (rule) => add(usesLists(rule)));
        return uses;
      })
      .map((chain) => ({ table, chain })),
  );
}

/** Whether steps of a rule ask, fill or empty something. It does not depend on what the lists and keys are. */
function usesLists({ steps }: Rule): boolean {
  return steps.some(
    (step) =>
      step.kind === "remember" ||
      bucketOf(step) !== undefined ||
      listUseOf(step) !== undefined ||
      testedBy(step).next().done === false,
  );
}

/** The matches of `rules` that ask buckets, where it depends on one of that bucket what becomes of packets. */
function bucketsIn(rules: readonly Rule[]): [Extract<Step, { kind: "opaque" }>, BucketUse][] {
  return rules.flatMap(({ steps }) =>
    steps.flatMap((step, i): [Extract<Step, { kind: "opaque" }>, BucketUse][] => {
      const use = bucketOf(step);
      const isAsked = step.kind === "opaque" && (use?.shared !== undefined || decides(steps.slice(i + 1)));
      return use !== undefined && isAsked ? [[step, use]] : [];
    }),
  );
}

function* testedBy(step: Step): Generator<string> {
  const use = listUseOf(step);
  if (use?.tests) yield use.list;
  for (const { among } of lookupsIn(step)) if (typeof among === "string") yield `@${among}`;
}

/** Whether a rule does something to packets, once it comes to these of its steps. */
function decides(steps: readonly Step[]): boolean {
  return steps.some((step) => {
    switch (step.kind) {
      case "compare":
      case "within":
      case "name-prefix":
      case "member":
      case "chance":
        return false;
      case "opaque":
        return listUseOf(step)?.fills === true;
      case "opaque-statement":
        return step.terminal || (step.writes ?? []).length > 0 || listUseOf(step)?.fills === true;
      default:
        // Whatever else a step is, it does something, or nothing at all.
        return !isInert(step);
    }
  });
}

/** Session affinity of kube-proxy and of kpc, which remembers endpoints and nothing else: packets are asked about whose client
 *  nobody remembers. */
export function isAffinity(set: string, { name }: Table): boolean {
  return name === "kpc" || name === "kube-proxy" || /^(?:KPC|KUBE)-/.test(set);
}

/** What is known of a key in a list, from what was done to lists on the way: it is there, it is not, or the name of what has to
 *  be assumed. `isListed`: the text has it there; `name`: the key, and what else it is known by. */
export function recall(
  list: string,
  key: string,
  name: string,
  isListed: boolean,
  isEmptied: boolean,
  entered: readonly Entered[],
): boolean | string {
  if (isListed && !isEmptied) return true;
  const after: Entered[] = [];
  for (const each of [...entered].reverse()) {
    if (each.list !== list) continue;
    // What was done since to another key may have been done to this one.
    const isKnown = each.key === key && after.every(({ isThere }) => isThere === each.isThere);
    if (isKnown && each.isThere !== undefined) return each.isThere;
    after.push(each);
  }
  return `${isListed ? "not forgotten" : "remembered earlier"}: ${name} in ${list}${since(list, entered)}`;
}

/** What was done to a list on the way, as a part of the name of what is asked of it. */
export function since(list: string, entered: readonly Entered[]): string {
  const own = entered.filter((each) => each.list === list);
  return own.length === 0 ? "" : ` (after ${own.map(({ text }) => text).join(", ")})`;
}

/** `entered` with one more, unless it changes nothing. */
export function enter(entered: readonly Entered[], next: Entered): readonly Entered[] {
  const last = [...entered].reverse().find(({ list }) => list === next.list);
  return last?.text === next.text ? entered : [...entered, next];
}

/** What was done to `lists`, in words, sorted by them. */
export function enteredInto(lists: ReadonlySet<string>, entered: readonly Entered[]): readonly string[] {
  return [...lists].sort().flatMap((list) => entered.flatMap((each) => (each.list === list ? [each.text] : [])));
}

/** From the trees of packets to one destination to its row: an answer for each kind of sender, and lists of endpoints. */

import { unreachable } from "../invariant.ts";
import type { Interval } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import type { GraphEnd } from "./graph/types.ts";
import type { SourceSet } from "./source-sets.ts";
import {
  type Behaviour,
  type EndpointTreatment,
  type RowEndpoint,
  type RowEndpoints,
  SOURCE,
  SOURCE_CLASSES,
  type TableAnswer,
  type Treatment,
} from "./types.ts";
import type { OutcomeTree, RowDestination } from "./walk.ts";

/** What a destination gets, without the port that it is reached at. */
export interface Row {
  readonly behaviour: number;
  readonly lists: readonly RowEndpoints[];
  readonly allowed: readonly Interval[] | undefined;
  readonly stickySeconds: number | undefined;
}

/** Collects the behaviours, treatments and lists of all rows. */
export class AnswerCollector {
  readonly behaviours: Behaviour[] = [];
  readonly endpointTreatments: EndpointTreatment[] = [];
  private readonly answers: TableAnswer[] = [];
  private readonly endpointAnswers: EndpointAnswer[] = [];
  /** The one set of sources that rules of one family ask about everywhere. */
  private detected: SourceSet | undefined;
  private readonly numbers = new Map<string, Numbered<unknown>>();
  private readonly treatmentsByEnds = new Map<GraphEnd, Map<GraphEnd, Numbered<EndpointAnswer>>>();
  /** By their endpoints, and the numbers of treatments where these have some of their own: equal lists are one object. */
  readonly lists = new Map<string, RowEndpoints>();
  /** Rows by the shapes of their trees. */
  private readonly rows = new Map<string, Row>();
  /** Numbers of ends, sets and shapes: the key of a shape is made of them. */
  private readonly parts = new Map<GraphEnd | SourceSet | string, number>();

  /** Sources that are `detected` in the rows since this was last asked. */
  takeDetected(): readonly Interval[] {
    const intervals = this.detected?.intervals ?? [];
    this.detected = undefined;
    return intervals;
  }

  /** The row for a tree per interface kind. Throws `Unsupported`. */
  row(trees: readonly OutcomeTree[]): Row {
    const sets = this.setsIn(trees);
    let shapes = "";
    for (const tree of trees) {
      const shape = this.shapeOf(tree);
      if (shape === undefined) return this.makeRow(trees, sets);
      shapes += `${shape} `;
    }
    let row = this.rows.get(shapes);
    if (row === undefined) {
      row = this.makeRow(trees, sets);
      this.rows.set(shapes, row);
    }
    return row;
  }

  /** Equal for trees that are alike; undefined for those that lead to endpoints. Most do not: at most ports there is nothing. */
  private shapeOf(tree: OutcomeTree): number | undefined {
    switch (tree.kind) {
      case "end":
        return tree.endpoint === undefined ? this.partNumber(tree.end) : undefined;
      case "source": {
        const yes = this.shapeOf(tree.yes);
        const no = this.shapeOf(tree.no);
        if (yes === undefined || no === undefined) return undefined;
        return this.partNumber(`${this.partNumber(tree.set)} ${yes} ${no}`);
      }
      case "chance":
        return undefined;
      default:
        return unreachable(tree);
    }
  }

  private partNumber(part: GraphEnd | SourceSet | string): number {
    let number = this.parts.get(part);
    if (number === undefined) {
      number = this.parts.size;
      this.parts.set(part, number);
    }
    return number;
  }

  private makeRow(trees: readonly OutcomeTree[], { allowed, bits }: Sets): Row {
    const states = trees.map((tree) => {
      const relevant = new Map<number, State>();
      for (let kind = 0; kind < SOURCE_CLASSES; kind++)
        if ((kind & ~bits) === 0) relevant.set(kind, this.stateAt(tree, kind));
      return Array.from({ length: SOURCE_CLASSES }, (_, kind) => relevant.get(kind & bits) as State);
    });
    const distinct = [...new Set(states.flat())];
    const seconds = new Set(distinct.flatMap(({ stickySeconds }) => stickySeconds ?? []));
    if (seconds.size > 1) throw new Unsupported("two timeouts of session affinity at one destination");
    const texts = [...new Set(distinct.flatMap(({ list }) => (list === undefined ? [] : [list])))];
    if (texts.length > 4) throw new Unsupported("more than four lists of endpoints at one destination");
    const endpointTreatments = texts.map((text) => this.endpointTreatmentsOf(text, states));
    const answers = new Map(distinct.map((state) => [state, this.answer(state, texts, endpointTreatments)]));
    const text = states.map((ofInterface) => ofInterface.map((state) => answers.get(state)?.number).join()).join(" ");
    const behaviour = this.number(`behaviour ${text}`, this.behaviours, () =>
      states.map((ofInterface) => ofInterface.map((state) => (answers.get(state) as Numbered<TableAnswer>).value)),
    );
    return {
      behaviour: behaviour.number,
      lists: texts.map((list, i) => this.list(list, distinct, endpointTreatments[i])),
      allowed: allowed?.intervals,
      stickySeconds: [...seconds][0],
    };
  }

  /** Notes the set that is asked about everywhere; gives the one that is this destination's own, and what matters of a kind of
   *  source. */
  private setsIn(trees: readonly OutcomeTree[]): Sets {
    let allowed: SourceSet | undefined;
    let bits = 0;
    const look = (tree: OutcomeTree): void => {
      if (tree.kind === "chance") for (const each of tree.trees) look(each);
      if (tree.kind !== "source") return;
      const { set } = tree;
      if (!isHairpin(tree)) bits |= bitOf(set);
      if (set.kind === "everywhere") {
        this.detected ??= set;
        if (this.detected !== set) throw new Unsupported("two sets of sources that are asked about at any destination");
      } else if (set.kind === "row" && !isHairpin(tree)) {
        allowed ??= set;
        if (allowed !== set) throw new Unsupported("two sets of sources at one destination");
      }
      look(tree.yes);
      look(tree.no);
    };
    for (const tree of trees) look(tree);
    return { allowed, bits };
  }

  private stateAt(tree: OutcomeTree, kind: number): State {
    const at = follow(tree, kind, false);
    const slots = (at.kind === "end" ? [tree] : at.trees).map((each) => this.slotAt(each, kind));
    const [first] = slots as [Slot];
    const { reasons } = first.end;
    const alike = slots.every(({ endpointTreatment }) => endpointTreatment === first.endpointTreatment);
    // Where all end in one way short of an endpoint, it makes no difference which was meant.
    if (alike && !isTranslated(first))
      return { list: undefined, slots: [first], alike, stickySeconds: undefined, reasons };
    if (slots.some(({ destination }) => destination === undefined))
      throw new Unsupported("chance decides about more than the endpoint");
    const translated = slots.filter(isTranslated);
    const stickySeconds = translated[0]?.end.stickySeconds;
    if (translated.some(({ end }) => end.stickySeconds !== stickySeconds))
      throw new Unsupported("session affinity for some endpoints only");
    return { list: listText(slots), slots, alike, stickySeconds, reasons };
  }

  private slotAt(tree: OutcomeTree, kind: number): Slot {
    const plain = follow(tree, kind, false);
    const hairpin = follow(tree, kind, true);
    if (plain.kind !== "end" || hairpin.kind !== "end") throw new Unsupported("chance decides twice");
    const { end, endpoint, identity } = plain;
    return { destination: endpoint, identity, end, endpointTreatment: this.endpointTreatmentOf(end, hairpin.end) };
  }

  /** What is done to packets that end so, when they come from elsewhere and when they come from the endpoint itself. */
  private endpointTreatmentOf(end: GraphEnd, hairpin: GraphEnd): Numbered<EndpointAnswer> {
    const known = this.treatmentsByEnds.get(end) ?? new Map<GraphEnd, Numbered<EndpointAnswer>>();
    this.treatmentsByEnds.set(end, known);
    let endpointTreatment = known.get(hairpin);
    if (endpointTreatment === undefined) {
      const value = endpointAnswer(end, hairpin);
      endpointTreatment = this.number(`endpoint answer ${JSON.stringify(value)}`, this.endpointAnswers, () => value);
      known.set(hairpin, endpointTreatment);
    }
    return endpointTreatment;
  }

  /** Numbers of the treatments that the endpoints of a list have of their own; undefined when all fare alike. */
  private endpointTreatmentsOf(text: string, states: readonly (readonly State[])[]): readonly number[] | undefined {
    const used = states.flat().filter(({ list }) => list === text);
    if (used.every(({ alike }) => alike)) return undefined;
    return (used[0] as State).slots.map((_, i) => {
      const endpointTreatment = states.map((ofInterface) =>
        ofInterface.map(({ list, slots }) => (list === text ? (slots[i] as Slot).endpointTreatment.value : PASSED)),
      );
      return this.number(
        `endpoint treatment ${JSON.stringify(endpointTreatment)}`,
        this.endpointTreatments,
        () => endpointTreatment,
      ).number;
    });
  }

  private answer(
    { list, slots, stickySeconds, reasons }: State,
    texts: readonly string[],
    endpointTreatments: readonly (readonly number[] | undefined)[],
  ): Numbered<TableAnswer> {
    const [{ endpointTreatment }] = slots as [Slot];
    const at = list === undefined ? -1 : texts.indexOf(list);
    const asks = endpointTreatments[at] !== undefined;
    const text = `answer ${at} ${asks || endpointTreatment.number} ${stickySeconds !== undefined} ${reasons.join("|")}`;
    return this.number(text, this.answers, (): TableAnswer => {
      if (at < 0) return { ...endpointTreatment.value, reasons };
      return {
        ...(asks ? { verdict: "dnat", masquerade: false, asksEndpoint: true } : endpointTreatment.value),
        list: at as 0 | 1 | 2 | 3,
        ...(stickySeconds === undefined ? {} : { sticky: true }),
        reasons,
      };
    });
  }

  private list(
    text: string,
    states: readonly State[],
    endpointTreatments: readonly number[] | undefined,
  ): RowEndpoints {
    const key = endpointTreatments === undefined ? text : `${text} ${endpointTreatments.join()}`;
    let list = this.lists.get(key);
    if (list === undefined) {
      const { slots } = states.find((state) => state.list === text) as State;
      list = slots.map((slot, i): RowEndpoint => {
        const { address, port } = slot.destination as RowDestination;
        return { address, port, identity: rememberedAs(slot), endpointTreatment: endpointTreatments?.[i] };
      });
      this.lists.set(key, list);
    }
    return list;
  }

  /** The value that has this text, with its number in `all`. */
  private number<T>(text: string, all: T[], make: () => T): Numbered<T> {
    let numbered = this.numbers.get(text) as Numbered<T> | undefined;
    if (numbered === undefined) {
      const value = make();
      numbered = { value, number: all.push(value) - 1 };
      this.numbers.set(text, numbered);
    }
    return numbered;
  }
}

/** The sets of sources that rows test. */
interface Sets {
  readonly allowed: SourceSet | undefined;
  readonly bits: number;
}

/** Equal values have one number. */
interface Numbered<T> {
  readonly value: T;
  readonly number: number;
}

type EndpointAnswer = EndpointTreatment[number][number];

const PASSED: EndpointAnswer = { verdict: "pass", masquerade: false };

/** What happens to packets from one kind of source. */
interface State {
  /** The endpoints of which each may be taken, as text; undefined when there are none. */
  readonly list: string | undefined;
  /** What happens at each; one slot when there are none. */
  readonly slots: readonly Slot[];
  /** The same happens at all of them. */
  readonly alike: boolean;
  readonly stickySeconds: number | undefined;
  readonly reasons: readonly string[];
}

interface Slot {
  readonly destination: RowDestination | undefined;
  readonly identity: number;
  readonly end: GraphEnd;
  readonly endpointTreatment: Numbered<EndpointAnswer>;
}

/** The bit of a kind of source that says whether it is in `set`. */
function bitOf({ kind }: SourceSet): number {
  switch (kind) {
    case "everywhere":
      return SOURCE.detected;
    case "local":
      return SOURCE.local;
    case "loopback":
      return SOURCE.loopback;
    case "row":
      return SOURCE.allowed;
    default:
      return unreachable(kind);
  }
}

/** Where a tree leads for one kind of source; `hairpin`: the source is the endpoint. */
function follow(tree: OutcomeTree, kind: number, hairpin: boolean): Exclude<OutcomeTree, { kind: "source" }> {
  let at = tree;
  while (at.kind === "source") at = (isHairpin(at) ? hairpin : (kind & bitOf(at.set)) !== 0) ? at.yes : at.no;
  return at;
}

/** Whether a question about the source is whether it is the endpoint. */
function isHairpin(tree: Extract<OutcomeTree, { kind: "source" }>): boolean {
  const [only, more] = tree.set.intervals;
  if (tree.set.kind !== "row" || only === undefined || more !== undefined || only.from !== only.to) return false;
  return isAt(tree.yes, only.from) && isAt(tree.no, only.from);
}

function isAt(tree: OutcomeTree, address: Interval["from"]): boolean {
  let at = tree;
  while (at.kind === "source") at = at.no;
  return at.kind === "end" && at.endpoint?.address === address;
}

function endpointAnswer(end: GraphEnd, hairpin: GraphEnd): EndpointAnswer {
  const plain = treatment(end);
  const special = treatment(hairpin);
  const alike =
    special.verdict === plain.verdict &&
    special.rejectWith === plain.rejectWith &&
    special.masquerade === plain.masquerade;
  return alike ? plain : { ...plain, hairpin: special };
}

/** What is done to a packet. Masquerading counts for delivered packets only: nobody sees the source of others. */
function treatment({ verdict, rejectWith, masquerade }: GraphEnd): Treatment {
  const isDelivered = verdict !== "drop" && verdict !== "reject";
  return { verdict, ...(rejectWith === undefined ? {} : { rejectWith }), masquerade: masquerade && isDelivered };
}

/** Whether packets may go to the endpoint. */
function isTranslated({ endpointTreatment: { value } }: Slot): boolean {
  return value.verdict === "dnat" || value.hairpin?.verdict === "dnat";
}

function listText(slots: readonly Slot[]): string {
  let text = "";
  for (const slot of slots) {
    const { address, port } = slot.destination as RowDestination;
    text += `${address} ${port} ${rememberedAs(slot)},`;
  }
  return text;
}

/** The identity by which clients of an endpoint are remembered; 0 without session affinity. */
function rememberedAs({ identity, end }: Slot): number {
  return end.stickySeconds === undefined ? 0 : identity;
}

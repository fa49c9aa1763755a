/** From the courses of packets to one destination to its row: an answer for each kind of sender, and lists of endpoints. */
import type { End } from "../graph/types.ts";
import { unreachable } from "../invariant.ts";
import type { Interval } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import type { SourceSet } from "./source-sets.ts";
import {
  type Answer,
  type Behaviour,
  type Endpoint,
  type EndpointList,
  type Fate,
  SOURCE,
  SOURCE_KINDS,
  type Treatment,
} from "./types.ts";
import type { Course, Destination } from "./walk.ts";

/** What a destination gets, without the port that it is reached at. */
export interface Row {
  readonly behaviour: number;
  readonly lists: readonly EndpointList[];
  readonly allowed: readonly Interval[] | undefined;
  readonly stickySeconds: number | undefined;
}

/** Collects the behaviours, fates and lists of all rows. */
export class Answers {
  readonly behaviours: Behaviour[] = [];
  readonly fates: Fate[] = [];
  private readonly answers: Answer[] = [];
  private readonly fateAnswers: FateAnswer[] = [];
  /** The one set of sources that rules of one family ask about everywhere. */
  private detected: SourceSet | undefined;
  private readonly numbers = new Map<string, Numbered<unknown>>();
  private readonly fatesByEnds = new Map<End, Map<End, Numbered<FateAnswer>>>();
  private readonly lists = new Map<string, EndpointList>();
  /** Rows by the shapes of their courses. */
  private readonly rows = new Map<string, Row>();
  /** Numbers of the ends, sets and shapes that shapes are made of. */
  private readonly parts = new Map<End | SourceSet | string, number>();

  /** Sources that are `detected` in the rows since this was last asked. */
  takeDetected(): readonly Interval[] {
    const intervals = this.detected?.intervals ?? [];
    this.detected = undefined;
    return intervals;
  }

  /** The row for a course per interface kind. Throws `Unsupported`. */
  row(courses: readonly Course[]): Row {
    const sets = this.setsIn(courses);
    let shapes = "";
    for (const course of courses) {
      const shape = this.shapeOf(course);
      if (shape === undefined) return this.makeRow(courses, sets);
      shapes += `${shape} `;
    }
    let row = this.rows.get(shapes);
    if (row === undefined) {
      row = this.makeRow(courses, sets);
      this.rows.set(shapes, row);
    }
    return row;
  }

  /** Equal for courses that are alike; undefined for those that lead to endpoints. Most do not: at most ports there is nothing. */
  private shapeOf(course: Course): number | undefined {
    switch (course.kind) {
      case "end":
        return course.endpoint === undefined ? this.partNumber(course.end) : undefined;
      case "source": {
        const yes = this.shapeOf(course.yes);
        const no = this.shapeOf(course.no);
        if (yes === undefined || no === undefined) return undefined;
        return this.partNumber(`${this.partNumber(course.set)} ${yes} ${no}`);
      }
      case "chance":
        return undefined;
      default:
        return unreachable(course);
    }
  }

  private partNumber(part: End | SourceSet | string): number {
    let number = this.parts.get(part);
    if (number === undefined) {
      number = this.parts.size;
      this.parts.set(part, number);
    }
    return number;
  }

  private makeRow(courses: readonly Course[], { allowed, bits }: Sets): Row {
    const states = courses.map((course) => {
      const relevant = new Map<number, State>();
      for (let kind = 0; kind < SOURCE_KINDS; kind++)
        if ((kind & ~bits) === 0) relevant.set(kind, this.stateAt(course, kind));
      return Array.from({ length: SOURCE_KINDS }, (_, kind) => relevant.get(kind & bits) as State);
    });
    const distinct = [...new Set(states.flat())];
    const seconds = new Set(distinct.flatMap(({ stickySeconds }) => stickySeconds ?? []));
    if (seconds.size > 1) throw new Unsupported("two timeouts of session affinity at one destination");
    const texts = [...new Set(distinct.flatMap(({ list }) => (list === undefined ? [] : [list])))];
    if (texts.length > 4) throw new Unsupported("more than four lists of endpoints at one destination");
    const fates = texts.map((text) => this.fatesOf(text, states));
    const answers = new Map(distinct.map((state) => [state, this.answer(state, texts, fates)]));
    const text = states.map((ofInterface) => ofInterface.map((state) => answers.get(state)?.number).join()).join(" ");
    const behaviour = this.number(`behaviour ${text}`, this.behaviours, () =>
      states.map((ofInterface) => ofInterface.map((state) => (answers.get(state) as Numbered<Answer>).value)),
    );
    return {
      behaviour: behaviour.number,
      lists: texts.map((list, i) => this.list(list, distinct, fates[i])),
      allowed: allowed?.intervals,
      stickySeconds: [...seconds][0],
    };
  }

  /** Notes the set that is asked about everywhere; gives the one that is this destination's own, and what matters of a kind of
   *  source. */
  private setsIn(courses: readonly Course[]): Sets {
    let allowed: SourceSet | undefined;
    let bits = 0;
    const look = (course: Course): void => {
      if (course.kind === "chance") for (const each of course.courses) look(each);
      if (course.kind !== "source") return;
      const { set } = course;
      if (!isHairpin(course)) bits |= bitOf(set);
      if (set.kind === "everywhere") {
        this.detected ??= set;
        if (this.detected !== set) throw new Unsupported("two sets of sources that are asked about at any destination");
      } else if (set.kind === "row" && !isHairpin(course)) {
        allowed ??= set;
        if (allowed !== set) throw new Unsupported("two sets of sources at one destination");
      }
      look(course.yes);
      look(course.no);
    };
    for (const course of courses) look(course);
    return { allowed, bits };
  }

  private stateAt(course: Course, kind: number): State {
    const at = follow(course, kind, false);
    const slots = (at.kind === "end" ? [course] : at.courses).map((each) => this.slotAt(each, kind));
    const [first] = slots as [Slot];
    const { reasons } = first.end;
    const alike = slots.every(({ fate }) => fate === first.fate);
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

  private slotAt(course: Course, kind: number): Slot {
    const plain = follow(course, kind, false);
    const hairpin = follow(course, kind, true);
    if (plain.kind !== "end" || hairpin.kind !== "end") throw new Unsupported("chance decides twice");
    const { end, endpoint, identity } = plain;
    return { destination: endpoint, identity, end, fate: this.fateOf(end, hairpin.end) };
  }

  /** What is done to packets that end so, when they come from elsewhere and when they come from the endpoint itself. */
  private fateOf(end: End, hairpin: End): Numbered<FateAnswer> {
    const known = this.fatesByEnds.get(end) ?? new Map<End, Numbered<FateAnswer>>();
    this.fatesByEnds.set(end, known);
    let fate = known.get(hairpin);
    if (fate === undefined) {
      const value = fateAnswer(end, hairpin);
      fate = this.number(`fate answer ${JSON.stringify(value)}`, this.fateAnswers, () => value);
      known.set(hairpin, fate);
    }
    return fate;
  }

  /** Numbers of the fates that the endpoints of a list have of their own; undefined when all fare alike. */
  private fatesOf(text: string, states: readonly (readonly State[])[]): readonly number[] | undefined {
    const used = states.flat().filter(({ list }) => list === text);
    if (used.every(({ alike }) => alike)) return undefined;
    return (used[0] as State).slots.map((_, i) => {
      const fate = states.map((ofInterface) =>
        ofInterface.map(({ list, slots }) => (list === text ? (slots[i] as Slot).fate.value : PASSED)),
      );
      return this.number(`fate ${JSON.stringify(fate)}`, this.fates, () => fate).number;
    });
  }

  private answer(
    { list, slots, stickySeconds, reasons }: State,
    texts: readonly string[],
    fates: readonly (readonly number[] | undefined)[],
  ): Numbered<Answer> {
    const [{ fate }] = slots as [Slot];
    const at = list === undefined ? -1 : texts.indexOf(list);
    const asks = fates[at] !== undefined;
    const text = `answer ${at} ${asks || fate.number} ${stickySeconds !== undefined} ${reasons.join("|")}`;
    return this.number(text, this.answers, (): Answer => {
      if (at < 0) return { ...fate.value, reasons };
      return {
        ...(asks ? { verdict: "dnat", masquerade: false, asksEndpoint: true } : fate.value),
        list: at as 0 | 1 | 2 | 3,
        ...(stickySeconds === undefined ? {} : { sticky: true }),
        reasons,
      };
    });
  }

  private list(text: string, states: readonly State[], fates: readonly number[] | undefined): EndpointList {
    const key = fates === undefined ? text : `${text} ${fates.join()}`;
    let list = this.lists.get(key);
    if (list === undefined) {
      const { slots } = states.find((state) => state.list === text) as State;
      list = slots.map((slot, i): Endpoint => {
        const { address, port } = slot.destination as Destination;
        return { address, port, identity: rememberedAs(slot), fate: fates?.[i] };
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

/** The sets of sources that rows ask about. */
interface Sets {
  readonly allowed: SourceSet | undefined;
  readonly bits: number;
}

/** Equal values have one number. */
interface Numbered<T> {
  readonly value: T;
  readonly number: number;
}

type FateAnswer = Fate[number][number];

const PASSED: FateAnswer = { verdict: "pass", masquerade: false };

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
  readonly destination: Destination | undefined;
  readonly identity: number;
  readonly end: End;
  readonly fate: Numbered<FateAnswer>;
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

/** Where a course leads for one kind of source; `hairpin`: the source is the endpoint. */
function follow(course: Course, kind: number, hairpin: boolean): Exclude<Course, { kind: "source" }> {
  let at = course;
  while (at.kind === "source") at = (isHairpin(at) ? hairpin : (kind & bitOf(at.set)) !== 0) ? at.yes : at.no;
  return at;
}

/** Whether a question about the source is whether it is the endpoint. */
function isHairpin(course: Extract<Course, { kind: "source" }>): boolean {
  const [only, more] = course.set.intervals;
  if (course.set.kind !== "row" || only === undefined || more !== undefined || only.from !== only.to) return false;
  return isAt(course.yes, only.from) && isAt(course.no, only.from);
}

function isAt(course: Course, address: Interval["from"]): boolean {
  let at = course;
  while (at.kind === "source") at = at.no;
  return at.kind === "end" && at.endpoint?.address === address;
}

function fateAnswer(end: End, hairpin: End): FateAnswer {
  const plain = treatment(end);
  const special = treatment(hairpin);
  const alike =
    special.verdict === plain.verdict &&
    special.rejectWith === plain.rejectWith &&
    special.masquerade === plain.masquerade;
  return alike ? plain : { ...plain, hairpin: special };
}

/** Of packets that are not delivered nobody sees the source. */
function treatment({ verdict, rejectWith, masquerade }: End): Treatment {
  const isDelivered = verdict !== "drop" && verdict !== "reject";
  return { verdict, ...(rejectWith === undefined ? {} : { rejectWith }), masquerade: masquerade && isDelivered };
}

/** Whether packets may go to the endpoint. */
function isTranslated({ fate: { value } }: Slot): boolean {
  return value.verdict === "dnat" || value.hairpin?.verdict === "dnat";
}

function listText(slots: readonly Slot[]): string {
  let text = "";
  for (const slot of slots) {
    const { address, port } = slot.destination as Destination;
    text += `${address} ${port} ${rememberedAs(slot)},`;
  }
  return text;
}

/** What clients of an endpoint are remembered by; 0 when they are not. */
function rememberedAs({ identity, end }: Slot): number {
  return end.stickySeconds === undefined ? 0 : identity;
}

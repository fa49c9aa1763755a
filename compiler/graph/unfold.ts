/** From a program to its graph. It says what evaluate/ does, question by question instead of packet by packet. */
import { ElementIndex } from "../evaluate/lookup.ts";
import { Machine, type TableIndex } from "../evaluate/machine.ts";
import { invariant, unreachable } from "../invariant.ts";
import { ADDRESS_TYPE, CT_STATE, CT_STATUS, MAX_JUMP_DEPTH } from "../ir/constants.ts";
import { partHolds } from "../ir/interval.ts";
import type {
  BaseChain,
  Chain,
  Hook,
  Interval,
  MapElement,
  Match,
  Program,
  Rule,
  Statement,
  Step,
  Value,
  Verdict,
} from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { Knowledge, type Known } from "./known.ts";
import { type Reading, read } from "./read.ts";
import { type Against, type Elements, type End, Later, type Node } from "./types.ts";

/** How a packet comes to the node. */
export interface Door {
  /** Undefined: the node itself sends it. */
  readonly inInterface: string | undefined;
  /** What connection tracking makes of it. */
  readonly ctState: "new" | "invalid" | "untracked";
}

/** The graphs of what `program` does with packets of `family`, by the door that they come by. Such packets have no mark. All
 *  graphs have the same sets and maps. */
export function unfold(program: Program, family: Family): (door: Door) => Node {
  const unfolder = new Unfolder(new Machine(program), family);
  return (door) => unfolder.root(door);
}

/** Where evaluation goes on. The same knowledge at the same place is the same node. */
class Place {
  private readonly go: (known: Known) => Node;
  private readonly nodes = new Map<Known, Node>();

  constructor(go: (known: Known) => Node) {
    this.go = go;
  }

  at(known: Known): Node {
    let node = this.nodes.get(known);
    if (node === undefined) {
      node = this.go(known);
      this.nodes.set(known, node);
    }
    return node;
  }
}

/** A chain that was entered in one way. */
interface Frame {
  readonly chain: Chain;
  readonly table: TableIndex;
  readonly depth: number;
  /** Behind the last rule, or `return`. */
  readonly back: Place;
  /** Where the base chain is done with the packet. */
  readonly done: Place;
  /** Where the rules begin, and the end. */
  readonly rules: readonly Place[];
  readonly callees: Map<Chain, Map<Place, Frame>>;
}

class Unfolder {
  private readonly machine: Machine;
  private readonly family: Family;
  private readonly knowledge = new Knowledge();
  private readonly elements = new Map<TableIndex, Map<string, Elements>>();
  private readonly inlineMaps = new Map<readonly MapElement[], Elements<MapElement>>();

  constructor(machine: Machine, family: Family) {
    this.machine = machine;
    this.family = family;
  }

  root({ inInterface, ctState }: Door): Node {
    const start = this.knowledge.start(inInterface ?? "", CT_STATE[ctState]);
    const end = new Place((known) => ({ kind: "end", end: endOf(known) }));
    const delivered = this.pass("input", end);
    const way =
      inInterface === undefined
        ? this.pass("output", this.pass("postrouting", this.whenLocal(this.loopback(delivered), end)))
        : this.pass("prerouting", this.whenLocal(delivered, this.pass("forward", this.pass("postrouting", end))));
    return way.at(start);
  }

  /** What the node sends to itself comes back by the loopback interface, with the source that masquerading gave it. */
  private loopback(delivered: Place): Place {
    const again = this.pass("prerouting", delivered);
    return new Place((known) => {
      const source = known.masqueraded ? "own" : "asked";
      return again.at(this.knowledge.with(known, { inInterface: "lo", source }));
    });
  }

  /** The routing decision. */
  private whenLocal(yes: Place, no: Place): Place {
    return new Place((known) => ({
      kind: "test",
      reads: [{ kind: "address-type", of: known.destination }],
      against: LOCAL,
      negated: false,
      yes: new Later(() => yes.at(known)),
      no: new Later(() => no.at(known)),
    }));
  }

  // --- hooks and chains --------------------------------------------------------------------------------------------------

  /** All base chains of a hook. */
  private pass(hook: Hook, then: Place): Place {
    const settled = new Place((known) => then.at(this.settle(hook, known)));
    return this.machine.at(this.family, hook).reduceRight((next, { orders: [only, more] }) => {
      const entries = more === undefined ? only?.entries : undefined;
      if (entries === undefined)
        return new Place(() => unsupported("chains of one hook and priority in an order that is not known"));
      return entries.reduceRight((after, { index, chain }) => this.base(hook, chain, index, after), next);
    }, settled);
  }

  private base(hook: Hook, chain: BaseChain, index: TableIndex, next: Place): Place {
    const back = chain.policy === "accept" ? next : new Place((known) => dropped(known));
    const frame = this.enter(chain, index, 0, back, next);
    return new Place((known) => {
      const skipped = chain.type === "nat" && !asksNat(hook, known);
      return skipped ? next.at(known) : (frame.rules[0] as Place).at(known);
    });
  }

  private settle(hook: Hook, known: Known): Known {
    if (hook === "forward") return known;
    return this.knowledge.with(known, isSourceHook(hook) ? { sourceSettled: true } : { destinationSettled: true });
  }

  private enter(chain: Chain, table: TableIndex, depth: number, back: Place, done: Place): Frame {
    invariant(depth <= MAX_JUMP_DEPTH, `chain ${chain.name} is not reached by more than ${MAX_JUMP_DEPTH} jumps`);
    const rules: Place[] = chain.rules.map((rule, i) => new Place((known) => this.step(frame, rule, i, 0, known)));
    rules.push(back);
    const frame: Frame = { chain, table, depth, back, done, rules, callees: new Map() };
    return frame;
  }

  /** The chain that a rule jumps to; each is entered once from each place. */
  private callee(frame: Frame, name: string, back: Place): Frame {
    const chain = frame.table.chain(name);
    const known = frame.callees.get(chain) ?? new Map<Place, Frame>();
    frame.callees.set(chain, known);
    const entered = known.get(back) ?? this.enter(chain, frame.table, frame.depth + 1, back, frame.done);
    known.set(back, entered);
    return entered;
  }

  private next(frame: Frame, rule: number, known: Known): Node {
    return (frame.rules[rule + 1] as Place).at(known);
  }

  // --- steps -------------------------------------------------------------------------------------------------------------

  private step(frame: Frame, rule: Rule, at: number, index: number, known: Known): Node {
    const step = rule.steps[index];
    if (step === undefined) return this.next(frame, at, known);
    const here: Here = {
      frame,
      known,
      next: new Later(() => this.next(frame, at, known)),
      onwards: (after) => this.step(frame, rule, at, index + 1, after),
      rule: at,
    };
    const node = isMatch(step) ? this.match(step, here) : this.statement(step, here);
    // Nodes of rules behind this one have the places of those.
    return node.kind === "unsupported" && !("origin" in node) ? { ...node, origin: rule.origin } : node;
  }

  private match(match: Match, here: Here): Node {
    switch (match.kind) {
      case "compare":
        return this.compare(match, here);
      case "within":
        return this.test(
          read(match.left, this.family, here.known),
          { kind: "intervals", intervals: match.intervals },
          match.negated,
          here,
        );
      case "name-prefix": {
        const reading = read(match.left, this.family, here.known);
        if (reading.kind === "unsupported") return reading;
        if (reading.kind === "nothing") return here.next.node;
        const [only] = reading.reads;
        if (only?.kind !== "constant") return unsupported("a name that is not the input interface's");
        const holds = String(only.value).startsWith(match.prefix) !== match.negated;
        return holds ? here.onwards(here.known) : here.next.node;
      }
      case "member": {
        if (match.orAbsent) return unsupported("a set that packets without ports are not in");
        if (here.frame.table.lists.filledSet(match.set, here.frame.table.table) !== undefined)
          return unsupported(`set ${match.set}, which rules fill`);
        const set = this.setOf(here.frame.table, match.set);
        return this.test(read(match.key, this.family, here.known), { kind: "set", set }, match.negated, here);
      }
      case "chance":
        return unsupported("a random test");
      case "opaque":
        return unsupported(`not understood: ${match.text}`);
      default:
        return unreachable(match);
    }
  }

  private compare(match: Extract<Match, { kind: "compare" }>, here: Here): Node {
    const reading = read(match.left, this.family, here.known);
    if (match.orAbsent) {
      if (reading.kind === "nothing") return here.onwards(here.known);
      if (reading.kind === "reads" && reading.reads.some(({ kind }) => kind === "port"))
        return unsupported("a match that holds where there is no port");
    }
    return this.test(reading, intervalsOf(match), match.operator === "!=", here);
  }

  private test(reading: Reading, against: Against, negated: boolean, here: Here): Node {
    const { known, next, onwards } = here;
    return this.asking(reading, next, (reads) => {
      if (against.kind === "set" && against.set.elements.length === 0 && !negated) return next.node;
      if (reads.every((each) => each.kind === "constant")) {
        const holds = contains(
          against,
          reads.map((each) => each.value),
        );
        return holds === negated ? next.node : onwards(known);
      }
      return { kind: "test", reads, against, negated, yes: new Later(() => onwards(known)), no: next };
    });
  }

  /** Asks with the values that are read; lets chance choose before, where it has a say. */
  private asking(
    reading: Reading,
    next: Later,
    ask: (reads: Extract<Reading, { kind: "reads" }>["reads"]) => Node,
  ): Node {
    if (reading.kind === "unsupported") return reading;
    if (reading.kind === "nothing") return next.node;
    const { reads, choices } = reading;
    return choices === 1 ? ask(reads) : { kind: "choose", count: choices, chosen: new Later(() => ask(reads)) };
  }

  private statement(statement: Statement, here: Here): Node {
    const { frame, known, next, onwards } = here;
    switch (statement.kind) {
      case "verdict":
        return this.verdict(statement.verdict, here);
      case "vmap":
        return this.asking(read(statement.key, this.family, known), next, (reads) => {
          const map = this.mapOf(frame.table, statement.map);
          const byVerdict = new Map<string, Node>();
          const reason = map.declaration?.comment ?? map.declaration?.name;
          const reasons = reason === undefined ? known.reasons : [...known.reasons, reason];
          const inMap = { ...here, known: this.knowledge.with(known, { reasons }) };
          const found = ({ value }: MapElement): Node => {
            if (!isVerdict(value)) return next.node;
            const text = "chain" in value ? `${value.kind} ${value.chain}` : value.kind;
            const node = byVerdict.get(text) ?? this.verdict(value, inMap);
            byVerdict.set(text, node);
            return node;
          };
          return { kind: "switch", reads, map, found, missing: next };
        });
      case "dnat":
        return this.translation(statement.to, here);
      case "snat":
      case "masquerade":
        return frame.done.at(this.because(here, { masqueraded: true, sourceSettled: true }));
      case "redirect":
        return unsupported("redirect");
      case "reject":
        return rejected(this.because(here, {}), statement.with);
      case "set":
        return this.write(statement, here);
      case "remember": {
        const seconds = statement.timeoutSeconds ?? frame.table.set(statement.set).dynamic?.timeoutSeconds;
        return onwards(this.knowledge.with(known, seconds === undefined ? {} : { stickySeconds: seconds }));
      }
      case "counter":
        return onwards(known);
      case "opaque-statement":
        return statement.terminal || statement.writes !== undefined
          ? unsupported(`not understood: ${statement.text}`)
          : onwards(known);
      default:
        return unreachable(statement);
    }
  }

  private because({ frame, known, rule }: Here, change: Partial<Known>): Known {
    const { chain } = frame;
    const reason = chain.rules[rule]?.comment ?? chain.comment ?? `chain ${chain.name}`;
    return this.knowledge.with(known, { ...change, reasons: [...known.reasons, reason] });
  }

  private verdict(verdict: Verdict, here: Here): Node {
    const { frame, known, rule } = here;
    switch (verdict.kind) {
      case "accept":
        return frame.done.at(this.because(here, { accepted: true }));
      case "drop":
        return dropped(this.because(here, {}));
      case "continue":
        return this.next(frame, rule, known);
      case "return":
        return frame.back.at(known);
      case "jump":
      case "goto": {
        const back = verdict.kind === "jump" ? (frame.rules[rule + 1] as Place) : frame.back;
        return (this.callee(frame, verdict.chain, back).rules[0] as Place).at(known);
      }
      default:
        return unreachable(verdict);
    }
  }

  private translation(to: Extract<Statement, { kind: "dnat" }>["to"], here: Here): Node {
    const { frame, known, next } = here;
    if (to.kind === "literal" && to.addresses === undefined) return unsupported("dnat to a port only");
    if (to.kind === "literal" && (isRange(to.addresses) || isRange(to.ports))) return unsupported("dnat to a range");
    const reading: Reading =
      to.kind === "map" ? read(to.key, this.family, known) : { kind: "reads", reads: [], choices: 1 };
    return this.asking(reading, next, (reads) => {
      const map = to.kind === "map" ? this.mapOf(frame.table, to.map) : this.mapOf(frame.table, literalMap(to));
      const then = (status: number): Later =>
        new Later(() =>
          frame.done.at(
            this.knowledge.with(known, {
              destination: "endpoint",
              destinationSettled: true,
              ctStatus: known.ctStatus | status,
            }),
          ),
        );
      return { kind: "translate", reads, map, changed: then(CT_STATUS.dnat), same: then(0), missing: next };
    });
  }

  private write({ field, value }: Extract<Statement, { kind: "set" }>, here: Here): Node {
    const { frame, known, next, onwards } = here;
    if (field.kind === "ct" && field.key === "state") return unsupported("notrack");
    if (value.kind === "lookup") {
      if (field.kind !== "meta" || field.key !== "priority")
        return unsupported("a lookup that does not set the priority");
      return this.asking(read(value.key, this.family, known), next, (reads) => ({
        kind: "load",
        reads,
        map: this.mapOf(frame.table, value.map),
        found: new Later(() => onwards(this.knowledge.with(known, { priority: "register" }))),
        missing: next,
      }));
    }
    return this.asking(read(value, this.family, known), next, ([only]) => {
      if (only?.kind !== "constant") return unsupported("a packet's own properties written elsewhere");
      const number = Number(only.value);
      if (field.kind === "ct")
        return onwards(field.key === "mark" ? this.knowledge.with(known, { ctMark: number }) : known);
      if (field.key === "mark") return onwards(this.knowledge.with(known, { mark: number }));
      return onwards(field.key === "priority" ? this.knowledge.with(known, { priority: number }) : known);
    });
  }

  // --- sets and maps -----------------------------------------------------------------------------------------------------

  private setOf(table: TableIndex, name: string): Elements {
    return this.remembered(table, `set ${name}`, () => {
      const declaration = table.set(name);
      return { declaration, elements: declaration.elements, index: table.setElements(name) };
    });
  }

  private mapOf(table: TableIndex, map: string | readonly MapElement[]): Elements<MapElement> {
    if (typeof map !== "string") {
      let inline = this.inlineMaps.get(map);
      if (inline === undefined) {
        inline = { declaration: undefined, elements: map, index: new ElementIndex({ elements: map }) };
        this.inlineMaps.set(map, inline);
      }
      return inline;
    }
    return this.remembered(table, `map ${map}`, () => {
      const declaration = table.map(map);
      return { declaration, elements: declaration.elements, index: table.mapElements(map) };
    }) as Elements<MapElement>;
  }

  private remembered(table: TableIndex, name: string, make: () => Elements): Elements {
    const known = this.elements.get(table) ?? new Map<string, Elements>();
    this.elements.set(table, known);
    const found = known.get(name) ?? make();
    known.set(name, found);
    return found;
  }
}

/** A step that is about to be taken. */
interface Here {
  readonly frame: Frame;
  readonly known: Known;
  /** The number of its rule in the chain. */
  readonly rule: number;
  /** The rule after it. */
  readonly next: Later;
  /** The step after it. */
  readonly onwards: (known: Known) => Node;
}

const LOCAL: Against = { kind: "intervals", intervals: [{ from: ADDRESS_TYPE.local, to: ADDRESS_TYPE.local }] };

function isMatch(step: Step): step is Match {
  return ["compare", "within", "name-prefix", "member", "chance", "opaque"].includes(step.kind);
}

function isVerdict(value: MapElement["value"]): value is Verdict {
  return !Array.isArray(value);
}

/** The values for which a comparison holds; for those other than one, that one. */
function intervalsOf({ operator, right }: Extract<Match, { kind: "compare" }>): Against {
  const point: Interval = { from: right, to: right };
  if (operator === "==" || operator === "!=") return { kind: "intervals", intervals: [point] };
  if (typeof right === "string") return { kind: "intervals", intervals: [] };
  const big = typeof right === "bigint";
  const [least, most, one] = big ? [0n, 2n ** 128n - 1n, 1n] : [0, 2 ** 32 - 1, 1];
  const number = right as number; // or all three are bigints
  const step = one as number;
  switch (operator) {
    case "<":
      return { kind: "intervals", intervals: right === least ? [] : [{ from: least, to: number - step }] };
    case "<=":
      return { kind: "intervals", intervals: [{ from: least, to: right }] };
    case ">":
      return { kind: "intervals", intervals: right === most ? [] : [{ from: number + step, to: most }] };
    case ">=":
      return { kind: "intervals", intervals: [{ from: right, to: most }] };
    default:
      return unreachable(operator);
  }
}

/** Whether `against` has `key`. */
export function contains(against: Against, key: readonly Value[]): boolean {
  if (against.kind === "set") return against.set.index.find(key) !== undefined;
  return against.intervals.some((interval) => partHolds(interval, key[0] as Value));
}

function isRange(interval: Interval | undefined): boolean {
  return interval !== undefined && interval.from !== interval.to;
}

/** A map whose only element has an empty key. */
const LITERAL_MAPS = new WeakMap<object, readonly MapElement[]>();

function literalMap(
  to: Extract<Statement, { kind: "dnat" }>["to"] & { readonly kind: "literal" },
): readonly MapElement[] {
  let map = LITERAL_MAPS.get(to);
  if (map === undefined) {
    const address = to.addresses?.from ?? 0;
    map = [{ key: [], value: to.ports === undefined ? [address] : [address, to.ports.from] }];
    LITERAL_MAPS.set(to, map);
  }
  return map;
}

/** NAT chains see the first packet of a connection, until one of them has decided. */
function asksNat(hook: Hook, known: Known): boolean {
  if (known.ctState !== CT_STATE.new) return false;
  return isSourceHook(hook) ? !known.sourceSettled : !known.destinationSettled;
}

function isSourceHook(hook: Hook): boolean {
  return hook === "postrouting" || hook === "input";
}

function unsupported(reason: string): Node {
  return { kind: "unsupported", reason };
}

function dropped(known: Known): Node {
  return { kind: "end", end: { verdict: "drop", masquerade: known.masqueraded, reasons: known.reasons } };
}

function rejected(known: Known, rejectWith: NonNullable<End["rejectWith"]>): Node {
  return { kind: "end", end: { verdict: "reject", rejectWith, masquerade: known.masqueraded, reasons: known.reasons } };
}

function endOf({ destination, accepted, masqueraded, stickySeconds, reasons }: Known): End {
  const untranslated = accepted ? "accept" : "pass";
  return {
    verdict: destination === "endpoint" ? "dnat" : untranslated,
    masquerade: masqueraded,
    ...(stickySeconds === undefined || destination === "asked" ? {} : { stickySeconds }),
    reasons,
  };
}

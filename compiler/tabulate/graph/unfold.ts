/** From a program to its graph. What a step does to all packets alike is the evaluator's answer; what it does to some of them is a
 *  question in the graph, or more than a table can say. */

import { PLAIN } from "../../evaluate/chain.ts";
import { hasPorts } from "../../evaluate/expression.ts";
import type { Behind, Frame, Runner, StepProgress } from "../../evaluate/frame.ts";
import { type HookPath, pathOf } from "../../evaluate/hook-path.ts";
import { Hooks } from "../../evaluate/hooks.ts";
import type { ElementIndex } from "../../evaluate/lookup.ts";
import { runMatch } from "../../evaluate/match.ts";
import { sentBy, translatesPorts } from "../../evaluate/nat.ts";
import type { Environment, Packets } from "../../evaluate/packet.ts";
import { Question } from "../../evaluate/question.ts";
import { toRegionResult } from "../../evaluate/result.ts";
import { comeBack } from "../../evaluate/routing.ts";
import { type State, startState, withShared } from "../../evaluate/state.ts";
import { runStatement } from "../../evaluate/statement.ts";
import type { TableIndex } from "../../evaluate/table-index.ts";
import { asksNat, confirmNat, hideConnection, isBeforeTracking, showConnection } from "../../evaluate/tracking.ts";
import { invariant, unreachable } from "../../invariant.ts";
import { ADDRESS_TYPE, CT_STATE, MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import { partHolds } from "../../ir/interval.ts";
import type {
  AskedMap,
  AskedSet,
  BaseChain,
  Chain,
  Hook,
  InlineMap,
  InlineSet,
  Interval,
  MapElement,
  Match,
  Program,
  Rule,
  SetElement,
  Statement,
  Step,
  Value,
  Verdict,
} from "../../ir/types.ts";
import type { ValueTest } from "../../ir/value-test.ts";
import type { Family } from "../../net/address.ts";
import { allAddresses } from "../../packets/address-type.ts";
import { PacketSet } from "../../packets/packet-set.ts";
import { Ranges } from "../../packets/ranges.ts";
import { Knowledge, type KnownState, stateOf } from "./known.ts";
import { type Reading, read } from "./read.ts";
import { type Against, type GraphEnd, type GraphNode, Later, type SetOrMap } from "./types.ts";

/** How a packet comes to the node. */
export interface EntryPoint {
  /** IANA number. */
  readonly protocol: number;
  /** Undefined: the node itself sends it. */
  readonly inInterface: string | undefined;
  /** What connection tracking makes of it. */
  readonly ctState: "new" | "invalid" | "untracked";
}

/** The graphs of what `program` does with packets of `family` on a node, by the entry point that they come by. Such packets have no mark.
 *  All graphs have the same sets and maps. */
export function unfold(
  program: Program,
  family: Family,
  environment: Environment,
): (entryPoint: EntryPoint) => GraphNode {
  const hooks = new Hooks(program);
  const common = { elements: new ElementsOf(), ends: new Map<string, GraphNode>() };
  return (entryPoint) => new Unfolder(hooks, packetsBy(entryPoint, family), environment, common).root();
}

/** All packets of an entry point, which no rule has told apart yet. */
function packetsBy({ protocol, inInterface, ctState }: EntryPoint, family: Family): Packets {
  const tracking = ctState === "new" ? "first" : ctState;
  const addresses = allAddresses(family);
  const ports = new Ranges([0, hasPorts(protocol) && tracking !== "invalid" ? 65536 : 1]);
  const none = Ranges.of(0);
  const region = new PacketSet(addresses, ports, addresses, ports, {
    mark: none,
    ctstate: Ranges.of(CT_STATE[ctState]),
    ctstatus: none,
    ctmark: none,
    toaddr: addresses,
    toport: ports,
  });
  return { protocol, inInterface, family, tracking, region };
}

/** A place where evaluation goes on. Equal knowledge at one place gives one node. */
class Place {
  private readonly go: (known: KnownState) => GraphNode;
  private readonly nodes = new Map<KnownState, GraphNode>();

  constructor(go: (known: KnownState) => GraphNode) {
    this.go = go;
  }

  at(known: KnownState): GraphNode {
    let node = this.nodes.get(known);
    if (node === undefined) {
      node = this.go(known);
      this.nodes.set(known, node);
    }
    return node;
  }
}

/** A chain that was entered in one way. */
interface Call {
  readonly base: BaseChain;
  readonly chain: Chain;
  readonly table: TableIndex;
  readonly depth: number;
  /** The place behind the chain's last rule, and behind `return`. */
  readonly back: Place;
  /** The place where the base chain is done with the packet. */
  readonly done: Place;
  /** The nodes of each rule, from the first rule to the end of the chain. */
  readonly rules: readonly Place[];
  readonly callees: Map<Chain, Map<Place, Call>>;
}

/** What the graphs of all entry points have in common. */
interface CommonParts {
  readonly elements: ElementsOf;
  readonly ends: Map<string, GraphNode>;
}

const ANYTHING: Behind = { entries: [], next: 0, later: undefined };

const NO_JUMPS: Runner = {
  ...PLAIN,
  run: () => {
    throw new Error("jumps are followed by the graph");
  },
};

class Unfolder {
  private readonly hooks: Hooks;
  private readonly packets: Packets;
  private readonly environment: Environment;
  private readonly common: CommonParts;
  private readonly knowledge = new Knowledge();

  constructor(hooks: Hooks, packets: Packets, environment: Environment, common: CommonParts) {
    this.hooks = hooks;
    this.packets = packets;
    this.environment = environment;
    this.common = common;
  }

  root(): GraphNode {
    return this.along(pathOf(this.packets)).at(this.knowledge.start(startState(this.packets, this.environment)));
  }

  private along(way: HookPath): Place {
    switch (way.kind) {
      case "hook":
        return this.pass(way.hook, this.along(way.next));
      case "route":
        return this.along(way.next);
      case "split":
        return this.whenLocal(this.along(way.local), this.along(way.others));
      case "loopback":
        return this.loopback(this.along(way.next));
      case "end":
        return new Place((known) => this.end(known));
      default:
        return unreachable(way);
    }
  }

  /** What the node sends to itself comes back by the loopback interface, with the source that masquerading gave it. */
  private loopback(then: Place): Place {
    return this.changing((state) => {
      const [looped, more] = comeBack(state);
      invariant(looped !== undefined && more === undefined, "packets to one destination come back as one");
      return looped;
    }, then);
  }

  /** The routing decision. */
  private whenLocal(yes: Place, no: Place): Place {
    return new Place((known) => {
      const of = known.branch.destination === "daddr" ? "original" : "endpoint";
      return {
        kind: "test",
        reads: [{ kind: "address-type", of }],
        against: LOCAL,
        negated: false,
        yes: new Later(() => yes.at(known)),
        no: new Later(() => no.at(known)),
      };
    });
  }

  /** The place behind `change`, which is made to all packets. */
  private changing(change: (state: State) => State, then: Place): Place {
    return new Place((known) => {
      const after = this.knowledge.after(known, change(stateOf(known)));
      invariant(after !== undefined, "what no rule does is done to all packets alike");
      return then.at(after);
    });
  }

  // --- hooks and chains --------------------------------------------------------------------------------------------------

  /** All base chains of a hook. */
  private pass(hook: Hook, then: Place): Place {
    const confirmed = this.changing((state) => confirmNat(hook, state), then);
    const first = this.hooks.at(this.packets.family, hook).reduceRight((next, { orders: [only, more] }) => {
      const entries = more === undefined ? only?.entries : undefined;
      if (entries === undefined)
        return new Place(() => unsupported("chains of one hook and priority in an order that is not known"));
      return entries.reduceRight((after, { index, chain }) => this.base(hook, chain, index, after), next);
    }, confirmed);
    return this.changing((state) => withShared(state, { hook }), first);
  }

  private base(hook: Hook, chain: BaseChain, index: TableIndex, next: Place): Place {
    const { ctState } = startState(this.packets, this.environment).shared;
    const tracked = this.rulesOf(chain, index, next);
    const untracked = this.changing(
      hideConnection,
      this.rulesOf(
        chain,
        index,
        this.changing((state) => showConnection(state, ctState), next),
      ),
    );
    return new Place((known) => {
      if (chain.type === "nat" && !asksNat(hook, known.shared)) return next.at(known);
      return (isBeforeTracking(hook, chain, known.shared) ? untracked : tracked).at(known);
    });
  }

  /** Where the rules of a base chain begin. */
  private rulesOf(chain: BaseChain, index: TableIndex, next: Place): Place {
    const dropped = (state: State): State => withShared(state, { end: { kind: "drop" } });
    const end = new Place((known) => this.end(known));
    const back = chain.policy === "accept" ? next : this.changing(dropped, end);
    return this.enter(chain, chain, index, 0, back, next).rules[0] as Place;
  }

  private enter(base: BaseChain, chain: Chain, table: TableIndex, depth: number, back: Place, done: Place): Call {
    invariant(depth <= MAX_JUMP_DEPTH, `chain ${chain.name} is not reached by more than ${MAX_JUMP_DEPTH} jumps`);
    const rules: Place[] = chain.rules.map((rule, i) => new Place((known) => this.step(call, rule, i, 0, known)));
    rules.push(back);
    const call: Call = { base, chain, table, depth, back, done, rules, callees: new Map() };
    return call;
  }

  /** The chain that a rule jumps to; each is entered once from each place. */
  private callee(call: Call, name: string, back: Place): Call {
    const { base, table, depth, done, callees } = call;
    const chain = table.chain(name);
    const known = callees.get(chain) ?? new Map<Place, Call>();
    callees.set(chain, known);
    const entered = known.get(back) ?? this.enter(base, chain, table, depth + 1, back, done);
    known.set(back, entered);
    return entered;
  }

  private next(call: Call, rule: number, known: KnownState): GraphNode {
    return (call.rules[rule + 1] as Place).at(known);
  }

  // --- steps -------------------------------------------------------------------------------------------------------------

  private step(call: Call, rule: Rule, at: number, index: number, known: KnownState): GraphNode {
    const step = rule.steps[index];
    if (step === undefined) return this.next(call, at, known);
    const here: Here = {
      call,
      known,
      next: new Later(() => this.next(call, at, known)),
      onwards: (after) => this.step(call, rule, at, index + 1, after),
      rule,
      number: at,
    };
    const node = isMatch(step) ? this.match(step, here) : this.statement(step, here);
    // Nodes of rules behind this one have the places of those.
    return node.kind === "unsupported" && !("origin" in node) ? { ...node, origin: rule.origin } : node;
  }

  private match(match: Match, here: Here): GraphNode {
    switch (match.kind) {
      case "compare":
      case "within":
      case "name-prefix":
        return this.question(match, here);
      case "member": {
        const { table } = here.call;
        if (typeof match.set === "string" && this.isFilled(match.set, table))
          return unsupported(`set ${match.set}, which rules fill`);
        const set = this.common.elements.ofSet(table, match.set);
        const reading = read(match.key, here.known, table);
        if (reading.kind === "nothing") return match.orAbsent ? here.onwards(here.known) : here.next.node;
        return this.test(reading, { kind: "set", set }, match.negated, here);
      }
      case "chance":
        return this.evaluated(runMatch(match, stateOf(here.known), this.frameOf(here)), here, "a random test");
      case "opaque": {
        const progress = runMatch(match, stateOf(here.known), this.frameOf(here));
        return this.evaluated(progress, here, `not understood: ${match.text}`);
      }
      default:
        return unreachable(match);
    }
  }

  private question(test: ValueTest, here: Here): GraphNode {
    const { known, next, onwards, call } = here;
    const question = new Question(test);
    const reading = read(test.left, known, call.table);
    if (reading.kind === "nothing") return question.orAbsent ? onwards(known) : next.node;
    const [only, more] = reading.kind === "reads" ? reading.reads : [];
    if (more !== undefined) return unsupported("several fields compared at once");
    if (only?.kind === "constant")
      return question.passing(only.value, known.branch.region) === undefined ? next.node : onwards(known);
    return this.test(reading, { kind: "intervals", intervals: question.intervals }, question.negated, here);
  }

  private test(reading: Reading, against: Against, negated: boolean, here: Here): GraphNode {
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

  /** The node that `ask` makes of the values that are read, behind a choice by chance where the key has a random number. */
  private asking(
    reading: Reading,
    next: Later,
    ask: (reads: Extract<Reading, { kind: "reads" }>["reads"]) => GraphNode,
  ): GraphNode {
    if (reading.kind === "unsupported") return reading;
    if (reading.kind === "nothing") return next.node;
    const { reads, choices } = reading;
    return choices === 1 ? ask(reads) : { kind: "choose", count: choices, chosen: new Later(() => ask(reads)) };
  }

  /** The node behind a step that did the same to all packets. `reason`: why a table cannot hold the step where it did not. */
  private evaluated(progress: readonly StepProgress[], here: Here, reason: string): GraphNode {
    const after = this.knowledge.afterStep(here.known, progress);
    if (after === undefined) return unsupported(reason);
    const { known, flow } = after;
    const isEnd = known.shared.end !== undefined;
    switch (flow) {
      case "continue":
        return here.onwards(known);
      case "next":
        return this.next(here.call, here.number, known);
      case "return":
        return here.call.back.at(known);
      case "done":
        return isEnd ? this.end(known) : here.call.done.at(known);
      default:
        return unreachable(flow);
    }
  }

  private statement(statement: Statement, here: Here): GraphNode {
    const { call, known, next } = here;
    const { table } = call;
    switch (statement.kind) {
      case "verdict":
        return this.verdict(statement.verdict, here);
      case "vmap": {
        if (this.isFilled(statement.map, table)) return unsupported("a map that rules fill");
        return this.asking(read(statement.key, known, table), next, (reads) => {
          const map = this.common.elements.ofMap(table, statement.map);
          const byVerdict = new Map<string, GraphNode>();
          const reasons = map.title === undefined ? known.reasons : [...known.reasons, map.title];
          const inMap = { ...here, known: this.knowledge.with(known, { reasons }) };
          const found = ({ value }: MapElement): GraphNode => {
            if (!isVerdict(value)) return next.node;
            const text = "chain" in value ? `${value.kind} ${value.chain}` : value.kind;
            const node = byVerdict.get(text) ?? this.verdict(value, inMap);
            byVerdict.set(text, node);
            return node;
          };
          return { kind: "switch", reads, map, found, missing: next };
        });
      }
      case "dnat":
        return this.translation(statement.to, here);
      case "snat":
      case "masquerade":
      case "reject":
        return this.run(statement, this.because(here));
      case "redirect":
        return unsupported("redirect");
      case "set":
        return this.write(statement, here);
      case "remember":
      case "counter":
      case "opaque-statement":
        return this.run(statement, here);
      default:
        return unreachable(statement);
    }
  }

  /** Runs a statement in the evaluator. */
  private run(statement: Statement, here: Here): GraphNode {
    const progress = runStatement(statement, stateOf(here.known), this.frameOf(here), here.rule);
    const reason =
      "text" in statement ? `not understood: ${statement.text}` : `${statement.kind} by fields of the packet`;
    return this.evaluated(progress, here, reason);
  }

  /** The place of a step as the evaluator knows it. */
  private frameOf({ call: { base, chain, table, depth }, known }: Here): Frame {
    const { hook } = known.shared;
    return { table, hook, base, chain: chain.name, depth, caller: undefined, behind: ANYTHING, runner: NO_JUMPS };
  }

  /** `here` where its rule is one of those that decided. */
  private because(here: Here): Here {
    const { call, known, rule } = here;
    const reason = rule.comment ?? call.chain.comment ?? `chain ${call.chain.name}`;
    return { ...here, known: this.knowledge.with(known, { reasons: [...known.reasons, reason] }) };
  }

  private verdict(verdict: Verdict, here: Here): GraphNode {
    const { call, known, number } = here;
    switch (verdict.kind) {
      case "accept":
      case "drop":
        return this.run({ kind: "verdict", verdict }, this.because(here));
      case "continue":
        return this.next(call, number, known);
      case "return":
        return call.back.at(known);
      case "jump":
      case "goto": {
        const back = verdict.kind === "jump" ? (call.rules[number + 1] as Place) : call.back;
        return (this.callee(call, verdict.chain, back).rules[0] as Place).at(known);
      }
      default:
        return unreachable(verdict);
    }
  }

  private translation(to: Extract<Statement, { kind: "dnat" }>["to"], here: Here): GraphNode {
    const { call, known, next } = here;
    if (to.kind === "literal" && to.addresses === undefined) return unsupported("dnat to a port only");
    if (to.kind === "literal" && (isRange(to.addresses) || isRange(to.ports))) return unsupported("dnat to a range");
    if (to.kind === "map" && this.isFilled(to.map, call.table)) return unsupported("a map that rules fill");
    if (known.branch.destination !== "daddr") return unsupported("a destination that is translated twice");
    const reading: Reading =
      to.kind === "map" ? read(to.key, known, call.table) : { kind: "reads", reads: [], choices: 1 };
    return this.asking(reading, next, (reads) => {
      const map = this.common.elements.ofMap(call.table, to.kind === "map" ? to.map : literalMap(to));
      const branch = { ...known.branch, destination: "toaddr", destinationPort: "toport" } as const;
      const then = (isChanged: boolean): Later =>
        new Later(() => call.done.at(this.knowledge.with(known, { branch, shared: sentBy(known.shared, isChanged) })));
      const keepsPort = !translatesPorts(known.shared);
      return { kind: "translate", keepsPort, reads, map, changed: then(true), same: then(false), missing: next };
    });
  }

  private write(statement: Extract<Statement, { kind: "set" }>, here: Here): GraphNode {
    const { call, known, next, onwards } = here;
    const { field, value } = statement;
    const isPriority = field.kind === "meta" && field.key === "priority";
    if (value.kind === "lookup") {
      if (!isPriority) return unsupported("a lookup that does not set the priority");
      if (this.isFilled(value.map, call.table)) return unsupported("a map that rules fill");
      return this.asking(read(value.key, known, call.table), next, (reads) => ({
        kind: "load",
        reads,
        map: this.common.elements.ofMap(call.table, value.map),
        found: new Later(() => onwards(this.knowledge.with(known, { priorityFromMap: true }))),
        missing: next,
      }));
    }
    return this.asking(read(value, known, call.table), next, ([only]) => {
      if (only?.kind !== "constant" && only?.kind !== "protocol")
        return unsupported("a packet's own properties written elsewhere");
      const before = isPriority ? this.knowledge.with(known, { priorityFromMap: false }) : known;
      return this.run(statement, { ...here, known: before });
    });
  }

  private isFilled(map: AskedSet | AskedMap, { lists, table }: TableIndex): boolean {
    return lists.filledSet(map, table) !== undefined;
  }

  /** The end of packets behind all hooks. Equal ends are one object. */
  private end({ shared, branch, reasons }: KnownState): GraphNode {
    const { disposition, isAccepted } = toRegionResult({ shared, branch });
    const { kind } = disposition;
    if ("source" in disposition && disposition.source.kind === "given")
      return unsupported("a source that a rule gives");
    const verdict = kind === "pass" && isAccepted ? "accept" : kind;
    const end: GraphEnd = {
      verdict,
      ...(shared.end?.kind === "reject" ? { rejectWith: shared.end.with } : {}),
      masquerade: shared.masqueraded,
      ...(kind === "dnat" && disposition.stickySeconds !== undefined
        ? { stickySeconds: disposition.stickySeconds }
        : {}),
      reasons,
    };
    const text = [verdict, end.rejectWith, end.masquerade, end.stickySeconds, ...reasons].join("|");
    const node = this.common.ends.get(text) ?? { kind: "end", end };
    this.common.ends.set(text, node);
    return node;
  }
}

/** The sets and maps that graphs ask, each as one object. */
class ElementsOf {
  private readonly sets = new Map<TableIndex, Map<AskedSet, SetOrMap>>();
  private readonly maps = new Map<TableIndex, Map<AskedMap, SetOrMap<MapElement>>>();

  ofSet(table: TableIndex, asked: AskedSet): SetOrMap {
    return remembered(this.sets, table, asked, () => contentOf(table.set(asked), table.setElements(asked)));
  }

  ofMap(table: TableIndex, asked: AskedMap): SetOrMap<MapElement> {
    return remembered(this.maps, table, asked, () => contentOf(table.map(asked), table.mapElements(asked)));
  }
}

function contentOf<Element extends SetElement>(
  set: { readonly elements: readonly Element[] } & ({ readonly name: string; readonly comment?: string } | InlineSet),
  index: ElementIndex<Element>,
): SetOrMap<Element> {
  return { title: "name" in set ? (set.comment ?? set.name) : undefined, elements: set.elements, index };
}

function remembered<Asked, Found>(
  all: Map<TableIndex, Map<Asked, Found>>,
  table: TableIndex,
  asked: Asked,
  make: () => Found,
): Found {
  const known = all.get(table) ?? new Map<Asked, Found>();
  all.set(table, known);
  const found = known.get(asked) ?? make();
  known.set(asked, found);
  return found;
}

/** A step that is about to be taken. */
interface Here {
  readonly call: Call;
  readonly known: KnownState;
  readonly rule: Rule;
  /** The number of the rule in the chain. */
  readonly number: number;
  /** The rule after it. */
  readonly next: Later;
  /** The step after it. */
  readonly onwards: (known: KnownState) => GraphNode;
}

const LOCAL: Against = { kind: "intervals", intervals: [{ from: ADDRESS_TYPE.local, to: ADDRESS_TYPE.local }] };

function isMatch(step: Step): step is Match {
  return ["compare", "within", "name-prefix", "member", "chance", "opaque"].includes(step.kind);
}

function isVerdict(value: MapElement["value"]): value is Verdict {
  return !Array.isArray(value);
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
const LITERAL_MAPS = new WeakMap<object, InlineMap>();

function literalMap(to: Extract<Statement, { kind: "dnat" }>["to"] & { readonly kind: "literal" }): InlineMap {
  let map = LITERAL_MAPS.get(to);
  if (map === undefined) {
    const address = to.addresses?.from ?? 0;
    const type = typeof address === "bigint" ? "ipv6_addr" : "ipv4_addr";
    const elements = [{ key: [], value: to.ports === undefined ? [address] : [address, to.ports.from] }];
    map = { key: [], data: to.ports === undefined ? [type] : [type, "inet_service"], elements };
    LITERAL_MAPS.set(to, map);
  }
  return map;
}

function unsupported(reason: string): GraphNode {
  return { kind: "unsupported", reason };
}

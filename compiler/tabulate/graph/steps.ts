/** From the steps of a rule to nodes. What a step does to all packets alike is the evaluator's answer; what it does to some of them is a
 *  question in the graph, or more than a table can say. */
import { PLAIN } from "../../evaluate/chain.ts";
import type { Behind, Frame, Runner, StepProgress } from "../../evaluate/frame.ts";
import { runMatch } from "../../evaluate/match.ts";
import { sentBy, translatesPorts } from "../../evaluate/nat.ts";
import { Question } from "../../evaluate/question.ts";
import { runStatement } from "../../evaluate/statement.ts";
import type { TableIndex } from "../../evaluate/table-index.ts";
import { unreachable } from "../../invariant.ts";
import type {
  AskedMap,
  AskedSet,
  Interval,
  MapElement,
  Match,
  Rule,
  Statement,
  Step,
  Verdict,
} from "../../ir/types.ts";
import type { ValueTest } from "../../ir/value-test.ts";
import { isInert } from "../../ir/walk.ts";
import { contains, type ElementsOf, literalMap } from "./elements.ts";
import { type Knowledge, type KnownState, stateOf } from "./known.ts";
import type { ChainCall, GraphPlace, StepPlace } from "./place.ts";
import { type Reading, read, readKey } from "./read.ts";
import { type Against, type GraphNode, Later } from "./types.ts";

/** What stands around the rules. */
export interface Around {
  /** The chain that a rule jumps to, whose end is followed by `back`. */
  callee(call: ChainCall, chain: string, back: GraphPlace): ChainCall;
  /** The end of packets behind all hooks. */
  end(known: KnownState): GraphNode;
}

const ANYTHING: Behind = { entries: [], next: 0, later: undefined };

const NO_JUMPS: Runner = {
  ...PLAIN,
  run: () => {
    throw new Error("jumps are followed by the graph");
  },
};

export class Steps {
  private readonly knowledge: Knowledge;
  private readonly elements: ElementsOf;
  private readonly around: Around;

  constructor(knowledge: Knowledge, elements: ElementsOf, around: Around) {
    this.knowledge = knowledge;
    this.elements = elements;
    this.around = around;
  }

  /** The node of a rule from its step `index` on. */
  step(call: ChainCall, rule: Rule, at: number, index: number, known: KnownState): GraphNode {
    const step = rule.steps[index];
    if (step === undefined) return this.next(call, at, known);
    const here: StepPlace = {
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

  private match(match: Match, here: StepPlace): GraphNode {
    switch (match.kind) {
      case "compare":
      case "within":
      case "name-prefix":
        return this.question(match, here);
      case "member": {
        const { table } = here.call;
        if (typeof match.set === "string" && this.isFilled(match.set, table))
          return unsupported(`set ${match.set}, which rules fill`);
        const set = this.elements.ofSet(table, match.set);
        const reading = readKey(match.key, set.elements, here.known, table);
        if (reading.kind === "nothing") return match.orAbsent ? here.onwards(here.known) : here.next.node;
        if (reading.kind === "none") return match.negated ? here.onwards(here.known) : here.next.node;
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

  private question(test: ValueTest, here: StepPlace): GraphNode {
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

  private test(reading: Reading, against: Against, negated: boolean, here: StepPlace): GraphNode {
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
    if (reading.kind === "nothing" || reading.kind === "none") return next.node;
    const { reads, choices } = reading;
    return choices === 1 ? ask(reads) : { kind: "choose", count: choices, chosen: new Later(() => ask(reads)) };
  }

  /** The node behind a step that did the same to all packets. `reason`: why a table cannot hold the step where it did not. */
  private evaluated(progress: readonly StepProgress[], here: StepPlace, reason: string): GraphNode {
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
        return isEnd ? this.around.end(known) : here.call.done.at(known);
      default:
        return unreachable(flow);
    }
  }

  private statement(statement: Statement, here: StepPlace): GraphNode {
    const { call, known, next } = here;
    const { table } = call;
    switch (statement.kind) {
      case "verdict":
        return this.verdict(statement.verdict, here);
      case "vmap": {
        if (this.isFilled(statement.map, table)) return unsupported("a map that rules fill");
        const map = this.elements.ofMap(table, statement.map);
        return this.asking(readKey(statement.key, map.elements, known, table), next, (reads) => {
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
      case "opaque-statement":
        return this.run(statement, here);
      default:
        return isInert(statement) ? here.onwards(known) : unreachable(statement);
    }
  }

  /** Runs a statement in the evaluator. */
  private run(statement: Statement, here: StepPlace): GraphNode {
    const progress = runStatement(statement, stateOf(here.known), this.frameOf(here), here.rule);
    const reason =
      "text" in statement ? `not understood: ${statement.text}` : `${statement.kind} by fields of the packet`;
    return this.evaluated(progress, here, reason);
  }

  /** The place of a step as the evaluator knows it. */
  private frameOf({ call: { base, chain, table, depth }, known }: StepPlace): Frame {
    const { hook } = known.shared;
    return { table, hook, base, chain: chain.name, depth, caller: undefined, behind: ANYTHING, runner: NO_JUMPS };
  }

  /** `here` where its rule is one of those that decided. */
  private because(here: StepPlace): StepPlace {
    const { call, known, rule } = here;
    const reason = rule.comment ?? call.chain.comment ?? `chain ${call.chain.name}`;
    return { ...here, known: this.knowledge.with(known, { reasons: [...known.reasons, reason] }) };
  }

  private verdict(verdict: Verdict, here: StepPlace): GraphNode {
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
        const back = verdict.kind === "jump" ? (call.rules[number + 1] as GraphPlace) : call.back;
        return (this.around.callee(call, verdict.chain, back).rules[0] as GraphPlace).at(known);
      }
      default:
        return unreachable(verdict);
    }
  }

  private translation(to: Extract<Statement, { kind: "dnat" }>["to"], here: StepPlace): GraphNode {
    const { call, known, next } = here;
    if (to.kind === "literal" && to.addresses === undefined) return unsupported("dnat to a port only");
    if (to.kind === "literal" && (isRange(to.addresses) || isRange(to.ports))) return unsupported("dnat to a range");
    if (to.kind === "map" && this.isFilled(to.map, call.table)) return unsupported("a map that rules fill");
    if (known.branch.destination !== "daddr") return unsupported("a destination that is translated twice");
    const map = this.elements.ofMap(call.table, to.kind === "map" ? to.map : literalMap(to));
    const reading: Reading =
      to.kind === "map" ? readKey(to.key, map.elements, known, call.table) : { kind: "reads", reads: [], choices: 1 };
    return this.asking(reading, next, (reads) => {
      const branch = { ...known.branch, destination: "toaddr", destinationPort: "toport" } as const;
      const then = (isChanged: boolean): Later =>
        new Later(() => call.done.at(this.knowledge.with(known, { branch, shared: sentBy(known.shared, isChanged) })));
      const keepsPort = !translatesPorts(known.shared);
      return { kind: "translate", keepsPort, reads, map, changed: then(true), same: then(false), missing: next };
    });
  }

  private write(statement: Extract<Statement, { kind: "set" }>, here: StepPlace): GraphNode {
    const { call, known, next, onwards } = here;
    const { field, value } = statement;
    const isPriority = field.kind === "meta" && field.key === "priority";
    if (value.kind === "lookup") {
      if (!isPriority) return unsupported("a lookup that does not set the priority");
      if (this.isFilled(value.map, call.table)) return unsupported("a map that rules fill");
      const map = this.elements.ofMap(call.table, value.map);
      return this.asking(readKey(value.key, map.elements, known, call.table), next, (reads) => ({
        kind: "load",
        reads,
        map,
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

  private next(call: ChainCall, rule: number, known: KnownState): GraphNode {
    return (call.rules[rule + 1] as GraphPlace).at(known);
  }
}

function isMatch(step: Step): step is Match {
  return ["compare", "within", "name-prefix", "member", "chance", "opaque"].includes(step.kind);
}

function isVerdict(value: MapElement["value"]): value is Verdict {
  return !Array.isArray(value);
}

function isRange(interval: Interval | undefined): boolean {
  return interval !== undefined && interval.from !== interval.to;
}

/** The node of what no table can say. */
export function unsupported(reason: string): GraphNode {
  return { kind: "unsupported", reason };
}

/** From a program to its graph: hooks, base chains and chains, along the path of packets that come in one way. */

import { hasPorts } from "../../evaluate/field.ts";
import { type HookPath, pathOf } from "../../evaluate/hook-path.ts";
import { Hooks } from "../../evaluate/hooks.ts";
import type { Environment, Packets } from "../../evaluate/packet.ts";
import { toRegionResult } from "../../evaluate/result.ts";
import { comeBack } from "../../evaluate/routing.ts";
import { type State, startState, withShared } from "../../evaluate/state.ts";
import type { TableIndex } from "../../evaluate/table-index.ts";
import { asksNat, confirmNat, hideConnection, isBeforeTracking, showConnection } from "../../evaluate/tracking.ts";
import { invariant, unreachable } from "../../invariant.ts";
import { ADDRESS_TYPE, CT_STATE, MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import type { BaseChain, Chain, Hook, Program } from "../../ir/types.ts";
import type { Family } from "../../net/address.ts";
import { allAddresses } from "../../packets/address-type.ts";
import { PacketSet } from "../../packets/packet-set.ts";
import { Ranges } from "../../packets/ranges.ts";
import { ElementsOf } from "./elements.ts";
import { Knowledge, type KnownState, stateOf } from "./known.ts";
import { type ChainCall, GraphPlace } from "./place.ts";
import { Steps, unsupported } from "./steps.ts";
import { type Against, type GraphEnd, type GraphNode, Later } from "./types.ts";

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

/** What the graphs of all entry points have in common. */
interface CommonParts {
  readonly elements: ElementsOf;
  readonly ends: Map<string, GraphNode>;
}

class Unfolder {
  private readonly hooks: Hooks;
  private readonly packets: Packets;
  private readonly environment: Environment;
  private readonly common: CommonParts;
  private readonly knowledge = new Knowledge();
  private readonly steps: Steps;

  constructor(hooks: Hooks, packets: Packets, environment: Environment, common: CommonParts) {
    this.hooks = hooks;
    this.packets = packets;
    this.environment = environment;
    this.common = common;
    this.steps = new Steps(this.knowledge, common.elements, {
      callee: (call, chain, back) => this.callee(call, chain, back),
      end: (known) => this.end(known),
    });
  }

  root(): GraphNode {
    return this.along(pathOf(this.packets)).at(this.knowledge.start(startState(this.packets, this.environment, true)));
  }

  private along(way: HookPath): GraphPlace {
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
        return new GraphPlace((known) => this.end(known));
      default:
        return unreachable(way);
    }
  }

  /** What the node sends to itself comes back by the loopback interface, with the source that masquerading gave it. */
  private loopback(then: GraphPlace): GraphPlace {
    return this.changing((state) => {
      const [looped, more] = comeBack(state);
      invariant(looped !== undefined && more === undefined, "packets to one destination come back as one");
      return looped;
    }, then);
  }

  /** The routing decision. */
  private whenLocal(yes: GraphPlace, no: GraphPlace): GraphPlace {
    return new GraphPlace((known) => {
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
  private changing(change: (state: State) => State, then: GraphPlace): GraphPlace {
    return new GraphPlace((known) => {
      const after = this.knowledge.after(known, change(stateOf(known)));
      invariant(after !== undefined, "what no rule does is done to all packets alike");
      return then.at(after);
    });
  }

  // --- hooks and chains --------------------------------------------------------------------------------------------------

  /** All base chains of a hook. */
  private pass(hook: Hook, then: GraphPlace): GraphPlace {
    const confirmed = this.changing((state) => confirmNat(hook, state), then);
    const first = this.hooks.at(this.packets.family, hook).reduceRight((next, { orders: [only, more] }) => {
      const entries = more === undefined ? only?.entries : undefined;
      if (entries === undefined)
        return new GraphPlace(() => unsupported("chains of one hook and priority in an order that is not known"));
      return entries.reduceRight((after, { index, chain }) => this.base(hook, chain, index, after), next);
    }, confirmed);
    return this.changing((state) => withShared(state, { hook }), first);
  }

  private base(hook: Hook, chain: BaseChain, index: TableIndex, next: GraphPlace): GraphPlace {
    const { ctState } = startState(this.packets, this.environment, true).shared;
    const tracked = this.rulesOf(chain, index, next);
    const untracked = this.changing(
      hideConnection,
      this.rulesOf(
        chain,
        index,
        this.changing((state) => showConnection(state, ctState), next),
      ),
    );
    return new GraphPlace((known) => {
      if (chain.type === "nat" && !asksNat(hook, known.shared)) return next.at(known);
      return (isBeforeTracking(hook, chain, known.shared) ? untracked : tracked).at(known);
    });
  }

  /** Where the rules of a base chain begin. */
  private rulesOf(chain: BaseChain, index: TableIndex, next: GraphPlace): GraphPlace {
    const dropped = (state: State): State => withShared(state, { end: { kind: "drop" } });
    const end = new GraphPlace((known) => this.end(known));
    const back = chain.policy === "accept" ? next : this.changing(dropped, end);
    return this.enter(chain, chain, index, 0, back, next).rules[0] as GraphPlace;
  }

  private enter(
    base: BaseChain,
    chain: Chain,
    table: TableIndex,
    depth: number,
    back: GraphPlace,
    done: GraphPlace,
  ): ChainCall {
    invariant(depth <= MAX_JUMP_DEPTH, `chain ${chain.name} is not reached by more than ${MAX_JUMP_DEPTH} jumps`);
    const rules: GraphPlace[] = chain.rules.map(
      (rule, i) => new GraphPlace((known) => this.steps.step(call, rule, i, 0, known)),
    );
    rules.push(back);
    const call: ChainCall = { base, chain, table, depth, back, done, rules, callees: new Map() };
    return call;
  }

  /** The chain that a rule jumps to; each is entered once from each place. */
  private callee(call: ChainCall, name: string, back: GraphPlace): ChainCall {
    const { base, table, depth, done, callees } = call;
    const chain = table.chain(name);
    const known = callees.get(chain) ?? new Map<GraphPlace, ChainCall>();
    callees.set(chain, known);
    const entered = known.get(back) ?? this.enter(base, chain, table, depth + 1, back, done);
    known.set(back, entered);
    return entered;
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

const LOCAL: Against = { kind: "intervals", intervals: [{ from: ADDRESS_TYPE.local, to: ADDRESS_TYPE.local }] };

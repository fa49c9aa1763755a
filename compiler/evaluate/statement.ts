/** What a statement does to packets. */
import { invariant, unreachable } from "../invariant.ts";
import { CONNTRACK_PRIORITY, CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type {
  Expression,
  Interval,
  KeyPart,
  MapElement,
  NatRandom,
  NatTarget,
  Rule,
  Statement,
  Value,
  Verdict,
  WritableField,
} from "../ir/types.ts";
import { type Address, familyOf, printAddress } from "../net/address.ts";
import { describe, evaluateExpression, isUnknown, type Operand } from "./expression.ts";
import type { Frame, StepProgress } from "./frame.ts";
import { contentOf, keyText } from "./lookup.ts";
import { assume } from "./match.ts";
import type { Reason } from "./packet.ts";
import { Unbounded } from "./preimage.ts";
import { Ranges } from "./ranges.ts";
import { hasFewValues, within, without } from "./region.ts";
import { Sorter } from "./sorter.ts";
import {
  type Control,
  type Held,
  heldKey,
  isExplained,
  type Now,
  narrow,
  type State,
  type Stream,
  translate,
  valueNow,
  withBits,
  withControl,
} from "./state.ts";

/** What becomes of packets that a rule's matches have let through. */
export function runStatement(statement: Statement, state: State, frame: Frame, rule: Rule): StepProgress[] {
  const because = (control: Control, extra: ReasonExtra = {}): Control => {
    if (!isExplained(control)) return control;
    const { table, family } = { table: frame.table.table.name, family: frame.table.table.family };
    invariant(family === "ip" || family === "ip6" || family === "inet", "only IP tables are evaluated");
    return {
      ...control,
      reasons: [
        ...control.reasons,
        { hook: frame.hook, table, family, chain: frame.chain, rule, ...control.member, ...extra },
      ],
    };
  };
  const with_ = (change: Partial<Control>): State => ({
    control: because({ ...state.control, ...change }),
    streams: state.streams,
  });
  switch (statement.kind) {
    case "verdict":
      return runVerdict(statement.verdict, withReasons(state, because), frame);
    case "vmap":
      return runVmap(statement, state, frame, because);
    case "dnat":
      return runNat(statement.to, state, frame, destinations(because, statement.random));
    case "redirect":
      return redirect(statement, state, because);
    case "snat":
      return runNat(statement.to, state, frame, sources(because));
    case "masquerade": {
      const newSource = statement.ports === undefined ? undefined : sourceOf(undefined, statement.ports);
      return [{ state: with_({ masqueraded: true, sourceSettled: true, newSource }), flow: "done" }];
    }
    case "reject":
      return [{ state: with_({ end: { kind: "reject", with: statement.with } }), flow: "done" }];
    case "set":
      return runSet(statement, state, frame);
    case "remember":
      return [{ state: with_(remembered(statement, frame)), flow: "continue" }];
    case "counter":
      return [{ state, flow: "continue" }];
    case "opaque-statement": {
      const { writes = [], terminal, text } = statement;
      const after = writes.length === 0 ? state : withControl(state, overwrite(state.control, writes));
      return terminal ? assumeEnd(text, after) : [{ state: after, flow: "continue" }];
    }
    default:
      return unreachable(statement);
  }
}

type ReasonExtra = Pick<Reason, "element" | "declaration" | "translated">;

/** Adds the rule at hand to the reasons of a single packet. */
type Because = (control: Control, extra?: ReasonExtra) => Control;

function withReasons(state: State, because: Because, extra?: ReasonExtra): State {
  const control = because(state.control, extra);
  return control === state.control ? state : { control, streams: state.streams };
}

function declarationOf(map: string | readonly MapElement[], { table }: Frame): Pick<Reason, "declaration"> {
  return typeof map === "string" ? { declaration: table.map(map) } : {};
}

function runVerdict(verdict: Verdict, state: State, frame: Frame): StepProgress[] {
  switch (verdict.kind) {
    case "accept":
      return [{ state: state.control.accepted ? state : withControl(state, { accepted: true }), flow: "done" }];
    case "drop":
      return [{ state: withControl(state, { end: { kind: "drop" } }), flow: "done" }];
    case "continue":
      return [{ state, flow: "next" }];
    case "return":
      return [{ state, flow: "return" }];
    case "jump":
    case "goto": {
      const chain = frame.table.chain(verdict.chain);
      const { table, hook, depth, priority, enter } = frame;
      const inside = enter(chain, state, { table, hook, chain: chain.name, depth: depth + 1, priority, enter });
      const afterReturn = verdict.kind === "jump" ? "next" : "return";
      return inside.map((each) => (each.flow === "return" ? { state: each.state, flow: afterReturn } : each));
    }
    default:
      return unreachable(verdict);
  }
}

/** Packets that have found the same verdict. */
interface Decided {
  readonly element: MapElement;
  readonly streams: Stream[];
}

function runVmap(
  { key, map }: Extract<Statement, { kind: "vmap" }>,
  state: State,
  frame: Frame,
  because: Because,
): StepProgress[] {
  const { control, streams } = state;
  const run = (element: MapElement, chosen: State): StepProgress[] => {
    if (isData(element.value)) return [{ state: chosen, flow: "next" }];
    return runVerdict(element.value, withReasons(chosen, because, { element, ...declarationOf(map, frame) }), frame);
  };
  if (isUnknown(key, control)) {
    const candidates = typeof map === "string" ? frame.table.map(map).elements : map;
    return assumeElement(key, candidates, state, (element, chosen) =>
      isData(element.value) ? [] : run(element, chosen),
    );
  }
  const elements = typeof map === "string" ? frame.table.mapElements(map) : frame.table.inlineElements(map);
  const decided = new Map<unknown, Decided>();
  const others = new Sorter<"next">(state);
  for (const stream of streams) {
    for (const { region, probability, value } of evaluateExpression(key, control, stream, frame.table)) {
      if (value === undefined) {
        others.add(narrow(stream, region, probability), "next");
        continue;
      }
      for (const { region: part, element } of elements.split(value, region)) {
        const after = narrow(stream, part, probability);
        if (element === undefined) {
          others.add(after, "next");
          continue;
        }
        // Of a single packet it is told by which element.
        const found = isExplained(control) ? {} : contentOf(element);
        const known = decided.get(found);
        if (known === undefined) decided.set(found, { element, streams: [after] });
        else known.streams.push(after);
      }
    }
  }
  const progress: StepProgress[] = others.progress;
  for (const { element, streams: some } of decided.values()) progress.push(...run(element, { control, streams: some }));
  return progress;
}

/** Each element that an unknown key may be, by what it holds, and none of them: the rule ends then. */
function assumeElement(
  key: Expression,
  elements: readonly MapElement[],
  state: State,
  run: (element: MapElement, state: State) => StepProgress[],
): StepProgress[] {
  const byValue = new Map<string, MapElement[]>();
  for (const element of elements) {
    const value = isData(element.value) ? keyText(element.value) : JSON.stringify(element.value);
    byValue.set(value, [...(byValue.get(value) ?? []), element]);
  }
  let open = [state];
  const done: StepProgress[] = [];
  for (const group of byValue.values()) {
    const subject = describe(key);
    const what =
      key.kind === "concat"
        ? `${subject} ${group.map((element) => element.key.map(partText).join(" . ")).join()}`
        : { subject, values: group.flatMap((element) => element.key) };
    const branches = open.flatMap((each) => assume(what, false, each));
    open = branches.filter(({ flow }) => flow === "next").map((branch) => branch.state);
    for (const branch of branches) {
      if (branch.flow !== "next") done.push(...run(group[0] as MapElement, branch.state));
    }
  }
  return [...done, ...open.map((each): StepProgress => ({ state: each, flow: "next" }))];
}

function partText(part: KeyPart): string {
  return typeof part === "object" ? `${part.from}-${part.to}` : String(part);
}

function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

/** What a translation does to a stream that is given an address and a port, each one of an interval where there is one. */
type Give = (
  sorter: Sorter<"next" | "done">,
  stream: Stream,
  addresses: Interval | undefined,
  ports: Interval | undefined,
  extra: ReasonExtra,
) => void;

function runNat(to: NatTarget, state: State, frame: Frame, giveBy: (control: Control) => Give): StepProgress[] {
  const { control, streams } = state;
  const give = giveBy(control);
  const sorter = new Sorter<"next" | "done">(state);
  if (to.kind === "literal") {
    for (const stream of streams) give(sorter, stream, to.addresses, to.ports, {});
    return sorter.progress;
  }
  const declaration = frame.table.map(to.map);
  const giveFound = (each: Give, into: typeof sorter, stream: Stream, element: MapElement | undefined): void => {
    if (element === undefined || !isData(element.value)) {
      into.add(stream, "next");
      return;
    }
    const [address, port] = element.value.map((value): Interval => ({ from: value, to: value }));
    each(into, stream, address, port, { element, declaration });
  };
  if (isUnknown(to.key, control))
    return assumeElement(to.key, declaration.elements, state, (element, chosen) => {
      const own = new Sorter<"next" | "done">(chosen);
      const giveThem = giveBy(chosen.control);
      for (const stream of chosen.streams) giveFound(giveThem, own, stream, element);
      return own.progress;
    });
  const elements = frame.table.mapElements(to.map);
  for (const stream of streams) {
    for (const { region, probability, value } of evaluateExpression(to.key, control, stream, frame.table)) {
      if (value === undefined) sorter.add(narrow(stream, region, probability), "next");
      else
        for (const { region: part, element } of elements.split(value, region))
          giveFound(give, sorter, narrow(stream, part, probability), element);
    }
  }
  return sorter.progress;
}

/** One of the destinations that a stream is given. */
interface Way {
  readonly stream: Stream;
  readonly address: Now<Address>;
  readonly port: Now<number>;
  /** As in `Result`. */
  readonly taken: readonly string[];
}

const NOTHING_TAKEN: readonly string[] = [];

/** Destinations. */
function destinations(because: Because, random: NatRandom): (control: Control) => Give {
  return (control) => {
    const controls = sentControls(control, because, true);
    return (sorter, stream, addresses, ports, extra) => {
      for (const chosen of addressesFor(stream, addresses))
        for (const way of portsFor(chosen, ports, random)) sendOn(sorter, way, controls, extra);
    };
  };
}

/** A redirected packet stays here. */
function redirect(
  { ports, random }: Extract<Statement, { kind: "redirect" }>,
  state: State,
  because: Because,
): StepProgress[] {
  const { control, streams } = state;
  const controls = sentControls(control, because, false);
  const sorter = new Sorter<"next" | "done">(state);
  for (const stream of streams) {
    const chosen: Way = {
      stream,
      address: redirectAddress(control, stream),
      port: stream.destinationPort,
      taken: NOTHING_TAKEN,
    };
    for (const way of portsFor(chosen, ports, random)) sendOn(sorter, way, controls, {});
  }
  return sorter.progress;
}

type ControlOf = (isChanged: boolean, way: Way, sent: Stream, extra: ReasonExtra) => Control;

function sendOn(sorter: Sorter<"next" | "done">, way: Way, controlOf: ControlOf, extra: ReasonExtra): void {
  const { same, others } = translate(way.stream, way.address, way.port);
  if (same !== undefined) sorter.add(same, "done", controlOf(false, way, same, extra));
  for (const each of others) sorter.add(each, "done", controlOf(true, way, each, extra));
}

/** What streams have in common that are sent on; the same object where it is the same. `isSaid`: a rule said where they go. */
function sentControls(control: Control, because: Because, isSaid: boolean): ControlOf {
  const known = new Map<string, Control>();
  return (isChanged, { taken }, sent, extra) => {
    const key = `${isChanged} ${taken.join("\n")}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const next = {
      ...control,
      ctStatus: isChanged ? withBits(control.ctStatus, CT_STATUS.dnat) : control.ctStatus,
      destinationSettled: true,
      takenBy: [...control.takenBy, ...taken],
      translated: control.translated || isSaid,
    };
    if (isExplained(control)) return because(next, isSaid ? { ...extra, ...translatedTo(sent) } : extra);
    known.set(key, next);
    return next;
  };
}

/** Sources: which one of several is not followed. */
function sources(because: Because): (control: Control) => Give {
  return (control) => {
    const known = new Map<string, Control>();
    return (sorter, stream, addresses, ports, extra) => {
      const newSource = sourceOf(addresses, ports);
      const key = newSource?.text ?? "";
      const next = known.get(key) ?? because({ ...control, masqueraded: true, sourceSettled: true, newSource }, extra);
      known.set(key, next);
      sorter.add(stream, "done", next);
    };
  };
}

function sourceOf(addresses: Interval | undefined, ports: Interval | undefined): Control["newSource"] {
  const address = addresses?.from as Address | undefined;
  const behind = ports === undefined ? "" : `:${printInterval(ports, String)}`;
  if (addresses === undefined || address === undefined)
    return { text: `the node's address${behind}`, address: undefined };
  const text = printInterval(addresses, (each) => printAddress(each as Address));
  return { text: typeof address === "bigint" && behind !== "" ? `[${text}]${behind}` : `${text}${behind}`, address };
}

function printInterval({ from, to }: Interval, print: (value: Value) => string): string {
  return from === to ? print(from) : `${print(from)}-${print(to)}`;
}

/** More addresses than this are not told apart. */
const MOST_ADDRESSES = 64;

/** The kernel chooses by the client's address: each is the one for as many (nf_nat_core.c, find_best_ips_proto). */
function addressesFor(stream: Stream, addresses: Interval | undefined): readonly Way[] {
  const port = stream.destinationPort;
  if (addresses === undefined) return [{ stream, address: stream.destination, port, taken: NOTHING_TAKEN }];
  const first = addresses.from as Address;
  const count = Number(BigInt(addresses.to) - BigInt(first)) + 1;
  if (count > MOST_ADDRESSES) {
    const text = printInterval(addresses, (each) => printAddress(each as Address));
    return [{ stream, address: first, port, taken: [`a choice of ${text}`] }];
  }
  if (count === 1) return [{ stream, address: first, port, taken: NOTHING_TAKEN }];
  return Array.from({ length: count }, (_, i) => ({
    stream: narrow(stream, stream.region, 1 / count),
    address: (typeof first === "bigint" ? first + BigInt(i) : first + i) as Address,
    ...{ port, taken: NOTHING_TAKEN },
  }));
}

/** Of several ports packets keep theirs if it is among them, and get the first one else (nf_nat_core.c, get_unique_tuple). */
function portsFor(way: Way, ports: Interval | undefined, random: NatRandom): readonly Way[] {
  const { stream, address, taken } = way;
  if (ports === undefined) return [way];
  const [first, last] = [Number(ports.from), Number(ports.to)];
  if (first === last) return [{ stream, address, port: first, taken }];
  if (random !== "none")
    return [{ stream, address, port: first, taken: [...taken, `a choice of ports ${first}-${last}`] }];
  const wanted = new Ranges([first, last + 1]);
  const port = valueNow(stream.destinationPort, stream.region);
  if (typeof port !== "object") return [wanted.has(port) ? way : { ...way, port: first }];
  const [inside, outside] = [within(stream.region, port.field, wanted), without(stream.region, port.field, wanted)];
  return [
    ...(inside === undefined ? [] : [{ ...way, stream: narrow(stream, inside) }]),
    ...(outside === undefined ? [] : [{ ...way, stream: narrow(stream, outside), port: first }]),
  ];
}

/** The one destination that packets have now. */
function translatedTo({ destination, destinationPort, region }: Stream): Pick<Reason, "translated"> {
  const [address, port] = [valueNow(destination, region), valueNow(destinationPort, region)];
  return typeof address === "object" || typeof port === "object" ? {} : { translated: { address, port } };
}

/** A redirected packet stays here: by its own name when it came from here, else by an address of the node. */
function redirectAddress({ original, environment }: Control, { destination }: Stream): Now<Address> {
  const { family, inInterface } = original;
  if (inInterface === undefined) return (family === "IPv4" ? 0x7f000001 : 1n) as Address;
  return [...environment.localAddresses].find((address) => familyOf(address) === family) ?? destination;
}

function runSet({ field, value }: Extract<Statement, { kind: "set" }>, state: State, frame: Frame): StepProgress[] {
  const { control, streams } = state;
  if (isUnknown(value, control)) return [{ state: withControl(state, overwrite(control, [field])), flow: "continue" }];
  const written = new Map<string, Control>();
  const sorter = new Sorter<"continue" | "next">(state);
  for (const stream of streams) {
    for (const { region, probability, value: words } of evaluateExpression(value, control, stream, frame.table)) {
      const chosen = narrow(stream, region, probability);
      if (words === undefined) {
        sorter.add(chosen, "next");
        continue;
      }
      const held = heldOf(words[0] as Operand, field);
      const key = heldKey(held);
      const known = written.get(key) ?? { ...control, ...write(control, field, held, frame) };
      written.set(key, known);
      sorter.add(chosen, "continue", known);
    }
  }
  return sorter.progress;
}

function heldOf(word: Operand, field: WritableField): Held {
  if (typeof word !== "object") return Number(word);
  if (hasFewValues(word.field)) return word;
  throw new Unbounded(`${describe(field)} set to an address or a port`);
}

/** What changes by a write. */
function write(control: Control, field: WritableField, held: Held, frame: Frame): Partial<Control> {
  const overwritten = leaveOut(control.overwritten, describe(field));
  if (field.kind === "ct" && field.key === "state") return { overwritten, ...untrack(control, frame) };
  if (field.kind === "ct") return field.key === "mark" ? { overwritten, ctMark: held } : { overwritten };
  if (field.key === "mark") return { overwritten, mark: held };
  if (field.key !== "priority") return { overwritten };
  if (typeof held === "object") throw new Unbounded("a priority set to a mark");
  return { overwritten, priority: held };
}

/** Fields whose values are not known any more. */
function overwrite({ overwritten }: Control, fields: readonly Expression[]): Partial<Control> {
  return { overwritten: new Set([...overwritten, ...fields.map(describe)]) };
}

function leaveOut(texts: ReadonlySet<string>, text: string): ReadonlySet<string> {
  return texts.has(text) ? new Set([...texts].filter((other) => other !== text)) : texts;
}

/** Only a packet that connection tracking has not seen yet stays out of it (nft_notrack_eval, xt_ct_target). */
function untrack({ ctState }: Control, { priority }: Frame): Partial<Control> {
  return priority < CONNTRACK_PRIORITY || ctState === CT_STATE.invalid ? { ctState: CT_STATE.untracked } : {};
}

function remembered(
  { set, timeoutSeconds }: Extract<Statement, { kind: "remember" }>,
  { table }: Frame,
): Partial<Control> {
  const seconds = timeoutSeconds ?? table.set(set).dynamic?.timeoutSeconds;
  return seconds === undefined ? {} : { sticky: { timeoutSeconds: seconds } };
}

/** A terminal statement that is not understood: it may have taken the packet, or not. */
function assumeEnd(text: string, state: State): StepProgress[] {
  return assume(text, false, state).map(({ state: after, flow }): StepProgress => {
    if (flow !== "continue") return { state: after, flow: "continue" };
    return { state: withControl(after, { takenBy: [...after.control.takenBy, text] }), flow: "done" };
  });
}

/** What a statement does to packets. */
import { invariant, unreachable } from "../invariant.ts";
import { CONNTRACK_PRIORITY, CT_STATE } from "../ir/constants.ts";
import type {
  Expression,
  Interval,
  KeyPart,
  MapElement,
  NatRandom,
  NatTarget,
  Rule,
  SetElement,
  Statement,
  Value,
  Verdict,
  WritableField,
} from "../ir/types.ts";
import { type Address, familyOf, printAddress } from "../net/address.ts";
import { describe, evaluateExpression, isUnknown } from "./expression.ts";
import type { Frame, StepProgress } from "./frame.ts";
import { keyText } from "./lookup.ts";
import { assume } from "./match.ts";
import type { Reason } from "./packet.ts";
import { Unbounded } from "./preimage.ts";
import { Ranges } from "./ranges.ts";
import { hasFewValues, within, without } from "./region.ts";
import { type Held, isExplained, type Now, narrow, type State, translate, valueNow } from "./state.ts";

/** What becomes of packets that a rule's matches have let through. */
export function runStatement(statement: Statement, state: State, frame: Frame, rule: Rule): StepProgress[] {
  const because = (after: State, extra: ReasonExtra = {}): State => {
    if (!isExplained(after)) return after;
    const { table, family } = { table: frame.table.table.name, family: frame.table.table.family };
    invariant(family === "ip" || family === "ip6" || family === "inet", "only IP tables are evaluated");
    return {
      ...after,
      reasons: [
        ...after.reasons,
        { hook: frame.hook, table, family, chain: frame.chain, rule, ...state.member, ...extra },
      ],
    };
  };
  switch (statement.kind) {
    case "verdict":
      return runVerdict(statement.verdict, because(state), frame);
    case "vmap":
      return runVmap(statement, state, frame, (after, element) =>
        because(after, { element, ...declarationOf(statement.map, frame) }),
      );
    case "dnat":
      return runNat(statement.to, state, frame, sendBy(because), statement.random);
    case "redirect":
      return portsFor(state, statement.ports, statement.random).flatMap(({ state: chosen, port }) =>
        translate(chosen, redirectAddress(chosen), port).map((sent) => ({ state: because(sent), flow: "done" })),
      );
    case "snat":
      return runNat(statement.to, state, frame, giveSourceBy(because), statement.random);
    case "masquerade": {
      const from = statement.ports === undefined ? undefined : sourceOf(undefined, statement.ports);
      return [{ state: because({ ...state, masqueraded: true, sourceSettled: true, newSource: from }), flow: "done" }];
    }
    case "reject":
      return [{ state: because({ ...state, end: { kind: "reject", with: statement.with } }), flow: "done" }];
    case "set":
      return runSet(statement, state, frame);
    case "remember":
      return [{ state: because(remember(statement, state, frame)), flow: "continue" }];
    case "counter":
      return [{ state, flow: "continue" }];
    case "opaque-statement": {
      const after = (statement.writes ?? []).reduce(overwrite, state);
      return statement.terminal ? assumeEnd(statement.text, after) : [{ state: after, flow: "continue" }];
    }
    default:
      return unreachable(statement);
  }
}

type ReasonExtra = Pick<Reason, "element" | "declaration" | "translated">;

function declarationOf(map: string | readonly MapElement[], { table }: Frame): Pick<Reason, "declaration"> {
  return typeof map === "string" ? { declaration: table.map(map) } : {};
}

function runVerdict(verdict: Verdict, state: State, frame: Frame): StepProgress[] {
  switch (verdict.kind) {
    case "accept":
      return [{ state: { ...state, accepted: true }, flow: "done" }];
    case "drop":
      return [{ state: { ...state, end: { kind: "drop" } }, flow: "done" }];
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

function runVmap(
  { key, map }: Extract<Statement, { kind: "vmap" }>,
  state: State,
  frame: Frame,
  because: (state: State, element: SetElement) => State,
): StepProgress[] {
  if (isUnknown(key, state)) {
    const candidates = typeof map === "string" ? frame.table.map(map).elements : map;
    return assumeElement(key, candidates, state, (element, chosen) =>
      isData(element.value) ? [] : runVerdict(element.value, because(chosen, element), frame),
    );
  }
  const elements = typeof map === "string" ? frame.table.mapElements(map) : frame.table.inlineElements(map);
  const progress: StepProgress[] = [];
  for (const { region, probability, value } of evaluateExpression(key, state, frame.table)) {
    if (value === undefined) {
      progress.push({ state: narrow(state, region, probability), flow: "next" });
      continue;
    }
    for (const { region: part, element } of elements.split(value, region)) {
      const after = narrow(state, part, probability);
      if (element === undefined || isData(element.value)) progress.push({ state: after, flow: "next" });
      else for (const each of runVerdict(element.value, because(after, element), frame)) progress.push(each);
    }
  }
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

type Because = (state: State, extra: ReasonExtra) => State;

/** Gives packets an address and a port, each one of an interval where there is one. */
type Give = (
  state: State,
  addresses: Interval | undefined,
  ports: Interval | undefined,
  extra: ReasonExtra,
  random: NatRandom,
) => StepProgress[];

function runNat(to: NatTarget, state: State, frame: Frame, give: Give, random: NatRandom): StepProgress[] {
  if (to.kind === "literal") return give(state, to.addresses, to.ports, {}, random);
  const declaration = frame.table.map(to.map);
  const giveBy = (element: MapElement | undefined, chosen: State): StepProgress[] => {
    if (element === undefined || !isData(element.value)) return [{ state: chosen, flow: "next" }];
    const [address, port] = element.value.map((value): Interval => ({ from: value, to: value }));
    return give(chosen, address, port, { element, declaration }, random);
  };
  if (isUnknown(to.key, state)) return assumeElement(to.key, declaration.elements, state, giveBy);
  const elements = frame.table.mapElements(to.map);
  return evaluateExpression(to.key, state, frame.table).flatMap(({ region, probability, value }): StepProgress[] => {
    if (value === undefined) return [{ state: narrow(state, region, probability), flow: "next" }];
    return elements
      .split(value, region)
      .flatMap(({ region: part, element }) => giveBy(element, narrow(state, part, probability)));
  });
}

/** Destinations. */
function sendBy(because: Because): Give {
  return (state, addresses, ports, extra, random) =>
    addressesFor(state, addresses).flatMap(({ state: chosen, address }) =>
      portsFor(chosen, ports, random).flatMap(({ state: each, port }) =>
        translate(each, address, port).map((sent): StepProgress => {
          const translated = translatedTo(sent);
          const reason = translated === undefined ? extra : { ...extra, translated };
          return { state: { ...because(sent, reason), translated: true }, flow: "done" };
        }),
      ),
    );
}

/** Sources: which one of several is not followed. */
function giveSourceBy(because: Because): Give {
  return (state, addresses, ports, extra) => {
    const after = { ...state, masqueraded: true, sourceSettled: true, newSource: sourceOf(addresses, ports) };
    return [{ state: because(after, extra), flow: "done" }];
  };
}

function sourceOf(addresses: Interval | undefined, ports: Interval | undefined): State["newSource"] {
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
function addressesFor(
  state: State,
  addresses: Interval | undefined,
): { readonly state: State; readonly address: Now<Address> }[] {
  if (addresses === undefined) return [{ state, address: state.destination }];
  const first = addresses.from as Address;
  const count = Number(BigInt(addresses.to) - BigInt(first)) + 1;
  if (count > MOST_ADDRESSES) {
    const text = printInterval(addresses, (each) => printAddress(each as Address));
    return [{ state: takenBy(state, `a choice of ${text}`), address: first }];
  }
  return Array.from({ length: count }, (_, i) => ({
    state: narrow(state, state.region, 1 / count),
    address: (typeof first === "bigint" ? first + BigInt(i) : first + i) as Address,
  }));
}

/** Of several ports packets keep theirs if it is among them, and get the first one else (nf_nat_core.c, get_unique_tuple). */
function portsFor(
  state: State,
  ports: Interval | undefined,
  random: NatRandom,
): { readonly state: State; readonly port: Now<number> }[] {
  if (ports === undefined) return [{ state, port: state.destinationPort }];
  const [first, last] = [Number(ports.from), Number(ports.to)];
  if (first === last) return [{ state, port: first }];
  if (random !== "none") return [{ state: takenBy(state, `a choice of ports ${first}-${last}`), port: first }];
  const wanted = new Ranges([first, last + 1]);
  const port = valueNow(state.destinationPort, state.region);
  if (typeof port !== "object") return [{ state, port: wanted.has(port) ? state.destinationPort : first }];
  const [inside, outside] = [within(state.region, port.field, wanted), without(state.region, port.field, wanted)];
  return [
    ...(inside === undefined ? [] : [{ state: narrow(state, inside), port: state.destinationPort }]),
    ...(outside === undefined ? [] : [{ state: narrow(state, outside), port: first }]),
  ];
}

function takenBy(state: State, text: string): State {
  return { ...state, takenBy: [...state.takenBy, text] };
}

/** The one destination that packets have now. */
function translatedTo({ destination, destinationPort, region }: State): Reason["translated"] {
  const [address, port] = [valueNow(destination, region), valueNow(destinationPort, region)];
  return typeof address === "object" || typeof port === "object" ? undefined : { address, port };
}

/** A redirected packet stays here: by its own name when it came from here, else by an address of the node. */
function redirectAddress({ original, destination, environment }: State): Now<Address> {
  const { family, inInterface } = original;
  if (inInterface === undefined) return (family === "IPv4" ? 0x7f000001 : 1n) as Address;
  return [...environment.localAddresses].find((address) => familyOf(address) === family) ?? destination;
}

function runSet({ field, value }: Extract<Statement, { kind: "set" }>, state: State, frame: Frame): StepProgress[] {
  const { table } = frame;
  if (isUnknown(value, state)) return [{ state: overwrite(state, field), flow: "continue" }];
  return evaluateExpression(value, state, table).map(({ region, probability, value: words }): StepProgress => {
    const chosen = narrow(state, region, probability);
    if (words === undefined) return { state: chosen, flow: "next" };
    const [word] = words;
    if (typeof word === "object" && !hasFewValues(word.field))
      throw new Unbounded(`${describe(field)} set to an address or a port`);
    const written = { ...chosen, overwritten: leaveOut(state.overwritten, describe(field)) };
    return { state: write(written, field, typeof word === "object" ? word : Number(word), frame), flow: "continue" };
  });
}

function write(state: State, field: WritableField, held: Held, frame: Frame): State {
  if (field.kind === "ct" && field.key === "state") return untrack(state, frame);
  if (field.kind === "ct") return field.key === "mark" ? { ...state, ctMark: held } : state;
  if (field.key === "mark") return { ...state, mark: held };
  if (field.key !== "priority") return state;
  if (typeof held === "object") throw new Unbounded("a priority set to a mark");
  return { ...state, priority: held };
}

/** `state` with a field whose value is not known any more. */
function overwrite(state: State, field: Expression): State {
  return { ...state, overwritten: new Set(state.overwritten).add(describe(field)) };
}

function leaveOut(texts: ReadonlySet<string>, text: string): ReadonlySet<string> {
  return texts.has(text) ? new Set([...texts].filter((other) => other !== text)) : texts;
}

/** Only a packet that connection tracking has not seen yet stays out of it (nft_notrack_eval, xt_ct_target). */
function untrack(state: State, { priority }: Frame): State {
  return priority < CONNTRACK_PRIORITY || state.ctState === CT_STATE.invalid
    ? { ...state, ctState: CT_STATE.untracked }
    : state;
}

function remember(
  { set, timeoutSeconds }: Extract<Statement, { kind: "remember" }>,
  state: State,
  { table }: Frame,
): State {
  const seconds = timeoutSeconds ?? table.set(set).dynamic?.timeoutSeconds;
  return seconds === undefined ? state : { ...state, sticky: { timeoutSeconds: seconds } };
}

/** A terminal statement that is not understood: it may have taken the packet, or not. */
function assumeEnd(text: string, state: State): StepProgress[] {
  return assume(text, false, state).map(
    ({ state: after, flow }): StepProgress =>
      flow === "continue" ? { state: takenBy(after, text), flow: "done" } : { state: after, flow: "continue" },
  );
}

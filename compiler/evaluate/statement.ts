/** What a statement does to packets. */
import { invariant, unreachable } from "../invariant.ts";
import { CONNTRACK_PRIORITY, CT_STATE } from "../ir/constants.ts";
import type {
  Expression,
  KeyPart,
  MapElement,
  NatTarget,
  Rule,
  SetElement,
  Statement,
  Value,
  Verdict,
  WritableField,
} from "../ir/types.ts";
import { type Address, familyOf } from "../net/address.ts";
import { describe, evaluateExpression, isUnknown } from "./expression.ts";
import type { Frame, StepProgress } from "./frame.ts";
import { keyText } from "./lookup.ts";
import { assume } from "./match.ts";
import type { Reason } from "./packet.ts";
import { Unbounded } from "./preimage.ts";
import { isExplained, type Now, narrow, type State, translate, valueNow } from "./state.ts";

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
      return runDnat(statement.to, state, frame, because);
    case "redirect": {
      const port = statement.ports === undefined ? state.destinationPort : Number(statement.ports.from);
      return translate(state, redirectAddress(state), port).map((sent) => ({ state: because(sent), flow: "done" }));
    }
    case "snat":
    case "masquerade":
      return [{ state: because({ ...state, masqueraded: true, sourceSettled: true }), flow: "done" }];
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

function runDnat(
  to: NatTarget,
  state: State,
  frame: Frame,
  because: (state: State, extra: ReasonExtra) => State,
): StepProgress[] {
  const sendTo = (chosen: State, address: Now<Address>, port: Now<number>, extra: ReasonExtra): StepProgress[] =>
    translate(chosen, address, port).map((sent) => {
      const translated = translatedTo(sent);
      const reason = translated === undefined ? extra : { ...extra, translated };
      return { state: { ...because(sent, reason), translated: true }, flow: "done" };
    });
  if (to.kind === "literal") {
    const address = (to.addresses?.from as Address | undefined) ?? state.destination;
    const port = to.ports === undefined ? state.destinationPort : Number(to.ports.from);
    return sendTo(state, address, port, {});
  }
  const declaration = frame.table.map(to.map);
  const translateBy = (element: MapElement | undefined, chosen: State): StepProgress[] => {
    if (element === undefined || !isData(element.value)) return [{ state: chosen, flow: "next" }];
    const [address, port] = element.value;
    const sentTo = port === undefined ? state.destinationPort : Number(port);
    return sendTo(chosen, address as Address, sentTo, { element, declaration });
  };
  if (isUnknown(to.key, state)) return assumeElement(to.key, declaration.elements, state, translateBy);
  const elements = frame.table.mapElements(to.map);
  return evaluateExpression(to.key, state, frame.table).flatMap(({ region, probability, value }): StepProgress[] => {
    if (value === undefined) return [{ state: narrow(state, region, probability), flow: "next" }];
    return elements
      .split(value, region)
      .flatMap(({ region: part, element }) => translateBy(element, narrow(state, part, probability)));
  });
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
    if (typeof word === "object") throw new Unbounded(`${describe(field)} set to an address or a port`);
    const written = { ...chosen, overwritten: leaveOut(state.overwritten, describe(field)) };
    return { state: write(written, field, Number(word), frame), flow: "continue" };
  });
}

function write(state: State, field: WritableField, number: number, frame: Frame): State {
  if (field.kind === "ct" && field.key === "state") return untrack(state, frame);
  if (field.kind === "ct") return field.key === "mark" ? { ...state, ctMark: number } : state;
  if (field.key === "mark") return { ...state, mark: number };
  return field.key === "priority" ? { ...state, priority: number } : state;
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
  return assume(text, false, state).map(({ state: after, flow }) => ({
    state: after,
    flow: flow === "continue" ? "done" : "continue",
  }));
}

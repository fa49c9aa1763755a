/**
 * What the rules of a host test of packets, taken apart so that packets can be compared by it.
 *
 * Rules compare addresses, ports and names with constants. A rule or an element that asks for one address, or else for one port,
 * counts for packets that have it, and for no others: it is an item of that address or port. All else is the rest of the program, which
 * counts for all packets. So two programs do the same to a packet if the rest of both is equal, and the items of all addresses and ports
 * that the packet ever has are equal, in the same order. Two addresses are alike to a program if their items are equal, and no interval
 * of the program, and no comparison that is no item, tells them apart.
 */
import { partsOfKey } from "../ir/sets.ts";
import type {
  Expression,
  Interval,
  KeyPart,
  MapElement,
  Program,
  Rule,
  SetElement,
  Step,
  Table,
  Value,
} from "../ir/types.ts";
import { componentsOf, expressionsOf, isMatch, lookupsIn, somePart, valuesTested } from "../ir/walk.ts";
import { type OwnTokens, shapeOf } from "./shape.ts";

/** Texts of all programs by number: most programs have the same ones. */
export class TextNumbers {
  private readonly known = new Map<string, number>();

  of(text: string): number {
    const number = this.known.get(text) ?? this.known.size;
    this.known.set(text, number);
    return number;
  }
}

/** A rule or an element. */
interface TestItem {
  /** Grows in the order of the program. */
  readonly order: number;
  /** The set; or the chain, and how many of its rules that are no items come before. */
  readonly place: string;
  readonly content: unknown;
  /** Of its text with the tokens of the program's own host. */
  textNumber: number | undefined;
}

export class ProgramTests {
  /** False: a program tests something in a way that constants do not tell. */
  isComplete = true;
  /** Addresses and names that something other than an item compares with. */
  readonly singles = new Set<Value>();
  /** Intervals that something compares with, by their text. */
  readonly intervals = new Map<string, Interval>();
  private readonly byAddress = new Map<Value, TestItem[]>();
  private readonly byPort = new Map<Value, TestItem[]>();
  private readonly rest: unknown[] = [];
  private order = 0;

  constructor({ ruleset }: Program) {
    for (const table of ruleset.tables) this.addTable(table);
  }

  /** Addresses that items ask for. */
  get addresses(): Iterable<Value> {
    return this.byAddress.keys();
  }

  /** Equal for programs of which all but the items is equal. */
  restShape(tokens: OwnTokens): string {
    return shapeOf(this.rest, tokens);
  }

  /** Equal where the items of these addresses and ports are, with the tokens of the program's own host. */
  itemsShape(addresses: Iterable<Value>, ports: Iterable<Value>, own: OwnTokens, texts: TextNumbers): string {
    const found = new Set<TestItem>();
    for (const address of addresses) for (const item of this.byAddress.get(address) ?? []) found.add(item);
    for (const port of ports) for (const item of this.byPort.get(port) ?? []) found.add(item);
    const items = [...found].sort((a, b) => a.order - b.order);
    return items.map((item) => (item.textNumber ??= texts.of(itemShape(item, own)))).join();
  }

  /** Equal for addresses that the items ask for alike. */
  addressShape(address: Value, tokens: OwnTokens): string {
    return (this.byAddress.get(address) ?? []).map((item) => itemShape(item, tokens)).join("\n");
  }

  private addTable({ chains, sets, maps, family, name, dormant }: Table): void {
    const at = `${family} ${name}`;
    const asked = new Map<string, Expression[][]>();
    for (const { rules } of chains)
      for (const { steps } of rules)
        for (const step of steps) {
          if (!isPlain(step)) this.isComplete = false;
          for (const value of valuesTested(step, () => true)) this.addOther(value);
          for (const { key, among } of lookupsIn(step)) {
            if (typeof among === "string") asked.set(among, [...(asked.get(among) ?? []), [...componentsOf(key)]]);
            else for (const each of among.elements) for (const part of partsOfKey(each)) this.addOther(part);
          }
        }
    this.rest.push([at, dormant]);
    for (const { rules, ...chain } of chains) {
      const rest = rules.filter((rule) => !this.isItem(rule));
      this.rest.push([chain, rest.map(({ steps }) => steps)]);
      let before = 0;
      for (const rule of rules)
        if (rule === rest[before]) before++;
        else this.addItem(constantsOf(rule), `${at} ${chain.name} ${before}`, rule.steps);
    }
    for (const { elements, ...set } of [...sets, ...maps]) {
      this.rest.push(set);
      const place = `${at} ${set.name}`;
      // By which parts of the packet each part of the key is asked for.
      const classes = set.key.map((_, i) => classAt(asked.get(set.name) ?? [], i, set.key.length));
      for (const element of elements) this.addElement(place, element, classes);
    }
  }

  private isItem(rule: Rule): boolean {
    const { addresses, ports } = constantsOf(rule);
    return addresses.length > 0 || ports.length > 0;
  }

  private addElement(
    place: string,
    element: SetElement | MapElement,
    classes: readonly (keyof Constants | undefined)[],
  ): void {
    const constants: Constants = { addresses: [], ports: [] };
    partsOfKey(element).forEach((part, at) => {
      const value = typeof part === "object" ? part.from : part;
      const field = classes[at];
      if (typeof part === "object" && part.from !== part.to) this.intervals.set(intervalKey(part), part);
      else if (field === undefined) this.singles.add(value);
      else constants[field].push(value);
    });
    const { key, timeoutSeconds, statements } = element;
    const isItem = constants.addresses.length > 0 || constants.ports.length > 0;
    if (isItem)
      this.addItem(constants, place, [key, "value" in element ? element.value : undefined, timeoutSeconds, statements]);
    else this.rest.push([place, element]);
  }

  /** An item of its addresses; of its ports where it asks for no address. */
  private addItem({ addresses, ports }: Constants, place: string, content: unknown): void {
    const made: TestItem = { order: this.order++, place, content, textNumber: undefined };
    const [values, index] = addresses.length > 0 ? [addresses, this.byAddress] : [ports, this.byPort];
    for (const value of values) {
      const known = index.get(value);
      if (known === undefined) index.set(value, [made]);
      else known.push(made);
    }
  }

  private addOther(part: KeyPart): void {
    if (typeof part !== "object") this.singles.add(part);
    else if (part.from === part.to) this.singles.add(part.from);
    else this.intervals.set(intervalKey(part), part);
  }
}

function itemShape({ place, content }: TestItem, tokens: OwnTokens): string {
  return `${place} ${shapeOf(content, tokens)}`;
}

/** By this text two intervals are one. */
export function intervalKey({ from, to }: Interval): string {
  return `${typeof from} ${from} ${to}`;
}

/** Undefined: the keys do not all have such a part there. */
function classAt(asked: readonly (readonly Expression[])[], at: number, length: number): keyof Constants | undefined {
  const classes = new Set(asked.map((parts) => (parts.length === length ? fieldClass(parts[at]) : undefined)));
  return classes.size === 1 ? [...classes][0] : undefined;
}

interface Constants {
  readonly addresses: Value[];
  readonly ports: Value[];
}

/** The addresses and ports that a packet must have for `rule` to do anything: later steps may come too late. */
function constantsOf({ steps }: Rule): Constants {
  const found: Constants = { addresses: [], ports: [] };
  for (const step of steps) {
    if (!isMatch(step)) break;
    if (step.kind !== "compare" || step.operator !== "==" || step.orAbsent === true) continue;
    const kind = fieldClass(step.left);
    if (kind !== undefined) found[kind].push(step.right);
  }
  return found;
}

/** Whether `expression` is an address of the packet or of its connection, or a port; undefined: something else. */
function fieldClass(expression: Expression | undefined): keyof Constants | undefined {
  switch (expression?.kind) {
    case "ip":
    case "ip6":
      return "addresses";
    case "transport":
      return "ports";
    case "ct":
      if (expression.key.endsWith("addr")) return "addresses";
      return expression.key.includes("-proto-") ? "ports" : undefined;
    default:
      // Others are neither.
      return undefined;
  }
}

/** Whether the step compares addresses and interfaces only with constants, if at all. */
function isPlain(step: Step): boolean {
  if (step.kind === "opaque" || step.kind === "opaque-statement") return false;
  const expressions = expressionsOf(step);
  if (expressions.some((each) => somePart(each, isNotRead))) return false;
  if (step.kind === "set" && namesClient(step.value)) return false;
  if (step.kind === "compare" && step.operator !== "==" && step.operator !== "!=") return !namesClient(step.left);
  // Of several addresses the kernel takes one by a hash of the packet's.
  if ((step.kind === "dnat" || step.kind === "snat") && step.to.kind === "literal")
    return step.to.addresses === undefined || step.to.addresses.from === step.to.addresses.to;
  return true;
}

/** What is computed of an address or a name is no constant's affair. */
function isNotRead(expression: Expression): boolean {
  switch (expression.kind) {
    case "opaque":
      return true;
    case "bitwise":
    case "shift":
      return namesClient(expression.operand);
    case "combine":
      return namesClient(expression.left) || namesClient(expression.right);
    default:
      // Nothing is computed in others.
      return false;
  }
}

/** Whether a part of `expression`, outside of look-ups, may be another one for another client. */
function namesClient(expression: Expression): boolean {
  switch (expression.kind) {
    case "ip":
    case "ip6":
    case "header":
      return true;
    case "meta":
      return ["iif", "oif", "iifname", "oifname"].includes(expression.key);
    case "ct":
      return expression.key.endsWith("addr");
    case "bitwise":
    case "shift":
      return namesClient(expression.operand);
    case "combine":
      return namesClient(expression.left) || namesClient(expression.right);
    case "concat":
      return expression.parts.some(namesClient);
    default:
      // Constants, and fields that do not depend on who sends.
      return false;
  }
}

/** The constants with which rules compare what packets have: packets that no constant tells apart take the same way. */

import { partHolds } from "../ir/interval.ts";
import type { Expression, Interval, KeyPart, Program, Step, Table, Value } from "../ir/types.ts";
import { componentsOf, expressionsOf, lookupsIn, somePart, valuesTested } from "../ir/walk.ts";

/** Single values, and intervals, of all kinds: addresses, names of interfaces, ports. */
export class TestedConstants {
  /** False: a program tests something in a way that constants do not tell. */
  isComplete = true;
  private readonly singles = new Set<Value>();
  private readonly intervals = new Map<string, Interval>();

  add(part: KeyPart): void {
    if (typeof part !== "object") this.singles.add(part);
    else if (part.from === part.to) this.singles.add(part.from);
    else this.intervals.set(`${typeof part.from} ${part.from} ${part.to}`, part);
  }

  /** Adds all that the rules of `program` test. */
  addProgram({ ruleset }: Program): void {
    for (const table of ruleset.tables) this.addTable(table);
  }

  /** Whether `value` alone is asked for. */
  isSingle(value: Value): boolean {
    return this.singles.has(value);
  }

  /** Equal for values that no interval tells apart. */
  intervalsWith(value: Value): string {
    const found: number[] = [];
    let i = 0;
    for (const interval of this.intervals.values()) {
      if (partHolds(interval, value)) found.push(i);
      i++;
    }
    return found.join();
  }

  private addTable({ chains, sets, maps }: Table): void {
    const otherwiseAsked = new Set<string>();
    for (const { rules } of chains)
      for (const { steps } of rules)
        for (const step of steps) {
          if (!isPlain(step)) this.isComplete = false;
          for (const value of valuesTested(step, () => true)) this.add(value);
          for (const { key, among } of lookupsIn(step)) {
            if (typeof among !== "string") for (const each of among) this.addKey(each.key);
            else if (!isSourceAndDestination(key)) otherwiseAsked.add(among);
          }
        }
    for (const { name, elements } of [...sets, ...maps])
      for (const { key } of elements) {
        // No packet goes from an address to itself, but from an endpoint that is chosen for its own connection.
        const isOneAddress = key.length === 2 && key[0] === key[1] && typeof key[0] !== "object";
        if (!isOneAddress || otherwiseAsked.has(name)) this.addKey(key);
      }
  }

  private addKey(key: readonly KeyPart[]): void {
    for (const part of key) this.add(part);
  }
}

function isSourceAndDestination(key: Expression): boolean {
  const fields = componentsOf(key).map((each) => (each.kind === "ip" || each.kind === "ip6" ? each.field : ""));
  return fields.length === 2 && fields.includes("saddr") && fields.includes("daddr");
}

/** Whether the step compares addresses and interfaces only with constants, if at all. */
function isPlain(step: Step): boolean {
  if (step.kind === "opaque" || step.kind === "opaque-statement") return false;
  const expressions = expressionsOf(step);
  if (expressions.some((each) => somePart(each, isNotRead))) return false;
  if (step.kind === "set" && namesClient(step.value)) return false;
  if (step.kind === "compare" && step.operator !== "==" && step.operator !== "!=") return !namesClient(step.left);
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

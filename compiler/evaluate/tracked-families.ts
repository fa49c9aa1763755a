/** Whether the kernel tracks connections: it does where some rule needs it. */
import type { Expression, Rule, Step, Table } from "../ir/types.ts";
import { expressionsOf, fieldsWritten, somePart, translatedBy } from "../ir/walk.ts";
import type { Family } from "../net/address.ts";

/** The families for which rules of `tables` make the kernel track connections: loading them turns it on. */
export function trackedFamilies(tables: readonly Table[]): ReadonlySet<Family> {
  const families = new Set<Family>();
  for (const { family, chains } of tables) {
    const own = FAMILIES_OF[family] ?? [];
    if (own.every((each) => families.has(each))) continue;
    if (chains.some(({ rules }) => rules.some(needsTracking))) for (const each of own) families.add(each);
  }
  return families;
}

const FAMILIES_OF: Readonly<Partial<Record<Table["family"], readonly Family[]>>> = {
  ip: ["IPv4"],
  ip6: ["IPv6"],
  inet: ["IPv4", "IPv6"],
};

function needsTracking({ steps }: Rule): boolean {
  return steps.some(isTracking);
}

function isTracking(step: Step): boolean {
  const isWritten = fieldsWritten(step).some(({ kind, key }) => kind === "ct" && key !== "state");
  // What is not understood may do anything, but it starts no tracking of connections.
  const isKnown = step.kind !== "opaque-statement";
  return translatedBy(step) !== undefined || (isKnown && isWritten) || expressionsOf(step).some(asksConnection);
}

function asksConnection(expression: Expression): boolean {
  return somePart(expression, ({ kind }) => kind === "ct");
}

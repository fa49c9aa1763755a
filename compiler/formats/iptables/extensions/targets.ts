/** All targets of iptables that kpc knows, by the names behind `-j`. */
import type { Statement } from "../../../ir/types.ts";
import { MARK_TARGETS } from "./marks.ts";
import { NAT_TARGETS } from "./nat.ts";
import { OTHER_TARGETS } from "./other-targets.ts";
import type { RuleContext, TargetPrinted, TargetRow } from "./row.ts";

/** Any other word behind -j is a chain. */
export const TARGETS: Readonly<Record<string, TargetRow>> = { ...NAT_TARGETS, ...MARK_TARGETS, ...OTHER_TARGETS };

type TargetPrinter = (statement: Statement, context: RuleContext) => TargetPrinted;

/** By the kind of a statement, the targets that may do it. */
export const TARGET_PRINTERS: ReadonlyMap<Statement["kind"], readonly (readonly [name: string, TargetPrinter])[]> =
  groupPrinters();

function groupPrinters(): Map<Statement["kind"], (readonly [string, TargetPrinter])[]> {
  const groups = new Map<Statement["kind"], (readonly [string, TargetPrinter])[]>();
  // The printer of a kind takes what is of that kind, which TypeScript does not follow through the index.
  for (const [name, { statements = {} }] of Object.entries(TARGETS))
    for (const [kind, print] of Object.entries(statements) as [Statement["kind"], TargetPrinter][])
      groups.set(kind, [...(groups.get(kind) ?? []), [name, print]]);
  return groups;
}

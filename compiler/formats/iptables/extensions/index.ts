/** All extensions of iptables that kpc knows, by the names behind `-m` and `-j`. */
import type { Statement } from "../../../ir/types.ts";
import type { Lacking } from "../rule-words.ts";
import { ADDRESS_TYPE_MATCHES } from "./address-types.ts";
import { ADDRESS_MATCHES } from "./addresses.ts";
import { CONNECTION_MATCHES } from "./connection.ts";
import { ICMP_MATCHES } from "./icmp.ts";
import { LIST_MATCHES } from "./lists.ts";
import { MARK_TARGETS } from "./marks.ts";
import { NAT_TARGETS } from "./nat.ts";
import { OTHER_MATCHES } from "./other-matches.ts";
import { OTHER_TARGETS } from "./other-targets.ts";
import { PACKET_MATCHES } from "./packet.ts";
import type {
  FieldPrinters,
  MatchRow,
  OtherStep,
  PrintScope,
  RuleContext,
  TargetPrinted,
  TargetRow,
  Words,
} from "./row.ts";
import { TRANSPORT_MATCHES } from "./transport.ts";

export const MATCHES: Readonly<Record<string, MatchRow>> = {
  ...TRANSPORT_MATCHES,
  ...ICMP_MATCHES,
  ...CONNECTION_MATCHES,
  ...ADDRESS_MATCHES,
  ...ADDRESS_TYPE_MATCHES,
  ...PACKET_MATCHES,
  ...LIST_MATCHES,
  ...OTHER_MATCHES,
};

/** Any other word behind -j is a chain. */
export const TARGETS: Readonly<Record<string, TargetRow>> = { ...NAT_TARGETS, ...MARK_TARGETS, ...OTHER_TARGETS };

/** How tests of each field are printed: a field is one match's. */
export const FIELD_PRINTERS: FieldPrinters = Object.assign({}, ...Object.values(MATCHES).map(({ fields }) => fields));

const STEP_PRINTERS: NonNullable<MatchRow["steps"]> = Object.assign(
  {},
  ...Object.values(MATCHES).map(({ steps }) => steps),
);

/** How another step is printed, as one match. */
export function printStep(step: OtherStep, scope: PrintScope): Words | Lacking | undefined {
  // The printer of a kind takes what is of that kind, which TypeScript does not follow through the index.
  const print = STEP_PRINTERS[step.kind] as ((step: OtherStep, scope: PrintScope) => Words | Lacking) | undefined;
  return print?.(step, scope);
}

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

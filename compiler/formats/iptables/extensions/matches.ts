/** All matches of iptables that kpc knows, by the names behind `-m`. */
import type { Lacking } from "../rule-words.ts";
import { ADDRESS_TYPE_MATCHES } from "./address-types.ts";
import { ADDRESS_MATCHES } from "./addresses.ts";
import { CONNECTION_MATCHES } from "./connection.ts";
import { ICMP_MATCHES } from "./icmp.ts";
import { LIST_MATCHES } from "./lists.ts";
import { OTHER_MATCHES } from "./other-matches.ts";
import { PACKET_MATCHES } from "./packet.ts";
import type { FieldPrinters, MatchRow, OtherStep, PrintScope, Words } from "./row.ts";
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

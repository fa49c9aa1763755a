import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Expression, HeaderField } from "./types.ts";

/** Protocol of the header that a field is in. */
const HEADER_PROTOCOLS: Readonly<Partial<Record<HeaderField, number>>> = {
  "tcp flags": PROTOCOL_NUMBERS.tcp,
  "icmp type": 1,
  "icmp code": 1,
  "icmpv6 type": 58,
  "icmpv6 code": 58,
};

/** The protocol that reading `expression` takes for granted, as an IANA number: `tcp dport` has no value in a UDP packet. */
export function impliedProtocol(expression: Expression): number | undefined {
  if (expression.kind === "header") return HEADER_PROTOCOLS[expression.field];
  return expression.kind === "transport" && expression.protocol !== "th"
    ? PROTOCOL_NUMBERS[expression.protocol]
    : undefined;
}

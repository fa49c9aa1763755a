/** Names of keys by which they are one for all packets of a region, and for each packet by itself. */

import { describe } from "../ir/describe.ts";
import type { Expression } from "../ir/types.ts";
import { type Address, printAddress } from "../net/address.ts";
import { type Branch, isChosen, type Now, nowKey, type SharedState, symbolicKey } from "./state.ts";

/** What `expression` is by now: a value, or a field of the packet as it came. Equal names are equal keys; undefined: the same
 *  expression may be something else each time. */
export function symbolOf(expression: Expression, shared: SharedState, branch: Branch): string | undefined {
  if (isUnknownSource(expression, shared) || shared.overwritten.has(describe(expression)))
    return `${describe(expression)} by then`;
  switch (expression.kind) {
    case "ip":
    case "ip6":
      return expression.field === "saddr" ? addressName(shared.source) : addressName(branch.destination);
    case "transport":
      return portName(expression.field === "sport" ? shared.sourcePort : branch.destinationPort);
    case "meta":
      if (expression.key === "iifname" || expression.key === "iif") return JSON.stringify(shared.inInterface);
      if (expression.key === "mark") return `meta mark ${symbolicKey(shared.mark)}`;
      if (expression.key === "l4proto") return `protocol ${shared.protocol}`;
      return expression.key === "priority" ? `meta priority ${shared.priority}` : describe(expression);
    case "ct":
      if (expression.key === "mark") return `ct mark ${symbolicKey(shared.ctMark)}`;
      if (expression.key === "status") return `ct status ${symbolicKey(shared.ctStatus)}`;
      if (expression.key.startsWith("reply-"))
        return `${describe(expression)} ${nowKey(branch.destination)} ${nowKey(branch.destinationPort)} ${shared.masqueraded}`;
      return expression.key === "state" ? `ct state ${nowKey(shared.ctState)}` : describe(expression);
    case "fib":
      return `fib type of ${addressName(expression.of === "saddr" ? shared.source : branch.destination)}`;
    case "bitwise": {
      const operand = symbolOf(expression.operand, shared, branch);
      return operand === undefined ? undefined : `(${operand} & ${expression.mask} ^ ${expression.xor})`;
    }
    case "concat": {
      const parts = expression.parts.map((part) => symbolOf(part, shared, branch));
      return parts.includes(undefined) ? undefined : parts.join(" . ");
    }
    case "numgen":
    case "lookup":
      return undefined;
    default:
      // What others are does not change on the way.
      return describe(expression);
  }
}

function addressName(now: Now<Address>): string {
  if (typeof now === "object") return `ip ${nowKey(now)}`;
  return typeof now === "string" ? `ip ${now}` : printAddress(now);
}

function portName(now: Now<number>): string {
  return typeof now === "number" ? `port ${now}` : nowKey(now);
}

function isUnknownSource(expression: Expression, shared: SharedState): boolean {
  if (expression.kind === "transport") return expression.field === "sport" && isChosen("port", shared);
  const isAddress = expression.kind === "ip" || expression.kind === "ip6";
  const isSource = isAddress ? expression.field === "saddr" : expression.kind === "fib" && expression.of === "saddr";
  return isSource && isChosen("address", shared);
}

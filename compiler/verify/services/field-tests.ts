/** The one destination that a rule asks for. */
import type { Expression, Rule, Step } from "../../ir/types.ts";
import type { Address } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";

/** Undefined: any, or more than one. */
export interface FieldTest {
  readonly protocol: number | undefined;
  readonly address: Address | undefined;
  readonly port: number | undefined;
}

/** The destination of packets without which `rule` does nothing. */
export function fieldTestsOf({ steps }: Rule): FieldTest {
  let [protocol, address, port]: FieldTest[keyof FieldTest][] = [];
  for (const step of steps) {
    const value = valueAsked(step);
    if (value === undefined) continue;
    const { left, right } = value;
    if (left.kind === "meta" && left.key === "l4proto" && typeof right === "number") protocol = right;
    else if ((left.kind === "ip" || left.kind === "ip6") && left.field === "daddr") address = right as Address;
    else if (left.kind === "transport" && left.field === "dport" && typeof right === "number") {
      port = right;
      if (left.protocol !== "th") protocol = PROTOCOL_NUMBERS[left.protocol];
    }
  }
  return {
    protocol: protocol as number | undefined,
    address: address as Address | undefined,
    port: port as number | undefined,
  };
}

function valueAsked(step: Step): { readonly left: Expression; readonly right: number | bigint } | undefined {
  if (step.kind === "compare" && step.operator === "==" && typeof step.right !== "string")
    return { left: step.left, right: step.right };
  if (step.kind !== "within" || step.negated || step.intervals.length !== 1) return undefined;
  const [only] = step.intervals;
  return only !== undefined && only.from === only.to && typeof only.from !== "string"
    ? { left: step.left, right: only.from }
    : undefined;
}

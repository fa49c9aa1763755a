/** What is assumed of a packet where it is not known. */
import { prefixOfNames } from "../../ir/interval.ts";
import type { KeyPart } from "../../ir/types.ts";

/** A match that is not understood, or asks for what is not known, was taken to hold or not to hold. */
export interface Assumption {
  readonly text: string;
  readonly holds: boolean;
  /** It holds when what `subject` names is one of `values`. */
  readonly about?: About;
  /** It says whether a destination is an address of the node. */
  readonly locality?: Locality;
}

export interface About {
  readonly subject: string;
  readonly values: readonly KeyPart[];
}

/** Whether a destination is an address of the node: the one that the packet was sent to, or one to which a rule sends it. */
export interface Locality {
  readonly of: "original" | "new";
  /** The destination in words. */
  readonly subject: string;
}

export function describeLocality({ subject }: Locality, holds = true): string {
  return `${subject} is ${holds ? "" : "not "}an address of this node`;
}

/** As text: that a value is one of `values`. */
export function describeTest({ subject, values }: About): string {
  const [only, more] = values;
  return only !== undefined && more === undefined && typeof only !== "object"
    ? `${subject} == ${only}`
    : `${subject} ${values.map(printPart).join()}`;
}

function printPart(part: KeyPart): string {
  if (typeof part !== "object") return String(part);
  const prefix = prefixOfNames(part);
  return prefix === undefined ? `${part.from}-${part.to}` : `${prefix}*`;
}

/** Lists of assumptions: all of one of them hold. */
export interface Alternatives {
  readonly ways: readonly (readonly Assumption[])[];
  /** There are more ways, which are not listed. */
  readonly isMore: boolean;
}

/** As text: that all of one of its lists hold. */
export function describeChoice({ ways, isMore }: Alternatives): string {
  const all = ways.map((way) => way.map(describeAssumption).join(" and ")).sort();
  return `${all.join(", or ")}${isMore ? ", or in other ways" : ""}`;
}

/** What is assumed, as a sentence or after `not`. */
export function printAssumption({ text, holds, locality }: Assumption, not = "not "): string {
  if (locality !== undefined) return describeLocality(locality, holds);
  return holds ? text : `${not}${text}`;
}

export function describeAssumption({ text, holds }: Assumption): string {
  return holds ? text : `not ${text}`;
}

/** Where the kernel enters base chains. */
import { PRIORITY } from "./constants.ts";
import type { BaseChain, Hook } from "./types.ts";

/** All NAT chains of a hook are entered from one place, whatever their priorities: those order them there (nf_nat_proto.c). */
export function placeOf({ type, hook, priority }: Pick<BaseChain, "type" | "hook" | "priority">): number {
  return type === "nat" ? placeOfNat(hook) : priority;
}

export function placeOfNat(hook: Hook): number {
  return hook === "prerouting" || hook === "output" ? PRIORITY.dstnat : PRIORITY.srcnat;
}

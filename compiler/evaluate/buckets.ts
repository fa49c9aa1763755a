/** What rules meter: rates, quotas and counts of connections. Each packet that comes to such a match changes what the next one finds. */
import type { Step } from "../ir/types.ts";

/** A bucket that a match asks, and by that changes. */
export interface BucketUse {
  /** The name by which rules share it; undefined: it is the rule's own. */
  readonly shared?: string;
  /** It is an object of the rule's table; otherwise it is the host's. */
  readonly isOfTable: boolean;
}

/** Objects that several rules may name. */
const SHARED: readonly { readonly pattern: RegExp; readonly kind: string; readonly isOfTable: boolean }[] = [
  { pattern: /^limit name (\S+)/, kind: "limit", isOfTable: true },
  { pattern: /^quota name (\S+)/, kind: "quota", isOfTable: true },
  { pattern: /^meter (\S+)/, kind: "meter", isOfTable: true },
  // The kernel has one table of a name for all rules of a family (xt_hashlimit.c, htable_find_get).
  { pattern: /^-m hashlimit (?:.* )?--hashlimit-name (\S+)/, kind: "hashlimit", isOfTable: false },
];

/** Matches of which each rule has a bucket of its own. */
const OWN = /^(?:limit|quota|ct count|-m (?:limit|quota|connlimit)|xt match "?(?:limit|quota|connlimit)"?)(?: |$)/;

/** By the canonical text that readers give to such matches; undefined: the step asks no bucket. */
export function bucketOf(step: Step): BucketUse | undefined {
  if (step.kind !== "opaque") return undefined;
  for (const { pattern, kind, isOfTable } of SHARED) {
    const name = pattern.exec(step.text)?.[1];
    if (name !== undefined) return { shared: `${kind} ${name.replaceAll('"', "")}`, isOfTable };
  }
  return OWN.test(step.text) ? { isOfTable: true } : undefined;
}

/** Differences that rest on what a listing of nft cannot be trusted for. */
import type { Comparison } from "../compare/compare.ts";
import type { Diagnostic } from "../diagnostics.ts";

/** `comparison` without the differences that rest on an assumption, where nft may have listed rules of iptables wrongly: the truth
 *  may be neither of what was assumed. The findings name that as not compared. */
export function withoutDoubtful(comparison: Comparison, findings: readonly Diagnostic[]): Comparison {
  if (!isDoubtful(findings)) return comparison;
  const regions = comparison.regions.filter(({ assumptions }) => assumptions.length === 0);
  return { ...comparison, regions, differing: regions.length };
}

/** Whether nft may have listed some of the rules wrongly: then all regions have to be kept. */
export function isDoubtful(findings: readonly Diagnostic[]): boolean {
  return findings.some(({ code }) => code === "rules-listing");
}

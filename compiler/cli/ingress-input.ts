/** What questions about Ingresses have in common. */
import type { Diagnostic } from "../diagnostics.ts";

/** Findings about rules of a node, which a proxy has nothing to do with. */
const OF_RULES: ReadonlySet<string> = new Set(["no-services", "no-node"]);

/** Those of `diagnostics` that concern Ingresses and what they lead to. */
export function aboutIngresses(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter(({ code }) => !OF_RULES.has(code));
}

/** One finding that sums up what was assumed, and one for each assumption for those who ask. */
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { CompletionAssumption } from "./assumption.ts";

/** Reports `assumed`: a note with numbers and blocks, and each assumption as `info`. */
export function reportAssumptions(assumptions: readonly CompletionAssumption[], report: Report): void {
  if (assumptions.length === 0) return;
  const message = `assumed what a cluster would add: ${summaryOf(assumptions)}; -v lists each, --no-complete turns this off`;
  report({ severity: "note", code: "assumed", message });
  for (const finding of assumptions.map(toFinding)) report(finding);
}

/** Reports `not-completed`: what the input lacks and nothing was assumed for. Missing cluster IPs are errors of their own. */
export function reportIncomplete(assumptions: readonly CompletionAssumption[], report: Report): void {
  const others = assumptions.filter(({ what }) => !what.includes("cluster IP") && !what.includes("node"));
  if (others.length === 0) return;
  const message = `left out, since kpc assumes nothing here: ${summaryOf(others.map((each) => ({ ...each, from: [] })))}`;
  report({ severity: "warning", code: "not-completed", message });
}

function toFinding({ text, origin }: CompletionAssumption): Diagnostic {
  const finding = { severity: "info", code: "assumed", message: `assumed: ${text}` } as const;
  return origin === undefined ? finding : { ...finding, origin };
}

/** `cluster IPs of 2 Services (10.96.0.0/16), 1 node port, 3 Pods, addresses of 3 Pods (10.244.0.0/16), Node node-1`. */
function summaryOf(assumptions: readonly CompletionAssumption[]): string {
  const part = (what: CompletionAssumption["what"][number], text: (count: number) => string): string[] => {
    const found = assumptions.filter((each) => each.what.includes(what));
    const isAddress = what === "cluster IP" || what === "pod address";
    const blocks = isAddress ? [...new Set(found.flatMap(({ from }) => from))].sort() : [];
    const { size } = new Set(found.map(({ subject }) => subject));
    return size === 0 ? [] : [`${text(size)}${blocks.length === 0 ? "" : ` (${blocks.join(", ")})`}`];
  };
  return [
    ...part("cluster IP", (count) => `cluster IPs of ${plural(count, "Service")}`),
    ...part("node port", (count) => plural(count, "node port")),
    ...part("health-check node port", (count) => plural(count, "health-check node port")),
    ...part("pod", (count) => `${plural(count, "Pod")} of workloads`),
    ...part("pod address", (count) => `addresses of ${plural(count, "Pod")}`),
    ...part("pod node", (count) => `Nodes of ${plural(count, "Pod")}`),
    ...assumptions.filter(({ what }) => what.includes("node")).map(({ text }) => text),
  ].join(", ");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

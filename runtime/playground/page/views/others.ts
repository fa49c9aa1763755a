/** Check, Verify and Diff: findings, and reports as the command line prints them. */
import type { CheckAnswer, DiffAnswer, VerifyAnswer } from "../../protocol.ts";
import { h } from "../dom.ts";
import { findingList, nothing, type ViewContext } from "./context.ts";

export function checkView({ diagnostics, findings }: CheckAnswer, context: ViewContext): HTMLElement {
  const all = [...diagnostics.filter(({ code }) => code !== "no-node"), ...findings];
  return all.length === 0 ? nothing("✓ nothing was found") : findingList(all, context);
}

export function verifyView({ dumps, refusal, verdict, text }: VerifyAnswer): HTMLElement {
  if (dumps.length === 0)
    return nothing(
      "Add a file with the rules of a host: what iptables-save or nft list ruleset prints there. Drop it here, or paste it into a new file.",
    );
  if (refusal !== undefined) return nothing(refusal);
  if (text === undefined || verdict === undefined) return nothing("The manifests or the rules have errors: see Check.");
  return reportOf(verdict, text, `${dumps.join(", ")} and the manifests`);
}

export function diffView({ verdict, text }: DiffAnswer, keep: () => void): HTMLElement {
  const button = h("button", { type: "button" }, "Keep as before");
  button.addEventListener("click", keep);
  const bar = h(
    "div",
    { class: "bar" },
    button,
    h("span", {}, "compares the rules with those of the files that were kept"),
  );
  const body =
    text === undefined || verdict === undefined
      ? nothing("One of the states has errors.")
      : reportOf(verdict, text, "before and now");
  return h("div", {}, bar, body);
}

function reportOf(verdict: string, text: string, sides: string): HTMLElement {
  return h(
    "div",
    {},
    h("p", { class: `verdict ${verdict === "equal" ? "fine" : "lost"}` }, `${verdict}: ${sides}`),
    h("pre", { class: "report", tabindex: 0 }, text),
  );
}

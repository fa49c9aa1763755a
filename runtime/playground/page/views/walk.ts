/** The walk of the packet: its steps, grouped by host, and what was found. */
import type { BranchLines, StepLine, WalkAnswer } from "../../protocol.ts";
import { h } from "../dom.ts";
import { linkTo } from "../links.ts";
import { findingList, nothing, placeButton, type ViewContext } from "./context.ts";

export function walkView({ asked, walk, diagnostics }: WalkAnswer, context: ViewContext): HTMLElement {
  if (asked.length > 0) return h("div", {}, findingList(asked, context));
  if (walk === undefined)
    return nothing(
      diagnostics.some(({ severity }) => severity === "error")
        ? "The manifests have errors: see the editor, or Check."
        : "Ask about a packet, such as tcp web-1 > svc/api:http.",
    );
  return h(
    "div",
    { class: "walk" },
    h(
      "p",
      { class: `verdict ${walk.isAnswered ? "fine" : "lost"}` },
      walk.isAnswered ? "✓ delivered and answered" : "⊗ not delivered, or not answered",
    ),
    walk.findings.length === 0 ? undefined : findingList(walk.findings, context),
    ...walk.branches.map((branch) => branchElement(branch, walk.branches.length > 1, context)),
  );
}

function branchElement(
  { chance, end, likewise, steps }: BranchLines,
  isOneOfSeveral: boolean,
  context: ViewContext,
): HTMLElement {
  const more = likewise === 0 ? "" : `, and ${likewise} more like it`;
  return h(
    "section",
    { class: "branch" },
    h("h3", {}, `${isOneOfSeveral || likewise > 0 ? `${chance}: ` : ""}${end}${more}`),
    h("ol", { class: "steps" }, ...steps.map((step, i) => stepElement(step, steps[i - 1], context))),
  );
}

function stepElement(step: StepLine, before: StepLine | undefined, context: ViewContext): HTMLElement {
  const { number, direction, host, text, why, place } = step;
  const isThere = before?.host === host && before.direction === direction;
  const item = h(
    "li",
    { class: `step ${direction}`, tabindex: 0, "data-step": number },
    h("span", { class: "number" }, number === undefined ? "" : String(number)),
    h("span", { class: "host" }, isThere ? "" : host),
    h("span", { class: "interface" }, isThere && before?.interface === step.interface ? "" : step.interface),
    h("span", { class: "what" }, text, ...why.map((line) => h("small", {}, line))),
    place && placeButton(place, context),
  );
  if (place === undefined) return item;
  item.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") context.goTo(place);
  });
  return linkTo(item, place);
}

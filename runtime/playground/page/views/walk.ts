/** The walk of the packet: its drawing, its steps, and what was found. */
import type { BranchLine, StepLine, WalkAnswer, WalkLines } from "../../protocol.ts";
import { h } from "../dom.ts";
import { linkTo } from "../links.ts";
import { findingList, nothing, placeButton, type ViewContext } from "./context.ts";
import { enlargeButton } from "./enlarge.ts";

export function walkView({ asked, walk, diagnostics }: WalkAnswer, context: ViewContext): HTMLElement {
  if (asked.length > 0) return h("div", {}, findingList(asked, context));
  if (walk === undefined)
    return nothing(
      diagnostics.some(({ severity }) => severity === "error")
        ? "The manifests have errors: see the editor, or Check."
        : "Ask about a packet, such as tcp web-1 > svc/api:http.",
    );
  const drawing = drawingOf(walk, context);
  const steps = h("ol", { class: "steps" }, ...walk.steps.map((step) => stepElement(step, context)));
  const view = h(
    "div",
    { class: "walk" },
    h("div", { class: "bar" }, branchList(walk.branches, context), enlargeButton(drawing)),
    drawing,
    h("div", { class: "told" }, walk.findings.length === 0 ? undefined : findingList(walk.findings, context), steps),
  );
  joinSteps(view);
  return view;
}

/** The SVG as elements. Its text is that of our own printer; as XML it can hold no script. */
function drawingOf({ drawing }: WalkLines, { scheme }: ViewContext): HTMLElement {
  const { documentElement } = new DOMParser().parseFromString(drawing[scheme], "image/svg+xml");
  const picture = document.importNode(documentElement, true);
  const frame = h("div", { class: "drawing", tabindex: 0, role: "group", "aria-label": "drawing" }, picture);
  frame.style.setProperty("--width", `${picture.getAttribute("width")}px`);
  return frame;
}

/** Nothing where there is no other branch to choose. */
function branchList(branches: readonly BranchLine[], { choose }: ViewContext): HTMLElement | undefined {
  if (branches.length < 2) return undefined;
  const buttons = branches.map(({ chance, end, isTold, isLost }, i) => {
    const button = h(
      "button",
      { type: "button", class: "branch", "aria-pressed": isTold },
      `${isLost ? "⊗ " : ""}${chance}: ${end}`,
    );
    button.addEventListener("click", () => choose(i + 1));
    return button;
  });
  return h("div", { class: "bar branches", role: "group", "aria-label": "branches" }, ...buttons);
}

function stepElement({ number, direction, where, head, isLost, lines }: StepLine, context: ViewContext): HTMLElement {
  const [first] = lines.flatMap(({ place }) => place ?? []);
  const item = h(
    "li",
    { class: `step ${direction}${isLost ? " is-lost" : ""}`, tabindex: 0, "data-step": number },
    h("span", { class: "number" }, String(number)),
    h("span", { class: "host" }, where),
    h(
      "span",
      { class: "what" },
      head,
      ...lines
        .filter(({ text }) => text !== head)
        .map(({ text, place }) =>
          h("small", {}, text, place === undefined ? undefined : " ", place && placeButton(place, context)),
        ),
    ),
  );
  if (first === undefined) return item;
  item.addEventListener("keydown", ({ key, target }) => {
    if (key === "Enter" && target === item) context.goTo?.(first);
  });
  return linkTo(item, first);
}

/** Scrolls the frame of the drawing, and nothing around it, to the step that is lit. */
function scrollToLit(view: HTMLElement): void {
  const frame = view.querySelector(".drawing");
  const lit = frame?.querySelector(".lit-step");
  if (!frame || !lit) return;
  const [around, own] = [frame.getBoundingClientRect(), lit.getBoundingClientRect()];
  if (own.top < around.top || own.bottom > around.bottom) frame.scrollTop += own.top - around.top - around.height / 3;
  if (own.left < around.left || own.right > around.right) frame.scrollLeft += own.left - around.left - around.width / 3;
}

/** Lights a step in the drawing and in the list together. */
function joinSteps(view: HTMLElement): void {
  const light = ({ target }: Event): void => {
    const step = target instanceof Element ? target.closest("[data-step]")?.getAttribute("data-step") : null;
    view.classList.toggle("has-lit", step !== null && step !== undefined);
    for (const each of view.querySelectorAll("[data-step]"))
      each.classList.toggle("lit-step", each.getAttribute("data-step") === step);
    // The other pane follows, never the one under the pointer.
    if (target instanceof HTMLElement && target.closest("li") !== null) scrollToLit(view);
  };
  for (const event of ["mouseover", "focusin"]) view.addEventListener(event, light);
  view.addEventListener("mouseleave", light);
  view.addEventListener("click", ({ target }) => {
    const group = target instanceof SVGElement ? target.closest("[data-step]") : null;
    const step = group?.getAttribute("data-step");
    if (step !== null && step !== undefined) view.querySelector<HTMLElement>(`li[data-step="${step}"]`)?.focus();
  });
}

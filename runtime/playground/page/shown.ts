/** What the page shows of an answer. */
import type { DiagnosticData } from "../../../compiler/index.ts";
import type { InputFile, ViewAnswer, ViewName } from "../protocol.ts";
import { byId, h } from "./dom.ts";
import type { PageState, Store } from "./state.ts";
import { type PageContext, placeButton } from "./views/context.ts";
import { TITLES, viewOf } from "./views/view.ts";

let last: ViewAnswer | undefined;

/** Draws an answer in place of the one before. Of the same view, what had the focus has it again, and what was scrolled stays so. */
export function drawView(answer: ViewAnswer, store: Store, context: PageContext): void {
  const view = byId("view");
  const isSame = last?.view === answer.view;
  last = answer;
  const inFocus = reachable(view).indexOf(document.activeElement);
  const scrolled = [view, ...view.querySelectorAll(".told")].map(({ scrollTop }) => scrollTop);
  const error = answer.diagnostics.find(({ severity }) => severity === "error");
  const good = error !== undefined && isBlank(answer) ? goodAnswers.get(answer.view) : undefined;
  if (error === undefined) goodAnswers.set(answer.view, answer);
  const body = viewOf(good ?? answer, context, () => store.set({ before: store.state.files }));
  view.replaceChildren(...(good && error ? [staleNote(error, context)] : []), body);
  for (const [i, each] of [view, ...view.querySelectorAll(".told")].entries())
    each.scrollTop = isSame ? (scrolled[i] ?? 0) : 0;
  const again = isSame ? reachable(view)[inFocus] : undefined;
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/** Answers to files without errors: they stay while a file has errors. */
const goodAnswers = new Map<ViewName, ViewAnswer>();

/** The files are others than those that answers were about. */
export function forgetAnswers(): void {
  goodAnswers.clear();
}

/** Whether errors have left nothing to show. */
function isBlank(answer: ViewAnswer): boolean {
  switch (answer.view) {
    case "walk":
      return answer.walk === undefined && answer.asked.length === 0;
    case "rules":
      return answer.texts.length === 0;
    case "matrix":
      return answer.matrix === undefined;
    case "verify":
    case "diff":
      return answer.report === undefined;
    default:
      return false;
  }
}

function staleNote({ file, line, message }: DiagnosticData, context: PageContext): HTMLElement {
  const where = file === undefined || line === undefined ? undefined : placeButton({ file, line }, context);
  return h("p", { class: "stale" }, "This was before an error: ", where ?? "", ` ${message}`);
}

/** How many findings there are, on the tab that shows them. */
export function drawBadge({ diagnostics, ...answer }: ViewAnswer, { files }: PageState): void {
  if (answer.view === "check") checked = { files, count: answer.findings.length };
  const own = diagnostics.filter(({ severity }) => severity === "error" || severity === "warning").length;
  const count = own + (checked?.files === files ? checked.count : 0);
  byId("tab-check").replaceChildren(TITLES.check, count === 0 ? "" : h("span", { class: "badge" }, String(count)));
}

/** What Check found last. */
let checked: { readonly files: readonly InputFile[]; readonly count: number } | undefined;

/** What the keyboard can reach. */
function reachable(root: HTMLElement): (Element | null)[] {
  return [...root.querySelectorAll("button, input, select, summary, [tabindex]")];
}

/** The rules of a node, in each language, with the manifest line of each. */
import type { RuleLine, RulesAnswer, RuleText } from "../../protocol.ts";
import { lineAt } from "../../rule-lines.ts";
import { h } from "../dom.ts";
import { linkTo } from "../links.ts";
import { nothing, type ViewContext } from "./context.ts";

/** Lines that are drawn at once; of more, those that the search finds. */
const MOST_LINES = 2000;

export function rulesView({ texts }: RulesAnswer, context: ViewContext): HTMLElement {
  const [first] = texts;
  if (first === undefined) return nothing("The manifests have errors: see the editor, or Check.");
  const find = h("input", { type: "search", placeholder: "find in rules", "aria-label": "find in rules" });
  const language = h(
    "select",
    { "aria-label": "language of the rules" },
    ...texts.map((text) => h("option", { value: text.language }, text.language)),
  );
  language.value = shownLanguage ?? first.language;
  const list = h("div", { class: "rules", tabindex: 0, "aria-label": "rules" });
  const draw = (): void => {
    shownLanguage = language.value;
    const text = texts.find((each) => each.language === language.value) ?? first;
    list.replaceChildren(...linesOf(text, find.value, context));
  };
  language.addEventListener("change", draw);
  find.addEventListener("input", draw);
  draw();
  return h("div", {}, h("div", { class: "bar" }, language, find), list);
}

/** The choice stays when the rules change. */
let shownLanguage: string | undefined;

function linesOf(rules: RuleText, sought: string, context: ViewContext): HTMLElement[] {
  const shown: RuleLine[] = [];
  let more = 0;
  for (const [i, line] of rules.text.split("\n").entries()) {
    if (!line.includes(sought)) continue;
    if (shown.length < MOST_LINES) shown.push(lineAt(rules, line, i));
    else more++;
  }
  const elements = shown.map((line, i) => lineElement(line, shown[i - 1], context));
  return more > 0 ? [...elements, nothing(`${more} more lines: search to see them`)] : elements;
}

/** The place is written where it is not that of the line before. */
function lineElement({ text, place }: RuleLine, before: RuleLine | undefined, { goTo }: ViewContext): HTMLElement {
  if (place === undefined) return h("div", { class: "line" }, h("code", {}, text));
  const name = `${place.file}:${place.line}`;
  const isNew = before?.place?.file !== place.file || before.place.line !== place.line;
  const line = h(
    "button",
    { type: "button", class: "line linked", title: name, tabindex: isNew ? 0 : -1 },
    h("code", {}, text),
    isNew ? h("small", {}, name) : undefined,
  );
  line.addEventListener("click", () => goTo?.(place));
  return linkTo(line, place);
}

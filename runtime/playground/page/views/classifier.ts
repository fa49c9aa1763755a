/** The classifier, at work in this page. */
import type { ClassifierAnswer } from "../../protocol.ts";
import { h } from "../dom.ts";
import { findingList, nothing, type PageContext } from "./context.ts";

export function classifierView(answer: ClassifierAnswer, context: PageContext): HTMLElement {
  const { table, unsupported, agreeing, compared, slots } = answer;
  if (table === undefined)
    return unsupported.length === 0 ? nothing("The manifests have errors.") : findingList(unsupported, context);
  const speed = h("p", { class: "speed", role: "status" }, h("strong", {}, "–"), "million packets a second");
  const button = h("button", { type: "button" }, "Measure");
  button.addEventListener("click", () => void measure(table, slots, speed, context));
  return h(
    "div",
    {},
    h(
      "p",
      { class: `verdict ${agreeing === compared ? "fine" : "lost"}` },
      `${agreeing === compared ? "✓" : "≠"} ${agreeing} of ${compared} random packets: the engine and the rules agree`,
    ),
    h(
      "div",
      { class: "facts" },
      h("p", {}, h("strong", {}, table.length.toLocaleString("en")), "bytes of table"),
      speed,
    ),
    h("div", { class: "bar" }, button, "classifies in this page for a second"),
  );
}

async function measure(table: Uint8Array, slots: Uint8Array, speed: HTMLElement, context: PageContext): Promise<void> {
  if (slots.length === 0) return speed.replaceChildren("There are no Services to send to.");
  const millions = await context.measure(table, slots);
  speed.replaceChildren(h("strong", {}, millions.toFixed(1)), "million packets a second");
}

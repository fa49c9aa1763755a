/** The classifier, at work in this page. */
import { createClassifier } from "../../../classifier/inline.ts";
import type { ClassifierAnswer } from "../../protocol.ts";
import { h } from "../dom.ts";
import { findingList, nothing, type ViewContext } from "./context.ts";

export function classifierView(answer: ClassifierAnswer, context: ViewContext): HTMLElement {
  const { table, unsupported, agreeing, compared, slots } = answer;
  if (table === undefined)
    return unsupported.length === 0 ? nothing("The manifests have errors.") : findingList(unsupported, context);
  const speed = h("p", { class: "speed", role: "status" }, h("strong", {}, "–"), "million packets a second");
  const button = h("button", { type: "button" }, "Measure");
  button.addEventListener("click", () => void measure(table, slots, speed));
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

/** Classifies for a second, in slices that leave the page time for other things. */
async function measure(table: Uint8Array, slots: Uint8Array, speed: HTMLElement): Promise<void> {
  if (slots.length === 0) return speed.replaceChildren("There are no Services to send to.");
  const classifier = await createClassifier(table);
  const { packets, batchSize } = classifier;
  for (let at = 0; at < packets.length; at += slots.length) packets.set(slots.subarray(0, packets.length - at), at);
  let done = 0;
  let spent = 0;
  while (spent < 1000) {
    const begun = performance.now();
    for (let i = 0; i < 50; i++) {
      classifier.classifyMany(batchSize);
      done += batchSize;
    }
    spent += performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve));
  }
  speed.replaceChildren(h("strong", {}, (done / spent / 1000).toFixed(1)), "million packets a second");
}

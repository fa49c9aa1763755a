/** What is wrong with the files, and with the network that they describe. */
import type { CheckAnswer } from "../../protocol.ts";
import { findingList, nothing, type ViewContext } from "./context.ts";

export function checkView({ diagnostics, findings }: CheckAnswer, context: ViewContext): HTMLElement {
  const all = [...diagnostics.filter(({ code }) => code !== "no-node"), ...findings];
  return all.length === 0 ? nothing("✓ nothing was found") : findingList(all, context);
}

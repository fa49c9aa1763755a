/** The view of an answer. */
import { unreachable } from "../../../../compiler/invariant.ts";
import type { ViewAnswer, ViewName } from "../../protocol.ts";
import { checkView } from "./check.ts";
import { classifierView } from "./classifier.ts";
import type { PageContext } from "./context.ts";
import { matrixView } from "./matrix.ts";
import { diffView, verifyView } from "./report.ts";
import { rulesView } from "./rules.ts";
import { walkView } from "./walk.ts";

export const TITLES: Readonly<Record<ViewName, string>> = {
  walk: "Walk",
  rules: "Rules",
  matrix: "Matrix",
  check: "Check",
  verify: "Verify",
  diff: "Diff",
  classifier: "Classifier",
};

/** `keep`: takes the files as the state that Diff compares with. */
export function viewOf(answer: ViewAnswer, context: PageContext, keep: () => void): HTMLElement {
  switch (answer.view) {
    case "walk":
      return walkView(answer, context);
    case "rules":
      return rulesView(answer, context);
    case "matrix":
      return matrixView(answer, context);
    case "check":
      return checkView(answer, context);
    case "verify":
      return verifyView(answer, context);
    case "diff":
      return diffView(answer, context, keep);
    case "classifier":
      return classifierView(answer, context);
    default:
      return unreachable(answer);
  }
}

/** Who reaches which Service. */
import type { MatrixOutcomeData, MatrixRowData } from "../../../../compiler/index.ts";
import type { MatrixViewAnswer } from "../../protocol.ts";
import { h } from "../dom.ts";
import { nothing, type ViewContext } from "./context.ts";

export function matrixView({ matrix }: MatrixViewAnswer, context: ViewContext): HTMLElement {
  if (matrix === undefined) return nothing("The manifests have errors: see the editor, or Check.");
  if (matrix.rows.length === 0) return nothing("There are no Services to reach, or no nodes with addresses.");
  const cells = matrix.rows.flatMap((row) => row.cells);
  const lost = cells.filter(({ answered }) => !answered).length;
  return h(
    "div",
    {},
    h(
      "p",
      { class: `verdict ${lost === 0 ? "fine" : "lost"}` },
      lost === 0 ? `✓ all ${cells.length} ways are answered` : `✕ ${lost} of ${cells.length} ways are not answered`,
    ),
    h(
      "table",
      { class: "matrix" },
      h(
        "thead",
        {},
        h("tr", {}, ...["Service", "address", "from", "outcome"].map((name) => h("th", { scope: "col" }, name))),
      ),
      h("tbody", {}, ...matrix.rows.flatMap((row) => rowElements(row, context))),
    ),
  );
}

function rowElements(
  { service, entry, protocol, address, port, cells }: MatrixRowData,
  context: ViewContext,
): HTMLElement[] {
  const to = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return cells.map(({ from, answered, outcomes }, i) => {
    const [sender = ""] = from;
    const button = h(
      "button",
      { type: "button", class: answered ? "fine" : "lost" },
      `${answered ? "✓" : "✕"} ${wordsOf(outcomes)}`,
    );
    button.addEventListener("click", () => context.ask(`${protocol} ${sender} > ${to}`));
    return h(
      "tr",
      {},
      ...(i === 0
        ? [
            h(
              "th",
              { scope: "row", rowspan: cells.length },
              service ?? "forwarded port",
              " ",
              h("small", {}, `(${entry})`),
            ),
            h("td", { rowspan: cells.length }, h("code", {}, to)),
          ]
        : []),
      h(
        "td",
        { title: from.join("\n") },
        from.length > 3 ? `${from.slice(0, 3).join(", ")} and ${from.length - 3} more` : from.join(", "),
      ),
      h("td", {}, button),
    );
  });
}

function wordsOf(outcomes: readonly MatrixOutcomeData[]): string {
  return outcomes
    .map(
      ({ host, end, seenAs }) =>
        `${end === "delivered" ? host : `${end} on ${host}`}${seenAs === undefined ? "" : ` as ${seenAs}`}`,
    )
    .join(", ");
}

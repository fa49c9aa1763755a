/** A matrix, and what differs between two, as tables (RFC 4180): a line for each client and address. */

import type { MatrixRowChange } from "./changes.ts";
import { addressText } from "./names.ts";
import { isAnswered, type Matrix, type MatrixOutcome, type MatrixSource, type MatrixTarget } from "./types.ts";

const PLACE = ["from", "node", "service", "entry", "entry_node", "to"] as const;
const RESULT = ["result", "endpoints", "seen_as", "reply"] as const;

export function matrixToCsv({ rows }: Matrix): string {
  const lines = rows.flatMap(({ target, cells }) =>
    cells.flatMap(({ sources, outcomes }) => {
      const result = resultOf(outcomes);
      return sources.map((source) => line([...placeOf(source, target), ...result]));
    }),
  );
  return `${[line([...PLACE, ...RESULT]), ...lines].join("\r\n")}\r\n`;
}

export function changesToCsv(changes: readonly MatrixRowChange[]): string {
  const head = [...PLACE, ...RESULT.map((name) => `before_${name}`), ...RESULT.map((name) => `after_${name}`)];
  const lines = changes.flatMap(({ target, changes: cells }) =>
    cells.flatMap(({ sources, before, after }) =>
      sources.map((source) => line([...placeOf(source, target), ...resultOf(before), ...resultOf(after)])),
    ),
  );
  return `${[line(head), ...lines].join("\r\n")}\r\n`;
}

function placeOf({ name, node }: MatrixSource, target: MatrixTarget): string[] {
  const { service = "", entry, node: at = "" } = target;
  return [name, node ?? "", service, entry, at, addressText(target)];
}

/** Several endpoints, and what they see, are separated by blanks and semicolons. */
function resultOf(outcomes: readonly MatrixOutcome[] | undefined): string[] {
  if (outcomes === undefined) return ["absent", "", "", ""];
  const taken = outcomes.filter(({ end }) => end === "delivered");
  const lost = outcomes.filter(({ end }) => end !== "delivered").map(({ end, host }) => `${end} at ${host}`);
  const several = (some: readonly (string | undefined)[]): string =>
    [...new Set(some.flatMap((each) => each ?? []))].join("; ");
  return [
    isAnswered(outcomes) ? "answered" : several([...(taken.length > 0 ? ["delivered"] : []), ...lost]),
    taken.map(({ host, port }) => `${host}:${port}`).join(" "),
    several(taken.map(({ seenAs }) => seenAs)),
    several(taken.map(({ reply }) => reply)),
  ];
}

function line(values: readonly string[]): string {
  return values.map((value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(",");
}

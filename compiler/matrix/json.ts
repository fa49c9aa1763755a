/** A matrix, and what differs between two, as data. */

import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { jsonText } from "../json-output.ts";
import { printAddress } from "../net/address.ts";
import type { MatrixRowChange } from "./changes.ts";
import { isAnswered, type Matrix, type MatrixOutcome, type MatrixSource, type MatrixTarget } from "./types.ts";

export function matrixToJson({ rows, leftOut }: Matrix): string {
  return jsonText("Matrix", {
    rows: rows.map(({ target, cells }) => ({
      ...targetToJson(target),
      cells: cells.map(({ sources, outcomes }) => ({
        from: sources.map(nameOf),
        answered: isAnswered(outcomes),
        outcomes: outcomes.map(outcomeToJson),
      })),
    })),
    leftOut,
  });
}

/** `before`, `after`: null where the address, or the client, is not there. */
export function changesToJson(changes: readonly MatrixRowChange[]): string {
  return jsonText("MatrixChanges", {
    equal: changes.length === 0,
    rows: changes.map(({ target, changes: cells }) => ({
      ...targetToJson(target),
      changes: cells.map(({ sources, before, after }) => ({
        from: sources.map(nameOf),
        before: before?.map(outcomeToJson) ?? null,
        after: after?.map(outcomeToJson) ?? null,
      })),
    })),
  });
}

function nameOf({ name }: MatrixSource): string {
  return name;
}

function targetToJson({ service, entry, protocol, address, port, node }: MatrixTarget): object {
  return {
    service: service ?? null,
    entry,
    ...(node === undefined ? {} : { node }),
    protocol: PROTOCOL_NAMES.get(protocol) ?? String(protocol),
    address: printAddress(address),
    port,
  };
}

function outcomeToJson({ probability, isConditional, end, host, port, seenAs, reply }: MatrixOutcome): object {
  return {
    probability,
    end,
    host,
    ...(port === undefined ? {} : { port }),
    ...(seenAs === undefined ? {} : { seenAs }),
    ...(reply === undefined ? {} : { reply }),
    ...(isConditional ? { conditional: true } : {}),
  };
}

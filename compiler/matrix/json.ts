/** A matrix, and what differs between two, as data. */

import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { jsonText } from "../json-output.ts";
import { printAddress } from "../net/address.ts";
import type { MatrixRowChange } from "./changes.ts";
import {
  isAnswered,
  type Matrix,
  type MatrixEntry,
  type MatrixOutcome,
  type MatrixSource,
  type MatrixTarget,
} from "./types.ts";

/** A matrix as `kpc matrix -o json` prints it. */
export interface MatrixData {
  readonly rows: readonly MatrixRowData[];
  /** Pods of which the node or the address is not known. */
  readonly leftOut: readonly string[];
}

/** What `kpc matrix --against -o json` prints. */
export interface MatrixChangesData {
  readonly equal: boolean;
  readonly rows: readonly (MatrixTargetData & { readonly changes: readonly MatrixChangeData[] })[];
}

export interface MatrixTargetData {
  /** `namespace/name:portname`; null: a forwarded port that leads to no node port. */
  readonly service: string | null;
  readonly entry: MatrixEntry;
  /** The node's name, of node ports. */
  readonly node?: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

export interface MatrixRowData extends MatrixTargetData {
  readonly cells: readonly {
    readonly from: readonly string[];
    readonly answered: boolean;
    readonly outcomes: readonly MatrixOutcomeData[];
  }[];
}

/** Null: the address, or the client, is not there. */
export interface MatrixChangeData {
  readonly from: readonly string[];
  readonly before: readonly MatrixOutcomeData[] | null;
  readonly after: readonly MatrixOutcomeData[] | null;
}

export interface MatrixOutcomeData {
  readonly probability: number;
  readonly end: string;
  readonly host: string;
  readonly port?: number;
  readonly seenAs?: string;
  readonly reply?: string;
  readonly conditional?: true;
}

export function matrixToJson(matrix: Matrix): string {
  return jsonText("Matrix", matrixToData(matrix));
}

export function matrixToData({ rows, leftOut }: Matrix): MatrixData {
  return {
    rows: rows.map(({ target, cells }) => ({
      ...targetToJson(target),
      cells: cells.map(({ sources, outcomes }) => ({
        from: sources.map(nameOf),
        answered: isAnswered(outcomes),
        outcomes: outcomes.map(outcomeToJson),
      })),
    })),
    leftOut,
  };
}

export function changesToJson(changes: readonly MatrixRowChange[]): string {
  return jsonText("MatrixChanges", changesToData(changes));
}

export function changesToData(changes: readonly MatrixRowChange[]): MatrixChangesData {
  return {
    equal: changes.length === 0,
    rows: changes.map(({ target, changes: cells }) => ({
      ...targetToJson(target),
      changes: cells.map(({ sources, before, after }) => ({
        from: sources.map(nameOf),
        before: before?.map(outcomeToJson) ?? null,
        after: after?.map(outcomeToJson) ?? null,
      })),
    })),
  };
}

function nameOf({ name }: MatrixSource): string {
  return name;
}

function targetToJson({ service, entry, protocol, address, port, node }: MatrixTarget): MatrixTargetData {
  return {
    service: service ?? null,
    entry,
    ...(node === undefined ? {} : { node }),
    protocol: PROTOCOL_NAMES.get(protocol) ?? String(protocol),
    address: printAddress(address),
    port,
  };
}

function outcomeToJson({
  probability,
  isConditional,
  end,
  host,
  port,
  seenAs,
  reply,
}: MatrixOutcome): MatrixOutcomeData {
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

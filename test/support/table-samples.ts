/** Small tabulations, written by hand. */
import type { Interval } from "../../compiler/ir/types.ts";
import type { Family } from "../../compiler/net/address.ts";
import { prefixRange } from "../../compiler/net/prefix.ts";
import {
  type AddressRow,
  type FamilyTable,
  type PortRow,
  type RowEndpoint,
  SOURCE_CLASSES,
  type TableAnswer,
  type Tabulation,
} from "../../compiler/tabulate/types.ts";
import { address, prefix } from "./service-port.ts";

export function answer(verdict: TableAnswer["verdict"], more: Partial<TableAnswer> = {}): TableAnswer {
  return { verdict, masquerade: false, reasons: [], ...more };
}

/** The same for everybody, by whichever interface. */
export function everybody<Each>(each: Each): readonly (readonly Each[])[] {
  return [0, 1].map(() => Array.from({ length: SOURCE_CLASSES }, () => each));
}

export function endpoint(text: string, port: number, more: Partial<RowEndpoint> = {}): RowEndpoint {
  return { address: address(text), port, identity: 0, endpointTreatment: undefined, ...more };
}

/** A row of port 80 of TCP that behaves by number 1, without endpoints. */
export function portRow(more: Partial<PortRow> = {}): PortRow {
  return {
    protocol: 6,
    port: 80,
    behaviour: 1,
    lists: [],
    allowed: undefined,
    stickySeconds: undefined,
    label: "shop/web",
    ...more,
  };
}

export function rowAt(text: string, more: Partial<PortRow> = {}): AddressRow {
  return { ...portRow(more), address: address(text) };
}

export function networks(...texts: readonly string[]): Interval[] {
  return texts.map((text) => prefixRange(prefix(text)));
}

export const BY_DEFAULT = { new: 0, invalid: 0, untracked: 0 };

const EMPTY: Readonly<Record<Family, FamilyTable>> = {
  IPv4: familyTable("127.0.0.1", "0.0.0.0", 0),
  IPv6: familyTable("::1", "::", undefined),
};

function familyTable(loopback: string, lowest: string, loopbackClass: number | undefined): FamilyTable {
  return {
    detected: [],
    rows: [],
    local: [{ address: address(loopback), kind: 0, hasRows: false }],
    localClasses: [{ default: BY_DEFAULT, rows: [] }],
    loopback: loopbackClass,
    regions: [{ from: address(lowest), ...BY_DEFAULT }],
    points: [],
  };
}

/** Behaviour 0 lets packets pass, number 1 sends them to the first list; nothing else but `parts`. One kind of interfaces beside
 *  the node itself. */
export function tabulationOf(
  parts: Partial<Omit<Tabulation, "families">> & { readonly [F in Family]?: Partial<FamilyTable> },
): Tabulation {
  const { IPv4, IPv6, ...others } = parts;
  return {
    interfaces: { patterns: [], matches: [-1, 0] },
    behaviours: [everybody(answer("pass")), everybody(answer("dnat", { list: 0 }))],
    endpointTreatments: [],
    families: { IPv4: { ...EMPTY.IPv4, ...IPv4 }, IPv6: { ...EMPTY.IPv6, ...IPv6 } },
    ...others,
  };
}

/** A table with the rows that more Services give to it. */
import { getOrMake } from "../memo.ts";
import { type Address, FAMILIES, type Family } from "../net/address.ts";
import type { FamilyPart, TablePart } from "./part.ts";
import type { AddressRange, FamilyTable, PortRow, RowEndpoint, RowEndpoints, Tabulation } from "./types.ts";

/** `tabulation` with all of `parts`, which have no row and no point that it has. Undefined where a part has an answer that the tabulation
 *  does not have. Takes steps in proportion to what the parts have. */
export function grow(tabulation: Tabulation, parts: readonly TablePart[]): Tabulation | undefined {
  const numbering = new Numbering(tabulation);
  const grown = FAMILIES.map((family) => new FamilyGrowth(tabulation.families[family]));
  for (const part of parts) {
    const numbers = numbering.of(part);
    if (numbers === undefined) return undefined;
    for (const [i, family] of FAMILIES.entries()) grown[i]?.add(part.families[family], numbers);
  }
  const [IPv4, IPv6] = grown.map((each) => each.table()) as [FamilyTable, FamilyTable];
  const families: Record<Family, FamilyTable> = { IPv4, IPv6 };
  return { ...tabulation, families };
}

/** The tabulation's numbers by those of a part. */
interface Numbers {
  readonly behaviours: readonly number[];
  readonly endpointTreatments: readonly number[];
}

/** Parts of one form have one list of answers, which is looked up once. */
class Numbering {
  private readonly behaviours: ReadonlyMap<string, number>;
  private readonly endpointTreatments: ReadonlyMap<string, number>;
  private readonly known = new Map<TablePart["behaviours"], Numbers | undefined>();

  constructor({ behaviours, endpointTreatments }: Tabulation) {
    this.behaviours = numbersOf(behaviours);
    this.endpointTreatments = numbersOf(endpointTreatments);
  }

  of({ behaviours, endpointTreatments }: TablePart): Numbers | undefined {
    if (!this.known.has(behaviours)) {
      const found = {
        behaviours: numbered(behaviours, this.behaviours),
        endpointTreatments: numbered(endpointTreatments, this.endpointTreatments),
      };
      const isWhole = [...found.behaviours, ...found.endpointTreatments].every((number) => number >= 0);
      this.known.set(behaviours, isWhole ? found : undefined);
    }
    return this.known.get(behaviours);
  }
}

function numbersOf(values: readonly unknown[]): ReadonlyMap<string, number> {
  return new Map(values.map((value, number) => [JSON.stringify(value), number]));
}

/** -1: there is none. */
function numbered(values: readonly unknown[], numbers: ReadonlyMap<string, number>): number[] {
  return values.map((value) => numbers.get(JSON.stringify(value)) ?? -1);
}

class FamilyGrowth {
  private readonly before: FamilyTable;
  private readonly rows: FamilyTable["rows"][number][];
  private readonly points: AddressRange[];
  private readonly localRows: PortRow[][];

  constructor(before: FamilyTable) {
    this.before = before;
    this.rows = [...before.rows];
    this.points = [...before.points];
    this.localRows = before.localClasses.map(({ rows }) => [...rows]);
  }

  add({ rows, local, points }: FamilyPart, { behaviours, endpointTreatments }: Numbers): void {
    const lists = new Map<RowEndpoints, RowEndpoints>(); // rows that have one list go on sharing it
    const listOf = (list: RowEndpoints): RowEndpoints =>
      getOrMake(lists, list, () => list.map((endpoint) => renumbered(endpoint, endpointTreatments)));
    const rowOf = <Row extends PortRow>(row: Row): Row => ({
      ...row,
      behaviour: behaviours[row.behaviour] as number,
      lists: endpointTreatments.length === 0 ? row.lists : row.lists.map(listOf),
    });
    for (const row of rows) this.rows.push(rowOf(row));
    for (const { localClass, row } of local) this.localRows[localClass]?.push(rowOf(row));
    for (const { from, new: fresh, invalid, untracked } of points)
      this.points.push({
        from,
        new: behaviours[fresh] as number,
        invalid: behaviours[invalid] as number,
        untracked: behaviours[untracked] as number,
      });
  }

  table(): FamilyTable {
    return {
      ...this.before,
      rows: this.rows,
      points: this.points.sort((a, b) => order(a.from, b.from)),
      localClasses: this.before.localClasses.map((each, i) => ({ ...each, rows: this.localRows[i] as PortRow[] })),
    };
  }
}

function order(a: Address, b: Address): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function renumbered(endpoint: RowEndpoint, numbers: readonly number[]): RowEndpoint {
  const { endpointTreatment: own } = endpoint;
  return own === undefined ? endpoint : { ...endpoint, endpointTreatment: numbers[own] };
}

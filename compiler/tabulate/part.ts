/** What a few Services add to the table of a cluster, where that does not depend on the others. */
import type { Interval } from "../ir/types.ts";
import { type Address, FAMILIES, type Family } from "../net/address.ts";
import type {
  AddressRange,
  AddressRow,
  Behaviour,
  Default,
  EndpointTreatment,
  FamilyTable,
  PortRow,
  TableAnswer,
  Tabulation,
} from "./types.ts";

export interface TablePart {
  /** What numbers of its rows and points stand for. */
  readonly behaviours: readonly Behaviour[];
  readonly endpointTreatments: readonly EndpointTreatment[];
  readonly families: Readonly<Record<Family, FamilyPart>>;
}

export interface FamilyPart {
  readonly rows: readonly AddressRow[];
  /** Rows of the node's own addresses, with the number that their class has in the table. */
  readonly local: readonly { readonly localClass: number; readonly row: PortRow }[];
  readonly points: readonly AddressRange[];
}

export const NO_PART: TablePart = {
  behaviours: [],
  endpointTreatments: [],
  families: { IPv4: { rows: [], local: [], points: [] }, IPv6: { rows: [], local: [], points: [] } },
};

/** What is the same in the table of a cluster and in the tables of some of its Services by themselves. */
export class TableFrame {
  private readonly values = new Values();
  private readonly interfaces: string;
  private readonly families: Readonly<Record<Family, FamilyFrame>>;

  constructor(tabulation: Tabulation) {
    const numberOf = this.values.of(tabulation);
    this.interfaces = JSON.stringify(tabulation.interfaces);
    const [IPv4, IPv6] = FAMILIES.map((family) => frameOf(tabulation.families[family], numberOf)) as [
      FamilyFrame,
      FamilyFrame,
    ];
    this.families = { IPv4, IPv6 };
  }

  /** The part of the table that `own` is: the tabulation of some Services by themselves. Undefined where more would change than rows
   *  and points. */
  partOf(own: Tabulation): TablePart | undefined {
    if (JSON.stringify(own.interfaces) !== this.interfaces) return undefined;
    const numberOf = this.values.of(own);
    const IPv4 = partOfFamily(own.families.IPv4, this.families.IPv4, numberOf);
    const IPv6 = partOfFamily(own.families.IPv6, this.families.IPv6, numberOf);
    if (IPv4 === undefined || IPv6 === undefined) return undefined;
    return { behaviours: own.behaviours, endpointTreatments: own.endpointTreatments, families: { IPv4, IPv6 } };
  }
}

/** The number of a behaviour's value, by the number that its tabulation gives it. */
type NumberOf = (behaviour: number) => number;

/** Numbers of values: equal ones have one number, whichever tabulation they are of. */
class Values {
  private readonly numbers = new Map<string, number>();

  of({ behaviours }: Tabulation): NumberOf {
    const answers = new Map<TableAnswer, number>();
    const found: number[] = [];
    return (behaviour) => {
      found[behaviour] ??= this.number(
        (behaviours[behaviour] as Behaviour)
          .map((each) => each.map((answer) => this.answer(answer, answers)))
          .join(";"),
      );
      return found[behaviour];
    };
  }

  private answer(answer: TableAnswer, known: Map<TableAnswer, number>): number {
    let number = known.get(answer);
    if (number === undefined) {
      number = this.number(JSON.stringify(answer));
      known.set(answer, number);
    }
    return number;
  }

  private number(text: string): number {
    let number = this.numbers.get(text);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(text, number);
    }
    return number;
  }
}

interface FamilyFrame {
  /** The class of each of the node's own addresses. */
  readonly classes: ReadonlyMap<Address, number>;
  /** Its default, by class. */
  readonly classDefaults: readonly string[];
  readonly loopback: number | undefined;
  readonly regions: string;
  readonly detected: string;
}

function frameOf(table: FamilyTable, numberOf: NumberOf): FamilyFrame {
  return {
    classes: new Map(table.local.map(({ address, kind }) => [address, kind])),
    classDefaults: table.localClasses.map((each) => defaultText(each.default, numberOf)),
    loopback: table.loopback,
    regions: regionsText(table.regions, numberOf),
    detected: rangesText(table.detected),
  };
}

function partOfFamily(own: FamilyTable, frame: FamilyFrame, numberOf: NumberOf): FamilyPart | undefined {
  if (regionsText(own.regions, numberOf) !== frame.regions) return undefined;
  if (own.detected.length > 0 && rangesText(own.detected) !== frame.detected) return undefined;
  if (own.local.length !== frame.classes.size || own.local.some(({ hasRows }) => hasRows)) return undefined;
  // Each class of the table has the rows of one class here.
  const classes = new Map<number, number>();
  const pair = (theirs: number | undefined, ours: number): boolean => {
    if (theirs === undefined) return false;
    const known = classes.get(theirs);
    classes.set(theirs, known ?? ours);
    return known === undefined || known === ours;
  };
  if (!own.local.every(({ address, kind }) => pair(frame.classes.get(address), kind))) return undefined;
  if (own.loopback !== undefined && !pair(frame.loopback, own.loopback)) return undefined;
  const local: { readonly localClass: number; readonly row: PortRow }[] = [];
  for (const [localClass, kind] of classes) {
    const ours = own.localClasses[kind];
    if (ours === undefined || defaultText(ours.default, numberOf) !== frame.classDefaults[localClass]) return undefined;
    for (const row of ours.rows) local.push({ localClass, row });
  }
  return { rows: own.rows, local, points: own.points };
}

function defaultText({ new: fresh, invalid, untracked }: Default, numberOf: NumberOf): string {
  return `${numberOf(fresh)} ${numberOf(invalid)} ${numberOf(untracked)}`;
}

function regionsText(regions: readonly AddressRange[], numberOf: NumberOf): string {
  return regions.map((region) => `${region.from} ${defaultText(region, numberOf)}`).join();
}

function rangesText(ranges: readonly Interval[]): string {
  return ranges.map(({ from, to }) => `${from}-${to}`).join();
}

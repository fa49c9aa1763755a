/** Tabulations without the order and the numbers that their making gave them. */
import { mergeIntervals } from "../../compiler/ir/interval.ts";
import { type Address, FAMILIES, printAddress } from "../../compiler/net/address.ts";
import type {
  AddressRange,
  Behaviour,
  Default,
  FamilyTable,
  PortRow,
  Tabulation,
} from "../../compiler/tabulate/types.ts";

/** What a tabulation says, as lines of text; sorted. */
export function linesOf(tabulation: Tabulation): string[] {
  const words = new Words(tabulation);
  return [
    JSON.stringify(tabulation.interfaces),
    ...FAMILIES.flatMap((family) => words.family(tabulation.families[family]).map((line) => `${family} ${line}`)),
  ].sort();
}

class Words {
  private readonly tabulation: Tabulation;

  constructor(tabulation: Tabulation) {
    this.tabulation = tabulation;
  }

  family({ detected, rows, local, localClasses, loopback, regions, points }: FamilyTable): string[] {
    const kind = (number: number): string => {
      const { default: own, rows: inside } = localClasses[number] as (typeof localClasses)[number];
      return [this.default(own), ...inside.map((row) => this.row(row)).sort()].join(" | ");
    };
    return [
      `detected ${ranges(detected)}`,
      ...rows.map((row) => `${printAddress(row.address)} ${this.row(row)}`),
      ...local.map((each) => `local ${printAddress(each.address)} ${each.hasRows} ${kind(each.kind)}`),
      `loopback ${loopback === undefined ? "" : kind(loopback)}`,
      ...this.steps(regions, points),
    ];
  }

  /** Where the default changes, from address to address. */
  private steps(regions: readonly AddressRange[], points: readonly AddressRange[]): string[] {
    const special = new Map(points.map((point) => [point.from, point]));
    const starts = [...regions.map(({ from }) => from), ...points.flatMap(({ from }) => [from, next(from)])].filter(
      (from) => from !== 2 ** 32 && from !== 2n ** 128n,
    );
    const sorted = [...new Set(starts)].sort((a, b) => (a < b ? -1 : 1));
    let before = "";
    return sorted.flatMap((from) => {
      const region = regions.findLast((each) => each.from <= from);
      const text = this.default((special.get(from) ?? region) as AddressRange);
      if (text === before) return [];
      before = text;
      return [`from ${printAddress(from)} ${text}`];
    });
  }

  private default({ new: fresh, invalid, untracked }: Default): string {
    return [fresh, invalid, untracked].map((number) => this.behaviour(number)).join(" / ");
  }

  private row({ protocol, port, behaviour, lists, allowed, stickySeconds, label }: PortRow): string {
    const endpoints = lists.map((list) =>
      list.map(({ address, port: to, identity, endpointTreatment }) =>
        [
          printAddress(address),
          to,
          identity,
          JSON.stringify(
            endpointTreatment === undefined ? null : this.tabulation.endpointTreatments[endpointTreatment],
          ),
        ].join(),
      ),
    );
    return [
      protocol,
      port,
      this.behaviour(behaviour),
      ...endpoints.map((list) => `[${list.join(" ")}]`),
      allowed === undefined ? "" : ranges(allowed),
      stickySeconds,
      label,
    ].join(" ");
  }

  private behaviour(number: number): string {
    const behaviour = this.tabulation.behaviours[number] as Behaviour;
    return JSON.stringify(
      behaviour.map((answers) =>
        answers.map((answer) =>
          Object.entries(answer)
            .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
            .sort(),
        ),
      ),
    );
  }
}

function ranges(intervals: FamilyTable["detected"]): string {
  return mergeIntervals(intervals)
    .map(({ from, to }) => `${from}-${to}`)
    .join();
}

function next(address: Address): Address {
  return (typeof address === "bigint" ? address + 1n : address + 1) as Address;
}

/** Where the packets of a kind of traffic are cut, so that not too much of what becomes of them is held at a time. */

import { forEachElement } from "../ir/element-rows.ts";
import { operandIn, type RowOperand, RuleForms } from "../ir/rule-forms.ts";
import { type AnySet, keyTypesOf, partsOfKey } from "../ir/sets.ts";
import type { KeyPart, Program } from "../ir/types.ts";
import { lookupsIn } from "../ir/walk.ts";
import type { Address } from "../net/address.ts";
import { type Family, familyOf } from "../net/address.ts";
import { type PacketSet, within } from "../packets/packet-set.ts";
import { type Cut, Ranges } from "../packets/ranges.ts";
import { namedInForm } from "./destination-forms.ts";
import { forEachNamed } from "./named-destinations.ts";

/** Names of addresses that one slice has, about: with as many, most of what is made on the way is gone before V8 looks again. */
const NAMES = 2500;

/** Cuts the destinations of packets so that `programs` name about as many of each part: those that they name more often, in
 *  maps of their endpoints, have more becoming of them. */
export class Slices {
  private readonly borders: Readonly<Record<Family, readonly Cut[]>>;

  constructor(programs: readonly Program[]) {
    const names: Record<Family, Cut[]> = { IPv4: [], IPv6: [] };
    const add = (part: KeyPart): void => {
      const value = typeof part === "object" ? part.from : part;
      if (typeof value !== "string") names[familyOf(value as Address)].push(value);
    };
    for (const program of programs) forEachAddress(program, add);
    this.borders = { IPv4: bordersOf(names.IPv4), IPv6: bordersOf(names.IPv6) };
  }

  /** `region` in parts, those with lower destinations first. */
  of(region: PacketSet, family: Family): PacketSet[] {
    const { cuts } = region.daddr;
    const ends = [cuts[0] as Cut, ...this.borders[family], cuts.at(-1) as Cut];
    return ends.slice(1).flatMap((end, i): PacketSet[] => {
      const from = ends[i] as Cut;
      const part = from < end ? within(region, "daddr", new Ranges([from, end])) : undefined;
      return part === undefined ? [] : [part];
    });
  }
}

/** Numbers alone: they are sorted without a call for each two. */
function isIpv4(names: readonly Cut[]): names is number[] {
  return typeof names[0] === "number";
}

function bordersOf(names: Cut[]): Cut[] {
  const sorted = isIpv4(names) ? Float64Array.from(names).sort() : names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const borders: Cut[] = [];
  for (let i = NAMES; i < names.length; i += NAMES) if (sorted[i] !== borders.at(-1)) borders.push(sorted[i] as Cut);
  return borders;
}

/** Without lists of them, nor of rules: large programs name a million. */
function forEachAddress({ ruleset }: Program, add: (part: KeyPart) => void): void {
  const addKeys = (set: AnySet): void => {
    const at = keyTypesOf(set).findIndex((type) => type === "ipv4_addr" || type === "ipv6_addr");
    if (at < 0) return;
    forEachElement(set, (element) => {
      const part = partsOfKey(element)[at];
      if (part !== undefined) add(part);
    });
  };
  const forms = new RuleForms(namedInForm);
  for (const { sets, maps, chains } of ruleset.tables) {
    for (const set of [...sets, ...maps]) addKeys(set);
    for (const chain of chains)
      forms.forEach(
        chain,
        (named, rows, row) => {
          for (let i = 0; i < named.length; i++) add(operandIn(rows, row, named[i] as RowOperand));
        },
        ({ steps }) => {
          for (const step of steps) {
            forEachNamed(step, add);
            for (const { among } of lookupsIn(step)) if (typeof among !== "string") addKeys(among);
          }
        },
      );
  }
}

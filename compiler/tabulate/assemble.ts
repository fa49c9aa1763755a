/** From the rows and defaults of a family's destinations to its part of the table. */
import { required } from "../invariant.ts";
import type { Interval } from "../ir/types.ts";
import { type Address, isLoopbackNet } from "../net/address.ts";
import type { MentionedDestinations, PortKey } from "./mentioned.ts";
import {
  type AddressRange,
  type AddressRow,
  type Default,
  type FamilyTable,
  type LocalAddress,
  type LocalClass,
  type PortRow,
  sameDefault,
} from "./types.ts";

/** The part of a family. `detected`: the sources by which rules tell pods of this node. `rows` and `localRows` have rows by address and port; each address that is mentioned has a default. */
export function assembleFamily(
  mentioned: MentionedDestinations,
  detected: readonly Interval[],
  defaults: ReadonlyMap<Address, Default>,
  rows: ReadonlyMap<Address, ReadonlyMap<PortKey, PortRow>>,
  localRows: ReadonlyMap<Address, ReadonlyMap<PortKey, PortRow>>,
): FamilyTable {
  const defaultAt = (address: Address): Default => required(defaults.get(address), "each address has been looked at");
  const telling = (address: Address, ofAddress: ReadonlyMap<PortKey, PortRow> | undefined): PortRow[] =>
    [...(ofAddress?.values() ?? [])].filter((row) => row.behaviour !== defaultAt(address).new);
  const kinds: LocalClass[] = [];
  const numbers = new Map<string, number>();
  const objects = new Map<object, number>();
  const kindOf = (address: Address): number => {
    const kind = { default: defaultAt(address), rows: telling(address, localRows.get(address)) };
    const text = kindText(kind, objects);
    const number = numbers.get(text) ?? kinds.push(kind) - 1;
    numbers.set(text, number);
    return number;
  };
  const addressRows = [...rows].flatMap(([address, ofAddress]): AddressRow[] => {
    const anywhere = localRows.get(address);
    return [...ofAddress]
      .filter(([key, row]) => !sameRow(row, anywhere?.get(key)) || anywhere === undefined)
      .filter(([, row]) => mentioned.isLocal(address) || row.behaviour !== defaultAt(address).new)
      .map(([, row]) => ({ ...row, address }));
  });
  const withRows = new Set(addressRows.map(({ address }) => address));
  const loopback = mentioned.loopbackExample().map(kindOf)[0];
  const local = [...mentioned.local, ...[...mentioned.points.keys()].filter(isLoopbackNet)].map(
    (address): LocalAddress => ({ address, kind: kindOf(address), hasRows: withRows.has(address) }),
  );
  return {
    detected,
    rows: addressRows,
    local: unique(local),
    localClasses: kinds,
    loopback,
    ...regionsOf(mentioned, defaultAt),
  };
}

function regionsOf(
  mentioned: MentionedDestinations,
  defaultAt: (address: Address) => Default,
): Pick<FamilyTable, "regions" | "points"> {
  const regions: AddressRange[] = [];
  for (const [from, example] of mentioned.examples()) {
    const own = defaultAt(example);
    const last = regions.at(-1);
    if (last === undefined || !sameDefault(last, own)) regions.push({ from, ...own });
  }
  const sorted = [...mentioned.points.keys()]
    .filter((address) => !mentioned.isLocal(address))
    .sort((a, b) => (a < b ? -1 : 1));
  const points: AddressRange[] = [];
  let at = 0;
  for (const from of sorted) {
    while (regions[at + 1] !== undefined && (regions[at + 1] as AddressRange).from <= from) at++;
    const around = regions[at] as AddressRange;
    const own = defaultAt(from);
    if (!sameDefault(own, around)) points.push({ from, ...own });
  }
  return { regions, points };
}

function sameRow(a: PortRow, b: PortRow | undefined): boolean {
  return (
    b !== undefined &&
    a.behaviour === b.behaviour &&
    a.allowed === b.allowed &&
    a.stickySeconds === b.stickySeconds &&
    a.lists.length === b.lists.length &&
    a.lists.every((list, i) => list === b.lists[i])
  );
}

/** Equal for kinds of addresses that answer alike. `numbers` tells objects apart. */
function kindText({ default: own, rows }: LocalClass, numbers: Map<object, number>): string {
  const numberOf = (object: object): number => {
    const number = numbers.get(object) ?? numbers.size;
    numbers.set(object, number);
    return number;
  };
  const texts = rows.map(({ protocol, port, behaviour, lists, allowed }) =>
    [protocol, port, behaviour, ...lists.map(numberOf), allowed === undefined ? "" : `from ${numberOf(allowed)}`].join(
      " ",
    ),
  );
  return [own.new, own.invalid, own.untracked, ...texts.sort()].join("|");
}

/** Each address once. */
function unique(local: readonly LocalAddress[]): LocalAddress[] {
  return [...new Map(local.map((each) => [each.address, each])).values()];
}

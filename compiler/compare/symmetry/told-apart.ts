/** Which forms the packets tell apart that two programs treat differently: README.md says what for. */
import type { PacketSet } from "../../packets/packet-set.ts";
import type { AddressValue } from "./address-fields.ts";
import type { Parameter } from "./describe.ts";

const ADDRESS_FIELDS = ["daddr", "saddr", "toaddr"] as const;

/** Addresses that are tried on each side of one: a block of 65,536 that is full does not end the search. */
const MOST_TRIED = 2 ** 17;

/** Finds an address of the class of `address` that nothing names. Undefined: there is none near it. */
export function plainAddresses(
  classOf: (address: AddressValue) => number,
  isNamed: (address: AddressValue) => boolean,
): (address: AddressValue) => AddressValue | undefined {
  const known = new Map<number, AddressValue | undefined>();
  const find = (address: AddressValue, wanted: number): AddressValue | undefined => {
    for (let i = 1; i <= MOST_TRIED; i++)
      for (const by of [i, -i]) {
        const other = typeof address === "bigint" ? address + BigInt(by) : address + by;
        if (other >= 0 && !isNamed(other) && classOf(other) === wanted) return other;
      }
    return undefined;
  };
  return (address) => {
    const wanted = classOf(address);
    if (!known.has(wanted)) known.set(wanted, find(address, wanted));
    return known.get(wanted);
  };
}

/** The forms with a parameter that is in another of `regions` than an address of its class that nothing names.
 *  `kept`: by form, the parameters of components that stay. */
export function formsToldApart(
  regions: readonly PacketSet[],
  kept: readonly (readonly Parameter[])[],
  addressOf: (parameter: Parameter) => AddressValue | undefined,
  plainOf: (address: AddressValue) => AddressValue | undefined,
): Set<number> {
  const told = new Set<number>();
  const ranges = new Set(regions.flatMap((region) => ADDRESS_FIELDS.map((field) => region[field])));
  for (const [form, parameters] of kept.entries()) {
    const isTold = parameters.some((parameter) => {
      const address = addressOf(parameter);
      if (address === undefined) return false;
      const plain = plainOf(address);
      if (plain === undefined) return true;
      for (const range of ranges)
        if (typeof range.cuts[0] === typeof address && range.has(address) !== range.has(plain)) return true;
      return false;
    });
    if (isTold) told.add(form);
  }
  return told;
}

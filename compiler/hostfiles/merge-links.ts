/** Interfaces that several files have: `ip -j addr` beside `ip -j -d link`, or one file for each family. */
import type { Report } from "../diagnostics.ts";
import { FAMILIES, familyOf, printAddress } from "../net/address.ts";
import type { InterfaceAddress } from "../network/types.ts";
import type { LinkFacts } from "./links.ts";
import type { ListOf } from "./lists.ts";

/** Each interface once, in the order of the indexes. Reports `repeated-node-file` where two files contradict each other. */
export function mergeLinks(lists: readonly ListOf<LinkFacts>[], report: Report): readonly LinkFacts[] {
  const merged = new Map<string, LinkFacts>();
  for (const { items } of lists)
    for (const link of items) {
      const known = merged.get(link.name);
      merged.set(link.name, known === undefined ? link : merge(known, link, report));
    }
  return [...merged.values()].sort((a, b) => a.index - b.index);
}

function merge(first: LinkFacts, second: LinkFacts, report: Report): LinkFacts {
  const differs = (what: string, a: string | number | boolean, b: string | number | boolean): void => {
    if (a === b) return;
    report({
      severity: "error",
      code: "repeated-node-file",
      message: `interface ${first.name}: ${what} is ${b} here and ${a} in another file of the node: expected files of one moment`,
      origin: second.origin,
      notes: [{ message: "the other file", origin: first.origin }],
    });
  };
  differs("its index", first.index, second.index);
  differs("its MTU", first.mtu, second.mtu);
  differs("its state", stateOf(first), stateOf(second));
  if (first.addresses !== undefined && second.addresses !== undefined)
    for (const family of FAMILIES) {
      const [a, b] = [first.addresses, second.addresses].map((each) =>
        textOf(each.filter(({ address }) => familyOf(address) === family)),
      );
      if (a !== "" && b !== "") differs(`the list of its ${family} addresses`, a ?? "", b ?? "");
    }
  return {
    ...first,
    linkType: first.linkType ?? second.linkType,
    master: first.master ?? second.master,
    kind: first.kind ?? second.kind,
    masterKind: first.masterKind ?? second.masterKind,
    isDetailed: first.isDetailed || second.isDetailed,
    bridge: first.bridge ?? second.bridge,
    port: first.port ?? second.port,
    tunnel: second.isDetailed ? (second.tunnel ?? first.tunnel) : (first.tunnel ?? second.tunnel),
    program: first.program ?? second.program,
    addresses: mergeAddresses(first.addresses, second.addresses),
    kindOrigin: first.kindOrigin ?? second.kindOrigin,
  };
}

function stateOf({ isUp, hasCarrier }: LinkFacts): string {
  return !isUp ? "down" : hasCarrier ? "up" : "up without a carrier";
}

function textOf(addresses: readonly InterfaceAddress[]): string {
  return addresses.map(({ address, length }) => `${printAddress(address)}/${length}`).join(", ");
}

function mergeAddresses(
  first: readonly InterfaceAddress[] | undefined,
  second: readonly InterfaceAddress[] | undefined,
): readonly InterfaceAddress[] | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return FAMILIES.flatMap((family) => {
    const [a = [], b = []] = [first, second].map((each) => each.filter(({ address }) => familyOf(address) === family));
    return a.length > 0 ? a : b;
  });
}

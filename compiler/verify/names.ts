/** Which Service a destination is of, by the elements of what manifests compile to. */
import type { Program, SetElement, Table } from "../ir/types.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";

/** The name of the Service port that a destination is; undefined where the manifests have none. */
export type NameOf = (protocol: number, address: Address, port: number) => string | undefined;

export interface Names {
  readonly nameOf: NameOf;
  /** Families that there are Services of. */
  readonly families: readonly Family[];
}

/** Names of all destinations of Services: addresses with ports; node ports and health-check ports on `addresses`, the
 *  node's, and on loopback. */
export function namesIn({ ruleset }: Program, addresses: readonly Address[]): Names {
  const names = new Map<string, string>();
  const families = new Set<Family>();
  for (const { family: tableFamily, sets, maps } of ruleset.tables) {
    const family = tableFamily === "ip6" ? "IPv6" : "IPv4";
    for (const { key, elements } of [...sets, ...maps] as readonly (Table["sets"] | Table["maps"])[number][]) {
      const read = READERS[key.map(({ type }) => type).join(" ")];
      if (read === undefined) continue;
      for (const element of elements as readonly SetElement[]) {
        if (element.comment === undefined) continue;
        families.add(family);
        const { where, suffix } = read(element, family);
        if (!names.has(where)) names.set(where, `${element.comment}${suffix}`);
      }
    }
  }
  const own = new Set<Address>(addresses);
  const nameOf: NameOf = (protocol, address, port) =>
    names.get(`${protocol} ${address} ${port}`) ??
    (own.has(address) || isLoopback(address) ? names.get(`${protocol} ${familyOf(address)} ${port}`) : undefined);
  return { nameOf, families: [...families] };
}

type Reader = (element: SetElement, family: Family) => { readonly where: string; readonly suffix: string };

const addressPort: Reader = ({ key: [address, protocol, port] }) => ({
  where: `${protocol} ${address} ${port}`,
  suffix: "",
});

/** By the types of keys. */
const READERS: Readonly<Record<string, Reader>> = {
  "ipv4_addr inet_proto inet_service": addressPort,
  "ipv6_addr inet_proto inet_service": addressPort,
  "inet_proto inet_service": ({ key: [protocol, port] }, family) => ({
    where: `${protocol} ${family} ${port}`,
    suffix: "",
  }),
  inet_service: ({ key: [port] }, family) => ({
    where: `${PROTOCOL_NUMBERS.tcp} ${family} ${port}`,
    suffix: ", health check port",
  }),
};

function isLoopback(address: Address): boolean {
  return typeof address === "number" ? address >>> 24 === 127 : address === 1n;
}

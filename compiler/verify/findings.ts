/** What is wrong with a host's rules, in words: per Service, what is missing, what is too much, what is done otherwise. */
import type { Region } from "../compare/compare.ts";
import { chancesOf } from "../compare/outcomes.ts";
import type { Outcome } from "../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { type Address, printAddressPort } from "../net/address.ts";
import type { Tabulation } from "../tabulate/types.ts";

export interface Finding {
  /** `Service shop/api port http`, or the destination where none of the manifests has it. */
  readonly subject: string;
  readonly statement: string;
  /** A packet that shows it, and how many classes of packets do. */
  readonly region: Region;
  readonly regions: number;
}

/** The Service port that a destination is, by the names of the manifests. */
export type NameOf = (protocol: number, address: Address, port: number) => string | undefined;

/** Names of destinations, from the table of what the manifests compile to. */
export function namesOf(tabulation: Tabulation | undefined): NameOf {
  const names = new Map<string, string>();
  for (const { rows, local, localKinds } of Object.values(tabulation?.families ?? {})) {
    for (const { address, protocol, port, label } of rows) names.set(`${protocol} ${address} ${port}`, label);
    for (const { address, kind } of local)
      for (const { protocol, port, label } of localKinds[kind]?.rows ?? [])
        names.set(`${protocol} ${address} ${port}`, label);
  }
  return (protocol, address, port) => names.get(`${protocol} ${address} ${port}`);
}

/** The findings in differing regions whose left side is what the manifests say, and whose right side is the host. */
export function findingsOf(regions: readonly Region[], nameOf: NameOf): Finding[] {
  const found = new Map<string, { subject: string; statement: string; region: Region; regions: number }>();
  for (const region of regions) {
    const subject = subjectOf(region, nameOf);
    for (const statement of statementsOf(region.left, region.right)) {
      const known = found.get(`${subject} ${statement}`);
      if (known === undefined) found.set(`${subject} ${statement}`, { subject, statement, region, regions: 1 });
      else known.regions++;
    }
  }
  return [...found.values()].sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
}

function subjectOf({ packet, box }: Region, nameOf: NameOf): string {
  const { protocol, destination, destinationPort } = packet;
  const name = box.dport.from === box.dport.to ? nameOf(protocol, destination, destinationPort) : undefined;
  if (name !== undefined) return `Service ${name}`;
  const isOne = box.daddr.from === box.daddr.to && box.dport.from === box.dport.to;
  return isOne
    ? `${PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`} ${printAddressPort(destination, destinationPort)}`
    : "Addresses and ports of no Service";
}

/** What the host does otherwise than it should. */
function statementsOf(wanted: Outcome, there: Outcome): string[] {
  const [should, does] = [endpointsOf(wanted), endpointsOf(there)];
  if (should.size === 0 && does.size === 0) return [`should ${inWords(wanted)}, this host: ${inWords(there)}`];
  if (does.size === 0)
    return [`missing on this host: should go to ${[...should].join(", ")}, this host: ${inWords(there)}`];
  if (should.size === 0) return [`stale on this host: goes to ${[...does].join(", ")}, should ${inWords(wanted)}`];
  const missing = [...should].filter((endpoint) => !does.has(endpoint));
  const extra = [...does].filter((endpoint) => !should.has(endpoint));
  const statements = [
    ...missing.map((endpoint) => `endpoint ${endpoint} missing on this host`),
    ...extra.map((endpoint) => `endpoint ${endpoint} is on this host, not in the manifests`),
  ];
  if (statements.length > 0) return statements;
  const masquerades = (outcome: Outcome): boolean => outcome.results.some(({ masquerade }) => masquerade);
  if (masquerades(wanted) !== masquerades(there))
    return [masquerades(wanted) ? "not masqueraded on this host" : "masqueraded on this host, should keep its source"];
  return [`should ${inWords(wanted)}, this host: ${inWords(there)}`];
}

function endpointsOf({ endpoints }: Outcome): Set<string> {
  return new Set(endpoints.map(({ address, port }) => printAddressPort(address, port)));
}

function inWords(outcome: Outcome): string {
  return [...chancesOf(outcome)]
    .map(([text, chance]) => (chance > 0.999999 ? text : `${text} (${(chance * 100).toFixed(2)} %)`))
    .join(", or ");
}

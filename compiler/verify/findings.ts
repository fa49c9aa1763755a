/** What is wrong with a host's rules, in words: per Service, what is missing, what is too much, what is done otherwise. */
import type { Discrepancy } from "../compare/compare.ts";
import { isReplayable, presented } from "../compare/witness.ts";
import { isRefused, printAction, printClause, sourceOf } from "../evaluate/disposition.ts";
import { distributionOf, printDistribution, TOLERANCE } from "../evaluate/distribution.ts";
import type { Outcome } from "../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { type Address, printAddressPort } from "../net/address.ts";
import type { Culprit } from "./culprits.ts";
import { describeWithWay } from "./places.ts";
import { chanceToBeRefused } from "./services/cause.ts";
import { describeRefusal } from "./services/refusal.ts";
import type { NameOf } from "./services/service-names.ts";

export interface Finding {
  /** `Service shop/api:http`, or the destination where none of the manifests has it. */
  readonly subject: string;
  readonly statement: string;
  /** The rules that make the difference, where they are not about Services. */
  readonly culprit?: Culprit | undefined;
  /** A packet that shows it, and how many classes of packets do. */
  readonly region: Discrepancy;
  readonly regions: number;
}

/** The findings in differing regions whose left side is what the manifests say, and whose right side is the host. */
export function findingsOf(regions: readonly Discrepancy[], nameOf: NameOf, addresses: readonly Address[]): Finding[] {
  return collect(
    addresses,
    regions
      .map((region) => presented(region, addresses))
      .flatMap((region) =>
        statementsOf(region.left, region.right).map((statement) => ({
          subject: subjectOf(region, nameOf),
          statement,
          region,
        })),
      ),
  );
}

/** Findings about rules of others, in regions whose left side is what rules about Services do, and whose right side is what all rules do. */
export function findingsAboutOthers(
  regions: readonly Discrepancy[],
  nameOf: NameOf,
  culpritOf: (region: Discrepancy) => Culprit | undefined,
  addresses: readonly Address[],
): Finding[] {
  return collect(
    addresses,
    regions.map((found) => {
      const culprit = culpritOf(found);
      const region = presented(found, addresses);
      const { assumptions } = region;
      const where = assumptions.length > 0 ? ` where this holds: ${assumptions.join(", ")}` : "";
      const statement = `${describeCulprit(culprit)} ${treatmentOf(region.left, region.right).words}${where}; should ${inWords(region.left, "should")}`;
      return { subject: subjectOf(region, nameOf), statement, culprit, region };
    }),
  );
}

/** Equal findings once, by their subjects; each with a packet that `kpc trace` takes, if there is one. */
function collect(addresses: readonly Address[], findings: readonly Omit<Finding, "regions">[]): Finding[] {
  const found = new Map<string, { finding: Omit<Finding, "regions">; regions: number; isReplayable: boolean }>();
  for (const finding of findings) {
    const key = `${finding.subject} ${finding.statement}`;
    const known = found.get(key);
    if (known === undefined) {
      found.set(key, { finding, regions: 1, isReplayable: isReplayable(finding.region, addresses) });
      continue;
    }
    known.regions++;
    if (!known.isReplayable && isReplayable(finding.region, addresses))
      found.set(key, { finding, regions: known.regions, isReplayable: true });
  }
  const rank = ({ subject }: { readonly subject: string }): number => (subject.startsWith("Service ") ? 0 : 1);
  return [...found.values()]
    .map(({ finding, regions }) => ({ ...finding, regions }))
    .sort((a, b) => rank(a) - rank(b) || (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
}

function subjectOf({ packet, box }: Discrepancy, nameOf: NameOf): string {
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
  const both = `should ${inWords(wanted, "should")}, this host: ${inWords(there, "does")}`;
  if (should.size === 0 && does.size === 0) return [both];
  if (does.size === 0) {
    const { how, by } = describeRefusal(there);
    return there.results.every(({ disposition }) => isRefused(disposition))
      ? [`${how} on this host${by === "" ? "" : ` by ${by}`}; should ${inWords(wanted, "should")}`]
      : [`missing on this host: ${both}`];
  }
  if (should.size === 0)
    return [`stale on this host: goes to ${[...does].join(", ")}, should ${inWords(wanted, "should")}`];
  const missing = [...should].filter((endpoint) => !does.has(endpoint));
  const extra = [...does].filter((endpoint) => !should.has(endpoint));
  const statements = [
    ...missing.map((endpoint) => `endpoint ${endpoint} missing on this host`),
    ...extra.map((endpoint) => `endpoint ${endpoint} is on this host, not in the manifests`),
  ];
  if (statements.length > 0) return statements;
  if (masquerades(wanted) !== masquerades(there))
    return [masquerades(wanted) ? "not masqueraded on this host" : "masqueraded on this host, should keep its source"];
  return [both];
}

function endpointsOf({ endpoints }: Outcome): Set<string> {
  return new Set(endpoints.map(({ address, port }) => printAddressPort(address, port)));
}

function masquerades({ results }: Outcome): boolean {
  return results.some(({ disposition }) => sourceOf(disposition).kind !== "kept");
}

/** What happens, behind `should`, or of the host. */
function inWords(outcome: Outcome, form: "should" | "does"): string {
  return printDistribution(distributionOf(outcome), (each) => printClause(each, form));
}

// --- rules of others -------------------------------------------------------------------------------------------------------

/** `line 12 of host.v4, a third-party rule,`. */
function describeCulprit(culprit: Culprit | undefined): string {
  if (culprit === undefined) return "third-party rules of this host";
  const { suspects } = culprit;
  const where = describeWithWay(culprit);
  if (suspects.length > 1) return `${where}, third-party rules,`;
  return suspects.some((suspect) => "steps" in suspect) ? `${where}, a third-party rule,` : where;
}

/** What rules do to a packet. */
interface Treatment {
  readonly words: string;
  /** Without endpoints and chances: equal for all Services that are treated alike. */
  readonly effect: string;
}

/** What the rules do that make of `wanted` what is `there`. */
export function treatmentOf(wanted: Outcome, there: Outcome): Treatment {
  const [first, ...others] = [...distributionOf(there).values()].map(({ disposition }) => disposition);
  const source = masquerades(there) ? "masquerades it" : "keeps its source";
  const changesSource = masquerades(wanted) !== masquerades(there);
  if (others.length > 0) {
    if (chanceToBeRefused(there) > chanceToBeRefused(wanted) + TOLERANCE)
      return { words: `drops part of it: ${inWords(there, "does")}`, effect: "drops part of it" };
    if (changesSource) return { words: source, effect: source };
    return { words: `changes it: ${inWords(there, "does")}`, effect: "sends it elsewhere" };
  }
  const sameEnds = [...endpointsOf(wanted)].join() === [...endpointsOf(there)].join();
  const isSource = first?.kind === "dnat" && sameEnds && changesSource;
  const words = first === undefined || isSource ? source : printAction(first);
  return { words, effect: words };
}

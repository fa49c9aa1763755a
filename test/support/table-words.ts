/** The rows of a classifier's table in a few words each: what who gets at which destination. */
import { FAMILIES, type Family, printAddress, printAddressPort } from "../../compiler/net/address.ts";
import {
  type AddressRange,
  type Behaviour,
  type Default,
  type FamilyTable,
  type PortRow,
  type RowEndpoint,
  SOURCE,
  SOURCE_CLASSES,
  type TableAnswer,
  type Tabulation,
  type Treatment,
} from "../../compiler/tabulate/types.ts";

/** A line for each row: destination, what becomes of packets by who sends them, lists of endpoints, seconds, ranges, whose it is.
 *  Addresses without rows have a line where not all of their packets pass. */
export function tableWords(tabulation: Tabulation): string[] {
  const words = new TableWords(tabulation);
  return FAMILIES.flatMap((family) => words.family(family, tabulation.families[family]));
}

class TableWords {
  private readonly tabulation: Tabulation;

  constructor(tabulation: Tabulation) {
    this.tabulation = tabulation;
  }

  family(family: Family, { detected, rows, local, localClasses, loopback, regions, points }: FamilyTable): string[] {
    const places = localClasses.map((_, number) => [
      ...local
        .filter(({ kind }) => kind === number)
        .map(({ address, hasRows }) => `${printAddress(address)}${hasRows ? " (with rows)" : ""}`),
      ...(loopback === number && family === "IPv4" ? ["127.0.0.0/8"] : []),
    ]);
    return [
      ...detected.map((interval) => `detected ${rangeText(interval)}`),
      ...rows.map((row) => this.row(printAddress(row.address), row)),
      ...localClasses.flatMap((own, number) => {
        const place = (places[number] as string[]).join(", ");
        return [...own.rows.map((row) => this.row(place, row)), ...this.defaults(place, own.default)];
      }),
      ...regions.flatMap((region) => this.defaults(`from ${printAddress(region.from)}`, region)),
      ...points.flatMap((point: AddressRange) => this.defaults(printAddress(point.from), point)),
    ];
  }

  private row(place: string, { protocol, port, behaviour, lists, allowed, stickySeconds, label }: PortRow): string {
    return [
      `${place} ${PROTOCOLS[protocol] ?? protocol} ${port}: ${this.behaviour(behaviour)}`,
      ...lists.map((list, i) => `${i}=[${list.map((each) => this.endpoint(each)).join(", ")}]`),
      ...(allowed === undefined ? [] : [`allowed ${allowed.map(rangeText).join(", ")}`]),
      ...(stickySeconds === undefined ? [] : [`${stickySeconds}s`]),
      ...(label === "" ? [] : [`"${label}"`]),
    ].join(" ");
  }

  /** Packets whose port has no row: new ones, then those of no connection and those that are not tracked, where they fare otherwise. */
  private defaults(place: string, { new: fresh, invalid, untracked }: Default): string[] {
    const [first, ...others] = [fresh, invalid, untracked].map((number) => this.behaviour(number)) as [
      string,
      string,
      string,
    ];
    if (others.every((text) => text === first)) return first === "pass" ? [] : [`${place}: ${first}`];
    return [`${place}: ${first}, invalid: ${others[0]}, untracked: ${others[1]}`];
  }

  private endpoint({ address, port, identity, endpointTreatment }: RowEndpoint): string {
    const own = endpointTreatment === undefined ? undefined : this.tabulation.endpointTreatments[endpointTreatment];
    return [
      printAddressPort(address, port),
      ...(identity === 0 ? [] : ["sticky"]),
      ...(own === undefined ? [] : [`(${this.bySender(own)})`]),
    ].join(" ");
  }

  private behaviour(number: number): string {
    return this.bySender(this.tabulation.behaviours[number] as Behaviour);
  }

  /** What is done to whom: interfaces that fare alike are named together, and of sources only what matters. */
  private bySender(behaviour: readonly (readonly Partial<TableAnswer>[])[]): string {
    const byText = new Map<string, string[]>();
    for (const [kind, answers] of behaviour.entries()) {
      const text = bySource(answers.map(answerText));
      const known = byText.get(text);
      if (known === undefined) byText.set(text, [this.interfaceName(kind)]);
      else known.push(this.interfaceName(kind));
    }
    if (byText.size === 1) return [...byText.keys()].join();
    return [...byText].map(([text, names]) => `by ${names.join("/")} {${text}}`).join(" ");
  }

  private interfaceName(kind: number): string {
    const { patterns, matches } = this.tabulation.interfaces;
    if (kind === 0) return "node";
    const bits = matches[kind] as number;
    const names = patterns
      .filter((_, i) => ((bits >> i) & 1) === 1)
      .map(({ name, isPrefix }) => `${name}${isPrefix ? "*" : ""}`);
    return names.length === 0 ? "others" : names.join("&");
  }
}

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** The answers for all kinds of sources, by the bits that matter. */
function bySource(answers: readonly string[]): string {
  const bits = Object.entries(SOURCE).filter(([, bit]) =>
    answers.some((text, source) => text !== answers[source ^ bit]),
  );
  const relevant = bits.reduce((sum, [, bit]) => sum | bit, 0);
  const byAnswer = new Map<string, string[]>();
  for (let source = 0; source < SOURCE_CLASSES; source++) {
    if ((source & ~relevant) !== 0) continue;
    const who = bits.filter(([, bit]) => (source & bit) !== 0).map(([name]) => name);
    const text = answers[source] as string;
    byAnswer.set(text, [...(byAnswer.get(text) ?? []), who.join("+") || "others"]);
  }
  if (byAnswer.size === 1) return answers[0] as string;
  return [...byAnswer].map(([text, who]) => `${who.join(" or ")}: ${text}`).join("; ");
}

function answerText({ hairpin, list, asksEndpoint, sticky, ...treatment }: Partial<TableAnswer>): string {
  return [
    asksEndpoint ? "as the endpoint says" : treatmentText(treatment),
    ...(list === undefined ? [] : [list]),
    ...(sticky ? ["sticky"] : []),
    ...(hairpin === undefined ? [] : [`(hairpin ${treatmentText(hairpin)})`]),
  ].join(" ");
}

function treatmentText({ verdict, rejectWith, masquerade }: Partial<Treatment>): string {
  return [verdict, ...(rejectWith === undefined ? [] : [rejectWith]), ...(masquerade ? ["masquerade"] : [])].join(" ");
}

function rangeText({ from, to }: FamilyTable["detected"][number]): string {
  const [first, last] = [from, to].map((address) => printAddress(address as AddressRange["from"]));
  return first === last ? (first as string) : `${first}-${last}`;
}

/** What the evaluator says of packets, held against results of the classifier. */
import * as L from "../../assembly/layout.ts";
import { sourceOf } from "../../compiler/evaluate/disposition.ts";
import type { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { verdictOf } from "../../compiler/evaluate/outcome.ts";
import { type environmentOf, type Packet, packetFamily, type Result } from "../../compiler/evaluate/packet.ts";
import type { TableView } from "../../compiler/formats/tables/view.ts";
import { REJECTS, VERDICT_NAMES } from "../../compiler/formats/tables/words.ts";
import { unreachable } from "../../compiler/invariant.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import type { Standing } from "./dressing.ts";

/** The reference, asked no more often than it has to be. */
export class ClassifierReference {
  private readonly evaluator: Evaluator;
  private readonly environment: ReturnType<typeof environmentOf>;
  private readonly known = new Map<string, ClassifierExpectation>();

  constructor(evaluator: Evaluator, environment: ReturnType<typeof environmentOf>) {
    this.evaluator = evaluator;
    this.environment = environment;
  }

  expect(packet: Packet, standing: Standing): ClassifierExpectation {
    const { protocol, source, destination, destinationPort, inInterface = "" } = packet;
    // NAT does not see those that are not new: their ports do not matter.
    const port = standing === "new" ? destinationPort : 0;
    const key = `${standing} ${protocol} ${source} ${destination} ${port} ${inInterface}`;
    let expectation = this.known.get(key);
    if (expectation === undefined) {
      expectation = this.find(packet, standing);
      this.known.set(key, expectation);
    }
    return expectation;
  }

  private find(packet: Packet, standing: Standing): ClassifierExpectation {
    switch (standing) {
      case "new":
        return this.ask(packet);
      case "invalid":
      case "untracked":
        return this.ask({ ...packet, ctState: standing });
      default:
        return new ClassifierExpectation([[standing, 1]]);
    }
  }

  private ask(packet: Packet): ClassifierExpectation {
    const [outcome, ...others] = this.evaluator.evaluateWhole(packet, this.environment);
    if (outcome === undefined || others.length > 0) throw new Error("one outcome is expected");
    return new ClassifierExpectation(outcome.results.map((result) => [describeResult(result), result.probability]));
  }
}

/** The texts that a packet's result may have. */
export class ClassifierExpectation {
  readonly chances: ReadonlyMap<string, number>;
  /** Results that have been looked at, by both words. */
  private readonly known = new Map<number, boolean>();

  constructor(results: readonly (readonly [text: string, chance: number])[]) {
    this.chances = chancesOf(results);
  }

  get isTranslated(): boolean {
    return [...this.chances.keys()].some((text) => text.startsWith("dnat"));
  }

  /** Whether a result is one of them. The table is the same in all calls. */
  holds(word: number, endpoint: number, table: TableView, packet: Packet): boolean {
    const key = word + (endpoint >>> 0) * 2 ** 32;
    let known = this.known.get(key);
    if (known === undefined) {
      known = this.chances.has(describeWords(word, endpoint, table, packet));
      this.known.set(key, known);
    }
    return known;
  }

  /** Whether `texts`, each as likely, are all of them with the right chances. */
  equals(texts: readonly string[]): boolean {
    const found = chancesOf(texts.map((text) => [text, 1 / texts.length]));
    if (found.size !== this.chances.size) return false;
    return [...found].every(([text, chance]) => Math.abs(chance - (this.chances.get(text) ?? 0)) < 1e-6);
  }
}

/** The chances of equal texts, added. */
export function chancesOf(results: readonly (readonly [text: string, chance: number])[]): ReadonlyMap<string, number> {
  const chances = new Map<string, number>();
  for (const [text, chance] of results) chances.set(text, (chances.get(text) ?? 0) + chance);
  return chances;
}

/** One thing that the reference says can happen. Who is not delivered has no source that anybody sees. */
function describeResult(result: Result): string {
  const { disposition } = result;
  const source = sourceOf(disposition).kind === "kept" ? "" : " masqueraded";
  switch (disposition.kind) {
    case "dnat": {
      const { to, stickySeconds } = disposition;
      return `dnat to ${printAddressPort(to.address, to.port)}${source}${stays(stickySeconds)}`;
    }
    case "reject":
      return `reject with ${disposition.with}`;
    case "drop":
      return "drop";
    case "pass":
      return `${verdictOf(result)}${source}`;
    default:
      return unreachable(disposition);
  }
}

/** A result of the classifier in the same words. */
export function describeWords(word: number, number: number, table: TableView, packet: Packet): string {
  const verdict = VERDICT_NAMES[word & L.VERDICT_MASK] as (typeof VERDICT_NAMES)[number];
  const source = (word & L.MASQUERADE) === 0 ? "" : " masqueraded";
  if ((verdict === "dnat") !== (number | 0) >= 0) return `${verdict} with endpoint number ${number}`;
  switch (verdict) {
    case "dnat": {
      const { address, port } = table.endpoint(number, packetFamily(packet));
      const seconds = (word & L.STICKY) === 0 ? undefined : table.timeout((word >>> L.RESULT_SLOT_SHIFT) - 1);
      return `dnat to ${printAddressPort(address, port)}${source}${stays(seconds)}`;
    }
    case "reject":
      return `reject with ${REJECTS[(word >>> L.REJECT_SHIFT) & L.REJECT_MASK]}`;
    case "drop":
      return verdict;
    default:
      return `${verdict}${source}`;
  }
}

function stays(seconds: number | undefined): string {
  return seconds === undefined ? "" : ` for ${seconds} s`;
}

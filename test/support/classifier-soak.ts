/**
 * The classifier held against the reference, many packets to a question. What the rules do to a packet depends on its
 * protocol, its addresses, its destination port and the interface that it came in by: the reference is asked once for these,
 * and answers for every packet that differs in other things.
 */
import * as L from "../../assembly/layout.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { VERDICT_NAMES } from "../../compiler/formats/tables/words.ts";
import { printAddress, printAddressPort } from "../../compiler/net/address.ts";
import { printTable } from "../../compiler/print.ts";
import { interfaceClassOf } from "../../compiler/tabulate/interfaces.ts";
import { chanceOf } from "../../runtime/classifier/classifier.ts";
import { BATCH, type Matcher, type RawResult } from "../../runtime/classifier/matcher.ts";
import type { ClusterInput } from "./arbitraries.ts";
import { type ClassifierExpectation, ClassifierReference, chancesOf, describeWords } from "./classifier-reference.ts";
import { mustCompile } from "./compile.ts";
import { type DressedPacket, dress, type Picker } from "./dressing.ts";
import { packetsAtServices, packetsFor } from "./packets.ts";
import { numbersFrom, SLOT_BYTES, writeSlot } from "./slots.ts";

/** A packet of which the classifier says something that the reference does not. */
export interface Mismatch {
  readonly question: string;
  readonly dress: string;
  /** How it was asked: in a batch, or alone with an endpoint by chance or by rendezvous. */
  readonly asked: "batch" | "chance" | "rendezvous";
  /** Its bytes, in hexadecimal; of the slot, if it was in a batch. */
  readonly bytes: string;
  readonly wanted: readonly string[];
  readonly found: readonly string[];
}

export interface Findings {
  /** Results that were compared. */
  readonly packets: number;
  readonly questions: number;
  /** Results by verdict, in the order of VERDICT_NAMES. */
  readonly verdicts: readonly number[];
  readonly dresses: ReadonlyMap<string, number>;
  readonly mismatches: number;
  /** The first of them. */
  readonly examples: readonly Mismatch[];
  /** Why no table holds the cluster: nothing was compared then. */
  readonly unsupported?: string;
}

export interface Thoroughness {
  /** About so many questions to a cluster, and so many packets in batches to each. */
  readonly questions: number;
  readonly each: number;
}

/** Compares what `matcher` says with what the rules of `world` do. `damage` is done to the table before. */
export function soakCluster(
  world: ClusterInput,
  matcher: Matcher,
  seed: number,
  thoroughness: Thoroughness,
  damage: (table: Uint8Array) => void = () => undefined,
): Findings {
  const { program, node } = mustCompile(world);
  const { table, unsupported } = printTable(program, node.addresses, "");
  if (table === undefined) {
    const [finding] = unsupported;
    return { ...NOTHING, ...(finding === undefined ? {} : { unsupported: finding.message }) };
  }
  damage(table);
  const reference = new ClassifierReference(new Evaluator(program), environmentOf(node.addresses));
  return new ClusterSoak(world, matcher, table, reference, numbersFrom(seed)).run(thoroughness);
}

const NOTHING: Findings = { packets: 0, questions: 0, verdicts: [], dresses: new Map(), mismatches: 0, examples: [] };

class ClusterSoak {
  private readonly world: ClusterInput;
  private readonly matcher: Matcher;
  private readonly pick: Picker;
  private readonly table: TableView;
  private readonly reference: ClassifierReference;
  private readonly verdicts = new Array<number>(VERDICT_NAMES.length).fill(0);
  private readonly dresses = new Map<string, number>();
  private readonly examples: Mismatch[] = [];
  private mismatches = 0;
  private packets = 0;

  constructor(world: ClusterInput, matcher: Matcher, table: Uint8Array, reference: ClassifierReference, pick: Picker) {
    this.world = world;
    this.matcher = matcher;
    this.reference = reference;
    this.pick = pick;
    matcher.load(table);
    this.table = new TableView(table);
  }

  run({ questions: wanted, each }: Thoroughness): Findings {
    const questions = this.questions(wanted);
    for (const kind of new Set(questions.map(({ interfaceClass }) => interfaceClass))) {
      const ofKind = questions.filter(({ interfaceClass }) => interfaceClass === kind);
      for (let left = ofKind.length * each; left > 0; left -= BATCH)
        this.askTogether(ofKind, kind, Math.min(left, BATCH));
    }
    for (const question of questions) this.askAlone(question);
    return {
      packets: this.packets,
      questions: questions.length,
      verdicts: this.verdicts,
      dresses: this.dresses,
      mismatches: this.mismatches,
      examples: this.examples,
    };
  }

  /** Half of them at what Services claim, a few with a protocol that no Service has. */
  private questions(wanted: number): Question[] {
    const thin = (all: readonly Packet[], count: number): Packet[] => {
      const step = Math.max(1, Math.floor(all.length / count));
      const start = this.pick(step);
      return all.filter((_, i) => i % step === start);
    };
    const aimed = thin([...packetsAtServices(this.world)], wanted * 0.5);
    const others = thin([...packetsFor(this.world, this.pick(5), 5)], wanted * 0.5);
    const strange = thin(aimed, wanted * 0.05).map((packet) => ({ ...packet, protocol: this.anotherProtocol() }));
    return [...aimed, ...others, ...strange].map((packet) => this.question(packet));
  }

  private anotherProtocol(): number {
    return OTHER_PROTOCOLS[this.pick(OTHER_PROTOCOLS.length)] as number;
  }

  private question(packet: Packet): Question {
    const interfaceClass = interfaceClassOf(this.table.names.interfaces, packet.inInterface);
    const dressed = dress(packet, this.pick).map((each): Asked => {
      const { whole, inSlot, protocol } = each;
      return {
        packet,
        dressed: each,
        whole: this.reference.expect({ ...packet, protocol }, whole),
        ...(inSlot === undefined ? {} : { inSlot: this.reference.expect({ ...packet, protocol }, inSlot) }),
      };
    });
    return { interfaceClass, dressed, batched: dressed.filter(isBatched) };
  }

  // --- batches -----------------------------------------------------------------------------------------------------------

  /** A batch of packets to any of `questions`: now one of each, now several in a row, which engines may treat as one. */
  private askTogether(questions: readonly Question[], interfaceClass: number, count: number): void {
    const { pick } = this;
    const slots = this.matcher.packets;
    const all: Batched[] = [];
    // Most packets pass untouched: every other question is one that leads to endpoints.
    const translated = questions.filter(({ batched: [plain] }) => plain?.inSlot.isTranslated);
    while (all.length < count) {
      const among = translated.length > 0 && pick(2) === 0 ? translated : questions;
      const { batched } = among[pick(among.length)] as Question;
      for (let run = RUNS[pick(RUNS.length)] as number; run > 0 && all.length < count; run--) {
        const asked = batched[pick(2) === 0 ? 0 : pick(batched.length)] as Batched;
        fillSlot(slots, all.length, asked.dressed, pick);
        all.push(asked);
      }
    }
    const words = this.matcher.classifyMany(count, { interfaceClass, how: L.CHOOSE_FLOW });
    for (const [i, asked] of all.entries()) {
      const bytes = slots.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES);
      this.compare(asked, asked.inSlot, "batch", bytes, words[i * 2] as number, words[i * 2 + 1] as number);
    }
  }

  /** Notes one result, and whether it is possible. */
  private compare(
    asked: Asked,
    expectation: ClassifierExpectation,
    how: Mismatch["asked"],
    bytes: Uint8Array,
    word: number,
    endpoint: number,
  ): void {
    this.count(word, asked.dressed);
    if (expectation.holds(word, endpoint, this.table, asked.packet)) return;
    this.miss(asked, expectation, how, bytes, [describeWords(word, endpoint, this.table, asked.packet)]);
  }

  private count(word: number, { dress: name }: DressedPacket): void {
    this.packets++;
    const verdict = word & L.VERDICT_MASK;
    this.verdicts[verdict] = (this.verdicts[verdict] as number) + 1;
    this.dresses.set(name, (this.dresses.get(name) ?? 0) + 1);
  }

  private miss(
    { packet, dressed }: Asked,
    { chances }: ClassifierExpectation,
    asked: Mismatch["asked"],
    bytes: Uint8Array,
    found: readonly string[],
  ): void {
    this.mismatches++;
    if (this.examples.length >= MOST_EXAMPLES) return;
    const wanted = [...chances].map(([text, chance]) => withChance(text, chance));
    const hex = Buffer.from(bytes).toString("hex");
    this.examples.push({ question: describePacket(packet), dress: dressed.dress, asked, bytes: hex, wanted, found });
  }

  // --- one by one --------------------------------------------------------------------------------------------------------

  /** Every dress of a question alone: all that chance can make of it, and what rendezvous does. */
  private askAlone({ interfaceClass, dressed }: Question): void {
    for (const asked of dressed) {
      const { packet, whole } = asked;
      const { bytes } = asked.dressed;
      const texts = this.enumerate(interfaceClass, bytes).map(({ word, endpoint }) => {
        this.count(word, asked.dressed);
        return describeWords(word, endpoint, this.table, packet);
      });
      if (!whole.equals(texts)) {
        const chances = chancesOf(texts.map((text) => [text, 1 / texts.length]));
        const found = [...chances].map(([text, chance]) => withChance(text, chance));
        this.miss(asked, whole, "chance", bytes, found);
      }
      const { word, endpoint } = this.matcher.classify(bytes, { interfaceClass, how: L.CHOOSE_RENDEZVOUS }, 0);
      this.compare(asked, whole, "rendezvous", bytes, word, endpoint);
    }
  }

  /** The results of all random numbers that make a difference. */
  private enumerate(interfaceClass: number, bytes: Uint8Array): RawResult[] {
    const ask = (random: number): RawResult =>
      this.matcher.classify(bytes, { interfaceClass, how: L.CHOOSE_RANDOM }, random);
    const first = ask(0);
    const count = hasChoices(first) ? first.choices : 1;
    return [first, ...Array.from({ length: count - 1 }, (_, i) => ask(chanceOf(i + 1, count)))];
  }
}

interface Question {
  readonly interfaceClass: number;
  readonly dressed: readonly Asked[];
  /** Of these, those that may be in a slot; the first is a plain one. */
  readonly batched: readonly Batched[];
}

/** One dress of a question, and what its packets may become. */
interface Asked {
  readonly packet: Packet;
  readonly dressed: DressedPacket;
  readonly whole: ClassifierExpectation;
  readonly inSlot?: ClassifierExpectation;
}

type Batched = Asked & { readonly inSlot: ClassifierExpectation };

function isBatched(asked: Asked): asked is Batched {
  return asked.inSlot !== undefined;
}

const MOST_EXAMPLES = 5;
/** How many packets in a row are to one question. */
const RUNS = [1, 1, 1, 3, 5, 16];
/** IGMP, IP in IP, DCCP, GRE, ESP, UDP-Lite, and one for experiments. */
const OTHER_PROTOCOLS = [2, 4, 33, 47, 50, 136, 253];

/** Writes a packet into a slot with another source port, and other things that should make no difference. */
function fillSlot(slots: Uint8Array, index: number, { bytes, portAt, inSlot }: DressedPacket, pick: Picker): void {
  writeSlot(slots, index, bytes);
  const at = index * SLOT_BYTES;
  const random = pick(2 ** 32);
  if (portAt !== undefined && portAt + 2 <= SLOT_BYTES) {
    slots[at + portAt] = random >>> 24;
    slots[at + portAt + 1] = random >>> 16;
  }
  if (inSlot === "malformed") return;
  const isV6 = (slots[at] as number) >>> 4 === 6;
  slots[at + (isV6 ? 7 : 8)] = random >>> 8; // hop limit, time to live
  slots[at + (isV6 ? 3 : 1)] = random; // flow label, type of service
}

/** Engines leave what they found for an earlier packet where rules see none. */
function hasChoices({ word, choices }: RawResult): boolean {
  return (word & L.VERDICT_MASK) <= L.VERDICT_DNAT && choices > 0;
}

// --- in words ------------------------------------------------------------------------------------------------------------

function withChance(text: string, chance: number): string {
  return chance > 1 - 1e-6 ? text : `${text} (${chance.toFixed(4)})`;
}

function describePacket({ protocol, source, destination, destinationPort, inInterface }: Packet): string {
  const from = inInterface === undefined ? "the node itself" : inInterface;
  return `protocol ${protocol} from ${printAddress(source)} (${from}) to ${printAddressPort(destination, destinationPort)}`;
}

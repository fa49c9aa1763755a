/** What becomes of packets, in the words of the manifests that a table was made from. */
import { IPV4_SOURCE, IPV6_SOURCE } from "../../assembly/headers.ts";
import {
  CHOOSE_FLOW,
  CHOOSE_RANDOM,
  CHOOSE_RENDEZVOUS,
  H_CHECKSUM,
  MASQUERADE,
  PACKET_BYTES,
  REJECT_MASK,
  REJECT_SHIFT,
  RESULT_SLOT_SHIFT,
  STICKY,
  VERDICT_DNAT,
  VERDICT_MASK,
} from "../../assembly/layout.ts";
import { checkBytes, checkOptions, describe, isRecord, type OptionKind } from "../../compiler/arguments.ts";
import { readPatch } from "../../compiler/formats/tables/patch.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { REJECTS, type ResultVerdict, VERDICT_NAMES } from "../../compiler/formats/tables/words.ts";
import type { RejectWith } from "../../compiler/ir/types.ts";
import { type Family, printAddress } from "../../compiler/net/address.ts";
import { interfaceClassOf } from "../../compiler/tabulate/interfaces.ts";
import { TableError } from "../table-error.ts";
import { Affinity } from "./affinity.ts";
import { type PacketFields, packetFrom } from "./fields.ts";
import { BATCH, type Circumstances, type EngineInstance, Matcher, type RawResult } from "./matcher.ts";

/** `flow`: packets of a flow go to one endpoint, equal shares of all flows to each. `random`: chance decides, as in the
 *  rules. `consistent`: as `flow`, and when an endpoint goes only its own flows move (rendezvous hashing). */
export type Choice = "flow" | "random" | "consistent";

export interface ClassifierOptions {
  /** `flow` unless given. */
  readonly choose?: Choice;
  /** Remembers the clients of Services with session affinity. Batches do not look at it. */
  readonly remember?: boolean;
  /** Seconds, for remembering; the clock of this machine unless given. */
  readonly now?: () => number;
  /** A number from 0 to 1, 1 excluded, for choices by chance; `Math.random` unless given. */
  readonly random?: () => number;
}

/** What each option may be. */
export const CLASSIFIER_OPTIONS = {
  choose: ["flow", "random", "consistent"],
  remember: "boolean",
  now: "function",
  random: "function",
} as const satisfies Readonly<Record<keyof ClassifierOptions, OptionKind>>;

/** Where a packet comes from. */
export interface Arrival {
  /** The interface that it came in by; null: it is the node's own. Unless given, an interface that no rule names. */
  readonly inInterface?: string | null;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What becomes of one packet. */
export interface Classification {
  /** `pass`: no rule of the table has a say. `malformed`: no IP packet. `fragment`: its ports are in another one, which the
   *  kernel waits for. `unseen`: its transport header is not within the bytes that were given. */
  readonly verdict: ResultVerdict;
  readonly rejectWith?: RejectWith;
  /** The Service port that it went to, when that is one the table knows: namespace/name, and the port's name. */
  readonly service?: string;
  /** Where it is sent instead. */
  readonly endpoint?: Endpoint;
  /** Its source is replaced by an address of the node. */
  readonly masquerade: boolean;
  /** The client comes back to the same endpoint. */
  readonly affinity?: Stickiness;
}

export interface Stickiness {
  /** What the client is remembered under: equal for all ways into a Service port. */
  readonly key: string;
  readonly timeoutSeconds: number;
}

/** What becomes of a packet, and why. */
export interface Explanation extends Classification {
  /** The rules' comments that led to it. */
  readonly reason: string;
  /** All endpoints that it could have been sent to; each is as likely. */
  readonly endpoints: readonly Endpoint[];
}

/** Two words for each packet of a batch, to be read by `read`. */
export interface BatchResult {
  readonly words: Uint32Array;
  readonly count: number;
}

const CHOICES: Readonly<Record<Choice, number>> = {
  flow: CHOOSE_FLOW,
  random: CHOOSE_RANDOM,
  consistent: CHOOSE_RENDEZVOUS,
};

const ANY_INTERFACE = "";

/** What becomes of packets, whichever table is in use. */
export abstract class PacketClassifier {
  private readonly how: number;
  private readonly affinity: Affinity | undefined;
  private readonly now: () => number;
  private readonly random: () => number;

  constructor(options: ClassifierOptions = {}) {
    checkOptions(options, CLASSIFIER_OPTIONS);
    const { choose = "flow", remember = false, now = () => Date.now() / 1000, random = Math.random } = options;
    this.how = CHOICES[choose];
    this.affinity = remember ? new Affinity() : undefined;
    this.now = now;
    this.random = random;
  }

  protected abstract readonly engine: EngineInstance;
  protected abstract readonly table: TableView;

  /** Before each call: which table it has may change here, and not before the next call. */
  protected begin(): void {
    // A classifier of its own changes its table when it is told to.
  }

  /** What becomes of a packet: its bytes from the IP header on, or what they would say. */
  classify(packet: Uint8Array | PacketFields, arrival: Arrival = {}): Classification {
    this.begin();
    const bytes = packet instanceof Uint8Array ? packet : packetFrom(packet);
    return this.describe(this.decide(bytes, arrival), bytes);
  }

  /** What becomes of a packet, and why. */
  explain(packet: Uint8Array | PacketFields, arrival: Arrival = {}): Explanation {
    this.begin();
    const bytes = packet instanceof Uint8Array ? packet : packetFrom(packet);
    const result = this.decide(bytes, arrival);
    const family = familyOf(bytes);
    return {
      ...this.describe(result, bytes),
      reason: isSeen(result) ? this.table.reason(result.code) : "",
      endpoints: Array.from({ length: result.choices }, (_, i) => this.endpoint(result.firstChoice + i, family)),
    };
  }

  private decide(packet: Uint8Array, arrival: Arrival): RawResult {
    const circumstances = this.circumstances(arrival);
    const result = this.engine.classify(packet, circumstances, this.word());
    if (this.affinity === undefined || result.choices === 0) return result;
    return this.decideForClient(this.affinity, result, packet, circumstances);
  }

  /** As `result`, if the client is not remembered at one of its endpoints. */
  private decideForClient(
    affinity: Affinity,
    result: RawResult,
    packet: Uint8Array,
    { interfaceClass }: Circumstances,
  ): RawResult {
    const family = familyOf(packet);
    const client = clientIn(packet, family);
    const now = this.now();
    for (let i = 0; i < result.choices; i++) {
      const { identity } = this.table.endpoint(result.firstChoice + i, family);
      if (identity === 0 || !affinity.has(client, identity, now)) continue;
      const circumstances = { interfaceClass, how: CHOOSE_RANDOM };
      return this.remember(
        affinity,
        this.engine.classify(packet, circumstances, chanceOf(i, result.choices)),
        client,
        family,
      );
    }
    return this.remember(affinity, result, client, family);
  }

  private remember(affinity: Affinity, result: RawResult, client: string, family: Family): RawResult {
    if ((result.word & STICKY) === 0) return result;
    const seconds = this.table.timeout((result.word >>> RESULT_SLOT_SHIFT) - 1);
    const { identity } = this.table.endpoint(result.endpoint, family);
    if (seconds !== undefined) affinity.remember(client, identity, this.now(), seconds);
    return result;
  }

  private circumstances(arrival: Arrival): Circumstances {
    const { inInterface = ANY_INTERFACE } = checkedArrival(arrival);
    const name = inInterface ?? undefined;
    return { interfaceClass: interfaceClassOf(this.table.names.interfaces, name), how: this.how };
  }

  private word(): number {
    return this.how === CHOOSE_RANDOM ? Math.floor(this.random() * 2 ** 32) : 0;
  }

  private describe({ word, endpoint }: RawResult, packet: Uint8Array): Classification {
    const verdict = VERDICT_NAMES[word & VERDICT_MASK] as ResultVerdict;
    const slot = (word >>> RESULT_SLOT_SHIFT) - 1;
    const service = slot < 0 ? undefined : this.table.label(slot);
    const rejectWith = verdict === "reject" ? REJECTS[(word >>> REJECT_SHIFT) & REJECT_MASK] : undefined;
    const seconds = (word & STICKY) === 0 ? undefined : this.table.timeout(slot);
    const family = familyOf(packet);
    return {
      verdict,
      ...(rejectWith === undefined ? {} : { rejectWith }),
      ...(service === undefined ? {} : { service }),
      ...(verdict === "dnat" ? { endpoint: this.endpoint(endpoint, family) } : {}),
      masquerade: (word & MASQUERADE) !== 0,
      ...(seconds === undefined
        ? {}
        : { affinity: { key: `${clientIn(packet, family)} ${service ?? slot}`, timeoutSeconds: seconds } }),
    };
  }

  private endpoint(number: number, family: Family): Endpoint {
    const { address, port } = this.table.endpoint(number, family);
    return { address: printAddress(address), port };
  }

  // --- batches -----------------------------------------------------------------------------------------------------------

  /** How many packets a batch has at most. */
  get batchSize(): number {
    return BATCH;
  }

  /** Where the packets of the next batch go: slots of 64 bytes, each with a packet from its IP header on and zeros behind
   *  its end. The view is good until the table is replaced. */
  get packets(): Uint8Array {
    return this.engine.packets;
  }

  /** Classifies the first `count` packets of `packets`, or those of `slots`, which has 64 bytes for each and is copied.
   *  The result is good until the next call. Throws `RangeError` for more packets than a batch has. */
  classifyMany(batch: number | Uint8Array, arrival: Arrival = {}): BatchResult {
    this.begin();
    if (typeof batch !== "number") checkBytes(batch, "batch");
    const count = typeof batch === "number" ? batch : Math.ceil(batch.length / PACKET_BYTES);
    if (!Number.isInteger(count) || count < 0 || count > BATCH)
      throw new RangeError(`a batch has 0 to ${BATCH} packets, not ${count}`);
    if (typeof batch !== "number") this.engine.packets.fill(0, batch.length, count * PACKET_BYTES).set(batch);
    if (this.how === CHOOSE_RANDOM) {
      const randoms = this.engine.randoms;
      for (let i = 0; i < count; i++) randoms[i] = this.word();
    }
    return { words: this.engine.classifyMany(count, this.circumstances(arrival)), count };
  }

  /** One result of a batch whose packets are still in `packets`. Throws `RangeError` unless the batch has one of this number. */
  read(batch: BatchResult, index: number): Classification {
    if (!(batch?.words instanceof Uint32Array))
      throw new TypeError(`batch: expected what classifyMany() gave, found ${describe(batch)}`);
    const { words, count } = batch;
    if (typeof index !== "number") throw new TypeError(`index: expected a number, found ${describe(index)}`);
    if (!(Number.isInteger(index) && index >= 0 && index < count))
      throw new RangeError(`the batch has ${count} packets, none of number ${index}`);
    const at = index * PACKET_BYTES;
    const result = { word: words[index * 2] as number, endpoint: words[index * 2 + 1] as number };
    const none = { code: 0, choices: 0, firstChoice: 0 };
    return this.describe({ ...result, ...none }, this.engine.packets.subarray(at, at + PACKET_BYTES));
  }
}

/** A classifier with a memory of its own. */
export class Classifier extends PacketClassifier {
  protected readonly engine: Matcher;
  protected table: TableView;

  /** Throws `TableError` when `table` is none, and `TypeError` for other wrong arguments. */
  constructor(module: WebAssembly.Module, table: Uint8Array, options: ClassifierOptions = {}) {
    super(options);
    this.engine = new Matcher(module);
    this.table = this.take(table);
  }

  /** Goes over to another table, all at once. Throws `TableError` when it is none; then the one before stays. */
  replace(table: Uint8Array): void {
    this.table = this.take(table);
  }

  /** Changes the table in use by a patch of `FollowedTable`. All its patches have to be given, in their order. Throws `TableError` when it
   *  is none, or one for another table; then nothing has changed. */
  patch(patch: Uint8Array): void {
    checkBytes(patch, "patch");
    const { bytes } = this.table;
    const read = readPatch(patch, bytes.length);
    if (typeof read === "string") throw new TableError(read);
    if (read.from !== this.table.word(H_CHECKSUM))
      throw new TableError("the patch is for another table: a patch is missing, or out of order");
    this.engine.patch(read.runs);
    for (const { at, bytes: run } of read.runs) bytes.set(run, at);
  }

  private take(table: Uint8Array): TableView {
    checkBytes(table, "table");
    const own = new Uint8Array(table); // `slice` of a Buffer is no copy
    this.engine.load(own);
    return new TableView(own);
  }
}

/** Throws `TypeError` for what is no arrival: an interface's name alone, or under another member, would not be looked at. */
function checkedArrival(arrival: Arrival): Arrival {
  if (!isRecord(arrival)) throw new TypeError(`arrival: expected {inInterface}, found ${describe(arrival)}`);
  for (const name in arrival)
    if (name !== "inInterface") throw new TypeError(`arrival: expected inInterface, found ${JSON.stringify(name)}`);
  const { inInterface } = arrival;
  if (inInterface !== undefined && inInterface !== null && typeof inInterface !== "string")
    throw new TypeError(`arrival.inInterface: expected a name or null, found ${describe(inInterface)}`);
  return arrival;
}

/** The random number that takes number `index` of `count` endpoints. */
export function chanceOf(index: number, count: number): number {
  return Math.ceil((index * 2 ** 32) / count);
}

function isSeen({ word }: RawResult): boolean {
  return (word & VERDICT_MASK) <= VERDICT_DNAT;
}

function familyOf(packet: Uint8Array): Family {
  return (packet[0] as number) >> 4 === 6 ? "IPv6" : "IPv4";
}

/** The source address of a packet that has one. */
function clientIn(packet: Uint8Array, family: Family): string {
  const view = new TableView(packet);
  return printAddress(family === "IPv4" ? view.address(IPV4_SOURCE, family) : view.address(IPV6_SOURCE, family));
}

export type { PacketFields };

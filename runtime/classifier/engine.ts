/** The engine that asks the classifier. */
import {
  CHOOSE_RANDOM,
  MASQUERADE,
  REJECT_MASK,
  REJECT_SHIFT,
  RESULT_SLOT_SHIFT,
  STICKY,
  VERDICT_MASK,
} from "../../assembly/layout.ts";
import { KEPT, MASQUERADED } from "../../compiler/evaluate/disposition.ts";
import { outcomeOf } from "../../compiler/evaluate/outcome.ts";
import { type Outcome, type Packet, packetFamily, type Result } from "../../compiler/evaluate/packet.ts";
import { type Engine, EngineTrouble, troubleOf } from "../../compiler/expectations/engines/types.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { REJECTS, VERDICT_NAMES } from "../../compiler/formats/tables/words.ts";
import { printTable } from "../../compiler/print.ts";
import { interfaceClassOf } from "../../compiler/tabulate/interfaces.ts";
import { buildPacket } from "../packet.ts";
import { chanceOf } from "./classifier.ts";
import { engineBytes } from "./inline.ts";
import { Matcher, type RawResult } from "./matcher.ts";

/** The classifier: the program as a table, packets as bytes. */
export const wasmEngine: Engine = {
  name: "wasm",
  unavailable: () => undefined,
  run: async ({ program, node }, packets) => {
    const { table, unsupported } = printTable(program, node.addresses);
    if (table === undefined) throw troubleOf(unsupported);
    const asked = new TableAsked(table);
    return packets.map((packet) => [asked.outcome(packet)]);
  },
  close: async () => undefined,
};

/** A table, asked for all that can happen to a packet. */
export class TableAsked {
  private readonly table: TableView;
  private readonly matcher = new Matcher(new WebAssembly.Module(engineBytes()));

  constructor(table: Uint8Array) {
    this.matcher.load(table);
    this.table = new TableView(table);
  }

  /** Throws `EngineTrouble` for packets that already have a mark: tables know of none. */
  outcome(packet: Packet): Outcome {
    if (packet.mark !== 0) throw new EngineTrouble("the classifier takes packets without a mark");
    const interfaceClass = interfaceClassOf(this.table.names.interfaces, packet.inInterface);
    const bytes = buildPacket(packet);
    const ask = (random: number): RawResult =>
      this.matcher.classify(bytes, { interfaceClass, how: CHOOSE_RANDOM }, random);
    const { choices } = ask(0);
    const count = Math.max(1, choices);
    const results = Array.from({ length: count }, (_, i) => this.result(ask(chanceOf(i, count)), packet, 1 / count));
    return outcomeOf(results);
  }

  private result({ word, endpoint }: RawResult, packet: Packet, probability: number): Result {
    const verdict = VERDICT_NAMES[word & VERDICT_MASK];
    const base = { probability, reasons: [], path: [] };
    const sent = { source: (word & MASQUERADE) === 0 ? KEPT : MASQUERADED, takenBy: [], lists: [] };
    switch (verdict) {
      case "dnat": {
        const { address, port } = this.table.endpoint(endpoint, packetFamily(packet));
        const isSticky = (word & STICKY) !== 0;
        const stickySeconds = isSticky ? this.table.timeout((word >>> RESULT_SLOT_SHIFT) - 1) : undefined;
        return { ...base, disposition: { kind: "dnat", to: { address, port }, stickySeconds, ...sent } };
      }
      case "reject": {
        const rejectWith = REJECTS[(word >>> REJECT_SHIFT) & REJECT_MASK];
        if (rejectWith === undefined) throw new Error("the table rejects in a way that nobody knows");
        return { ...base, disposition: { kind: "reject", with: rejectWith, lists: [] } };
      }
      case "pass":
      case "accept":
        return { ...base, disposition: { kind: "pass", ...sent }, isAccepted: verdict === "accept" };
      case "drop":
        return { ...base, disposition: { kind: "drop", lists: [] } };
      default:
        throw new Error(`a packet that was built well is ${verdict}`);
    }
  }
}

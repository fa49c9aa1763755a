/** A classifier that reads the table of a `SharedTable`. */
import { describe, isRecord } from "../../compiler/arguments.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { type ClassifierOptions, PacketClassifier } from "./classifier.ts";
import { EngineInstance } from "./matcher.ts";
import { PublishedTables, type SharedPlace } from "./shared-memory.ts";

/** Each call has one table for all of its packets: the last one that was published before it. */
export class SharedClassifier extends PacketClassifier {
  protected readonly engine: EngineInstance;
  private readonly published: PublishedTables;
  private readonly memory: WebAssembly.Memory;
  private readonly place: number;
  private number = 0;
  private view: TableView | undefined;

  constructor({ memory, module, place }: SharedPlace, options?: ClassifierOptions) {
    super(options);
    this.memory = memory;
    this.place = place;
    this.published = new PublishedTables(memory);
    this.engine = new EngineInstance(module, memory);
    this.begin();
  }

  protected get table(): TableView {
    if (this.view === undefined) throw new Error("no table has been published");
    return this.view;
  }

  protected override begin(): void {
    if (this.published.number === this.number) return; // it has been said already that it is read
    const { number, at, length } = this.published.enter(this.place);
    this.engine.adopt(at);
    this.view = new TableView(new Uint8Array(this.memory.buffer, at, length));
    this.number = number;
  }
}

/** A classifier at a place of a shared table, in the thread that the place was posted to. Throws `TypeError` for wrong arguments. */
export function joinTable(place: SharedPlace, options?: ClassifierOptions): SharedClassifier {
  if (!isRecord(place) || !(place["module"] instanceof WebAssembly.Module))
    throw new TypeError(`place: expected what SharedTable.place() gave, found ${describe(place)}`);
  return new SharedClassifier(place, options);
}

/** The classifier; its engine is the file classifier.wasm. */
import { checkBytes, checkOptions } from "../../compiler/arguments.ts";
import { CLASSIFIER_OPTIONS, Classifier, type ClassifierOptions } from "./classifier.ts";
import { type EngineInput, loadEngine } from "./load-engine.ts";

export { TableError } from "../table-error.ts";
export type * from "./classifier.ts";
export { type PacketFields, packetFrom } from "./fields.ts";
export type { EngineInput } from "./load-engine.ts";
export { joinTable, type SharedClassifier } from "./shared-classifier.ts";
export type { SharedPlace } from "./shared-memory.ts";
export { type SharedTable, type ShareOptions, shareTable } from "./shared-table.ts";

/** Options of `createClassifier`. */
export interface CreateOptions extends ClassifierOptions {
  /** The engine, classifier.wasm of this package, where it is not to be found beside this module: a URL, a response to `fetch`, its
   *  bytes, a compiled module, or a promise of one of them. */
  readonly module?: EngineInput | Promise<EngineInput>;
}

/** A classifier with the table that `kpc compile -o tables` printed. Throws `TableError` when it is none, and `TypeError` for other
 *  wrong arguments. */
export async function createClassifier(table: Uint8Array, options: CreateOptions = {}): Promise<Classifier> {
  checkBytes(table, "table");
  checkOptions(options, { ...CLASSIFIER_OPTIONS, module: "any" });
  const { module = new URL("../../assembly/classifier.wasm", import.meta.url), ...more } = options;
  return new Classifier(await loadEngine(await module), table, more);
}

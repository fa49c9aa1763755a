/** The classifier; its engine is the file classifier.wasm. */
import { Classifier, type ClassifierOptions } from "./classifier.ts";

export type * from "./classifier.ts";
export { TableError } from "./classifier.ts";
export { type PacketFields, packetFrom } from "./fields.ts";

/** A classifier with the table that `kpc compile -o tables` printed. Throws `TableError` when it is none. */
export async function createClassifier(table: Uint8Array, options?: ClassifierOptions): Promise<Classifier> {
  return new Classifier(await loadEngine(), table, options);
}

/** The engine once more, for the same thread or to be sent to workers. Bundlers know this way of naming a file. */
async function loadEngine(): Promise<WebAssembly.Module> {
  const url = new URL("../../assembly/classifier.wasm", import.meta.url);
  // Node's fetch does not read files; a static import of its file system would stop bundlers.
  const files = url.protocol === "file:" ? globalThis.process?.getBuiltinModule?.("node:fs") : undefined;
  if (files !== undefined) return WebAssembly.compile(files.readFileSync(url));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the engine could not be loaded from ${url}: ${response.status}`);
  return WebAssembly.compile(new Uint8Array(await response.arrayBuffer()));
}

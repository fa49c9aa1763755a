/** The classifier without a file beside it: the engine's bytes are part of this module. */
import { ENGINE_BASE64 } from "../../assembly/engine-bytes.ts";
import { Classifier, type ClassifierOptions } from "./classifier.ts";

export { TableError } from "../table-error.ts";
export type * from "./classifier.ts";
export { type PacketFields, packetFrom } from "./fields.ts";

/** A classifier with the table that `kpc compile -o tables` printed. Throws `TableError` when it is none, and `TypeError` for other
 *  wrong arguments. */
export async function createClassifier(table: Uint8Array, options?: ClassifierOptions): Promise<Classifier> {
  return new Classifier(await WebAssembly.compile(engineBytes()), table, options);
}

/** The engine's module, decoded. */
export function engineBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(ENGINE_BASE64), (character) => character.charCodeAt(0));
}

/** The engine from wherever a caller has it. */

/** Where the engine is: a URL, a response that has it, its bytes, or a compiled module. */
export type EngineInput = string | URL | FetchedEngine | Uint8Array | ArrayBuffer | CompiledEngine;

/** What is used of a `Response`. */
export interface FetchedEngine {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A `WebAssembly.Module`. Declared without its name: not every environment has the types of WebAssembly. */
export type CompiledEngine = object;

/** The compiled engine. Throws `TypeError` for what is none of `EngineInput`, and `Error` where it cannot be loaded. */
export async function loadEngine(input: EngineInput): Promise<WebAssembly.Module> {
  return input instanceof WebAssembly.Module ? input : WebAssembly.compile(await loadEngineBytes(input));
}

/** The engine's bytes. Throws as `loadEngine`, and `TypeError` for a compiled module, which does not tell its bytes. */
export async function loadEngineBytes(input: EngineInput): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return checked(input, "the bytes that were given");
  if (input instanceof ArrayBuffer) return checked(new Uint8Array(input), "the bytes that were given");
  if (typeof input === "string" || input instanceof URL) return loadFrom(input);
  if (isResponse(input)) return fromResponse(input, input.url);
  throw new TypeError("module: expected a URL, a Response, bytes or a WebAssembly.Module");
}

async function loadFrom(input: string | URL): Promise<Uint8Array> {
  const isFile = input instanceof URL ? input.protocol === "file:" : input.startsWith("file:");
  // Node's fetch does not read files; a static import of its file system would stop bundlers.
  const files = isFile ? globalThis.process?.getBuiltinModule?.("node:fs") : undefined;
  if (files !== undefined) return checked(files.readFileSync(new URL(input)), String(input));
  return fromResponse(await fetch(input), String(input));
}

async function fromResponse(response: FetchedEngine, name: string): Promise<Uint8Array> {
  if (!response.ok) throw new Error(`the engine could not be loaded from ${name}: ${response.status}`);
  return checked(new Uint8Array(await response.arrayBuffer()), name);
}

/** A server that does not have the file may answer with a page: say so instead of "expected magic word". */
function checked(bytes: Uint8Array, name: string): Uint8Array {
  const isWasm = bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (isWasm) return bytes;
  const hint = bytes[0] === 0x3c ? " (it looks like HTML: the server does not have that file)" : "";
  throw new TypeError(`${name}: expected WebAssembly${hint}; kpc/classifier/inline needs no file`);
}

function isResponse(input: unknown): input is FetchedEngine {
  return (
    typeof input === "object" &&
    input !== null &&
    "arrayBuffer" in input &&
    typeof input.arrayBuffer === "function" &&
    "ok" in input
  );
}

/** Files, folders and standard input as sources. */
import { isAscii } from "node:buffer";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Source } from "../diagnostics.ts";
import { Trouble } from "./trouble.ts";

export interface InputOptions {
  /** Also look into folders within folders. */
  readonly recursive: boolean;
}

/** The texts that `names` stand for, read one at a time: `-` is standard input, a folder its manifests in the order of
 *  their names. Throws `Trouble` when something cannot be read. */
export function* readInputs(names: readonly string[], options: InputOptions): Generator<Source> {
  if (names.length === 0) throw new Trouble("no input: name files or folders, or - for standard input");
  for (const name of names) {
    if (name === "-") yield { name: "<stdin>", text: decode(readFileSync(0)) };
    else yield* readPath(name, options, true);
  }
}

const MANIFEST = /\.(ya?ml|json)$/;

function* readPath(path: string, options: InputOptions, named: boolean): Generator<Source> {
  if (!isFolder(path)) {
    if (named || MANIFEST.test(path)) yield { name: path, text: readText(path) };
    return;
  }
  const entries = attempt(path, () => readdirSync(path)).sort();
  const paths = entries.map((entry) => join(path, entry));
  const wanted = paths.filter((entry) => (isFolder(entry) ? options.recursive : MANIFEST.test(entry)));
  if (named && wanted.length === 0) {
    throw new Trouble(
      `no .yaml, .yml or .json files in ${path}${options.recursive ? "" : " (-R looks into folders within)"}`,
    );
  }
  for (const entry of wanted) yield* readPath(entry, options, false);
}

function isFolder(path: string): boolean {
  return attempt(path, () => statSync(path)).isDirectory();
}

/** The text of a file. Throws `Trouble` when it cannot be read. */
export function readText(path: string): string {
  return attempt(path, () => decode(readFileSync(path)));
}

/** UTF-8, without the byte order mark; what is none becomes replacement characters, which the reader reports. */
function decode(bytes: Buffer): string {
  return isAscii(bytes) ? bytes.toString("latin1") : new TextDecoder().decode(bytes); // a third faster, and most texts are
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ERR_STRING_TOO_LONG: "it is too large (over 512 MB)",
};

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "") throw error;
    throw new Trouble(`cannot read ${path}: ${REASONS[code] ?? code}`);
  }
}

/** Files, folders and standard input as sources. */
import { isAscii } from "node:buffer";
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Source } from "../diagnostics.ts";
import { atStartOfRun } from "../run.ts";
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
    if (name === "-") yield readSource(name);
    else yield* readPath(name, options, undefined);
  }
}

/** One text, by the name that findings have for it: `-` is standard input. Throws `Trouble` when it cannot be read. */
export function readSource(name: string): Source {
  if (name !== "-") return { name, text: readText(name) };
  const text = streams.get(STANDARD_INPUT) ?? attempt(STANDARD_INPUT, () => decode(readFileSync(0)));
  streams.set(STANDARD_INPUT, text);
  return { name: STANDARD_INPUT, text };
}

const STANDARD_INPUT = "<stdin>";

/** The texts of a comma list of files; `-` is standard input. Throws `Trouble` when one cannot be read. */
export function sourcesOf(names: string): Source[] {
  return names.split(",").map(readSource);
}

/** All files of a folder, whatever their names, but for hidden ones. Throws `Trouble` when one cannot be read, and where there is none. */
export function filesIn(folder: string): Source[] {
  const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true }));
  const paths = entries.filter((entry) => entry.isFile() && !entry.name.startsWith(".")).map(({ name }) => name);
  if (paths.length === 0) throw new Trouble(`no files in ${folder}: expected what a node's commands printed`);
  return paths.sort().map((name) => readSource(join(folder, name)));
}

const MANIFEST = /\.(ya?ml|json)(\.gz)?$/;

/** `seen`: the files and folders above and before, by their real names. */
function* readPath(path: string, options: InputOptions, seen: Set<string> | undefined): Generator<Source> {
  const stats = attempt(path, () => statSync(path));
  if (!stats.isDirectory()) {
    // To read what somebody has put into a folder must end: pipes and devices are read by their own names alone.
    if (seen !== undefined && !stats.isFile())
      throw new Trouble(`cannot read ${path}: it is a pipe, a socket or a device, not a file`);
    yield { name: path, text: readText(path) };
    return;
  }
  const known = seen ?? new Set([attempt(path, () => realpathSync(path))]);
  const paths = attempt(path, () => readdirSync(path))
    .sort()
    .map((entry) => join(path, entry));
  const wanted = paths.filter((entry) => isWanted(entry, options));
  if (seen === undefined && wanted.length === 0) {
    throw new Trouble(
      `no .yaml, .yml or .json files in ${path}${options.recursive ? "" : " (-R looks into folders within)"}`,
    );
  }
  for (const entry of wanted) {
    const real = attempt(entry, () => realpathSync(entry));
    if (known.has(real)) continue; // links lead to it on more than one way, perhaps in a circle
    known.add(real);
    yield* readPath(entry, options, known);
  }
}

/** Whether what lies in a folder is to be read. A link that leads nowhere is nothing unless it looks like a manifest. */
function isWanted(path: string, { recursive }: InputOptions): boolean {
  const isManifest = MANIFEST.test(path);
  try {
    return statSync(path).isDirectory() ? recursive : isManifest;
  } catch {
    return isManifest;
  }
}

/** The text of a file, whatever its name. Throws `Trouble` when it cannot be read. */
export function readText(path: string): string {
  return attempt(path, () => {
    const known = streams.get(path);
    if (known !== undefined) return known;
    const text = decode(readFileSync(path));
    if (!statSync(path).isFile()) streams.set(path, text);
    return text;
  });
}

/** What came from pipes, such as `<(nft list ruleset)`: they can be read once. */
const streams = new Map<string, string>();
atStartOfRun(() => streams.clear());

/** UTF-8, without the byte order mark; what is none becomes replacement characters, which the reader reports. What gzip packed
 *  is unpacked. */
function decode(read: Buffer): string {
  const bytes = read[0] === 0x1f && read[1] === 0x8b ? process.getBuiltinModule("node:zlib").gunzipSync(read) : read;
  return isAscii(bytes) ? bytes.toString("latin1") : new TextDecoder().decode(bytes); // a third faster, and most texts are
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  Z_DATA_ERROR: "its gzip data is damaged",
  Z_BUF_ERROR: "its gzip data ends too early",
  ERR_BUFFER_TOO_LARGE: "it is too large when it is unpacked",
  ERR_STRING_TOO_LONG: "it is too large (over 512 MB)",
};

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "") throw error;
    throw new Trouble(`cannot read ${path}: ${REASONS[code] ?? code}`, code);
  }
}

/** The command that follows a flow of a case again: people copy it. */
import type { NamedText } from "../../ir/routes.ts";
import { type Address, printAddress } from "../../net/address.ts";
import type { Mode } from "../../node/settings.ts";

/** What a flow's network is made of, as the command line names it. */
export interface ReplayInput {
  /** Files and folders. */
  readonly files: readonly string[];
  readonly config: ReplayPart;
  readonly cluster: ReplayPart;
  /** Flags of `kpc test` that change what is read. */
  readonly flags: readonly string[];
}

/** A file's path, a document as JSON text, or neither. */
export type ReplayPart =
  | { readonly path: string; readonly json?: undefined }
  | { readonly path?: undefined; readonly json: string }
  | undefined;

/** `kpc trace …` for a POSIX shell; settings that stand in the case need bash's `<( )`. */
export function replayCommand(
  packet: string,
  headers: readonly NamedText[],
  mode: Mode,
  { files, config, cluster, flags }: ReplayInput,
): string {
  const settings = config?.path === undefined ? config && `<(printf %s ${quoted(config.json)})` : quoted(config.path);
  const words = [
    "kpc trace",
    quoted(packet),
    ...headers.flatMap(({ name, value }) => ["-H", quoted(`${name}: ${value}`)]),
    ...files.map(quoted),
    ...(cluster?.path === undefined ? [] : [quoted(cluster.path)]),
    ...(cluster?.json === undefined ? [] : ["-"]),
    ...(settings === undefined ? [] : ["-c", settings]),
    "--mode",
    mode,
    ...flags,
  ];
  return `${cluster?.json === undefined ? "" : `printf %s ${quoted(cluster.json)} | `}${words.join(" ")}`;
}

/** A word of a shell's command. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** An address as the end of a packet's text, with its port if it has one. */
export function endOfAddress(address: Address, port: string | undefined): string {
  const text = typeof address === "bigint" ? `[${printAddress(address)}]` : printAddress(address);
  return port === undefined ? text : `${text}:${port}`;
}

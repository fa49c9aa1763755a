/** Rows of HAProxy's maps: files, and what the runtime API prints of them. */
import type { Diagnostic, Origin, Report, Source } from "../../diagnostics.ts";
import { REDIRECT_MAP } from "./redirects.ts";
import { LONGEST_KEY, MAP_NAMES, type MapName, mapFile, ROUTES_MAP } from "./shape.ts";

/** A row of a map. */
export interface MapRow extends Origin {
  readonly key: string;
  readonly value: string;
}

/** The rows of the map of routes, and those of the hosts that are redirected to https. */
export interface RoutingRows {
  readonly routes: readonly MapRow[];
  readonly redirects: readonly MapRow[];
}

/** The rows that the runtime API printed. */
export interface ShownRows extends RoutingRows {
  /** False: there is no map of routes, since only Gateways are served. */
  readonly hasRoutes: boolean;
  /** Of the maps of listeners, by port. */
  readonly ports: ReadonlyMap<number, PortRows>;
}

/** The rows of the maps of a port. */
export type PortRows = Readonly<Record<MapName, readonly MapRow[]>>;

/** A line of a text, without blanks around it. */
export interface TextLine extends Origin {
  readonly text: string;
}

/** The lines of a text, without blanks around them; empty ones, too. */
export function* linesOf(source: Source): Generator<TextLine> {
  const { text } = source;
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found;
    const raw = text.slice(at, end);
    const start = at + raw.length - raw.trimStart().length;
    const line = raw.trim();
    yield { text: line, span: () => ({ source, start, end: start + Math.max(1, line.length) }) };
    at = end + 1;
  }
}

/** The rows of a map's file: `KEY VALUE` each. Reports `haproxy-map`. */
export function readMapFile(source: Source, report: Report): MapRow[] {
  const rows: MapRow[] = [];
  for (const line of linesOf(source)) {
    if (line.text === "" || line.text.startsWith("#")) continue;
    const row = rowOf(line.text, line);
    if (row === undefined) report(mapError("expected KEY BACKEND, two words", line));
    else if (row.key.length > LONGEST_KEY) report(mapError(tooLong(row), line));
    else rows.push(row);
  }
  return rows;
}

function rowOf(text: string, { span }: Origin): MapRow | undefined {
  const [, key, value] = /^(\S+)\s+(\S+)$/.exec(text) ?? [];
  return key === undefined || value === undefined ? undefined : { key, value, span };
}

function tooLong({ key }: MapRow): string {
  return `expected a key of up to ${LONGEST_KEY} characters, which HAProxy's maps tell apart; this one has ${key.length}`;
}

/** An error about a row of a map. */
export function mapError(message: string, { span }: Origin): Diagnostic {
  return { severity: "error", code: "haproxy-map", message, origin: { span } };
}

/** Rows that the runtime API printed for one command, and which map it was asked for. */
interface Listing {
  /** Number or name of the map; undefined: nothing says it. */
  readonly asked: string | undefined;
  readonly rows: MapRow[];
  readonly origin: Origin;
}

/** A map in the list of maps. */
interface ListedMap {
  readonly id: string;
  readonly file: string;
  readonly count: number | undefined;
}

const LIST_HEAD = /^# id \(file\) description$/;
const LIST_ROW = /^(\d+) \((.*?)\) .*?(?:entry_cnt=(\d+))?$/;
/** What was asked, where a script has printed it in front of the answer, also behind a prompt. */
const QUESTION = /^(?:[>$#%]\s*)?(?:echo\s+)?["']?show map\s+(?:@\d+\s+)?(#\d+|[^\s"';|]+)["']?(?:\s*\|.*)?$/;
const LIST_QUESTION = /^(?:[>$#%]\s*)?show map$/;
const SHOWN_ROW = /^0x[0-9a-f]+ (.*)$/;

/** Whether a text is what `show map` prints, with at least one row of a map or a list of maps. */
export function isShownMaps(text: string): boolean {
  return /^(?:# id \(file\) description|(?:[>$#%]\s*)?show map\s+\S.*)\s*$/m.test(text);
}

/**
 * The maps that the runtime API printed: the list of maps and the rows of each, in the order of the list (`show map; show map #0; show map #1; …`), or with
 * what was asked (`show map #0`, `show map routes.map`) in front of each. Undefined where a map is missing, or a row is not understood: `haproxy-map`.
 */
export function readShownMaps(source: Source, report: Report): ShownRows | undefined {
  const list: ListedMap[] = [];
  const listings: Listing[] = [];
  let current: Listing | undefined;
  let inList = false;
  let failed = false;
  const fail = (message: string, origin: Origin): void => {
    failed = true;
    report(mapError(message, origin));
  };
  for (const line of linesOf(source)) {
    const { text } = line;
    const [, asked] = QUESTION.exec(text) ?? [];
    const [, id, file, count] = inList ? (LIST_ROW.exec(text) ?? []) : [];
    const [, shown] = SHOWN_ROW.exec(text) ?? [];
    if (LIST_HEAD.test(text) || LIST_QUESTION.test(text)) {
      inList = true;
      current = undefined;
    } else if (id !== undefined) {
      list.push({
        id,
        file: baseOf(file ?? ""),
        count: count === undefined ? undefined : Number(count),
      });
    } else if (asked !== undefined) {
      inList = false;
      current = { asked, rows: [], origin: line };
      listings.push(current);
    } else if (shown !== undefined) {
      inList = false;
      if (current === undefined) {
        current = { asked: undefined, rows: [], origin: line };
        listings.push(current);
      }
      const row = rowOf(shown, line);
      if (row === undefined) fail("expected KEY BACKEND behind the address of the row", line);
      else if (row.key.length > LONGEST_KEY) fail(tooLong(row), line);
      else current.rows.push(row);
    } else if (text === "" || text === ">") {
      // The end of an answer; an empty map is an end and nothing else, which the number of rows in the list tells.
      inList = false;
      if (current?.asked === undefined || current.rows.length > 0) current = undefined;
    } else {
      fail("expected what show map prints: the list of maps, or rows as ADDRESS KEY BACKEND", line);
    }
  }
  if (failed) return undefined;
  const rows = joinListings(source, list, listings, fail);
  return failed ? undefined : rows;
}

function baseOf(file: string): string {
  return file.replace(/^.*\//, "");
}

/** The rows of the map of routes, which has to be there unless there are those of listeners, of that of redirects, and of all maps of each port that has
 *  one; each with as many rows as the list says. */
function joinListings(
  source: Source,
  list: readonly ListedMap[],
  listings: readonly Listing[],
  fail: (message: string, origin: Origin) => void,
): ShownRows | undefined {
  const start: Origin = { span: () => ({ source, start: 0, end: 1 }) };
  const found = new Map<string, Listing>();
  const asked = listings.filter((each) => each.asked !== undefined);
  const others = listings.filter((each) => each.asked === undefined);
  for (const listing of asked) found.set(keyOf(listing.asked ?? "", list), listing);
  // Nothing says which map the others are: those of the list, in its order, without empty ones.
  const open = list.filter(({ id, count }) => !found.has(id) && count !== 0);
  if (others.length > 0 && others.length !== open.length) {
    const where = others[0]?.origin ?? start;
    fail(
      `expected the rows of ${open.length} maps, in the order of the list, or "show map #ID" in front of each; found ${others.length}`,
      where,
    );
    return undefined;
  }
  for (const [i, listing] of others.entries()) found.set(open[i]?.id ?? "", listing);
  const rowsOf = (file: string, isNeeded: boolean): readonly MapRow[] => {
    const listed = list.find((each) => each.file === file);
    const listing = found.get(listed?.id ?? file);
    const shown = listing?.rows ?? [];
    if (listing === undefined && listed?.count !== 0 && (isNeeded || listed !== undefined))
      fail(`${file} is missing: expected its rows (show map, then show map #ID of each)`, start);
    else if (listed?.count !== undefined && listed.count !== shown.length) {
      const where = listing?.origin ?? start;
      fail(`${file} has ${shown.length} rows here, and ${listed.count} in the list of maps`, where);
    }
    return shown;
  };
  const files = [...list.map(({ file }) => file), ...asked.map((each) => baseOf(each.asked ?? ""))];
  const numbers = new Set(files.flatMap((file) => Number(PORT_MAP.exec(file)?.[1] ?? 0) || []));
  const portRows = (port: number): PortRows => {
    const of = (name: MapName): readonly MapRow[] => rowsOf(mapFile(name, port), true);
    return { hosts: of("hosts"), wildcards: of("wildcards"), exact: of("exact"), prefixes: of("prefixes") };
  };
  const hasRoutes = numbers.size === 0 || files.includes(ROUTES_MAP);
  return {
    hasRoutes,
    routes: rowsOf(ROUTES_MAP, hasRoutes),
    redirects: rowsOf(REDIRECT_MAP, false),
    ports: new Map([...numbers].sort((a, b) => a - b).map((port) => [port, portRows(port)])),
  };
}

const PORT_MAP = new RegExp(`^(?:${MAP_NAMES.join("|")})-(\\d{1,5})\\.map$`);

/** The number of the map in the list; its file where it is not listed. */
function keyOf(asked: string, list: readonly ListedMap[]): string {
  if (asked.startsWith("#")) return asked.slice(1);
  const base = baseOf(asked);
  return list.find(({ file }) => file === base)?.id ?? base;
}

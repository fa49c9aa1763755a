/** Differences between routes that are meant: read from files, written to them, and held against what was found. */
import { Document } from "yaml";
import type { Diagnostic, Origin } from "../../diagnostics.ts";
import {
  asObject,
  asString,
  asStringOrArray,
  type Context,
  reportInvalid,
  reportMissing,
} from "../../documents/decode.ts";
import type { Field } from "../../documents/field.ts";
import { decodeListDocument } from "../../documents/list-document.ts";
import { checkMembers } from "../../documents/unknown-members.ts";
import { API_VERSION } from "../../json-output.ts";
import type { SideNames } from "./render.ts";
import type { UrlClass, UrlDifference } from "./types.ts";
import { targetWords } from "./words.ts";

const KIND = "UrlDifferences";

/** How a file names hosts that no rule names. */
const OTHER_HOSTS = "*";

const MEMBERS = new Set(["reason", "port", "host", "path", "below", "left", "right"]);

/** URLs, and what the two sides do with them. */
export interface UrlDeclaration {
  /** Those of Gateways. Undefined: all, and those of Ingresses. */
  readonly ports: readonly number[] | undefined;
  /** As rules name them; `*`: those that no rule names. Undefined: all. */
  readonly hosts: readonly string[] | undefined;
  /** Paths as such. Without these and `below`, all. */
  readonly paths: readonly string[] | undefined;
  /** Paths with all that is below them. */
  readonly below: readonly string[] | undefined;
  /** What the sides do, as `kpc diff` prints it. */
  readonly left: string;
  readonly right: string;
  readonly reason: string | undefined;
  readonly origin: Origin;
}

/** The differences in a document. Reports what is wrong, and leaves that out. */
export function decodeUrlDeclarations(context: Context, root: Field): UrlDeclaration[] {
  const document = { apiVersion: API_VERSION, kind: KIND, list: "differences" };
  return decodeListDocument(context, root, document, (item) => decodeEntry(context, item));
}

function decodeEntry(context: Context, field: Field): UrlDeclaration | undefined {
  if (asObject(context, field) === undefined) return undefined;
  checkMembers(context, field, MEMBERS);
  const [left, right] = (["left", "right"] as const).map((key) => {
    const value = field.get(key);
    if (value === undefined) reportMissing(context, field, key, "what serves these URLs, as kpc diff prints it");
    // 404 is a number in YAML.
    return typeof value?.value === "number" ? String(value.value) : asString(context, value);
  });
  const ports = decodePorts(context, field);
  const hosts = decodeTexts(context, field, "host");
  const paths = decodePaths(context, field, "path");
  const below = decodePaths(context, field, "below");
  const reason = asString(context, field.get("reason"));
  if (left === undefined || right === undefined) return undefined;
  if (left === right) reportInvalid(context, field.member("right"), "must differ from left");
  return { ports, hosts, paths, below, left, right, reason, origin: field };
}

/** One text, or a list of them; undefined where the member is absent. */
function decodeTexts(context: Context, field: Field, key: string): readonly string[] | undefined {
  const member = field.get(key);
  if (member === undefined) return undefined;
  const items = asStringOrArray(context, member);
  if (items.length === 0 && Array.isArray(member.value))
    reportInvalid(context, member, "must have an item, or be left out, which means any");
  return items.flatMap((item) => asString(context, item) ?? []);
}

/** A port, or a list of ports; undefined where the member is absent. */
function decodePorts(context: Context, field: Field): readonly number[] | undefined {
  const member = field.get("port");
  if (member === undefined) return undefined;
  const items = Array.isArray(member.value) ? member.items() : [member];
  const isPort = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;
  return items.flatMap((item) => {
    if (isPort(item.value)) return [item.value];
    reportInvalid(context, item, "must be a port from 1 to 65535");
    return [];
  });
}

function decodePaths(context: Context, field: Field, key: "path" | "below"): readonly string[] | undefined {
  const paths = decodeTexts(context, field, key);
  if (paths?.some((path) => !path.startsWith("/")))
    reportInvalid(context, field.member(key), "must begin with a slash");
  return paths;
}

/** What was found, held against what is declared. */
export interface AppliedUrlDeclarations {
  /** Differences that no entry names. */
  readonly undeclared: readonly UrlDifference[];
  /** For each entry, how many classes of URLs it names: 0 where it is stale. */
  readonly uses: readonly { readonly declaration: UrlDeclaration; readonly classes: number }[];
}

/** Each difference has to be one that `declarations` name. */
export function applyUrlDeclarations(
  differences: readonly UrlDifference[],
  declarations: readonly UrlDeclaration[],
): AppliedUrlDeclarations {
  const counts = new Map(declarations.map((declaration) => [declaration, 0]));
  const undeclared = differences.filter((difference) => {
    const named = declarations.filter((declaration) => isNamed(difference, declaration));
    for (const declaration of named) counts.set(declaration, (counts.get(declaration) ?? 0) + 1);
    return named.length === 0;
  });
  return { undeclared, uses: [...counts].map(([declaration, classes]) => ({ declaration, classes })) };
}

function isNamed(difference: UrlDifference, { ports, hosts, paths, below, left, right }: UrlDeclaration): boolean {
  const [mine, yours] = targetWords(difference);
  const { urls } = difference;
  if (ports !== undefined && (urls.port === undefined || !ports.includes(urls.port))) return false;
  if (mine !== left || yours !== right || hosts?.includes(urls.host ?? OTHER_HOSTS) === false) return false;
  if (paths === undefined && below === undefined) return true;
  return (
    (urls.match === "exact" && paths?.includes(urls.path) === true) ||
    below?.some((path) => isBelow(urls, path)) === true
  );
}

function isBelow({ path }: UrlClass, above: string): boolean {
  const key = above.endsWith("/") ? above : `${above}/`;
  return path === above || `${path}/`.startsWith(key);
}

/** Entries that name no difference any more. */
export function staleUrlFindings({ uses }: AppliedUrlDeclarations): Diagnostic[] {
  return uses
    .filter(({ classes }) => classes === 0)
    .map(({ declaration: { origin } }) => ({
      severity: "error",
      code: "stale-difference",
      message: "this difference no longer occurs: no URL is served in these two ways",
      origin,
    }));
}

/** A file that declares `differences`: an entry for the paths of a host that go from one backend to the same other one. */
export function printUrlDeclarations(differences: readonly UrlDifference[], sides: SideNames): string {
  const entries = new Map<
    string,
    { port: number | undefined; host: string; path: string[]; below: string[]; left: string; right: string }
  >();
  for (const difference of differences) {
    const [left, right] = targetWords(difference);
    const host = difference.urls.host ?? OTHER_HOSTS;
    const { port, match, path } = difference.urls;
    const key = JSON.stringify([port, host, left, right]);
    const entry = entries.get(key) ?? { port, host, path: [], below: [], left, right };
    entries.set(key, entry);
    // The TLS handshake knows no path.
    const list = entry[match === "exact" ? "path" : "below"];
    if (difference.left.certificate === undefined && !list.includes(path)) list.push(path);
  }
  const document = new Document({ apiVersion: API_VERSION, kind: KIND });
  const list = [...entries.values()].map(({ port, host, path, below, left, right }) => ({
    ...(port === undefined ? {} : { port }),
    host,
    ...(path.length === 0 ? {} : { path: path.length === 1 ? path[0] : document.createNode(path, { flow: true }) }),
    ...(below.length === 0
      ? {}
      : { below: below.length === 1 ? below[0] : document.createNode(below, { flow: true }) }),
    left,
    right,
  }));
  document.add(document.createPair("differences", document.createNode(list)));
  document.commentBefore = ` Expected differences: what ${sides.left} (left) and ${sides.right} (right) do with these URLs.\n Give each entry a reason.`;
  return `---\n${document.toString({ lineWidth: 120, flowCollectionPadding: false, directives: false })}`;
}

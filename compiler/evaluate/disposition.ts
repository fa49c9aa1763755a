/** What happens to a packet: one value, with its key and the one text that it has. */
import { unreachable } from "../invariant.ts";
import { REJECTIONS } from "../ir/constants.ts";
import type { RejectWith } from "../ir/types.ts";
import { type Address, parseAddress, printAddressPort } from "../net/address.ts";
import { parsePort } from "../net/port.ts";

/** What happens to a packet, without the rules that did it. Whether a rule accepted a packet makes no difference to it, and
 *  nobody sees the source of a packet that is dropped or rejected. `To`: the form of its destination. */
export type Disposition<To = Destination> =
  | (Listed & { readonly kind: "drop" })
  | (Listed & { readonly kind: "reject"; readonly with: Rejection })
  /** Rules leave the destination as it is. */
  | (Forwarded & { readonly kind: "pass" })
  /** Rules translate the destination. `stickySeconds`: the time for which the client stays with it. */
  | (Forwarded & { readonly kind: "dnat"; readonly to: To; readonly stickySeconds: number | undefined });

interface Listed {
  /** What rules did to lists that are watched, in words. */
  readonly lists: readonly string[];
}

interface Forwarded extends Listed {
  readonly source: NewSource;
  /** Rules, or parts of rules, that kpc does not follow and that may have acted on the packet; as text. */
  readonly takenBy: readonly string[];
}

export interface Destination {
  readonly address: Address;
  /** 0 where the protocol has no ports. */
  readonly port: number;
}

/** The source that the receiver sees. `masqueraded`: an address of the node. `given`: the addresses and ports that a rule says,
 *  as text. */
export type NewSource = { readonly kind: "kept" | "masqueraded" } | { readonly kind: "given"; readonly text: string };

/** A type of reject; what a kernel sent that is none of them, by type and code. */
export type Rejection = RejectWith | `icmp ${number}/${number}`;

export const KEPT: NewSource = { kind: "kept" };
export const MASQUERADED: NewSource = { kind: "masqueraded" };

/** Whether the packet is dropped or rejected. */
export function isRefused<To>({ kind }: Disposition<To>): boolean {
  return kind === "drop" || kind === "reject";
}

/** Whether rules do nothing to the packet. */
export function isUntouched(disposition: Disposition): boolean {
  return disposition.kind === "pass" && printDetails(disposition) === "";
}

/** The source that the receiver sees; of a packet that has none, its own. */
export function sourceOf<To>(disposition: Disposition<To>): NewSource {
  return "source" in disposition ? disposition.source : KEPT;
}

/** Where rules translate the destination to. */
export function destinationOf<To>(disposition: Disposition<To>): To | undefined {
  return disposition.kind === "dnat" ? disposition.to : undefined;
}

/** `disposition` with what `change` makes of its destination. */
export function withDestination<A, B>(disposition: Disposition<A>, change: (to: A) => B): Disposition<B> {
  return disposition.kind === "dnat" ? { ...disposition, to: change(disposition.to) } : disposition;
}

/** Equal for equal dispositions only. */
export function dispositionKey(disposition: Disposition): string {
  return keyOf(disposition, ({ address, port }) => `${address}${typeof address === "bigint" ? "n" : ""} ${port}`);
}

/** Likewise, where `keyOfDestination` is equal for equal destinations only. */
export function keyOf<To>(disposition: Disposition<To>, keyOfDestination: (to: To) => string): string {
  const lists = keyOfTexts(disposition.lists);
  switch (disposition.kind) {
    case "drop":
      return `drop${lists}`;
    case "reject":
      return `reject ${disposition.with}${lists}`;
    case "pass":
      return `pass${keyOfSource(disposition.source)}${keyOfTexts(disposition.takenBy)}${lists}`;
    case "dnat": {
      const { to, stickySeconds = "", source, takenBy } = disposition;
      return `to ${keyOfDestination(to)} ${stickySeconds}${keyOfSource(source)}${keyOfTexts(takenBy)}${lists}`;
    }
    default:
      return unreachable(disposition);
  }
}

function keyOfSource(source: NewSource): string {
  return source.kind === "given" ? ` from ${JSON.stringify(source.text)}` : ` ${source.kind}`;
}

function keyOfTexts(texts: readonly string[]): string {
  return texts.length === 0 ? "[]" : JSON.stringify(texts);
}

// --- as text ---------------------------------------------------------------------------------------------------------------

/** `drop`, `pass, masqueraded`, `to 10.0.0.1:80, remembered for 10800 s`: what `parseDisposition` reads as the same value. */
export function printDisposition(disposition: Disposition): string {
  const details = printDetails(disposition);
  switch (disposition.kind) {
    case "drop":
      return `drop${details}`;
    case "reject":
      return `reject with ${disposition.with}${details}`;
    case "pass":
      return `pass${details}`;
    case "dnat":
      return `to ${printAddressPort(disposition.to.address, disposition.to.port)}${details}`;
    default:
      return unreachable(disposition);
  }
}

/** A clause without its subject: `is dropped`, `goes to 10.0.0.1:80`; behind `should`: `be dropped`, `go to 10.0.0.1:80`. */
export function printClause(disposition: Disposition, form: "does" | "should"): string {
  const [go, be] = form === "should" ? ["go", "be"] : ["goes", "is"];
  const details = printDetails(disposition);
  switch (disposition.kind) {
    case "drop":
      return `${be} dropped${details}`;
    case "reject":
      return `${be} rejected with ${disposition.with}${details}`;
    case "pass":
      return `${form === "should" ? "pass" : "passes"} untranslated${details}`;
    case "dnat":
      return `${go} ${printDisposition(disposition)}`;
    default:
      return unreachable(disposition);
  }
}

/** What a rule does to a packet: `drops it`, `sends it to 10.0.0.1:80`. */
export function printAction(disposition: Disposition): string {
  switch (disposition.kind) {
    case "drop":
      return "drops it";
    case "reject":
      return `rejects it with ${disposition.with}`;
    case "pass":
      return "passes it untranslated";
    case "dnat":
      return `sends it ${printDisposition(disposition)}`;
    default:
      return unreachable(disposition);
  }
}

/** What belongs to the verb, each behind a comma. */
function printDetails(disposition: Disposition): string {
  const source = sourceOf(disposition);
  const seconds = disposition.kind === "dnat" ? disposition.stickySeconds : undefined;
  const takenBy = "takenBy" in disposition ? disposition.takenBy : [];
  return [
    source.kind === "given" ? `, from ${spell(source.text, GIVEN, (text) => text)}` : "",
    source.kind === "masqueraded" ? ", masqueraded" : "",
    seconds === undefined ? "" : `, remembered for ${seconds} s`,
    ...takenBy.map((each) => `, taken by ${spell(each, TAKEN, (text) => `"${text}"`)}`),
    ...disposition.lists.map((each) => `, ${spell(each, LISTED, (text) => text)}`),
  ].join("");
}

/** A text as it is, where that is read as the same text whatever follows; else as a JSON string. */
function spell(text: string, pattern: RegExp, plain: (text: string) => string): string {
  const spelled = plain(text);
  if (text.search(UNPRINTABLE) < 0 && new Cursor(spelled).take(pattern)?.[1] === text) return spelled;
  return `escaped ${JSON.stringify(text).replace(UNPRINTABLE, escapeCharacter)}`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The disposition that `text` spells; undefined: none. */
export function parseDisposition(text: string): Disposition | undefined {
  const cursor = new Cursor(text);
  const disposition = readDisposition(cursor);
  return cursor.isAtEnd ? disposition : undefined;
}

/** The disposition at the cursor, up to what cannot belong to it; undefined: there is none. */
export function readDisposition(cursor: Cursor): Disposition | undefined {
  if (cursor.take(DROP)) return { kind: "drop", lists: readLists(cursor) };
  const rejection = cursor.take(REJECT)?.[1];
  if (rejection !== undefined)
    return isRejection(rejection) ? { kind: "reject", with: rejection, lists: readLists(cursor) } : undefined;
  if (cursor.take(PASS)) return { kind: "pass", ...readForwarded(cursor) };
  const [, bracketed, plain = "", digits = ""] = cursor.take(TO) ?? [];
  const address = parseAddress(bracketed ?? plain);
  const port = digits === "0" ? 0 : parsePort(digits);
  if (address === undefined || port === undefined) return undefined;
  const source = readSource(cursor);
  const seconds = cursor.take(REMEMBERED)?.[1];
  const stickySeconds = seconds === undefined ? undefined : Number(seconds);
  return { kind: "dnat", to: { address, port }, source, stickySeconds, ...readMore(cursor) };
}

function readForwarded(cursor: Cursor): Forwarded {
  return { source: readSource(cursor), ...readMore(cursor) };
}

function readSource(cursor: Cursor): NewSource {
  if (cursor.take(IS_MASQUERADED)) return MASQUERADED;
  const text = readText(cursor, FROM, GIVEN);
  return text === undefined ? KEPT : { kind: "given", text };
}

function readMore(cursor: Cursor): Pick<Forwarded, "takenBy" | "lists"> {
  const takenBy = readTexts(cursor, TAKEN_BY, TAKEN);
  return { takenBy, lists: readLists(cursor) };
}

function readLists(cursor: Cursor): readonly string[] {
  return readTexts(cursor, COMMA, LISTED);
}

function readTexts(cursor: Cursor, lead: RegExp, pattern: RegExp): readonly string[] {
  const texts: string[] = [];
  for (let text = readText(cursor, lead, pattern); text !== undefined; text = readText(cursor, lead, pattern))
    texts.push(text);
  return texts;
}

/** What `spell` has made of a text behind `lead`. */
function readText(cursor: Cursor, lead: RegExp, pattern: RegExp): string | undefined {
  const before = cursor.at;
  if (cursor.take(lead) === undefined) return undefined;
  const escaped = cursor.take(ESCAPED)?.[1];
  if (escaped !== undefined) return JSON.parse(escaped) as string;
  const text = cursor.take(pattern)?.[1];
  if (text === undefined) cursor.at = before;
  return text;
}

/** A place in a text that is read from left to right. */
export class Cursor {
  private readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at === this.text.length;
  }

  /** What the sticky `pattern` matches here, behind which the place is then. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found !== undefined) this.at = pattern.lastIndex;
    return found;
  }
}

function isRejection(text: string): text is Rejection {
  return Object.hasOwn(REJECTIONS, text) || /^icmp \d+\/\d+$/.test(text);
}

const CHANCE = String.raw`\s+\(\d+(?:\.\d+)?\s?%\)`;
/** How what rules do to lists begins; options of iptables are such rules. */
const VERBS = String.raw`add|update|delete|count|-\w`;
/** What may follow: another detail, a chance, another disposition. */
const END = String.raw`(?=,|\s*$|${CHANCE})`;
const DROP = new RegExp(`drop${END}`, "y");
const REJECT = new RegExp(`reject with ([a-z0-9/ -]+?)${END}`, "y");
const PASS = new RegExp(`pass${END}`, "y");
const TO = new RegExp(String.raw`to (?:\[([^\]]*)\]|([^:]*)):(\d+)${END}`, "y");
const IS_MASQUERADED = new RegExp(`, masqueraded${END}`, "y");
const REMEMBERED = new RegExp(String.raw`, remembered for (\d+(?:\.\d+)?) s${END}`, "y");
const FROM = /, from /y;
const GIVEN = new RegExp(`([^,"]+?)${END}`, "y");
const TAKEN_BY = /, taken by /y;
/** Rules have quotes in them, as in `{ "a", "b" }`: the last one is where something else may follow. */
const TAKEN = new RegExp(
  String.raw`"(.*?)"(?=\s*$|,\s+or\s|, taken by (?:escaped )?"|, (?:${VERBS}|escaped) |${CHANCE})`,
  "y",
);
const COMMA = /, /y;
const LISTED = new RegExp(`((?:${VERBS}) [^,]+?)${END}`, "y");
const ESCAPED = new RegExp(
  String.raw`escaped ("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")(?=,|\s*$|${CHANCE})`,
  "uy",
);
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/gu;

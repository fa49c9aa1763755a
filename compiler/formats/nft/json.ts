/** `nft -j list ruleset` (libnftables-json(5)), written as `nft list ruleset` lists it and read as that. */

import type { Diagnostic, Report, Source, Span } from "../../diagnostics.ts";
import type { Program } from "../../ir/types.ts";
import { firstNotBefore } from "../../order.ts";
import {
  describeJson,
  elementText,
  isObjectOf,
  type JsonObject,
  type JsonValue,
  quoted,
  secondsText,
  UnknownJson,
} from "./json-expressions.ts";
import { statementText } from "./json-statements.ts";
import { readNft } from "./read.ts";

/** The program that `source` lists. What `readNft` reports, at the place of the object in the JSON; and `json-syntax`. A statement
 *  that kpc has no words for is kept as what may do anything. */
export function readNftJson(source: Source, report: Report): Program {
  const listed = parse(source, report);
  if (listed === undefined) return { ruleset: { tables: [] }, routes: [] };
  const writer = new Writer(source, report);
  const text = writer.write(listed);
  const spanOf = (start: number, end: number): Span => writer.spanOf(start, end);
  return readNft({ name: source.name, text }, report, spanOf);
}

interface Listed {
  readonly value: JsonObject;
  /** Where the object stands in the JSON. */
  readonly start: number;
  readonly end: number;
}

function parse(source: Source, report: Report): readonly Listed[] | undefined {
  const { text } = source;
  const fail = (message: string, start: number): undefined => {
    const origin = { span: () => ({ source, start, end: start + 1 }) };
    const finding: Diagnostic = { severity: "error", code: "json-syntax", message, origin };
    report(finding);
    return undefined;
  };
  let root: JsonValue;
  try {
    root = JSON.parse(text) as JsonValue;
  } catch (error) {
    const at = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    return fail(
      "expected JSON, as nft -j list ruleset prints it",
      at === undefined ? text.trimEnd().length - 1 : Number(at),
    );
  }
  const objects = isObjectOf(root) ? root["nftables"] : undefined;
  if (!Array.isArray(objects))
    return fail("expected a list of objects in nftables, as nft -j list ruleset prints it", 0);
  const places = placesIn(text);
  return (objects as readonly JsonValue[]).flatMap((value, i): Listed[] => {
    const place = places[i] ?? { start: 0, end: 1 };
    return isObjectOf(value) ? [{ value, ...place }] : [];
  });
}

/** Where the objects of the outermost list begin and end. */
function placesIn(text: string): { readonly start: number; readonly end: number }[] {
  const places: { start: number; end: number }[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") {
      depth++;
      if (depth === 3) start = index;
    } else if (token === "}" || token === "]") {
      if (depth === 3) places.push({ start, end: index + 1 });
      depth--;
    }
  }
  return places;
}

// --- objects -------------------------------------------------------------------------------------------------------------

interface OpenTable {
  readonly head: string;
  readonly isDormant: boolean;
  readonly comment: string | undefined;
  readonly objects: { readonly lines: readonly string[]; readonly listed: Listed }[];
  readonly chains: Map<
    string,
    { readonly head: readonly string[]; readonly listed: Listed; readonly rules: RuleText[] }
  >;
}

interface RuleText {
  readonly text: string;
  readonly listed: Listed;
}

class Writer {
  private readonly source: Source;
  private readonly report: Report;
  private readonly tables = new Map<string, OpenTable>();
  /** Sets that rules fill: nft 1.0.6 leaves out that they are dynamic. */
  private readonly filled = new Set<string>();
  private text = "";
  /** The places in the JSON of what was written, by where it ends. */
  private readonly ends: { readonly end: number; readonly listed: Listed }[] = [];

  constructor(source: Source, report: Report) {
    this.source = source;
    this.report = report;
  }

  write(objects: readonly Listed[]): string {
    for (const { value } of objects) this.noteFilled(value);
    for (const each of objects) this.take(each);
    for (const table of this.tables.values()) this.writeTable(table);
    return this.text;
  }

  /** The place in the JSON of what stands at `start` in what was written. */
  spanOf(start: number, _end: number): Span {
    const { source } = this;
    const at = firstNotBefore(0, this.ends.length, (i) => (this.ends[i]?.end ?? 0) <= start);
    const listed = this.ends[at]?.listed;
    return { source, start: listed?.start ?? 0, end: listed?.end ?? 1 };
  }

  private fail(message: string, { start, end }: Listed): void {
    const { source } = this;
    this.report({ severity: "error", code: "rules-syntax", message, origin: { span: () => ({ source, start, end }) } });
  }

  private noteFilled(value: JsonObject): void {
    const rule = value["rule"];
    if (!isObjectOf(rule) || !Array.isArray(rule["expr"])) return;
    for (const each of rule["expr"] as readonly JsonValue[]) {
      const update = isObjectOf(each) ? (each["set"] ?? each["map"]) : undefined;
      const set = isObjectOf(update) ? (update["set"] ?? update["map"]) : undefined;
      if (typeof set === "string") this.filled.add(`${keyOf(rule)} ${set.replace(/^@/, "")}`);
    }
  }

  private take(listed: Listed): void {
    const [kind, body] = Object.entries(listed.value)[0] ?? [];
    if (kind === "metainfo" || kind === undefined || !isObjectOf(body)) return;
    if (kind === "table") {
      this.tables.set(`${body["family"]} ${body["name"]}`, {
        head: `table ${body["family"]} ${body["name"]}`,
        isDormant: list(body["flags"]).includes("dormant"),
        comment: typeof body["comment"] === "string" ? body["comment"] : undefined,
        objects: [],
        chains: new Map(),
      });
      return;
    }
    const table = this.tables.get(keyOf(body));
    if (table === undefined) {
      this.fail(`there is no table ${keyOf(body)} before this`, listed);
      return;
    }
    if (kind === "chain") table.chains.set(String(body["name"]), { head: chainHead(body), listed, rules: [] });
    else if (kind === "rule") this.takeRule(body, listed, table);
    else if (kind === "set" || kind === "map" || kind === "meter") this.takeSet(kind, body, listed, table);
    else table.objects.push({ lines: [`${kind} ${body["name"]} {`, "}"], listed });
  }

  private takeRule(body: JsonObject, listed: Listed, table: OpenTable): void {
    const chain = table.chains.get(String(body["chain"]));
    if (chain === undefined) {
      this.fail(`there is no chain ${body["chain"]} before this rule`, listed);
      return;
    }
    const statements = list(body["expr"]).map((each): string => {
      try {
        return typeof each === "string" ? onOneLine(each) : statementText(each);
      } catch (error) {
        if (!(error instanceof UnknownJson)) throw error;
        // What follows is no statement of nft: its rule may do anything.
        return `json ${quoted(describeJson(each).replaceAll('"', "'"))}`;
      }
    });
    const comment = typeof body["comment"] === "string" ? [`comment ${quoted(body["comment"])}`] : [];
    chain.rules.push({ text: [...statements, ...comment].join(" "), listed });
  }

  private takeSet(kind: "set" | "map" | "meter", body: JsonObject, listed: Listed, table: OpenTable): void {
    const name = String(body["name"]);
    const isFilled = this.filled.has(`${keyOf(body)} ${name}`);
    const flags = [...new Set([...list(body["flags"]).map(String), ...(isFilled ? ["dynamic"] : [])])];
    const lines = [
      typeLine(list(body["type"]).map(String), typeof body["map"] === "string" ? body["map"].split(" . ") : []),
      ...(body["size"] === undefined ? [] : [`size ${body["size"]}`]),
      ...(flags.length === 0 ? [] : [`flags ${flags.join(",")}`]),
      ...(body["timeout"] === undefined ? [] : [`timeout ${secondsText(body["timeout"])}`]),
      ...(body["gc-interval"] === undefined ? [] : [`gc-interval ${secondsText(body["gc-interval"])}`]),
      ...(body["auto-merge"] === true ? ["auto-merge"] : []),
      ...(typeof body["policy"] === "string" ? [`policy ${body["policy"]}`] : []),
      ...list(body["stmt"]).map((each) => this.setStatement(each, listed)),
      ...(typeof body["comment"] === "string" ? [`comment ${quoted(body["comment"])}`] : []),
      ...this.elementLines(body, listed),
    ];
    table.objects.push({ lines: [`${kind} ${name} {`, ...lines, "}"], listed });
  }

  /** What each element counts or limits. */
  private setStatement(json: JsonValue, listed: Listed): string {
    try {
      return statementText(json);
    } catch (error) {
      if (!(error instanceof UnknownJson)) throw error;
      this.fail(`expected a statement of a set, found ${error.message}`, listed);
      return "";
    }
  }

  private elementLines(body: JsonObject, listed: Listed): string[] {
    const elements = list(body["elem"]);
    if (elements.length === 0) return [];
    try {
      return [`elements = { ${elements.map(elementText).join(", ")} }`];
    } catch (error) {
      if (!(error instanceof UnknownJson)) throw error;
      this.fail(`expected elements of a set, found ${error.message}`, listed);
      return [];
    }
  }

  // --- text --------------------------------------------------------------------------------------------------------------

  private line(text: string, listed: Listed | undefined): void {
    this.text += `${text}\n`;
    if (listed !== undefined) this.ends.push({ end: this.text.length, listed });
  }

  private writeTable({ head, isDormant, comment, objects, chains }: OpenTable): void {
    const [first] = [...objects, ...chains.values()];
    this.line(`${head} {`, first?.listed);
    if (isDormant) this.line("flags dormant", first?.listed);
    if (comment !== undefined) this.line(`comment ${quoted(comment)}`, first?.listed);
    for (const { lines, listed } of objects) for (const each of lines) this.line(each, listed);
    for (const [name, chain] of chains) {
      this.line(`chain ${name} {`, chain.listed);
      for (const each of chain.head) this.line(each, chain.listed);
      for (const { text, listed } of chain.rules) this.line(text, listed);
      this.line("}", chain.listed);
    }
    this.line("}", first?.listed);
  }
}

/** Chains within rules are text, as nft lists it (1.0.6: "stmt ops chain have no json callback"). */
function onOneLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.map((line, i) => (/(?:^|[{,])$/.test(line) || i === lines.length - 1 ? line : `${line};`)).join(" ");
}

/** The types of keys and data. `integer`, which is the result of numgen and hashes, has no name that nft takes. */
function typeLine(key: readonly string[], data: readonly string[]): string {
  const isNamed = ![...key, ...data].includes("integer");
  const write = (types: readonly string[]): string =>
    types.map((type) => (isNamed ? type : (SAMPLES[type] ?? type))).join(" . ");
  return `${isNamed ? "type" : "typeof"} ${[key, data]
    .filter((types) => types.length > 0)
    .map(write)
    .join(" : ")}`;
}

/** An expression of each type that stands beside an integer. */
const SAMPLES: Readonly<Record<string, string>> = {
  integer: "numgen random mod 65536",
  ipv4_addr: "ip daddr",
  ipv6_addr: "ip6 daddr",
  inet_service: "th dport",
  inet_proto: "meta l4proto",
  mark: "meta mark",
  ifname: "meta iifname",
  ether_addr: "ether saddr",
};

function keyOf(body: JsonObject): string {
  return `${body["family"]} ${body["table"]}`;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
}

function chainHead(body: JsonObject): string[] {
  const { type, hook, prio, policy, dev, comment } = body;
  const devices = list(dev).map((each) => quoted(String(each)));
  const device =
    devices.length === 0 ? "" : devices.length === 1 ? ` device ${devices[0]}` : ` devices = { ${devices.join(", ")} }`;
  return [
    ...(typeof comment === "string" ? [`comment ${quoted(comment)}`] : []),
    ...(type === undefined || hook === undefined
      ? []
      : [`type ${type} hook ${hook}${device} priority ${prio ?? 0}`, `policy ${policy ?? "accept"}`]),
  ];
}

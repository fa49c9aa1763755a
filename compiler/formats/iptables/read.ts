/** iptables-save, ip6tables-save, input of iptables-restore, `iptables -S` and calls of iptables, as a program. */

import type { DiagnosticCode, Origin, Report, Source, Span } from "../../diagnostics.ts";
import { addressField, addressType } from "../../ir/build.ts";
import { MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import { repairChains } from "../../ir/repair.ts";
import type { Chain, Program, Rule, SetDeclaration, Step, Table } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { lookUpSet, type SetQuery } from "../ipset/to-ir.ts";
import type { IpSets } from "../ipset/types.ts";
import { ChainHooks, targetsIn } from "./chain-hooks.ts";
import { affinityOf, recentName } from "./extensions/lists.ts";
import { repair, type Section } from "./fragment.ts";
import type { OptionText } from "./grammar.ts";
import { lineParser } from "./grammar.ts";
import { BUILT_IN_CHAINS, type IptablesTable, TABLES } from "./hooks.ts";
import { Bang, lineLexer, Option, Unclosed } from "./lexer.ts";
import { listingsIn } from "./listings.ts";
import { readPlainLine } from "./plain-line.ts";
import { type ReadRule, type RuleScope, readRule, refused } from "./read-rule.ts";

export interface ReadOptions {
  /** Which tool's text it is; else the text tells. */
  readonly family?: "ip" | "ip6";
  /** What ipset saved on the host: matches on sets that are not there are unknown. */
  readonly ipsets?: IpSets;
}

/**
 * The program that the rules in `source` are: a table of the IR for each table of iptables, with the same names.
 *
 * Each line stands for itself, so that one which is wrong does not hide the next. What is wrong is reported, and kept as
 * an opaque statement that may do anything. Reports `rules-syntax`, `rules-truncated`, `rules-dialect`, `unknown-table`,
 * `unknown-chain`, `chain-loop`, `not-text`, `empty-input`.
 */
export function readIptables(source: Source, report: Report, options: ReadOptions = {}): Program {
  return new FileReader(source, report, options).read();
}

/** A place that is worked out when it is asked for: a dump may have a million of them. */
class Place implements Origin {
  private readonly source: Source;
  private readonly start: number;
  private readonly end: number;

  constructor(source: Source, start: number, end: number) {
    this.source = source;
    this.start = start;
    this.end = Math.max(end, start + 1);
  }

  span(): Span {
    return { source: this.source, start: this.start, end: this.end };
  }
}

interface OpenChain {
  readonly name: string;
  policy: "accept" | "drop";
  /** Of the policy. */
  origin?: Origin;
  rules: Rule[];
}

interface OpenTable {
  readonly family: "ip" | "ip6";
  readonly name: IptablesTable;
  readonly chains: Map<string, OpenChain>;
  readonly lists: Map<string, number | undefined>;
  /** Sets of ipset. */
  readonly sets: Map<string, SetDeclaration>;
}

class FileReader {
  private readonly source: Source;
  /** What is read: as long as the source's text. */
  private readonly text: string;
  private readonly report: Report;
  private readonly tables = new Map<string, OpenTable>();
  private readonly ipsets: IpSets | undefined;
  /** Sets that rules fill. */
  private readonly filled: ReadonlySet<string>;
  /** Sets that matches ask for, by family and name. */
  private readonly asked = new Map<string, SetDeclaration>();
  /** Sets of which was told why they are not known. */
  private readonly unknownSets = new Set<string>();
  private readonly affinity: ReadonlyMap<string, number | undefined>;
  private readonly hooks: ChainHooks;
  private readonly fixedFamily: boolean;
  private family: "ip" | "ip6";
  private table: OpenTable | undefined;
  /** A `*table` line is open: COMMIT closes it. */
  private inSection = false;
  private sections = 0;
  /** Sections that were cut out of a dump. */
  private readonly parts: Section[] = [];
  /** Lines in a row that are none of a dump. */
  private foreign: { readonly start: number; readonly end: number; count: number } | undefined;
  private carriageReturns = false;
  private unknownTable = false;
  /** Those whose lines have not been read. */
  private listings: readonly Section[];
  /** The one that is read. */
  private section: Section | undefined;
  /** The table of lines that name none; undefined in a listing of which nothing tells the table. */
  private unnamedTable: IptablesTable | undefined = "filter";

  constructor(source: Source, report: Report, { family, ipsets }: ReadOptions) {
    this.source = source;
    this.report = report;
    this.ipsets = ipsets;
    const { text, sections } = repair(source.text);
    this.text = text;
    this.fixedFamily = family !== undefined;
    this.family = family ?? detectFamily(source.text);
    this.affinity = findAffinity(text);
    this.hooks = new ChainHooks(() => targetsIn(text));
    this.filled = new Set([...text.matchAll(/ --(?:add|del)-set (\S+)/g)].map(([, name = ""]) => name));
    this.listings =
      sections.length > 0
        ? sections
        : /^\*/m.test(text)
          ? []
          : listingsIn(text).map((listing) => ({ ...listing, isPart: false }));
    // Chains may be made before a policy is set.
    const [listing, other] = this.listings;
    if (sections.length === 0 && other === undefined && typeof listing?.table === "string")
      this.unnamedTable = listing.table;
  }

  read(): Program {
    const { text } = this;
    if (/[\0\uFFFD]/.test(text.slice(0, 65536))) {
      this.error("not-text", "binary file: expected lines of iptables-save", 0, 1);
      return { ruleset: { tables: [] }, routes: [] };
    }
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf("\n", start);
      const end = newline < 0 ? text.length : newline;
      this.readLine(start, end);
      start = end + 1;
    }
    this.closeForeign();
    this.finish();
    this.tellParts();
    const tables = [...this.tables.values()].map((table) => this.closeTable(table));
    return { ruleset: { tables }, routes: [] };
  }

  private error(code: DiagnosticCode, message: string, start: number, end: number): void {
    this.report({ severity: "error", code, message, origin: new Place(this.source, start, end) });
  }

  /** Reports what a step that may do anything stands for. */
  private contained(code: DiagnosticCode, message: string, start: number, end: number): void {
    const origin = new Place(this.source, start, end);
    this.report({ severity: "error", code, message, origin, contained: true });
  }

  private warn(code: DiagnosticCode, message: string, start: number, end: number): void {
    this.report({ severity: "warning", code, message, origin: new Place(this.source, start, end) });
  }

  private finish(): void {
    const { length } = this.text;
    if (this.inSection)
      this.error(
        "rules-truncated",
        `the text ends in table ${this.table?.name}: expected COMMIT`,
        Math.max(length - 1, 0),
        length,
      );
    else if (this.tables.size === 0 && !this.unknownTable)
      this.error("empty-input", "expected rules, as iptables-save prints them: there are none", 0, 1);
  }

  /** Says once that rules were cut out of a dump, and what they were taken for. */
  private tellParts(): void {
    const [first] = this.parts;
    if (first === undefined) return;
    const { name } = this.source;
    const tables = [...new Set(this.parts.flatMap(({ table }) => (typeof table === "string" ? [table] : [])))];
    const message = `these rules are part of a dump, without *TABLE lines: kpc reads them as rules of ${tables.length === 1 ? "table" : "tables"} ${tables.join(", ")}, with the chains that they name (the whole iptables-save gives an answer without assumptions)`;
    this.report({
      severity: "note",
      code: "rules-fragment",
      message,
      origin: new Place(this.source, first.start, first.end),
      restsOn: {
        assumption: `the rest of the dump that ${name} is a part of does nothing to this packet`,
        gap: `the rest of the dump that ${name} is a part of`,
      },
    });
  }

  // --- lines -------------------------------------------------------------------------------------------------------------

  private readLine(lineStart: number, lineEnd: number): void {
    const { text } = this;
    const end = text.charCodeAt(lineEnd - 1) === 13 && lineEnd > lineStart ? lineEnd - 1 : lineEnd;
    if (end < lineEnd && !this.carriageReturns) {
      this.carriageReturns = true;
      this.warn(
        "rules-syntax",
        "the lines end with a carriage return, which iptables-restore refuses: read without",
        end,
        end + 1,
      );
    }
    let start = lineStart;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    if (start === end) return;
    const first = text.charAt(start);
    if (first === "#") this.readComment(text.slice(start, end));
    else if (first === "*") this.known(() => this.openSection(start, end));
    else if (first === ":" && (this.inSection || this.isPart(start))) this.known(() => this.declareChain(start, end));
    else if (first === "-" || first === "[") this.known(() => this.readCommand(start, end));
    else this.readWords(start, end);
  }

  private known(read: () => void): void {
    this.closeForeign();
    read();
  }

  private readWords(start: number, end: number): void {
    const line = this.text.slice(start, end);
    if (line.trimEnd() === "COMMIT") {
      this.known(() => this.commit(start, end, line));
      return;
    }
    const call = /^(?:[#$] +|sudo +)*(?:\/\S*\/)?(ip6?)tables(?:-nft|-legacy)? +(?=-)/.exec(line);
    if (call !== null && !this.inSection) {
      this.known(() => this.readCall(start + call[0].length, end, call[1] === "ip6" ? "ip6" : "ip"));
      return;
    }
    if (this.inSection) {
      this.known(() =>
        this.error("rules-syntax", `expected a rule, a chain or COMMIT in table ${this.table?.name}`, start, end),
      );
    } else if (this.foreign === undefined) {
      this.foreign = { start, end, count: 1 };
    } else {
      this.foreign.count++;
    }
  }

  /** Prompts, headings and the like around a dump are told once for a run of lines. */
  private closeForeign(): void {
    if (this.foreign === undefined) return;
    const { start, end, count } = this.foreign;
    this.foreign = undefined;
    const line = this.text.slice(start, end);
    const lines = count === 1 ? "this line is" : `${count} lines from here on are`;
    if (/^(table|add|create|flush|define|include|delete|insert|list)\b/.test(line))
      this.error(
        "rules-dialect",
        `${lines} nft text, not iptables text: expected one of the two in a file`,
        start,
        end,
      );
    else this.warn("rules-syntax", `${lines} not iptables-save text: expected *TABLE`, start, end);
  }

  /** Two dumps in one text: each says whose it is. */
  private readComment(line: string): void {
    const tool = /^# Generated by (?:xtables-save|(ip6?)tables(?:-\w+)?-save)/.exec(line)?.[1];
    if (tool !== undefined && !this.fixedFamily) this.family = tool === "ip6" ? "ip6" : "ip";
  }

  private openSection(start: number, end: number): void {
    const name = this.text.slice(start + 1, end).trim();
    if (this.inSection)
      this.error("rules-truncated", `expected COMMIT for table ${this.table?.name} before another table`, start, end);
    this.inSection = true;
    this.sections++;
    const known = TABLES.find((table) => table === name);
    if (known === undefined) {
      this.unknownTable = true;
      this.error("unknown-table", `expected a table: ${TABLES.join(", ")}`, start, end);
      this.table = undefined;
      return;
    }
    this.table = this.openTable(known);
  }

  private openTable(name: IptablesTable): OpenTable {
    const key = `${this.family} ${name}`;
    const open = this.tables.get(key);
    if (open !== undefined) return open;
    const chains = new Map(
      BUILT_IN_CHAINS[name].map((chain): [string, OpenChain] => [
        chain.name,
        { name: chain.name, policy: "accept", rules: [] },
      ]),
    );
    const made: OpenTable = { family: this.family, name, chains, lists: new Map(), sets: new Map() };
    this.tables.set(key, made);
    return made;
  }

  private commit(start: number, end: number, line: string): void {
    if (!this.inSection) this.error("rules-syntax", "expected *TABLE before COMMIT", start, end);
    else if (line !== "COMMIT")
      this.warn(
        "rules-syntax",
        "COMMIT is followed by a blank, which iptables-restore refuses: read without",
        start,
        end,
      );
    this.inSection = false;
    this.table = undefined;
  }

  // `:CHAIN POLICY [packets:bytes]`
  private declareChain(start: number, end: number): void {
    const table = this.inSection ? this.table : this.tableOf(undefined, start);
    if (table === undefined) return;
    const line = this.text.slice(start + 1, end);
    const found = /^\s*(\S+)\s+(ACCEPT|DROP|-)(?:\s+\[\d+:\d+\])?\s*$/.exec(line);
    const [, name, policy] = found ?? [];
    if (name === undefined || policy === undefined) {
      this.error("rules-syntax", "expected :CHAIN and ACCEPT, DROP or -, and counters", start, end);
      return;
    }
    const chain = this.makeChain(table, name);
    if (policy !== "-" && isBuiltIn(table, name)) {
      chain.policy = policy === "DROP" ? "drop" : "accept";
      chain.origin = new Place(this.source, start, end);
    } else if (policy !== "-")
      this.error("rules-syntax", `chain ${name} is not built in, expected - for its policy`, start, end);
    // Declaring a chain again empties it.
    chain.rules = [];
  }

  private makeChain(table: OpenTable, name: string): OpenChain {
    const known = table.chains.get(name);
    if (known !== undefined) return known;
    const made: OpenChain = { name, policy: "accept", rules: [] };
    table.chains.set(name, made);
    return made;
  }

  // --- commands ----------------------------------------------------------------------------------------------------------

  private readCall(start: number, end: number, family: "ip" | "ip6"): void {
    if (!this.fixedFamily) this.family = family;
    this.readCommand(start, end);
  }

  private readCommand(start: number, end: number): void {
    if (this.inSection && this.table === undefined) return; // of an unknown table, which was reported
    const options = readPlainLine(this.text, start, end) ?? this.parseLine(start, end);
    if (options === undefined) return;
    const at = (option: OptionText): [number, number] => [start + option.start, start + option.end];
    const tableOption = options.find(({ name }) => name === "-t" || name === "--table");
    const table = this.tableOf(tableOption, start);
    const rest = options.some(isOfCall) ? options.filter((option) => !isOfCall(option)) : options;
    const { command, rule } = splitCommand(rest);
    if (table === undefined || command === undefined) return;
    const run = meaningOf(COMMANDS, command.name);
    if (run === undefined) {
      this.error(
        "rules-syntax",
        `expected a command: -A CHAIN and a rule, -N, -P, -I, -D, -R, -F or -X`,
        ...at(command),
      );
      return;
    }
    const [chain = ""] = command.values;
    const hooks = this.hooks.leadingTo(table.name, chain);
    const scope: RuleScope = {
      family: table.family,
      table: table.name,
      chain,
      hooks,
      isWhole: this.inSection && !this.isPart(start),
      affinity: this.affinity,
      translates: table.name === "nat" ? this.hooks.translatedBehind(hooks) : undefined,
      ipset: (query) => this.lookUpSet({ ...query, family: table.family }, start, end),
      fail: (message, option) => this.contained("rules-syntax", message, ...at(option)),
    };
    const place = new Place(this.source, start, end);
    const read = (): Rule[] => readRule(rule, scope).map((found) => this.toRule(found, place, table));
    const failed = run({
      table,
      values: command.values,
      read,
      chain: (name) => this.chainOf(table, name, command, start),
      place,
    });
    if (failed !== undefined) this.error("rules-syntax", failed, ...at(command));
  }

  private tableOf(option: OptionText | undefined, start: number): OpenTable | undefined {
    if (option === undefined) {
      if (this.table !== undefined) return this.table;
      if (this.sections > 0) {
        this.error(
          "rules-syntax",
          "expected *TABLE before this rule: the one above ended with COMMIT",
          start,
          start + 1,
        );
        return undefined;
      }
      this.enterListing(start);
      return this.unnamedTable === undefined ? undefined : this.openTable(this.unnamedTable);
    }
    const name = TABLES.find((table) => table === option.values[0]);
    if (name !== undefined) return this.openTable(name);
    this.error("unknown-table", `expected a table: ${TABLES.join(", ")}`, start + option.start, start + option.end);
    return undefined;
  }

  /** Whether the line at `start` is of a section that was cut out of a dump. */
  private isPart(start: number): boolean {
    this.enterListing(start);
    return !this.inSection && this.section?.isPart === true;
  }

  private enterListing(start: number): void {
    for (let [next] = this.listings; next !== undefined && start >= next.start; [next] = this.listings) {
      this.listings = this.listings.slice(1);
      this.openListing(next);
    }
  }

  private openListing(next: Section): void {
    this.section = next;
    if (next.isPart) this.parts.push(next);
    if (next.family !== undefined && !this.fixedFamily) this.family = next.family;
    this.unnamedTable = typeof next.table === "string" ? next.table : undefined;
    if (typeof next.table === "string") return;
    this.unknownTable = true;
    const message = `another listing of iptables -S begins here, which names no table, and ${next.table.reason}: expected iptables-save`;
    this.error("rules-dialect", message, next.start, next.end);
  }

  /** A chain that a command names; one that is not there is reported, and made, so that its rules are not lost. */
  private chainOf(table: OpenTable, name: string, command: OptionText, start: number): OpenChain {
    const known = table.chains.get(name);
    if (known !== undefined) return known;
    if (this.isPart(start)) return this.makeChain(table, name);
    this.error(
      "unknown-chain",
      `expected a chain of table ${table.name}: there is no ${name}`,
      start + command.start,
      start + command.end,
    );
    return this.makeChain(table, name);
  }

  /** Says once of each set why it is not known. */
  private lookUpSet(query: SetQuery, start: number, end: number): ReturnType<RuleScope["ipset"]> {
    if (this.ipsets === undefined || this.filled.has(query.set)) return undefined;
    const answer = lookUpSet(query, this.ipsets);
    if (answer.kind === "known") this.asked.set(`${query.family} ${answer.declaration.name}`, answer.declaration);
    if (answer.kind !== "unknown") return answer;
    if (!this.unknownSets.has(answer.reason))
      this.warn("unknown-set", `${answer.reason}: whether packets are in it is assumed both ways`, start, end);
    this.unknownSets.add(answer.reason);
    return undefined;
  }

  private toRule({ steps, comment }: ReadRule, origin: Origin, table: OpenTable): Rule {
    for (const step of steps) {
      const asked = step.kind === "member" ? this.asked.get(`${table.family} ${step.set}`) : undefined;
      if (asked !== undefined) table.sets.set(asked.name, asked);
      else if (step.kind === "member" || step.kind === "remember")
        table.lists.set(step.set, this.affinity.get(step.set));
    }
    return comment === undefined ? { steps, origin } : { steps, comment, origin };
  }

  /** The options of a line; undefined when it is not even that, which is reported. */
  private parseLine(start: number, end: number): OptionText[] | undefined {
    const line = this.text.slice(start, end);
    const { tokens, errors } = lineLexer.tokenize(line);
    const [unreadable] = errors;
    if (unreadable !== undefined) {
      const at = start + unreadable.offset;
      this.error("rules-syntax", "expected text, found a character that is none", at, at + unreadable.length);
    }
    lineParser.input = tokens;
    const options = lineParser.command();
    const [error] = lineParser.errors;
    if (error === undefined) return options;
    const { token } = error;
    const atEnd = token.image === "";
    const from = start + (atEnd ? line.length - 1 : token.startOffset);
    const unclosed = tokens.find(({ tokenType }) => tokenType === Unclosed);
    // The chain may still be told: its rule could do anything.
    const chain = /^(?:\[\d+:\d+\]\s*)?-[AI]\s+(\S+)/.exec(line)?.[1];
    const isKept = chain !== undefined && this.table !== undefined;
    const tell = (message: string, first: number, last: number): void =>
      isKept ? this.contained("rules-syntax", message, first, last) : this.error("rules-syntax", message, first, last);
    if (unclosed !== undefined)
      tell("expected a closing quotation mark in this line", start + unclosed.startOffset, end);
    else
      tell(
        atEnd
          ? "the line ends where an option was expected"
          : `expected an option, found ${JSON.stringify(token.image)}`,
        from,
        from + Math.max(token.image.length, 1),
      );
    if (chain !== undefined && this.table !== undefined) {
      const [statement] = [
        refused(
          tokens.map(({ image, startOffset, tokenType }) => ({
            negated: tokenType === Bang,
            name: tokenType === Option ? image : image,
            values: [],
            start: startOffset,
            end: startOffset + image.length,
          })),
        ),
      ];
      this.makeChain(this.table, chain).rules.push({
        steps: [statement as Step],
        origin: new Place(this.source, start, end),
      });
    }
    return undefined;
  }

  // --- tables ------------------------------------------------------------------------------------------------------------

  private closeTable(table: OpenTable): Table {
    const { family, name, chains, lists } = table;
    const builtIn = BUILT_IN_CHAINS[name].map((base): Chain => {
      const { policy, origin, rules } = chains.get(base.name) as OpenChain;
      return { kind: "base", ...base, policy, ...(origin === undefined ? {} : { origin }), rules };
    });
    const regular = [...chains.values()]
      .filter((chain) => !isBuiltIn(table, chain.name))
      .map(({ name: own, rules }): Chain => ({ kind: "regular", name: own, rules }));
    const sets = [...lists].map(([list, seconds]) => declareList(list, seconds, family)).concat(...table.sets.values());
    const closed: Table = { family, name, sets, maps: [], chains: [...builtIn, ...regular] };
    // iptables-legacy takes chains that are further away; kpc follows no more.
    return repairChains(closed, MAX_JUMP_DEPTH, (code, message, rule) => {
      const { start, end } = (rule.origin as Origin).span();
      this.contained(code, message, start, end);
    });
  }
}

// --- commands ------------------------------------------------------------------------------------------------------------

interface CommandCall {
  readonly table: OpenTable;
  readonly values: readonly string[];
  readonly read: () => Rule[];
  readonly chain: (name: string) => OpenChain;
  /** Of the command. */
  readonly place: Origin;
}

/** Each gives what is wrong with its words, or nothing. */
type Run = (call: CommandCall) => string | undefined;

const append: Run = ({ values: [name], read, chain }) => {
  if (name === undefined) return "expected the name of a chain";
  chain(name).rules.push(...read());
  return undefined;
};

const insert: Run = ({ values: [name, number = "1"], read, chain }) => {
  if (name === undefined) return "expected the name of a chain";
  const { rules } = chain(name);
  if (!/^[1-9][0-9]*$/.test(number) || Number(number) > rules.length + 1)
    return `expected the number of a rule, up to ${rules.length + 1}`;
  rules.splice(Number(number) - 1, 0, ...read());
  return undefined;
};

const remove: Run = ({ values: [name, number], read, chain }) => {
  if (name === undefined) return "expected the name of a chain";
  const { rules } = chain(name);
  const wanted = number === undefined ? read().map(ruleText) : [];
  const index = number === undefined ? rules.findIndex((rule) => ruleText(rule) === wanted[0]) : Number(number) - 1;
  if (rules[index] === undefined) return "expected a rule that the chain has";
  const isAll = wanted.every((text, i) => ruleText(rules[index + i] ?? { steps: [] }) === text);
  rules.splice(index, isAll ? Math.max(wanted.length, 1) : 1);
  return undefined;
};

const replace: Run = ({ values: [name, number], read, chain }) => {
  if (name === undefined || number === undefined) return "expected a chain and the number of a rule";
  const { rules } = chain(name);
  if (rules[Number(number) - 1] === undefined) return "expected the number of a rule that the chain has";
  rules.splice(Number(number) - 1, 1, ...read());
  return undefined;
};

const create: Run = ({ table, values: [name] }) => {
  if (name === undefined) return "expected the name of a chain";
  if (table.chains.has(name)) return `expected a new name: chain ${name} is there already`;
  table.chains.set(name, { name, policy: "accept", rules: [] });
  return undefined;
};

const setPolicy: Run = ({ table, values: [name, policy], chain, place }) => {
  if (name === undefined || (policy !== "ACCEPT" && policy !== "DROP")) return "expected a chain and ACCEPT or DROP";
  if (!isBuiltIn(table, name)) return `expected a built-in chain of table ${table.name}`;
  const built = chain(name);
  built.policy = policy === "DROP" ? "drop" : "accept";
  built.origin = place;
  return undefined;
};

const flush: Run = ({ table, values: [name], chain }) => {
  for (const each of name === undefined ? table.chains.values() : [chain(name)]) each.rules = [];
  return undefined;
};

const deleteChain: Run = ({ table, values: [name] }) => {
  const doomed = name === undefined ? [...table.chains.keys()].filter((chain) => !isBuiltIn(table, chain)) : [name];
  for (const chain of doomed) {
    if (!table.chains.has(chain) || isBuiltIn(table, chain)) return "expected a chain that is not built in";
    table.chains.delete(chain);
  }
  return undefined;
};

const nothing: Run = () => undefined;

const COMMANDS: Readonly<Record<string, Run>> = {
  "-A": append,
  "--append": append,
  "-I": insert,
  "--insert": insert,
  "-D": remove,
  "--delete": remove,
  "-R": replace,
  "--replace": replace,
  "-N": create,
  "--new-chain": create,
  "-P": setPolicy,
  "--policy": setPolicy,
  "-F": flush,
  "--flush": flush,
  "-X": deleteChain,
  "--delete-chain": deleteChain,
  "-Z": nothing,
  "--zero": nothing,
};

/** Says where a call's command is carried out, and is no part of that. */
function isOfCall({ name }: OptionText): boolean {
  return name === "-t" || name === "--table" || name === "-w" || name === "--wait";
}

/** The command may stand behind options of the rule. */
function splitCommand(options: readonly OptionText[]): {
  readonly command: OptionText | undefined;
  readonly rule: readonly OptionText[];
} {
  const index = options.findIndex(({ name }) => meaningOf(COMMANDS, name) !== undefined);
  if (index <= 0) return { command: options[0], rule: options.slice(1) };
  return { command: options[index], rule: options.filter((_, i) => i !== index) };
}

// --- helpers -------------------------------------------------------------------------------------------------------------

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function isBuiltIn({ name }: OpenTable, chain: string): boolean {
  return BUILT_IN_CHAINS[name].some((base) => base.name === chain);
}

function ruleText({ steps, comment }: Rule): string {
  return JSON.stringify([steps, comment], (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}

/** The list of `recent`, as a set that rules fill. */
function declareList(name: string, seconds: number | undefined, family: "ip" | "ip6"): SetDeclaration {
  const key = [
    {
      type: addressType(family === "ip" ? "IPv4" : "IPv6"),
      sample: addressField(family === "ip" ? "IPv4" : "IPv6", "saddr"),
    },
  ];
  const dynamic = { size: LIST_SIZE, ...(seconds === undefined ? {} : { timeoutSeconds: seconds }) };
  return { name, key, interval: false, dynamic, elements: [] };
}

/** Clients that a list of `recent` remembers (xt_recent's ip_list_tot). */
const LIST_SIZE = 100;

/** The tool says so in its first line; else an address or protocol of IPv6 tells. */
function detectFamily(text: string): "ip" | "ip6" {
  const tool = /^# Generated by (ip6?)tables/m.exec(text)?.[1];
  if (tool !== undefined) return tool === "ip6" ? "ip6" : "ip";
  return /^[^"\n]* (-s|-d|--to-destination|--to-source) !? ?\[?[0-9a-fA-F]*:[0-9a-fA-F:]*|^[^"\n]* (ipv6-icmp|icmp6|icmpv6)\b/m.test(
    text,
  )
    ? "ip6"
    : "ip";
}

/** The lines of `text` that hold `part`. */
function* linesWith(text: string, part: string): Generator<string> {
  for (let at = text.indexOf(part); at >= 0; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(text.lastIndexOf("\n", at) + 1, end);
    at = text.indexOf(part, end);
  }
}

/** The lists of `recent` that are nothing but affinity: each use of them is plain, and all ask for the same time. */
function findAffinity(text: string): ReadonlyMap<string, number | undefined> {
  const uses = new Map<string, Set<number | undefined | "other" | "set">>();
  for (const line of linesWith(text, " -m recent ")) {
    lineParser.input = lineLexer.tokenize(line).tokens;
    const options = lineParser.command() ?? [];
    for (const [i, option] of options.entries()) {
      if (option.name !== "-m" || option.values[0] !== "recent") continue;
      const rest = options.slice(i + 1);
      const next = rest.findIndex(({ name }) => /^-[a-z]$/.test(name));
      const own = next < 0 ? rest : rest.slice(0, next);
      const list = recentName(own);
      uses.set(list, (uses.get(list) ?? new Set()).add(affinityOf(own)));
    }
  }
  const affinity = new Map<string, number | undefined>();
  for (const [list, found] of uses) {
    const times = [...found].filter((use) => use !== "set");
    const [seconds] = times;
    if (times.length <= 1 && seconds !== "other") affinity.set(list, seconds);
  }
  return affinity;
}

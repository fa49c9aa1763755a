/** iptables-save, ip6tables-save, input of iptables-restore, `iptables -S` and calls of iptables, as a program.
 *  Long because a file has one reader, with a method for each command: all of them change the same tables. */

import type { DiagnosticCode, Origin, Report, Source } from "../../diagnostics.ts";
import { MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import { ChainDraft } from "../../ir/draft.ts";
import { repairChains } from "../../ir/repair.ts";
import { chainOfRows } from "../../ir/rule-rows.ts";
import type { Chain, Program, Rule, SetDeclaration, Table } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { lookUpSet, type SetQuery } from "../ipset/to-ir.ts";
import type { IpSets } from "../ipset/types.ts";
import { ForeignLines, TextFindings } from "../text-findings.ts";
import { declareList, findAffinity } from "./affinity.ts";
import { ChainHooks } from "./chain-hooks.ts";
import { COMMANDS, IptablesDraft, isOfCall, splitCommand } from "./commands.ts";
import { repair } from "./fragment.ts";
import { type OptionText, type PlaceInLine, parseLine } from "./grammar.ts";
import { BUILT_IN_CHAINS, type IptablesTable, TABLES } from "./hooks.ts";
import { jumpsIn } from "./jumps.ts";
import { LineRows } from "./line-rows.ts";
import { LineShapes } from "./line-shapes.ts";
import { refused } from "./opaque-units.ts";
import { readPlainLine } from "./plain-line.ts";
import { type ReadRule, type RuleScope, readRule } from "./read-rule.ts";
import { detectFamily, TextParts } from "./text-parts.ts";

export interface ReadOptions {
  /** Which tool's text it is; else the text tells. */
  readonly family?: "ip" | "ip6";
  /** What ipset saved on the host: matches on sets that are not there are unknown. */
  readonly ipsets?: IpSets;
  /** Whether the grammar reads each line, also those that have the shape of others; for those who hold the two against each other. */
  readonly byGrammar?: boolean;
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

class FileReader {
  private readonly source: Source;
  /** What is read: as long as the source's text. */
  private readonly text: string;
  private readonly findings: TextFindings;
  private readonly tables = new Map<string, IptablesDraft>();
  private readonly ipsets: IpSets | undefined;
  /** Sets that rules fill. */
  private readonly filled: ReadonlySet<string>;
  /** Sets that matches ask for, by family and name. */
  private readonly asked = new Map<string, SetDeclaration>();
  /** Sets of which was told why they are not known. */
  private readonly unknownSets = new Set<string>();
  /** Rules of chains that are not built in. */
  private readonly lines: LineRows;
  private readonly affinity: ReadonlyMap<string, number | undefined>;
  private readonly hooks: ChainHooks;
  private readonly shapes: LineShapes | undefined;
  private readonly fixedFamily: boolean;
  private family: "ip" | "ip6";
  private table: IptablesDraft | undefined;
  /** A `*table` line is open: COMMIT closes it. */
  private inSection = false;
  private sections = 0;
  /** Of a text without *TABLE lines. */
  private readonly parts: TextParts;
  private readonly foreign = new ForeignLines<PlaceInLine>((lines, first) => this.tellForeign(lines, first));
  private carriageReturns = false;
  private unknownTable = false;

  constructor(source: Source, report: Report, { family, ipsets, byGrammar = false }: ReadOptions) {
    this.source = source;
    this.findings = new TextFindings(report, (start, end) => ({ source, start, end }));
    this.lines = new LineRows(source.text.length, (start, end) => this.findings.originOf(start, end));
    this.ipsets = ipsets;
    const { text, sections } = repair(source.text);
    this.text = text;
    this.fixedFamily = family !== undefined;
    this.family = family ?? detectFamily(source.text);
    this.affinity = findAffinity(text);
    this.hooks = new ChainHooks(() => jumpsIn(text));
    this.filled = new Set([...text.matchAll(/ --(?:add|del)-set (\S+)/g)].map(([, name = ""]) => name));
    this.parts = new TextParts(text, sections);
    // Parts of a dump are read with what their other lines say.
    this.shapes = byGrammar || !/^\*/m.test(text) ? undefined : new LineShapes(this.hooks, this.affinity);
  }

  read(): Program {
    const { text } = this;
    if (this.findings.isBinary(text, "lines of iptables-save")) return { ruleset: { tables: [] }, routes: [] };
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf("\n", start);
      const end = newline < 0 ? text.length : newline;
      this.readLine(start, end);
      start = end + 1;
    }
    this.foreign.close();
    this.finish();
    this.tellParts();
    const tables = [...this.tables.values()].map((table) => this.closeTable(table));
    return { ruleset: { tables }, routes: [] };
  }

  private error(code: DiagnosticCode, message: string, start: number, end: number): void {
    this.findings.error(code, message, start, end);
  }

  /** Reports what a step that may do anything stands for. */
  private contained(code: DiagnosticCode, message: string, start: number, end: number): void {
    this.findings.contained(() => this.error(code, message, start, end));
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
    const [first] = this.parts.cutOut;
    if (first === undefined) return;
    const { name } = this.source;
    const tables = [...new Set(this.parts.cutOut.flatMap(({ table }) => (typeof table === "string" ? [table] : [])))];
    const message = `these rules are part of a dump, without *TABLE lines: kpc reads them as rules of ${tables.length === 1 ? "table" : "tables"} ${tables.join(", ")}, with the chains that they name (the whole iptables-save gives an answer without assumptions)`;
    this.findings.note({
      code: "rules-fragment",
      message,
      origin: this.findings.originOf(first.start, first.end),
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
      this.findings.warn(
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
    else if (this.readByShape(start, end)) return;
    else if (first === "-" || first === "[") this.known(() => this.readCommand(start, end));
    else this.readWords(start, end);
  }

  private known(read: () => void): void {
    this.foreign.close();
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
    } else this.foreign.add({ start, end });
  }

  /** Of prompts, headings and the like around a dump. */
  private tellForeign(lines: string, { start, end }: PlaceInLine): void {
    if (/^(table|add|create|flush|define|include|delete|insert|list)\b/.test(this.text.slice(start, end)))
      this.error(
        "rules-dialect",
        `${lines} nft text, not iptables text: expected one of the two in a file`,
        start,
        end,
      );
    else this.findings.warn("rules-syntax", `${lines} not iptables-save text: expected *TABLE`, start, end);
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

  private openTable(name: IptablesTable): IptablesDraft {
    const key = `${this.family} ${name}`;
    const open = this.tables.get(key);
    if (open !== undefined) return open;
    const made = new IptablesDraft(this.family, name, this.lines);
    for (const { name: chain, ...base } of BUILT_IN_CHAINS[name])
      made.chains.set(chain, new ChainDraft(chain, { ...base, policy: "accept" }));
    this.tables.set(key, made);
    return made;
  }

  private commit(start: number, end: number, line: string): void {
    if (!this.inSection) this.error("rules-syntax", "expected *TABLE before COMMIT", start, end);
    else if (line !== "COMMIT")
      this.findings.warn(
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
    const chain = table.chain(name);
    if (policy !== "-" && chain.base === undefined)
      this.error("rules-refused", `chain ${name} is not built in, expected - for its policy`, start, end);
    else if (policy !== "-") chain.setPolicy(policy === "DROP" ? "drop" : "accept", this.findings.originOf(start, end));
    // Declaring a chain again empties it.
    chain.rules = [];
  }

  // --- lines of one shape ------------------------------------------------------------------------------------------------

  /** Reads `-A CHAIN …` in a section where the grammar has read lines of its shape; false: it has to read this one, too. */
  private readByShape(start: number, end: number): boolean {
    const { table, text, shapes } = this;
    if (shapes === undefined || !this.inSection || table === undefined || !text.startsWith("-A ", start)) return false;
    const template = shapes.read(text, start + 3, end, table);
    const { chain } = shapes;
    if (template === undefined || chain === undefined) return false;
    const { isPlain, asksLists } = shapes.kindOf(template);
    if (asksLists) for (const { steps } of template.fill(shapes.values)) this.noteLists(steps, table);
    if (chain.base === undefined && isPlain) {
      this.lines.add(template, shapes.values, start, end);
      chain.takeStored();
    } else {
      const origin = this.findings.originOf(start, end);
      chain.add(
        shapes
          .rulesOf(template)
          .map(({ steps, comment }) => (comment === undefined ? { steps, origin } : { steps, comment, origin })),
      );
    }
    return true;
  }

  // --- commands ----------------------------------------------------------------------------------------------------------

  private readCall(start: number, end: number, family: "ip" | "ip6"): void {
    if (!this.fixedFamily) this.family = family;
    this.readCommand(start, end);
  }

  private readCommand(start: number, end: number): void {
    this.shapes?.leave();
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
      fail: (message, option) => this.contained("rules-refused", message, ...at(option)),
    };
    const place = this.findings.originOf(start, end);
    const read = (): Rule[] => readRule(rule, scope).map((found) => this.toRule(found, place, table));
    const failed = run({
      table,
      values: command.values,
      read,
      chain: (name) => this.chainOf(table, name, command, start),
      place,
    });
    if (failed !== undefined) this.error("rules-refused", failed, ...at(command));
  }

  private tableOf(option: OptionText | undefined, start: number): IptablesDraft | undefined {
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
      this.enterPart(start);
      const { table } = this.parts;
      return table === undefined ? undefined : this.openTable(table);
    }
    const name = TABLES.find((table) => table === option.values[0]);
    if (name !== undefined) return this.openTable(name);
    this.error("unknown-table", `expected a table: ${TABLES.join(", ")}`, start + option.start, start + option.end);
    return undefined;
  }

  /** Whether the line at `start` is of a section that was cut out of a dump. */
  private isPart(start: number): boolean {
    this.enterPart(start);
    return !this.inSection && this.parts.isCutOut;
  }

  private enterPart(start: number): void {
    for (const { family, table, ...place } of this.parts.enter(start)) {
      if (family !== undefined && !this.fixedFamily) this.family = family;
      if (typeof table === "string") continue;
      this.unknownTable = true;
      const message = `another listing of iptables -S begins here, which names no table, and ${table.reason}: expected iptables-save`;
      this.error("rules-dialect", message, place.start, place.end);
    }
  }

  /** A chain that a command names; one that is not there is reported, and made, so that its rules are not lost. */
  private chainOf(table: IptablesDraft, name: string, command: OptionText, start: number): ChainDraft<Rule> {
    if (!table.chains.has(name) && !this.isPart(start))
      this.error(
        "unknown-chain",
        `expected a chain of table ${table.name}: there is no ${name}`,
        start + command.start,
        start + command.end,
      );
    return table.chain(name);
  }

  /** Says once of each set why it is not known. */
  private lookUpSet(query: SetQuery, start: number, end: number): ReturnType<RuleScope["ipset"]> {
    if (this.ipsets === undefined || this.filled.has(query.set)) return undefined;
    const answer = lookUpSet(query, this.ipsets);
    if (answer.kind === "known") this.asked.set(`${query.family} ${answer.declaration.name}`, answer.declaration);
    if (answer.kind !== "unknown") return answer;
    if (!this.unknownSets.has(answer.reason))
      this.findings.warn("unknown-set", `${answer.reason}: whether packets are in it is assumed both ways`, start, end);
    this.unknownSets.add(answer.reason);
    return undefined;
  }

  private toRule({ steps, comment }: ReadRule, origin: Origin, table: IptablesDraft): Rule {
    this.noteLists(steps, table);
    return comment === undefined ? { steps, origin } : { steps, comment, origin };
  }

  /** The table has the lists that `steps` ask or fill. */
  private noteLists(steps: ReadRule["steps"], table: IptablesDraft): void {
    for (const step of steps) {
      if (step.kind !== "member" && step.kind !== "remember") continue;
      const { set } = step;
      if (typeof set !== "string") continue;
      const asked = step.kind === "member" ? this.asked.get(`${table.family} ${set}`) : undefined;
      if (asked !== undefined) table.sets.set(asked.name, asked);
      else table.lists.set(set, this.affinity.get(set));
    }
  }

  /** The options of a line; undefined when it is not even that, which is reported. A rule whose chain can be told could do anything. */
  private parseLine(start: number, end: number): readonly OptionText[] | undefined {
    const line = this.text.slice(start, end);
    const { options, unreadable, broken } = parseLine(line);
    const at = (place: PlaceInLine): [number, number] => [start + place.start, start + place.end];
    if (unreadable !== undefined)
      this.error("rules-syntax", "expected text, found a character that is none", ...at(unreadable));
    if (broken === undefined) return options;
    const chain = /^(?:\[\d+:\d+\]\s*)?-[AI]\s+(\S+)/.exec(line)?.[1];
    if (chain === undefined || this.table === undefined) this.error("rules-syntax", broken.message, ...at(broken));
    else {
      this.contained("rules-syntax", broken.message, ...at(broken));
      this.table.chain(chain).add([{ steps: [refused(options)], origin: this.findings.originOf(start, end) }]);
    }
    return undefined;
  }

  // --- tables ------------------------------------------------------------------------------------------------------------

  private closeChain(chain: ChainDraft<Rule>): Chain {
    const { rows } = chain;
    return rows === undefined ? chain.close(chain.rules) : chainOfRows(chain.name, this.lines, rows);
  }

  private closeTable({ family, name, chains, lists, sets }: IptablesDraft): Table {
    const closed: Table = {
      family,
      name,
      sets: [...lists].map(([list, seconds]) => declareList(list, seconds, family)).concat(...sets.values()),
      maps: [],
      chains: [...chains.values()].map((chain) => this.closeChain(chain)),
    };
    // iptables-legacy takes chains that are further away; kpc follows no more.
    return repairChains(closed, MAX_JUMP_DEPTH, this.findings.tellOfRule);
  }
}

// --- helpers -------------------------------------------------------------------------------------------------------------

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

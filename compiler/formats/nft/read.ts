/** `nft list ruleset`, `nft list table` and files for `nft -f` as a program.
 *  Long because a file has one reader, with a method for each command: all of them change the same tables. */

import type { IToken } from "chevrotain";
import type { DiagnosticCode, Report, Source } from "../../diagnostics.ts";
import { stringify } from "../../ir/normal-form.ts";
import type { Program, Registration, TableFamily } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { ForeignLines, type PlaceOf, startOfIptables, TextFindings } from "../text-findings.ts";
import { ChainReader, type NftChain, NftTable } from "./chains.ts";
import { objectLines, TableCloser } from "./close.ts";
import { unquote } from "./grammar.ts";
import { Numeral, nftLexer } from "./lexer.ts";
import { withRegistrations } from "./registrations.ts";
import { lexAside } from "./set-aside.ts";
import { newSet, nodesOf, readSetLine, takeElements } from "./sets.ts";
import { type Block, type Line, structureOf } from "./structure.ts";
import { textOf } from "./syntax.ts";
import { WordReader } from "./words.ts";

/**
 * The program that the tables in `source` are.
 *
 * Each rule and each list of elements stands for itself, so that one which is wrong does not hide the next. What is wrong
 * is reported, and kept as an opaque statement that may do anything. Reports `rules-syntax`, `rules-truncated`,
 * `rules-dialect`, `rules-include`, `unknown-table`, `unknown-chain`, `unknown-set`, `chain-loop`, `not-text`,
 * `empty-input`. `byGrammar`: the grammar reads each element, also those that have the shape of others; for those who hold the
 * two against each other.
 */
export function readNft(source: Source, report: Report, placeOf?: PlaceOf, byGrammar = false): Program {
  return new FileReader(source, report, placeOf, byGrammar).read();
}

const FAMILIES: ReadonlySet<string> = new Set<TableFamily>(["ip", "ip6", "inet", "arp", "bridge", "netdev"]);

class FileReader {
  private readonly source: Source;
  private readonly findings: TextFindings;
  private readonly words: WordReader;
  private readonly chains: ChainReader;
  private readonly foreign = new ForeignLines<readonly IToken[]>((lines, first) => this.tellForeign(lines, first));
  /** By family and name. */
  private readonly tables = new Map<string, NftTable>();
  /** The text has commands that no listing has: it is a file that is loaded, and its chains are registered in its order. */
  private isLoaded = false;
  private registrations = 0;

  private readonly byGrammar: boolean;

  constructor(
    source: Source,
    report: Report,
    placeOf: PlaceOf = (start, end) => ({ source, start, end }),
    byGrammar = false,
  ) {
    this.source = source;
    this.byGrammar = byGrammar;
    this.findings = new TextFindings(report, placeOf);
    this.words = new WordReader(this.findings);
    this.chains = new ChainReader(this.words, {
      register: () => this.register(),
      command: (tokens) => this.readLine(tokens),
    });
  }

  read(): Program {
    const { text } = this.source;
    const { findings } = this;
    const nothing: Program = { ruleset: { tables: [] }, routes: [] };
    if (findings.isBinary(text, "nft rules")) return nothing;
    const index = startOfIptables(text);
    if (index >= 0 && !/^table /m.test(text)) {
      findings.error("rules-dialect", "this is iptables-save, not nft", index, index + 1);
      return nothing;
    }
    const { tokens, errors } = this.byGrammar ? nftLexer.tokenize(text) : lexAside(text);
    for (const { offset, length } of errors)
      findings.error("rules-syntax", "expected text, found a character that is none", offset, offset + length);
    const { items, anonymous, strays } = structureOf(tokens);
    for (const stray of strays) this.error("rules-syntax", "this closes nothing", [stray]);
    for (const item of items) this.readItem(item);
    this.foreign.close();
    this.checkLastLine();
    if (items.length === 0 && !findings.wrong)
      findings.error("empty-input", "expected tables, as nft list ruleset prints them: there are none", 0, 1);
    const closer = new TableCloser(this.words, this.chains, anonymous, text);
    const tables = [...this.tables.values()].map((table) => closer.close(table));
    closer.tellDoubts();
    const isOrdered = this.isLoaded || text.startsWith("#!");
    return { ruleset: { tables: withRegistrations(tables, isOrdered) }, routes: [] };
  }

  // --- findings ----------------------------------------------------------------------------------------------------------

  private error(code: DiagnosticCode, message: string, tokens: readonly IToken[]): void {
    this.words.error(code, message, tokens);
  }

  /** nft 1.0.6 ends a comment at a line break, and refuses a file without one. */
  private checkLastLine(): void {
    const { text } = this.source;
    const start = text.lastIndexOf("\n") + 1;
    if (!/^\s*#/.test(text.slice(start))) return;
    const message = "nft 1.0.6 refuses a comment in the last line without a line break behind it";
    this.findings.warn("rules-syntax", message, start, text.length);
  }

  private tellForeign(lines: string, first: readonly IToken[]): void {
    const isIptables = /^[*:-]$/.test(first[0]?.image ?? "");
    const message = isIptables
      ? "iptables text, not nft text: expected one of the two in a file"
      : "not nft text: expected a table, or a command such as add, delete, flush, define";
    this.error(isIptables ? "rules-dialect" : "rules-syntax", `${lines} ${message}`, first);
  }

  // --- commands ----------------------------------------------------------------------------------------------------------

  private readItem(item: Line | Block): void {
    const first = (item.kind === "line" ? item.tokens : item.head)[0]?.image ?? "";
    if (
      item.kind === "line" &&
      !/^(define|redefine|undefine|include)$/.test(first) &&
      meaningOf(FILE_COMMANDS, first) === undefined
    ) {
      this.foreign.add(item.tokens);
      return;
    }
    this.foreign.close();
    if (first !== "table") this.isLoaded = true;
    if (item.kind === "block") this.readBlock(item);
    else this.readLine(item.tokens);
  }

  /** `table …`, `add set …` and the like with a body. */
  private readBlock(block: Block): void {
    const head = this.words.expand(block.head);
    const [verb, object = ""] = head.map(({ image }) => image);
    const words = verb === "add" || verb === "create" ? head.slice(1) : head;
    if (!block.closed)
      this.error(
        "rules-truncated",
        `the text ends inside of ${words
          .slice(0, 3)
          .map(({ image }) => image)
          .join(" ")}: expected "}"`,
        block.head,
      );
    if (verb === "delete" || verb === "flush" || verb === "destroy") {
      this.readLine(head);
      return;
    }
    const kind = words[0]?.image ?? "";
    if (kind === "table") {
      const table = this.tableIn(words.slice(1), true)?.table;
      if (table === undefined) return;
      table.isListed = true;
      if (!block.body.some((item) => item.kind === "line" && item.tokens[0]?.image === "flags")) this.wake(table);
      for (const item of block.body) this.readTableItem(item, table);
      return;
    }
    // `ct helper`, `ct timeout` and `ct expectation` are two words.
    const kinds = words.slice(0, kind === "ct" ? 2 : 1);
    const found = this.tableIn(words.slice(kinds.length), false);
    if (found === undefined) return;
    this.readObject({ ...block, head: [...kinds, ...found.rest] }, found.table, object);
  }

  private readLine(tokens: readonly IToken[]): void {
    const [first] = tokens;
    const word = first?.image ?? "";
    if (word === "define" || word === "redefine") {
      this.words.define(tokens);
      return;
    }
    if (word === "undefine") return;
    if (word === "include") {
      this.include(tokens);
      return;
    }
    const line = this.words.expand(tokens);
    const run = meaningOf(FILE_COMMANDS, word);
    if (run !== undefined) run(this, line);
    else this.error("rules-syntax", "expected a command such as add, delete, flush, define", tokens);
  }

  /** `include "FILE"`. nft takes a pattern that no file matches for nothing, and most are such. */
  private include(tokens: readonly IToken[]): void {
    const name = tokens[1]?.image ?? "";
    if (/[*?[]/.test(name)) {
      const message = `files that match ${name} are not read: where there are some, put everything into one file`;
      const { start, end } = this.words.spanOf(tokens);
      this.findings.warn("rules-include", message, start, end);
    } else {
      const message = `the file ${name} is not read: put everything into one, as nft list ruleset does`;
      this.error("rules-include", message, tokens);
    }
  }

  /** The table that `( FAMILY )? NAME` at the beginning of `tokens` names, and what is behind. */
  private tableIn(
    tokens: readonly IToken[],
    make: boolean,
  ): { readonly table: NftTable; readonly rest: readonly IToken[] } | undefined {
    const [first, second] = tokens;
    const hasFamily = first !== undefined && FAMILIES.has(first.image) && second !== undefined;
    const name = hasFamily ? second : first;
    const family = (hasFamily ? first.image : "ip") as TableFamily;
    if (name === undefined) {
      this.error("rules-syntax", "expected the name of a table", tokens);
      return undefined;
    }
    const rest = tokens.slice(hasFamily ? 2 : 1);
    const key = `${family} ${unquote(name.image)}`;
    const known = this.tables.get(key);
    if (known !== undefined) return { table: known, rest };
    if (!make) this.error("unknown-table", `there is no table ${key}`, [name]);
    const table = new NftTable(family, unquote(name.image));
    this.tables.set(key, table);
    return { table, rest };
  }

  /** `add | create | insert | replace …` */
  add(tokens: readonly IToken[], verb: string): void {
    const [, object, ...rest] = tokens;
    switch (object?.image) {
      case "table":
        this.wake(this.tableIn(rest, true)?.table);
        return;
      case "chain": {
        const { table, rest: [name] = [] } = this.tableIn(rest, false) ?? {};
        if (name !== undefined) table?.chain(unquote(name.image));
        return;
      }
      case "rule":
        this.addRule(rest, verb);
        return;
      case "element":
        this.addElements(rest);
        return;
      case "set":
      case "map":
      case "flowtable":
      case "counter":
      case "quota":
      case "limit":
      case "secmark":
      case "synproxy":
        this.tableIn(rest, false);
        return;
      case "ct":
        this.tableIn(rest.slice(1), false);
        return;
      default:
        // `add FAMILY TABLE CHAIN rule`: the word `rule` may be left out.
        this.addRule(tokens.slice(1), verb);
    }
  }

  private addRule(tokens: readonly IToken[], verb: string): void {
    const found = this.tableIn(tokens, false);
    const [name, ...rest] = found?.rest ?? [];
    if (found === undefined || name === undefined) return;
    const chain = this.existingChain(found.table, name);
    const { tokens: words, at } = withoutPosition(rest);
    if (rest[0] !== undefined && /^(position|handle)$/.test(rest[0].image) && words.length < rest.length)
      this.error(
        "rules-syntax",
        "a handle means nothing here: kpc adds the rule at the end of its chain",
        rest.slice(0, 2),
      );
    if (words.length === 0) {
      this.error("rules-syntax", "expected a rule", tokens);
      return;
    }
    const rule = { tokens: words, origin: this.words.originOf(tokens) };
    if (verb === "replace") this.error("rules-syntax", "a handle says nothing here: expected add or insert", tokens);
    else if (verb === "insert") chain.add([rule], at ?? 0);
    else chain.add([rule], at === undefined ? undefined : at + 1);
  }

  private existingChain(table: NftTable, name: IToken): NftChain {
    const text = unquote(name.image);
    if (!table.chains.has(text))
      this.error("unknown-chain", `there is no chain ${text} in table ${table.family} ${table.name}`, [name]);
    return table.chain(text);
  }

  /** `FAMILY TABLE SET { elements }` */
  private addElements(tokens: readonly IToken[]): void {
    const found = this.tableIn(tokens, false);
    const [name, ...rest] = found?.rest ?? [];
    if (found === undefined || name === undefined) return;
    const set = found.table.sets.get(unquote(name.image));
    if (set === undefined)
      this.error(
        "unknown-set",
        `there is no set or map ${name.image} in table ${found.table.family} ${found.table.name}`,
        [name],
      );
    else takeElements(set, rest, this.words);
  }

  remove(tokens: readonly IToken[]): void {
    const [, object, ...rest] = tokens;
    if (object?.image === "table") {
      const found = this.tableIn(rest, true);
      if (found !== undefined) this.expectEnd(found.rest);
      if (found !== undefined) this.tables.delete(`${found.table.family} ${found.table.name}`);
      return;
    }
    const found = this.tableIn(rest, true);
    const name = found?.rest[0];
    if (found === undefined || name === undefined) return;
    const { table } = found;
    if (/^(chain|set|map)$/.test(object?.image ?? "")) this.expectEnd(found.rest.slice(1));
    if (object?.image === "chain") table.deleteChain(unquote(name.image));
    else if (object?.image === "set" || object?.image === "map") table.sets.delete(unquote(name.image));
    else if (object?.image === "element") this.removeElements(table, name, found.rest.slice(1));
    else if (object?.image === "rule")
      this.error("rules-syntax", "a handle says nothing here: which rule is deleted cannot be known", tokens);
  }

  private removeElements(table: NftTable, name: IToken, tokens: readonly IToken[]): void {
    const set = table.sets.get(unquote(name.image));
    const gone = new Set(this.words.parseElements(tokens)?.map(({ key }) => stringify(key)));
    if (set !== undefined)
      set.elements = nodesOf(set.elements, this.words).filter(({ key }) => !gone.has(stringify(key)));
  }

  flush(tokens: readonly IToken[]): void {
    const [, object, ...rest] = tokens;
    if (object?.image === "ruleset") {
      this.tables.clear();
      return;
    }
    const found = this.tableIn(rest, true);
    if (found === undefined) return;
    this.expectEnd(found.rest.slice(object?.image === "table" ? 0 : 1));
    const name = unquote(found.rest[0]?.image ?? "");
    if (object?.image === "table") found.table.flush();
    const chain = found.table.chains.get(name);
    if (object?.image === "chain" && chain !== undefined) chain.rules = [];
    const set = found.table.sets.get(name);
    if (set !== undefined && object?.image !== "chain") set.elements = [];
  }

  /** Reports words behind a command, such as those of a shell. */
  private expectEnd(rest: readonly IToken[]): void {
    const [first] = rest;
    if (first !== undefined) this.error("rules-syntax", `expected the end of the command, found ${first.image}`, rest);
  }

  openTable(tokens: readonly IToken[]): void {
    this.wake(this.tableIn(tokens.slice(1), true)?.table);
  }

  /** A table that is named again without its flags is not dormant any more: the kernel registers its chains then. */
  private wake(table: NftTable | undefined): void {
    if (table?.isDormant !== true) return;
    table.isDormant = false;
    for (const chain of table.chains.values())
      if (chain.base !== undefined) chain.base = { ...chain.base, registered: this.register() };
  }

  /** When the kernel registers the next chain. */
  private register(): Registration {
    return { file: this.source.name, at: this.registrations++ };
  }

  // --- bodies ------------------------------------------------------------------------------------------------------------

  private readTableItem(item: Line | Block, table: NftTable): void {
    if (item.kind === "block") {
      if (!item.closed)
        this.error(
          "rules-truncated",
          `the text ends inside of ${item.head.map(({ image }) => image).join(" ")}: expected "}"`,
          item.head,
        );
      this.readObject({ ...item, head: this.words.expand(item.head) }, table, item.head[0]?.image ?? "");
      return;
    }
    const [first, second] = item.tokens;
    if (first?.image === "comment" && second !== undefined) table.comment = unquote(second.image);
    else if (first?.image === "define" || first?.image === "include") this.readLine(item.tokens);
    else if (first?.image === "flags") table.isDormant = item.tokens.some(({ image }) => image === "dormant");
    else this.error("rules-syntax", "expected a chain, a set, a map or another object of the table", item.tokens);
  }

  private readObject(block: Block, table: NftTable, object: string): void {
    const name = block.head[1];
    if (name === undefined) {
      this.error("rules-syntax", `expected the name of a ${object}`, block.head);
      return;
    }
    const text = unquote(name.image);
    if (object === "chain") this.chains.read(table.chain(text), block, table.family);
    else if (object === "set" || object === "map" || object === "meter")
      this.readSet(block, table, object === "map" ? "map" : "set", text);
    else table.objects.set(textOf(block.head), objectLines(block));
  }

  private readSet(block: Block, table: NftTable, kind: "set" | "map", name: string): void {
    const set = table.sets.get(name) ?? newSet(kind, name, block, table.family);
    table.sets.set(name, set);
    for (const item of block.body) {
      const tokens = item.kind === "line" ? this.words.expand(item.tokens) : [];
      if (tokens.length > 0) readSetLine(set, tokens, this.words);
    }
  }
}

// --- commands of files ---------------------------------------------------------------------------------------------------

const FILE_COMMANDS: Readonly<Record<string, (reader: FileReader, tokens: readonly IToken[]) => void>> = {
  table: (reader, tokens) => reader.openTable(tokens),
  add: (reader, tokens) => reader.add(tokens, "add"),
  create: (reader, tokens) => reader.add(tokens, "add"),
  insert: (reader, tokens) => reader.add(tokens, "insert"),
  replace: (reader, tokens) => reader.add(tokens, "replace"),
  delete: (reader, tokens) => reader.remove(tokens),
  destroy: (reader, tokens) => reader.remove(tokens),
  flush: (reader, tokens) => reader.flush(tokens),
  list: () => undefined,
  reset: () => undefined,
};

/** `index N`: behind (add) or before (insert) the rule of that number, counted from 0. Handles are no part of a file. */
function withoutPosition(tokens: readonly IToken[]): {
  readonly tokens: readonly IToken[];
  readonly at: number | undefined;
} {
  const [word, number] = tokens;
  if (number?.tokenType !== Numeral || !/^(index|position|handle)$/.test(word?.image ?? ""))
    return { tokens, at: undefined };
  return { tokens: tokens.slice(2), at: word?.image === "index" ? Number(number.image) : undefined };
}

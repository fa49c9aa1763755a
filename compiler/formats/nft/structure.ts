/** Tables, chains and sets as blocks of lines: what stands in one line cannot spoil the next. */
import type { IToken } from "chevrotain";
import { MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import { CloseBrace, Jump, Newline, OpenBrace, Semicolon, Word } from "./lexer.ts";
import { Listed, withLists, wordsOfList } from "./set-aside.ts";

/** Words up to the end of a line, a semicolon or a closing brace; braces of sets and elements are inside. */
export interface Line {
  readonly kind: "line";
  readonly tokens: readonly IToken[];
}

/** `HEAD { … }`. */
export interface Block {
  readonly kind: "block";
  readonly head: readonly IToken[];
  readonly body: readonly (Line | Block)[];
  /** False when the text ends before the closing brace. */
  readonly closed: boolean;
}

/** A chain that is written in the rule that leads to it: `jump { … }`. Its name stands in the rule. */
export interface AnonymousChain {
  readonly name: string;
  readonly block: Block;
}

export interface Structure {
  readonly items: readonly (Line | Block)[];
  readonly anonymous: readonly AnonymousChain[];
  /** Closing braces without an opening one. */
  readonly strays: readonly IToken[];
}

type Level = "file" | "table" | "chain" | "other";

/** Objects of a table that have a body of lines. */
const OBJECTS: ReadonlySet<string> = new Set([
  "chain",
  "set",
  "map",
  "meter",
  "flowtable",
  "counter",
  "quota",
  "limit",
  "ct",
  "secmark",
  "synproxy",
]);

export function structureOf(tokens: readonly IToken[]): Structure {
  return new StructureReader(tokens).read();
}

class StructureReader {
  private tokens: readonly IToken[];
  private readonly anonymous: AnonymousChain[] = [];
  private readonly strays: IToken[] = [];
  private at = 0;
  /** Chains that are written in rules and open: the kernel takes no more within one another. */
  private depth = 0;

  constructor(tokens: readonly IToken[]) {
    this.tokens = tokens;
  }

  read(): Structure {
    const items: (Line | Block)[] = [];
    while (this.at < this.tokens.length) {
      const { items: found, closed } = this.readBody("file");
      items.push(...found);
      const stray = this.tokens[this.at - 1];
      if (closed && stray !== undefined) this.strays.push(stray);
    }
    return { items, anonymous: this.anonymous, strays: this.strays };
  }

  /** Lines and blocks up to a closing brace, which is taken, or the end. */
  private readBody(level: Level): { readonly items: (Line | Block)[]; readonly closed: boolean } {
    const items: (Line | Block)[] = [];
    let line: IToken[] = [];
    const flush = (): void => {
      if (line.length > 0) items.push({ kind: "line", tokens: line });
      line = [];
    };
    for (let token = this.tokens[this.at]; token !== undefined; token = this.tokens[this.at]) {
      this.at++;
      if (token.tokenType === Newline || token.tokenType === Semicolon) {
        flush();
      } else if (token.tokenType === CloseBrace) {
        flush();
        return { items, closed: true };
      } else if (token.tokenType === OpenBrace) {
        const next = this.tokens[this.at];
        if (next?.tokenType === Listed && !isOfElements(level, line)) this.unfold(next);
        const inner = innerLevel(level, line);
        if (inner !== undefined) {
          const { items: body, closed } = this.readBody(inner);
          items.push({ kind: "block", head: line, body, closed });
          line = [];
        } else if (line.at(-1)?.tokenType === Jump && this.depth < MAX_JUMP_DEPTH) {
          line.push(this.readAnonymous(token));
        } else {
          line.push(token);
          this.readBraces(line);
        }
      } else {
        line.push(token);
      }
    }
    flush();
    return { items, closed: false };
  }

  private readAnonymous(brace: IToken): IToken {
    const name = `__chain${this.anonymous.length}`;
    const index = this.anonymous.length;
    const block = { kind: "block", head: [brace], body: [], closed: true } as const satisfies Block;
    this.anonymous.push({ name, block });
    this.depth++;
    const { items: body, closed } = this.readBody("chain");
    this.depth--;
    this.anonymous[index] = { name, block: { ...block, body, closed } };
    return { ...brace, image: name, tokenType: Word, tokenTypeIdx: Word.tokenTypeIdx as number };
  }

  /** Puts the words of a list in its place, where it is none of a set. */
  private unfold(list: IToken): void {
    const { tokens, at } = this;
    this.tokens = tokens.slice(0, at).concat(wordsOfList(list), tokens.slice(at + 1));
  }

  /** Adds the rest of a set's braces, which may hold a million elements; the ends of lines mean nothing there. */
  private readBraces(line: IToken[]): void {
    let depth = 1;
    const first = line.length;
    for (let token = this.tokens[this.at]; token !== undefined && depth > 0; token = this.tokens[this.at]) {
      this.at++;
      if (token.tokenType === OpenBrace) depth++;
      if (token.tokenType === CloseBrace) depth--;
      // A list that stands in another one is none.
      if (token.tokenType === Listed && line.length > first) for (const word of withLists([token])) line.push(word);
      else if (token.tokenType !== Newline) line.push(token);
    }
  }
}

/** Whether the brace behind `line` opens the elements of a set that is declared, or those that a command adds to one. */
function isOfElements(level: Level, line: readonly IToken[]): boolean {
  const [first = "", second = ""] = line.map(({ image }) => image);
  if (level === "other") return line.length === 2 && first === "elements" && second === "=";
  const isAdding = (first === "add" || first === "create") && second === "element";
  return level === "file" && isAdding && line.at(-1)?.tokenType !== Jump;
}

/** What the brace behind `head` opens; undefined when it is one of a set. */
function innerLevel(level: Level, head: readonly IToken[]): Level | undefined {
  const words = head.map(({ image }) => image);
  if (level === "file") {
    const [first = "", second = ""] = words;
    const object = /^(add|create|insert|delete|destroy|flush|reset)$/.test(first) ? second : first;
    if (object === "table") return "table";
    return blockOf(object);
  }
  return level === "table" ? blockOf(words[0] ?? "") : undefined;
}

function blockOf(object: string): Level | undefined {
  if (!OBJECTS.has(object)) return undefined;
  return object === "chain" ? "chain" : "other";
}

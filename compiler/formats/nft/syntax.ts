/** The parts of a rule, as they are written. */
import type { IToken } from "chevrotain";

/** An expression or value. */
export type SyntaxNode =
  /** A property of the packet: `ip saddr`, `ct original ip daddr`, `tcp option maxseg size`. */
  | { readonly kind: "field"; readonly words: readonly string[] }
  | { readonly kind: "numgen"; readonly mode: "random" | "inc"; readonly modulus: number; readonly offset: number }
  /** A property that is kept as text: hashes, raw bytes, sockets. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly text: string; readonly quoted: boolean }
  | { readonly kind: "range"; readonly from: SyntaxNode; readonly to: SyntaxNode }
  /** `address/length`, and the `value / mask` of flags. */
  | { readonly kind: "slash"; readonly value: SyntaxNode; readonly right: SyntaxNode }
  | { readonly kind: "star" }
  | { readonly kind: "concat"; readonly parts: readonly SyntaxNode[] }
  | { readonly kind: "binary"; readonly operator: BitOperator; readonly left: SyntaxNode; readonly right: SyntaxNode }
  | { readonly kind: "list"; readonly items: readonly SyntaxNode[] }
  | { readonly kind: "set"; readonly elements: readonly ElementNode[] }
  | { readonly kind: "reference"; readonly name: string }
  | { readonly kind: "map"; readonly key: SyntaxNode; readonly map: SyntaxNode };

export type BitOperator = "&" | "|" | "^" | "<<" | ">>";

/** What is said of an element behind its key. */
export interface ElementOptions {
  /** As it is written: `5m`. */
  readonly timeout?: string;
  readonly comment?: string;
  /** `counter`, `limit rate 5/second`: without what packets have left in them. */
  readonly statements: readonly string[];
}

export interface ElementNode extends ElementOptions {
  readonly key: SyntaxNode;
  readonly value?: SyntaxNode | VerdictNode;
}

export interface VerdictNode {
  readonly kind: "verdict";
  readonly verdict: string;
  readonly chain?: string;
}

/** A statement; matches among them. `tokens` are all of it. */
export type StatementNode = { readonly tokens: readonly IToken[] } & (
  | { readonly kind: "match"; readonly left: SyntaxNode; readonly operator: string; readonly right: SyntaxNode }
  | { readonly kind: "vmap"; readonly key: SyntaxNode; readonly map: SyntaxNode }
  | VerdictNode
  | { readonly kind: "set"; readonly left: SyntaxNode; readonly right: SyntaxNode }
  | {
      readonly kind: "nat";
      readonly name: "snat" | "dnat";
      /** `ip` or `ip6`, where it is written. */
      readonly family: string | undefined;
      /** Host bits stay as they are: the address is a prefix. */
      readonly isPrefix: boolean;
      readonly to?: SyntaxNode;
      readonly ports?: SyntaxNode;
      readonly flags: readonly string[];
    }
  | {
      readonly kind: "masquerade";
      readonly name: "masquerade" | "redirect";
      readonly ports?: SyntaxNode;
      readonly flags: readonly string[];
    }
  | { readonly kind: "reject"; readonly words: readonly string[] }
  | ({
      readonly kind: "update";
      readonly operation: string;
      readonly set: string;
      readonly key: SyntaxNode;
      readonly data?: SyntaxNode;
    } & ElementOptions)
  | { readonly kind: "counter"; readonly isNamed: boolean }
  | { readonly kind: "notrack" }
  | { readonly kind: "comment"; readonly text: string }
  /** Known by its first word only, and by its key where it has one. */
  | { readonly kind: "plain"; readonly name: string; readonly key?: SyntaxNode }
);

/** Tokens as one text: equal words give equal text, whatever stood between them. */
export function textOf(tokens: readonly IToken[]): string {
  const parts: string[] = [];
  let before = "";
  for (const token of tokens) {
    const image = /^0[xX][0-9a-fA-F]{1,12}$/.test(token.image) ? String(Number(token.image)) : token.image;
    if (before !== "" && !/^[/[@]$/.test(before) && !/^[,/\]]$/.test(image)) parts.push(" ");
    parts.push(image);
    before = image;
  }
  return parts.join("");
}

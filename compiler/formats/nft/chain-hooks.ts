/** The base chains from which packets come to each chain of a table. */
import type { IToken } from "chevrotain";
import { startsOfChains } from "../../ir/starts.ts";
import type { BaseChain } from "../../ir/types.ts";
import { unquote } from "./grammar.ts";
import { At, Jump, Vmap } from "./lexer.ts";

/** Base chains of one type and hook. */
export interface BaseKind extends Pick<BaseChain, "type" | "hook"> {
  /** The first of them. */
  readonly chain: string;
}

/** A chain of a table as it is read. */
interface ReadChain {
  readonly name: string;
  readonly base: Pick<BaseChain, "type" | "hook"> | undefined;
  readonly rules: readonly { readonly tokens: readonly IToken[] }[];
}

/** What names in rules stand for. */
interface Names {
  /** The words of a chain that is written in the rule which jumps to it. */
  readonly anonymous: (name: string) => readonly IToken[] | undefined;
  /** The chains in a verdict map. */
  readonly map: (name: string) => ReadonlySet<string>;
}

/** Of one table. What leads where is found when it is first asked for. */
export class BaseChains {
  private readonly chains: ReadonlyMap<string, ReadChain>;
  private readonly names: Names;
  private known: ((chain: string) => ReadonlySet<BaseKind>) | undefined;

  constructor(chains: ReadonlyMap<string, ReadChain>, names: Names) {
    this.chains = chains;
    this.names = names;
  }

  /** The base chains that lead to `chain`, and that one where it is a base chain. */
  leadingTo(chain: string): ReadonlySet<BaseKind> {
    this.known ??= this.find();
    return this.known(chain);
  }

  private find(): (chain: string) => ReadonlySet<BaseKind> {
    const kinds = new Map<string, BaseKind>();
    const chainsOf = new Map<BaseKind, string[]>();
    for (const { name, base } of this.chains.values()) {
      if (base === undefined) continue;
      const { type, hook } = base;
      const kind = kinds.get(`${type} ${hook}`) ?? { type, hook, chain: name };
      kinds.set(`${type} ${hook}`, kind);
      chainsOf.set(kind, [...(chainsOf.get(kind) ?? []), name]);
    }
    const targets = new Map<string, readonly string[]>();
    return startsOfChains(chainsOf, (name) => {
      const known = targets.get(name) ?? this.targetsOf(name);
      targets.set(name, known);
      return known;
    });
  }

  private targetsOf(name: string): readonly string[] {
    const found: string[] = [];
    for (const { tokens } of this.chains.get(name)?.rules ?? []) this.addTargets(tokens, found);
    return found;
  }

  private addTargets(tokens: readonly IToken[], found: string[]): void {
    for (let i = 0; i < tokens.length; i++) {
      const tokenType = tokens[i]?.tokenType;
      if (tokenType === Jump) {
        const target = tokens[i + 1]?.image ?? "";
        const inner = this.names.anonymous(target);
        if (inner === undefined) found.push(unquote(target));
        else this.addTargets(inner, found);
      } else if (tokenType === Vmap && tokens[i + 1]?.tokenType === At) {
        for (const target of this.names.map(unquote(tokens[i + 2]?.image ?? ""))) found.push(target);
      }
    }
  }
}

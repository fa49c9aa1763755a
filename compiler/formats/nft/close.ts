/** What a table of nft is when all of it is read. */
import type { IToken } from "chevrotain";
import { type Origin, printPlace } from "../../diagnostics.ts";
import { MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import { ChainDraft } from "../../ir/draft.ts";
import { anything, repairChains } from "../../ir/repair.ts";
import type { Chain, MapDeclaration, Rule, SetDeclaration, Table, TableFamily } from "../../ir/types.ts";
import type { TextFindings } from "../text-findings.ts";
import { BaseChains } from "./chain-hooks.ts";
import type { ChainReader, NftChain, NftTable, RuleDraft } from "./chains.ts";
import { chainsOf, isList } from "./element-lists.ts";
import { nftParser } from "./grammar.ts";
import type { ChainPlace } from "./hook-rules.ts";
import { refusalsOf } from "./refusals.ts";
import { withLists } from "./set-aside.ts";
import { closeSet, type SetDraft } from "./sets.ts";
import type { AnonymousChain, Block, Line } from "./structure.ts";
import { type StatementNode, textOf } from "./syntax.ts";
import { type TableScope, toRules } from "./to-ir.ts";
import type { WordReader } from "./words.ts";
import { isHarmless, isInexact, isMadeByIptables } from "./xtables.ts";

/** Tables as the IR has them: all rules are translated. */
export class TableCloser {
  private readonly words: WordReader;
  private readonly findings: TextFindings;
  private readonly chains: ChainReader;
  /** By the name that stands in the rule. */
  private readonly anonymous: ReadonlyMap<string, Block>;
  /** Of the whole text. */
  private readonly text: string;
  /** Rules that the grammar takes and nft does not. */
  private refusals = 0;
  /** Statements that nft may have listed wrongly. */
  private readonly doubts: Origin[] = [];

  constructor(words: WordReader, chains: ChainReader, anonymous: readonly AnonymousChain[], text: string) {
    this.words = words;
    this.findings = words.findings;
    this.chains = chains;
    this.anonymous = new Map(anonymous.map(({ name, block }) => [name, block]));
    this.text = text;
  }

  close(table: NftTable): Table {
    const { family, name, comment } = table;
    const sets = new Map<string, SetDeclaration>();
    const maps = new Map<string, MapDeclaration>();
    const opaque = new Set<string>();
    for (const set of table.sets.values()) {
      const declared = closeSet(set, this.words);
      if (declared === "opaque") {
        opaque.add(set.name);
        table.objects.set(textOf(set.block.head), objectLines(set.block));
        continue;
      }
      if (declared !== undefined && "data" in declared) maps.set(set.name, declared);
      else if (declared !== undefined) sets.set(set.name, declared);
    }
    const isOfIptables = this.isOfIptables(table);
    const scope: TableScope = {
      family,
      sets,
      maps,
      opaque,
      doubtful: isOfIptables
        ? (statement, statements) => this.doubtfulText(statement, statements, family)
        : () => undefined,
      refuse: (message, statement) => {
        this.refusals++;
        this.words.error("rules-refused", message, statement.tokens);
      },
      missing: (what, statement) =>
        this.words.error("unknown-set", `there is no ${what} in table ${family} ${name}`, statement.tokens),
    };
    const bases = isOfIptables ? undefined : this.baseChainsOf(table);
    const chains: Chain[] = [];
    for (const chain of table.chains.values()) {
      const place =
        bases === undefined
          ? undefined
          : { family, isBase: chain.base !== undefined, bases: () => bases.leadingTo(chain.name) };
      chains.push(...this.closeChain(chain, scope, place));
    }
    const closed: Table = {
      family,
      name,
      ...(table.isDormant ? { dormant: true } : {}),
      ...(comment === undefined ? {} : { comment }),
      sets: [...sets.values()],
      maps: [...maps.values()],
      chains,
      ...(table.objects.size === 0 ? {} : { objects: [...table.objects].map(([head, lines]) => ({ head, lines })) }),
    };
    // The kernel counts the base chain, too.
    return repairChains(closed, MAX_JUMP_DEPTH - 1, this.findings.tellOfRule);
  }

  private baseChainsOf({ chains, sets }: NftTable): BaseChains {
    const targets = new Map<SetDraft, ReadonlySet<string>>();
    return new BaseChains(chains, {
      anonymous: (name) => {
        const block = this.anonymous.get(name);
        return block === undefined ? undefined : block.body.flatMap((item) => this.words.withVariables(wordsOf(item)));
      },
      map: (name) => {
        const map = sets.get(name);
        if (map === undefined) return new Set();
        const known = targets.get(map) ?? chainsIn(map.elements);
        targets.set(map, known);
        return known;
      },
    });
  }

  private isOfIptables(table: NftTable): boolean {
    const { family, name, chains, isListed } = table;
    const rules = [...chains.values()].flatMap((chain) => chain.rules);
    const managed = `# Warning: table ${family} ${name} is managed by iptables-nft`;
    return (
      isListed &&
      isMadeByIptables({
        family,
        name,
        bases: [...chains.values()].map((chain) => chain.base && { name: chain.name, ...chain.base }),
        hasCounters: rules.some(({ tokens }) => tokens.some(({ image }) => image === "counter" || image === "xt")),
        isManaged: this.text.includes(managed),
      })
    );
  }

  private doubtfulText(
    statement: StatementNode,
    statements: readonly StatementNode[],
    family: TableFamily,
  ): string | undefined {
    const text = textOf(statement.tokens);
    const others = statements.filter((each) => each !== statement).map(({ tokens }) => textOf(tokens));
    if (!isInexact(text, family, others)) return undefined;
    const origin = this.words.originOf(statement.tokens);
    if (!isHarmless(text)) this.doubts.push(origin);
    return `${text} (as nft lists it at ${printPlace(origin.span())}; use iptables-save)`;
  }

  /** Says once that there are rules that nft does not list as they are. */
  tellDoubts(): void {
    const [origin, ...more] = this.doubts;
    if (origin === undefined) return;
    const count = more.length === 0 ? "a statement" : `${more.length + 1} statements`;
    this.findings.note({
      code: "rules-listing",
      message: `iptables made this table, and nft does not list ${count} of such tables exactly, of which this is the first: use iptables-save`,
      origin,
      restsOn: {
        gap: `what rests on ${count} of iptables that nft does not list exactly, ${more.length === 0 ? "" : "the first "}at ${printPlace(origin.span())}: use iptables-save`,
      },
    });
  }

  /** A chain, and those that are written in its rules. */
  private closeChain(chain: NftChain, scope: TableScope, place: ChainPlace | undefined): Chain[] {
    const inner: Chain[] = [];
    const rules = chain.rules.flatMap(({ tokens, origin }): Rule[] => {
      const named = tokens.map((token) => {
        const block = this.anonymous.get(token.image);
        if (block === undefined) return token;
        const open = new ChainDraft<RuleDraft>(`__${chain.name}.${inner.length}`, undefined, true);
        this.chains.read(open, block, scope.family);
        inner.push(...this.closeChain(open, scope, place));
        return { ...token, image: open.name };
      });
      const statements = this.findings.contained(() => this.words.parse(named, () => nftParser().ruleText()));
      if (statements === undefined) return [{ steps: [anything(textOf(named))], origin }];
      const before = this.refusals;
      const found = this.findings.contained(() => {
        for (const { message, statement } of refusalsOf(statements, scope.family, place))
          scope.refuse(message, statement);
        return toRules(statements, scope);
      });
      return this.refusals === before
        ? found.map((rule) => ({ ...rule, origin }))
        : [{ steps: [anything(textOf(named))], origin }];
    });
    return [chain.close(rules), ...inner];
  }
}

/** The lines of an object that is kept as text. */
export function objectLines({ body }: Block): string[] {
  return body.map(objectLine);
}

/** What an object has counted is no part of the rules. */
function objectLine(item: Line | Block): string {
  const text = textOf(withLists(item.kind === "line" ? item.tokens : item.head));
  return text.replace(/^packets [0-9]+ bytes [0-9]+$/, "packets 0 bytes 0").replace(" burst 5 packets", "");
}

function wordsOf(item: Line | Block): readonly IToken[] {
  return item.kind === "line" ? item.tokens : [];
}

/** The chains to which the elements of a map lead. */
function chainsIn(elements: SetDraft["elements"]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const each of elements) {
    if (isList(each)) {
      each.rows.forEach((element) => {
        for (const name of chainsOf(element)) found.add(name);
      });
    } else if (each.value?.kind === "verdict" && each.value.chain !== undefined) {
      found.add(each.value.chain);
    }
  }
  return found;
}

/**
 * Rules of others, to be judged: what the kernel loads is their text, not what was read of it. Words are changed where readers
 * find them; `test/property/judged-texts.test.ts` holds that what is read then is what the judge's changes make of the program.
 */
import type { IToken } from "chevrotain";
import { findAffinity } from "../../compiler/formats/iptables/affinity.ts";
import { recentName } from "../../compiler/formats/iptables/extensions/lists.ts";
import { type OptionText, parseLine } from "../../compiler/formats/iptables/grammar.ts";
import { At, CloseBrace, Numgen, nftLexer, OpenBrace, Word } from "../../compiler/formats/nft/lexer.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { rememberNobody, takeTurns, turnOf } from "../../runtime/kernel/changes.ts";
import type { JudgedRules } from "../../runtime/kernel/judge.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { readIptablesText, readNftText } from "./read.ts";

/** The rules of a text that was not printed by kpc. */
export function judgedText(rules: KernelRules): JudgedRules {
  return { program: readRules(rules), inTurns: (memory) => textInTurns(rules, memory) };
}

function readRules(rules: KernelRules): Program {
  if (rules.kind === "nft") return readNftText(rules.text).program;
  const families = [readIptablesText(rules.ip, "ip"), readIptablesText(rules.ip6, "ip6")];
  return { ruleset: { tables: families.flatMap(({ program }) => program.ruleset.tables) }, routes: [] };
}

/** `rules`, taking turns instead of chances; `forgetful`: and without statements that remember clients. */
export function textInTurns(rules: KernelRules, memory: Parameters<JudgedRules["inTurns"]>[0]): KernelRules {
  const forgets = memory === "forgetful";
  if (rules.kind === "nft") return { ...rules, text: nftInTurns(rules.text, forgets) };
  return { ...rules, ip: iptablesInTurns(rules.ip, forgets), ip6: iptablesInTurns(rules.ip6, forgets) };
}

/** What is read of `rules` when judges have changed the text, and what they make of the program that is read of it; both without
 *  counters, which iptables has anyway, and without lists, which its text has where rules fill them. */
export function changedInBothWays(rules: KernelRules): readonly [text: object, program: object] {
  const read = readRules(textInTurns(rules, "forgetful"));
  const changed = rememberNobody(takeTurns(readRules(rules)));
  return [withoutLists(read), withoutLists(changed)];
}

function withoutLists({ ruleset, ...rest }: Program): object {
  const tables = ruleset.tables.map((table) => ({
    ...table,
    sets: table.sets.filter(({ dynamic }) => dynamic === undefined),
    chains: table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map((rule) => ({ ...rule, steps: rule.steps.filter(({ kind }) => kind !== "counter") })),
    })),
  }));
  return normaliseProgram({ ...rest, ruleset: { ...ruleset, tables } });
}

/** A part of a text, and what stands there instead. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly now: string;
}

function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((rest, { start, end, now }) => rest.slice(0, start) + now + rest.slice(end), text);
}

// --- nft -----------------------------------------------------------------------------------------------------------------

function nftInTurns(text: string, forgets: boolean): string {
  const { tokens } = nftLexer.tokenize(text);
  return edited(
    text,
    tokens.flatMap((token, i): Edit[] => {
      const next = tokens[i + 1];
      if (token.tokenType === Numgen && next?.image === "random") return [replaced(next, next, "inc")];
      const end =
        forgets && next?.tokenType === At && isOneOf(token, ["add", "update"]) ? braceEnd(tokens, i) : undefined;
      return end === undefined ? [] : [replaced(token, end, "counter")];
    }),
  );
}

/** The brace behind `update @SET { … }`, which begins at `at`. */
function braceEnd(tokens: readonly IToken[], at: number): IToken | undefined {
  if (tokens[at + 3]?.tokenType !== OpenBrace) return undefined;
  const length = tokens.slice(at + 3).findIndex(({ tokenType }) => tokenType === CloseBrace);
  const inside = tokens.slice(at + 4, at + 3 + length);
  return inside.some((token) => isOneOf(token, METERS)) ? undefined : tokens[at + 3 + length];
}

/** What makes a match of it, which holds for some packets. */
const METERS = ["limit", "quota", "counter", "count"];

function isOneOf({ image, tokenType }: IToken, words: readonly string[]): boolean {
  return (tokenType === Word || tokenType.CATEGORIES?.includes(Word) === true) && words.includes(image);
}

function replaced(first: IToken, last: IToken, now: string): Edit {
  return { start: first.startOffset, end: last.startOffset + last.image.length, now };
}

// --- iptables --------------------------------------------------------------------------------------------------------------

function iptablesInTurns(text: string, forgets: boolean): string {
  // Lists that are more than affinity are not understood; they stay.
  const lists = forgets ? findAffinity(text) : new Map();
  const lines = text.split("\n");
  return lines.map((line) => (/-m (?:statistic|recent) /.test(line) ? lineInTurns(line, lists) : line)).join("\n");
}

function lineInTurns(line: string, forgotten: ReadonlyMap<string, unknown>): string {
  const { options } = parseLine(line);
  return edited(
    line,
    options.flatMap((head, i): Edit[] => {
      if (head.name !== "-m") return [];
      const rest = options.slice(i + 1);
      const next = rest.findIndex(({ name }) => /^-[a-z]$/.test(name));
      const own = next < 0 ? rest : rest.slice(0, next);
      if (head.values[0] === "recent" && forgotten.has(recentName(own))) return unremembered(head, own);
      const probability = own.find(({ name }) => name === "--probability");
      if (head.values[0] !== "statistic" || probability === undefined) return [];
      const numerator = Math.round(2 ** 31 * Number(probability.values[0]));
      const turn = turnOf(probability.negated ? 2 ** 31 - numerator : numerator);
      if (turn === undefined) return [];
      const every = `${turn.negated ? "! " : ""}--every ${turn.of}`;
      return own.map(({ name, start, end }) =>
        name === "--mode" ? { start, end, now: "--mode nth" } : { start, end, now: `${every} --packet 0` },
      );
    }),
  );
}

/** Of `-m recent` with its options: `--set` goes with all of it, and `--update` only looks. */
function unremembered(head: OptionText, own: readonly OptionText[]): Edit[] {
  if (own.some(({ name }) => name === "--set"))
    return [{ start: head.start, end: own.at(-1)?.end ?? head.end, now: "" }];
  return own.flatMap(({ name, negated, start, end }) =>
    name === "--update" ? [{ start, end, now: negated ? "! --rcheck" : "--rcheck" }] : [],
  );
}

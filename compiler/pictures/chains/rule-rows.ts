/** What a chain's record says of each of its rules. */

import { printRule, printVmapKey, translationWords } from "../../formats/nft/print.ts";
import { printAsked } from "../../formats/nft/print-elements.ts";
import { impliedProtocol } from "../../ir/implied-protocol.ts";
import type { MapDeclaration, MapElement, Match, Rule, SetDeclaration, Step, Table, Verdict } from "../../ir/types.ts";
import { componentsOf, expressionsOf, isInert, isMatch, lookupsIn, unmasked, verdictsOf } from "../../ir/walk.ts";
import { compareBy } from "../../order.ts";

/** What one rule says, or one group of elements of a verdict map. */
export interface RuleRow {
  readonly text: string;
  /** `text` without what tells rules of equal shape apart: addresses, ports, names. */
  readonly shape: string;
  readonly isMono: boolean;
  /** How many elements the set or map has, or how many lead to `target`. */
  readonly elements?: number;
  /** What happens to the packet: accept, dnat and the like. */
  readonly verdict?: string;
  /** The chain to which it leads. */
  readonly target?: string;
  /** `map`: the verdict map whose elements the rows behind it are. `entry`: such a row. `empty`: a map without elements. */
  readonly kind: "rule" | "map" | "entry" | "empty";
  /** No condition stands before what it does. */
  readonly isAlways: boolean;
}

/** The sets and maps of a table, by name. */
export class TableData {
  readonly family: Table["family"];
  private readonly sets: ReadonlyMap<string, SetDeclaration>;
  private readonly maps: ReadonlyMap<string, MapDeclaration>;

  constructor({ sets, maps, family }: Table) {
    this.family = family;
    this.sets = new Map(sets.map((set) => [set.name, set]));
    this.maps = new Map(maps.map((map) => [map.name, map]));
  }

  sizeOf(name: string): number | undefined {
    return (this.sets.get(name) ?? this.maps.get(name))?.elements.length;
  }

  elementsOf(map: string): readonly MapElement[] {
    return this.maps.get(map)?.elements ?? [];
  }
}

/** `step` in nft's words, with the first elements of the sets and maps that stand in it. */
function textOf(step: Step, family: Table["family"]): string {
  let text = printRule({ steps: [step] }, family);
  for (const { among } of lookupsIn(step)) {
    if (typeof among === "string" || among.elements.length <= SHOWN_ELEMENTS) continue;
    const first = printAsked({ ...among, elements: among.elements.slice(0, SHOWN_ELEMENTS) });
    const rest = among.elements.length - SHOWN_ELEMENTS;
    text = text.replace(printAsked(among), () => first.replace(/ \}$/, `, and ${rest} more }`));
  }
  return text;
}

const SHOWN_ELEMENTS = 3;

/** The rows of a rule: one, or for a verdict map its size and a row for each target. */
export function rowsOfRule(rule: Rule, data: TableData): RuleRow[] {
  const matches = rule.steps.filter(isMatch);
  const condition = conditionOf(matches, data);
  const last = rule.steps.findLast((step) => !isMatch(step) && !isInert(step));
  if (last?.kind === "vmap") return rowsOfMap(last, isPlain(matches) ? "" : condition, rule, data);
  const lookup = rule.steps.flatMap((step) => lookupsIn(step)).findLast(({ among }) => typeof among === "string");
  const name = typeof lookup?.among === "string" ? lookup.among : undefined;
  const { does, verdict, target } = effectOf(last, data);
  const base = {
    kind: "rule" as const,
    ...(verdict === undefined ? {} : { verdict }),
    ...(target === undefined ? {} : { target }),
    isAlways: matches.length === 0,
  };
  const what = [condition, does].filter((part) => part !== "").join(": ");
  const shape = shapeOf(what);
  if (rule.comment !== undefined && does === "")
    return [{ ...base, text: rule.comment, shape, isMono: false, isAlways: false }];
  if (name !== undefined && isPlain(matches)) {
    const text = last?.kind === "remember" ? `${last.operation} @${last.set}` : `@${name}`;
    const size = data.sizeOf(name);
    return [
      {
        ...base,
        text,
        shape,
        isMono: true,
        isAlways: false,
        ...(size === undefined || size === 0 ? {} : { elements: size }),
      },
    ];
  }
  return [{ ...base, text: what, shape, isMono: what !== "" }];
}

/** Matches in nft's words, as they are read best. */
function conditionOf(matches: readonly Match[], { family }: TableData): string {
  return matches
    .filter((match, i) => !isRepeated(match, matches[i + 1]))
    .map((match) => (match.kind === "chance" ? chanceText(match.numerator) : textOf(match, family)))
    .join(" ");
}

/** Whether `match` asks for the protocol that `next` names again. */
function isRepeated(match: Match, next: Match | undefined): boolean {
  if (match.kind !== "compare" || match.operator !== "==" || next === undefined) return false;
  if (match.left.kind !== "meta" || match.left.key !== "l4proto") return false;
  const [first] = expressionsOf(next).flatMap(componentsOf);
  return first !== undefined && impliedProtocol(unmasked(first)) === match.right;
}

/** `with probability 0.333`, of `numerator` / 2^31. */
function chanceText(numerator: number): string {
  return `with probability ${Math.round((numerator / 2 ** 31) * 1000) / 1000}`;
}

/** Whether a search says all that is asked of a packet: the rest is its protocol. */
function isPlain(matches: readonly Step[]): boolean {
  return matches.every(
    (match) =>
      match.kind === "member" ||
      (match.kind === "compare" && match.left.kind === "meta" && ["l4proto", "nfproto"].includes(match.left.key)),
  );
}

/** What a statement does, as a word or as the chain to which it leads; `does` are words for what is neither. */
function effectOf(
  step: Step | undefined,
  data: TableData,
): { readonly does: string; readonly verdict?: string; readonly target?: string } {
  if (step === undefined) return { does: "" };
  switch (step.kind) {
    case "verdict":
      return "chain" in step.verdict
        ? { does: "", target: step.verdict.chain }
        : { does: "", verdict: step.verdict.kind };
    case "dnat":
    case "snat":
      return { does: step.to.kind === "map" ? "" : target(step, data), verdict: step.kind };
    case "redirect":
      return { does: step.ports === undefined ? "" : target(step, data), verdict: step.kind };
    case "masquerade":
    case "reject":
      return { does: "", verdict: step.kind };
    case "opaque-statement":
      return step.terminal ? { does: "", verdict: step.text.split(" ")[0] ?? "" } : { does: step.text };
    case "remember":
      return { does: `${step.operation} @${step.set}` };
    default:
      // Others lead nowhere: a rule goes on behind them.
      return { does: textOf(step, data.family) };
  }
}

/** Where a translation leads. */
function target(step: Parameters<typeof translationWords>[0], { family }: TableData): string {
  return translationWords(step, family).join(" ");
}

function rowsOfMap(
  step: Extract<Step, { kind: "vmap" }>,
  condition: string,
  { comment }: Rule,
  data: TableData,
): RuleRow[] {
  const elements = typeof step.map === "string" ? data.elementsOf(step.map) : step.map.elements;
  const asked = typeof step.map === "string" ? `@${step.map}` : printVmapKey(step, data.family);
  const text = comment ?? (condition === "" ? asked : `${asked} if ${condition}`);
  const head = { text, shape: shapeOf(text), isMono: comment === undefined, isAlways: false };
  if (elements.length === 0) return [{ ...head, kind: "empty" }];
  const groups = new Map<string, { readonly verdict: Verdict; count: number }>();
  for (const verdict of verdictsOf(step, (map) => data.elementsOf(map))) {
    const key = "chain" in verdict ? `${verdict.chain}` : `~ ${verdict.kind}`;
    const group = groups.get(key) ?? { verdict, count: 0 };
    group.count++;
    groups.set(key, group);
  }
  const sorted = [...groups].sort(compareBy(([key]) => key)).map(([, group]) => group);
  const entries = sorted.map(
    ({ verdict, count }): RuleRow => ({
      kind: "entry",
      text: "chain" in verdict ? verdict.chain : "",
      shape: "",
      isMono: true,
      isAlways: false,
      elements: count,
      ...("chain" in verdict ? { target: verdict.chain } : { verdict: verdict.kind }),
    }),
  );
  return [{ ...head, kind: "map", elements: elements.length }, ...entries];
}

/** A text without addresses, numbers, names of sets and what is quoted. */
function shapeOf(text: string): string {
  return text.replace(/"[^"]*"|\{[^{}]*\}|@\S+|\[?[0-9a-f]*:[0-9a-f:.]+\S*|\b\d\S*/g, "…");
}

/** Wrong rules, made by changing one line of a text that kpc printed: what a slip of the hand makes of a dump. */
import type { Pick } from "./dressing.ts";

export interface TextMutant {
  /** What was done: `drop`, `swap` and so on. */
  readonly kind: string;
  /** The line before, and what it is now; empty: nothing. */
  readonly line: string;
  readonly now: string;
  readonly text: string;
}

/** Ways to change one line; undefined: this one has nothing to change. */
const CHANGES: Readonly<Record<string, (line: string, pick: Pick) => string | undefined>> = {
  drop: () => "",
  renumber: (line, pick) => changeOne(line, /(?<![\w.:/-])\d+(?![\w.:/-])/g, pick, (n) => String(Number(n) + 1)),
  "next address": (line, pick) =>
    changeOne(line, /(?<=\d\.\d+\.\d+\.)\d+(?!\/)/g, pick, (n) => String((Number(n) + 1) % 256)),
  widen: (line, pick) => changeOne(line, /(?<=[.:]\w*\/)\d+/g, pick, (n) => String(Math.max(0, Number(n) - 1))),
  narrow: (line, pick) =>
    changeOne(line, /(?<=[.:]\w*\/)\d+/g, pick, (n) => String(Math.min(Number(n) + 1, line.includes("::") ? 128 : 32))),
  negate: (line, pick) =>
    changeOne(line, / != | == |(?<!-m comment|!) (?=--ctstate |--dst-type |-s |-d )|! (?=-)/g, pick, (sign) =>
      sign === " != " ? " == " : sign === " == " ? " != " : sign === "! " ? "" : " ! ",
    ),
  verdict: (line, pick) =>
    changeOne(line, /\b(?:accept|drop|ACCEPT|DROP|RETURN|return)\b/g, pick, (verdict) => VERDICTS[verdict] as string),
  "jump or goto": (line, pick) =>
    changeOne(line, /\bjump\b|\bgoto\b|-j(?= KPC)|-g(?= )/g, pick, (word) => JUMPS[word] as string),
  probability: (line, pick) => changeOne(line, /(?<=--probability )[\d.]+/g, pick, (p) => String(Number(p) / 2)),
};

const VERDICTS: Readonly<Record<string, string>> = {
  accept: "drop",
  drop: "accept",
  return: "drop",
  ACCEPT: "DROP",
  DROP: "ACCEPT",
  RETURN: "DROP",
};

const JUMPS: Readonly<Record<string, string>> = { jump: "goto", goto: "jump", "-j": "-g", "-g": "-j" };

/** The kinds of mutants. */
export const TEXT_MUTANTS = [...Object.keys(CHANGES), "swap"];

/** `text` with one line changed, at random; undefined where chance finds none that can be. */
export function mutateText(text: string, pick: Pick): TextMutant | undefined {
  const lines = text.split("\n");
  const candidates = lines.flatMap((line, i) => (isRule(line) ? [i] : []));
  if (candidates.length === 0) return undefined;
  for (let attempt = 0; attempt < 200; attempt++) {
    const kind = TEXT_MUTANTS[pick(TEXT_MUTANTS.length)] as string;
    const at = candidates[pick(candidates.length)] as number;
    const line = lines[at] as string;
    const mutated = [...lines];
    if (kind === "swap") {
      const next = lines[at + 1];
      if (next === undefined || !isRule(next) || next === line || ELEMENT.test(line) || ELEMENT.test(next)) continue;
      mutated.splice(at, 2, next, line);
      return { kind, line, now: next, text: mutated.join("\n") };
    }
    const now = CHANGES[kind]?.(line, pick);
    if (now === undefined || now === line) continue;
    // The first and the last element carry the braces.
    if (now === "" && ELEMENT.test(line) && /[{}]/.test(line)) continue;
    mutated.splice(at, 1, ...(now === "" ? [] : [now]));
    return { kind, line, now, text: mutated.join("\n") };
  }
  return undefined;
}

/** Rules and elements; not what declares tables, chains, sets and maps, and not the rules of session affinity: what a node
 *  remembers from one connection to the next is not compared. */
function isRule(line: string): boolean {
  if (/affinity|sticky|remember|meta priority/.test(line)) return false;
  if (line.startsWith("-")) return true;
  return (
    /^\t/.test(line) &&
    !/^\t\}?$|^\t\t\}?$|^\s*(?:table|chain|map|set|type |typeof |flags|size|timeout|comment)/.test(line)
  );
}

const ELEMENT = /^\s+(?:elements = )?.* [:}]|,$/;

/** Changes one of the places in `line` where `pattern` matches, outside comments. */
function changeOne(line: string, pattern: RegExp, pick: Pick, change: (found: string) => string): string | undefined {
  const comments = [...line.matchAll(/"[^"]*"|(?<=\s)#.*$/g)];
  const places = [...line.matchAll(pattern)].filter(
    ({ index }) => !comments.some((comment) => comment.index <= index && index < comment.index + comment[0].length),
  );
  const place = places[pick(places.length)];
  if (place === undefined) return undefined;
  return line.slice(0, place.index) + change(place[0]) + line.slice(place.index + place[0].length);
}

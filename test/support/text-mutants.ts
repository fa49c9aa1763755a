/** Wrong rules, made by changing one line of a text, ours or somebody else's: what a slip of the hand makes of a dump. */
import type { Picker } from "./dressing.ts";

export interface TextMutant {
  /** What was done: `drop`, `swap` and so on. */
  readonly kind: string;
  /** The line before, and what it is now; empty: nothing. */
  readonly line: string;
  readonly now: string;
  readonly text: string;
}

/** A way to change one line. */
interface Change {
  /** Of a rule or an element, unless it is of what declares a chain. */
  readonly of?: "chain";
  /** Undefined: this line has nothing to change. `chains`: those that iptables rules can jump to. */
  readonly change: (line: string, pick: Picker, chains: ReadonlySet<string>) => string | undefined;
}

const CHANGES: Readonly<Record<string, Change>> = {
  drop: { change: () => "" },
  renumber: {
    change: (line, pick) => changeOne(line, /(?<![\w.:/-])\d+(?![\w.:/-])/g, pick, (n) => String(Number(n) + 1)),
  },
  "next address": {
    change: (line, pick) =>
      changeOne(line, /(?<=\d\.\d+\.\d+\.)\d+(?!\/(?!32))/g, pick, (n) => String((Number(n) + 1) % 256)),
  },
  widen: {
    change: (line, pick) => changeOne(line, LENGTH, pick, (n) => String(Math.max(0, Number(n) - 1))),
  },
  narrow: {
    change: (line, pick) =>
      changeOne(line, LENGTH, pick, (n) => String(Math.min(Number(n) + 1, line.includes("::") ? 128 : 32))),
  },
  element: { change: (line, pick) => changeOne(line, line.startsWith("-") ? LISTED : ELEMENT_OF, pick, () => "") },
  negate: {
    change: (line, pick) =>
      changeOne(line, / != | == |(?<!-m comment|!) (?=--ctstate |--dst-type |-[sdio] )|! (?=-)/g, pick, (sign) =>
        sign === " != " ? " == " : sign === " == " ? " != " : sign === "! " ? "" : " ! ",
      ),
  },
  verdict: {
    change: (line, pick) =>
      changeOne(
        line,
        /\b(?:accept|drop|return)\b|(?<=-j )(?:ACCEPT|DROP|RETURN)\b/g,
        pick,
        (verdict) => VERDICTS[verdict] as string,
      ),
  },
  "jump or goto": {
    change: (line, pick, chains) => {
      const target = / -[jg] (\S+)/.exec(line)?.[1];
      const pattern = target !== undefined && chains.has(target) ? /(?<= )-[jg](?= )/g : /\bjump\b|\bgoto\b/g;
      return changeOne(line, pattern, pick, (word) => JUMPS[word] as string);
    },
  },
  probability: {
    change: (line, pick) =>
      changeOne(line, /(?<=--probability )[\d.]+|(?<=numgen random mod )\d+/g, pick, (p) =>
        p.includes(".") ? String(Number(p) / 2) : String(Number(p) + 1),
      ),
  },
  policy: {
    of: "chain",
    change: (line, pick) =>
      changeOne(
        line,
        /(?<=policy )(?:accept|drop)|(?<=^:\S+ )(?:ACCEPT|DROP)/g,
        pick,
        (policy) => VERDICTS[policy] as string,
      ),
  },
  priority: {
    of: "chain",
    change: (line, pick) =>
      changeOne(line, /(?<=priority )[^;]+/g, pick, () => PRIORITIES[pick(PRIORITIES.length)] as string),
  },
};

/** The length of a prefix. */
const LENGTH = /(?<=[.:]\w*\/)\d+/g;
/** A part of a list, of iptables and of nft, with the comma behind it. */
const LISTED = /(?<=(?:--dports|--sports|--ports|--ctstate|--state|--mac-source|-s|-d) (?:\S*,)?)[^\s,]+,(?=[^\s,])/g;
const ELEMENT_OF =
  /(?<=\{ (?:[^{}"]*, )?|^\s+|^\s+elements = \{ )[^\s{},"][^{},"]*,(?: (?=[^\s])|$)|(?<= (?:\w+,)*)\w+,(?=\w)/g;

const VERDICTS: Readonly<Record<string, string>> = {
  accept: "drop",
  drop: "accept",
  return: "drop",
  ACCEPT: "DROP",
  DROP: "ACCEPT",
  RETURN: "DROP",
};

const JUMPS: Readonly<Record<string, string>> = { jump: "goto", goto: "jump", "-j": "-g", "-g": "-j" };

/** Before and behind where connection tracking looks, translation happens, and most filters are. */
const PRIORITIES = ["-310", "-160", "-110", "-10", "10", "110"];

/** The kinds of mutants. */
export const TEXT_MUTANTS = [...Object.keys(CHANGES), "swap"];

/** `text` with one line changed, at random; undefined where chance finds none that can be. */
export function mutateText(text: string, pick: Picker): TextMutant | undefined {
  const lines = text.split("\n");
  const chains = new Set(
    [...text.matchAll(/^:(\S+) -|^-N (\S+)/gm)].map(([, declared, made]) => declared ?? made ?? ""),
  );
  const numbered = [...lines.entries()];
  const rules = numbered.flatMap(([i, line]) => (isRule(line) ? [i] : []));
  const declarations = numbered.flatMap(([i, line]) => (isChain(line) ? [i] : []));
  if (rules.length === 0) return undefined;
  for (let attempt = 0; attempt < 20; attempt++) {
    const kind = TEXT_MUTANTS[pick(TEXT_MUTANTS.length)] as string;
    const candidates = CHANGES[kind]?.of === "chain" ? declarations : rules;
    // Many lines have nothing to change in a way that others have.
    for (let tries = 0; tries < 60 && candidates.length > 0; tries++) {
      const at = candidates[pick(candidates.length)] as number;
      const mutated = kind === "swap" ? swap(lines, at) : change(lines, at, kind, chains, pick);
      if (mutated !== undefined) return mutated;
    }
  }
  return undefined;
}

function swap(lines: readonly string[], at: number): TextMutant | undefined {
  const [line = "", next = ""] = lines.slice(at, at + 2);
  if (!isRule(next) || next === line || ELEMENT.test(line) || ELEMENT.test(next)) return undefined;
  return {
    kind: "swap",
    line,
    now: next,
    text: lines
      .with(at, next)
      .with(at + 1, line)
      .join("\n"),
  };
}

function change(
  lines: readonly string[],
  at: number,
  kind: string,
  chains: ReadonlySet<string>,
  pick: Picker,
): TextMutant | undefined {
  const line = lines[at] as string;
  const now = CHANGES[kind]?.change(line, pick, chains);
  if (now === undefined || now === line) return undefined;
  // The first and the last element carry the braces.
  if (now === "" && ELEMENT.test(line) && /[{}]/.test(line)) return undefined;
  return { kind, line, now, text: lines.toSpliced(at, 1, ...(now === "" ? [] : [now])).join("\n") };
}

/** Rules and elements; not what declares tables, chains, sets and maps, and not the rules of session affinity: what a node
 *  remembers from one connection to the next is not compared. */
function isRule(line: string): boolean {
  if (/affinity|sticky|remember|meta priority/.test(line)) return false;
  if (line.startsWith("-")) return /^-[AI] /.test(line);
  if (/^add (?:rule|element) /.test(line)) return true;
  return (
    /^\s+[^\s#}]/.test(line) &&
    !/^\s*(?:table|chain|map|set|counter \w+ \{|type |typeof |flags|size|timeout|comment)/.test(line)
  );
}

function isChain(line: string): boolean {
  return /^:\S+ (?:ACCEPT|DROP)|^\s*type \w+ hook |^add chain .* type \w+ hook /.test(line);
}

const ELEMENT = /^\s+(?:elements = )?.* [:}]|,$/;

/** Changes one of the places in `line` where `pattern` matches, outside comments. */
function changeOne(line: string, pattern: RegExp, pick: Picker, change: (found: string) => string): string | undefined {
  const comments = [...line.matchAll(/"[^"]*"|(?<=\s)#.*$/g)];
  const places = [...line.matchAll(pattern)].filter(
    ({ index }) => !comments.some((comment) => comment.index <= index && index < comment.index + comment[0].length),
  );
  const place = places[pick(places.length)];
  if (place === undefined) return undefined;
  return line.slice(0, place.index) + change(place[0]) + line.slice(place.index + place[0].length);
}

/** A text that a regular expression matches. */

/**
 * A short text for `pattern`: of alternatives the first, of a class its first character, of what may be left out nothing (`least`) or one. What is
 * not understood stands for itself, so the text may not match.
 */
export function sampleOf(pattern: string, least: boolean): string {
  const reader = { pattern, at: 0, least };
  let text = "";
  // A bracket too many is text.
  while (reader.at < pattern.length) {
    text += readAlternatives(reader);
    if (reader.at < pattern.length) text += pattern[reader.at++];
  }
  return text;
}

interface PatternReader {
  readonly pattern: string;
  at: number;
  readonly least: boolean;
}

/** Up to a closing bracket or the end. */
function readAlternatives(reader: PatternReader): string {
  const first = readSequence(reader);
  while (reader.pattern[reader.at] === "|") {
    reader.at++;
    readSequence(reader);
  }
  return first;
}

function readSequence(reader: PatternReader): string {
  let text = "";
  for (;;) {
    const next = reader.pattern[reader.at];
    if (next === undefined || next === ")" || next === "|") return text;
    const one = readAtom(reader);
    text += one.repeat(readTimes(reader));
  }
}

function readAtom(reader: PatternReader): string {
  const { pattern } = reader;
  const character = pattern[reader.at++] ?? "";
  switch (character) {
    case "(": {
      const [kind = ""] = /^\?(?::|<\w+>|=|!|<=|<!)?/.exec(pattern.slice(reader.at)) ?? [];
      reader.at += kind.length;
      const inside = readAlternatives(reader);
      if (pattern[reader.at] === ")") reader.at++;
      return /[=!]$/.test(kind) ? "" : inside;
    }
    case "[": {
      const [all = ""] = /^\^?\]?(?:\\.|[^\]\\])*\]/.exec(pattern.slice(reader.at)) ?? [];
      reader.at += all.length;
      return all === "" ? "[" : memberOf(all);
    }
    case "\\":
      return escaped(pattern[reader.at++] ?? "\\");
    case ".":
      return "x";
    case "^":
    case "$":
      return "";
    default:
      return character;
  }
}

/** A character of a class, which ends in a bracket. */
function memberOf(members: string): string {
  const negated = members.startsWith("^");
  const regex = new RegExp(`[${members}`);
  const candidates = ["x", "1", "a", "A", "0", "-", "_", ".", "/", members[negated ? 1 : 0] ?? ""];
  return candidates.find((candidate) => regex.test(candidate)) ?? "x";
}

function escaped(character: string): string {
  if (character === "d") return "1";
  if (character === "w" || character === "S" || character === "D") return "x";
  return character === "b" || character === "B" ? "" : character;
}

/** How often the atom before stands in the text. */
function readTimes(reader: PatternReader): number {
  const [all = "", least] = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})[?+]?/.exec(reader.pattern.slice(reader.at)) ?? [];
  reader.at += all.length;
  if (least !== undefined) return Number(least);
  return /^[*?]/.test(all) && reader.least ? 0 : 1;
}

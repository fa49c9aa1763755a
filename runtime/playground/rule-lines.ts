/** Lines of a text of rules. */
import type { LinePlace, RuleLine, RuleText } from "./protocol.ts";

/** All lines, with the line of a manifest that each comes from. */
export function ruleLines(text: RuleText): RuleLine[] {
  return text.text.split("\n").map((line, i) => lineAt(text, line, i));
}

/** `line` is that with number `i`, from 0. */
export function lineAt(text: RuleText, line: string, i: number): RuleLine {
  const place = placeAt(text, i);
  return place === undefined ? { text: line } : { text: line, place };
}

function placeAt({ files, places }: RuleText, i: number): LinePlace | undefined {
  const file = files[(places[2 * i] ?? 0) - 1];
  return file === undefined ? undefined : { file, line: places[2 * i + 1] ?? 0 };
}

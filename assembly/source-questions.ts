/** Whether anything depends on it that a source is the node's own: often nothing does, and nobody has to find out. */
import { CODE_REASON_SHIFT, CODE_SHIFT, CODES_SHIFT, H_BEHAVIOUR_COUNT, H_CODES, SOURCE_LOCAL } from "./layout";
import { section, word } from "./table";

const NOBODY: u32 = 0xffffffff;

/** The kind of interface that was asked about last, and what was found. */
let interfaceClass: u32 = NOBODY;
let answer: bool = false;

export function forgetSources(): void {
  interfaceClass = NOBODY;
}

/** Of packets that come in by an interface of a kind. */
export function doesAskSources(kind: u32): bool {
  if (kind == interfaceClass) return answer;
  interfaceClass = kind;
  const behaviours = word(H_BEHAVIOUR_COUNT);
  let at = section(H_CODES) + ((<usize>(kind * behaviours)) << CODES_SHIFT);
  const end = at + ((<usize>behaviours) << CODES_SHIFT);
  answer = false;
  for (; at < end; at += 1 << CODES_SHIFT)
    for (let source: u32 = 0; source < 16; source++)
      if ((codeOf(at, source) ^ codeOf(at, source & ~SOURCE_LOCAL)) << (32 - CODE_REASON_SHIFT) != 0) answer = true;
  return answer;
}

function codeOf(behaviour: usize, source: u32): u32 {
  return load<u32>(behaviour + ((<usize>source) << CODE_SHIFT));
}

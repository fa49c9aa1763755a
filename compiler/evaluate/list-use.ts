/** What steps that are not understood do to lists that rules fill. */
import type { Step } from "../ir/types.ts";

export interface ListUse {
  /** `@SET` is a set or map of the step's own table; other lists are the host's: of xt_recent, of ipset. */
  readonly list: string;
  readonly tests: boolean;
  readonly fills: boolean;
}

/** By the canonical text that readers give to such steps. */
export function listUseOf(step: Step): ListUse | undefined {
  if (step.kind !== "opaque" && step.kind !== "opaque-statement") return undefined;
  const { text } = step;
  const [, set] = /^(?:add|update|delete) (@\S+) \{/.exec(text) ?? [];
  if (set !== undefined) return { list: set, tests: step.kind === "opaque", fills: true };
  if (text.startsWith("-m recent")) {
    const name = / --name (\S+)/.exec(text)?.[1] ?? "DEFAULT";
    const isAsked = / --(?:rcheck|update|remove)(?= |$)/.test(text);
    return { list: `list ${name}`, tests: isAsked, fills: / --(?:set|update|remove)(?= |$)/.test(text) };
  }
  const [, asked] = /^-m set (?:.* )?--match-set (\S+)/.exec(text) ?? [];
  if (asked !== undefined) return { list: `ipset ${asked}`, tests: true, fills: false };
  const [, filled] = /^-j SET (?:.* )?--(?:add|del|map)-set (\S+)/.exec(text) ?? [];
  return filled === undefined ? undefined : { list: `ipset ${filled}`, tests: false, fills: true };
}

/** Whether a match that is not understood holds for each packet: it only enters it into a list. */
export function onlyFills(step: Step): boolean {
  const use = step.kind === "opaque" ? listUseOf(step) : undefined;
  return use?.fills === true && !use.tests;
}

/** Rules as callers of the library hold them: a handle, behind which kpc keeps what it knows of them. */

import { describe } from "../arguments.ts";
import type { Compiled } from "../compile.ts";
import type { Diagnostic, Source } from "../diagnostics.ts";
import type { Program } from "../ir/types.ts";

/** The rules of one node, as `compile` or `readRules` made them. Other objects are refused. */
export interface Rules {
  /** How kpc got them. */
  readonly from: "manifests" | "rules";
  /** The name of the node, where it is known. */
  readonly node: string | undefined;
  /** The kube-proxy mode that compiled rules behave as; undefined for rules that were read. */
  readonly mode: "nftables" | "iptables" | undefined;
}

/** What kpc knows of rules. */
export interface RulesContent {
  readonly program: Program;
  /** The node and objects that names in packets and traces come from. */
  readonly known: Pick<Compiled, "specs" | "node" | "settings">;
  /** What the rules were made of; undefined for those that were read. */
  readonly view?: Compiled["view"];
  /** The texts that the rules were read from; undefined for compiled ones. */
  readonly sources: readonly Source[] | undefined;
  /** What was found when they were read, which answers rest on. */
  readonly findings: readonly Diagnostic[];
}

const contents = new WeakMap<object, RulesContent>();

/** A handle for `content`. */
export function rulesOf(content: RulesContent): Rules {
  const { known, sources } = content;
  const isCompiled = sources === undefined;
  const rules: Rules = Object.freeze({
    from: isCompiled ? "manifests" : "rules",
    node: known.node.name,
    mode: isCompiled ? known.settings.mode : undefined,
  });
  contents.set(rules, content);
  return rules;
}

/** What is behind a handle. Throws `TypeError` for anything else. */
export function contentOf(rules: unknown, what = "rules"): RulesContent {
  const content = typeof rules === "object" && rules !== null ? contents.get(rules) : undefined;
  if (content === undefined)
    throw new TypeError(`${what}: expected rules that compile() or readRules() made, found ${describe(rules)}`);
  return content;
}

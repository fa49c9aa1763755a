/** What rules themselves tell of the addresses of their host. */

import { lineAndColumn, type Origin } from "../diagnostics.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { partHolds } from "../ir/interval.ts";
import { RuleForms } from "../ir/rule-forms.ts";
import { ruleAt } from "../ir/rule-rows.ts";
import { partsOfKey } from "../ir/sets.ts";
import type { AskedSet, Chain, Expression, Rule, SetElement, Step, Table } from "../ir/types.ts";
import { valuesTested } from "../ir/walk.ts";
import { type Address, printAddress } from "../net/address.ts";

/** Sentences about the addresses that the host of `tables` may have: the rules that ask for them, and those that name some. */
export function localHints(tables: readonly Table[]): string[] {
  const asking: Origin[] = [];
  const named = new Map<string, Origin | undefined>();
  const forms = new RuleForms(mayTell);
  for (const table of tables)
    for (const chain of table.chains) {
      const look = (rule: Rule): void => {
        if (rule.steps.some(asksForLocal) && rule.origin !== undefined) asking.push(rule.origin);
        for (const address of ownAddresses(rule, chain, table)) {
          const text = printAddress(address);
          if (!named.has(text)) named.set(text, rule.origin);
        }
      };
      if (isInput(chain)) for (const rule of chain.rules) look(rule);
      else
        forms.forEach(
          chain,
          (tells, rows, row) => {
            if (tells) look(rows.make(row));
          },
          (rule, i) => {
            if (mayTell(rule)) look(ruleAt(chain, i));
          },
        );
    }
  const names = [...named]
    .slice(0, MOST)
    .map(([text, origin]) => (origin === undefined ? text : `${text} (${printLines([origin])})`));
  return [
    `the node's addresses are not known: --node-ip gives them${asking.length > 0 ? `; rules ask for them at ${printLines(asking)}` : ""}`,
    ...(names.length > 0 ? [`the rules name addresses that may be the node's: ${names.join(", ")}`] : []),
  ];
}

const MOST = 4;

/** `host.v4:60, 62, 63 and 5 more`. */
function printLines(origins: readonly Origin[]): string {
  const lines = new Map<string, number[]>();
  for (const origin of origins.slice(0, MOST)) {
    const span = origin.span();
    lines.set(span.source.name, [...(lines.get(span.source.name) ?? []), lineAndColumn(span).line]);
  }
  const more = origins.length > MOST ? ` and ${origins.length - MOST} more` : "";
  return `${[...lines].map(([file, numbers]) => `${file}:${numbers.join(", ")}`).join("; ")}${more}`;
}

function isInput(chain: Chain): boolean {
  return chain.kind === "base" && chain.hook === "input";
}

/** Whether a rule of a chain other than those of the input hook may tell something, whatever its values are. */
function mayTell({ steps }: Rule): boolean {
  return steps.some((step) => step.kind === "snat" || valuesTested(step, isType).length > 0);
}

/** Whether a step asks whether the destination is an address of the node (addrtype LOCAL, `fib daddr type local`). */
function asksForLocal(step: Step): boolean {
  return valuesTested(step, isType).some((part) => partHolds(part, ADDRESS_TYPE.local));
}

function isType(expression: Expression): boolean {
  return expression.kind === "fib" && expression.of === "daddr";
}

/** Addresses that a rule makes sources, or asks for as destinations of packets to the node. */
function ownAddresses(rule: Rule, chain: Chain, table: Table): Address[] {
  const asks = isInput(chain) || rule.steps.some(asksForLocal);
  return rule.steps.flatMap((step): Address[] => {
    if (step.kind === "snat" && step.to.kind === "literal") return oneOf(step.to.addresses);
    if (!asks) return [];
    if (step.kind === "compare" && step.operator === "==" && isDestination(step.left)) return [step.right as Address];
    if (step.kind === "member" && !step.negated && isDestination(step.key))
      return elementsOf(step.set, table).flatMap((element) => {
        const [part] = partsOfKey(element);
        return part === undefined || typeof part === "object" || typeof part === "string" ? [] : [part as Address];
      });
    return [];
  });
}

function elementsOf(set: AskedSet, { sets }: Table): readonly SetElement[] {
  return typeof set === "string" ? (sets.find(({ name }) => name === set)?.elements ?? []) : set.elements;
}

function oneOf(interval: { readonly from: unknown; readonly to: unknown } | undefined): Address[] {
  return interval !== undefined && interval.from === interval.to ? [interval.from as Address] : [];
}

function isDestination({ kind, ...rest }: Expression): boolean {
  return (kind === "ip" || kind === "ip6") && "field" in rest && rest.field === "daddr";
}

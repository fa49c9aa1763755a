/** A trace as people read it. */

import { type Disposition, printClause } from "../evaluate/disposition.ts";
import { verdictOf } from "../evaluate/outcome.ts";
import type { EndpointOutcome, Outcome, Packet, Result } from "../evaluate/packet.ts";
import { unreachable } from "../invariant.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { printAddressPort } from "../net/address.ts";
import { chance, isCertain, renderCondition } from "./chance.ts";
import { alternatives, withoutLocality } from "./conditions.ts";
import { branchesOf, commonSteps, type FoldedPath, type FoldedResult, isSame } from "./fold.ts";
import { type AddressNames, printNames } from "./names.ts";
import type { ResolvedPacket } from "./resolve.ts";
import type { ShownStep } from "./slice.ts";
import { printPlaceView, type StepView, type ViewOptions, viewOf } from "./view.ts";

/** Whose rules were followed. */
export interface TraceSubject {
  /** The node and mode, or the files with the rules. */
  readonly where: string;
  /** The rules were read from files, and stand there. */
  readonly rulesWereRead: boolean;
  readonly names: AddressNames;
}

/** What happened, hook by hook, with the rules that decided and where they stand, and what becomes of the packet. */
export function renderTrace(resolved: ResolvedPacket, outcomes: readonly Outcome[], subject: TraceSubject): string {
  const { packet } = resolved;
  const { names, rulesWereRead } = subject;
  const options: ViewOptions = { source: packet.source, inInterface: packet.inInterface, names, rulesWereRead };
  const folded = withoutLocality(outcomes, (outcome) => renderEnd(outcome, packet, names).join("\n"));
  const alsoIf = new Map(folded.map((each) => [each.outcome, each.alsoIf]));
  const told = alternatives([...alsoIf.keys()], (outcome) => [
    ...renderBranches(branchesOf(outcome, options), options),
    "",
    ...renderEnd(outcome, packet, names),
    ...(alsoIf.get(outcome) ?? []).map((text) => `   (the result is the same if ${text})`),
  ]);
  const blocks = told.map(({ condition, lines }) => [...renderCondition(condition), ...lines].join("\n"));
  return `${[...renderHead(resolved, subject), ""].join("\n")}\n${blocks.join("\n\n")}\n`;
}

// --- the packet ------------------------------------------------------------------------------------------------------------

function renderHead({ packet, assumed }: ResolvedPacket, { where, names }: TraceSubject): string[] {
  const { protocol, source, sourcePort, destination, destinationPort, inInterface, mark } = packet;
  const name = PROTOCOL_NAMES.get(protocol) ?? String(protocol);
  const [from, to] = [
    printNames(names.of({ address: source, port: sourcePort, protocol })),
    printNames(names.of({ address: destination, port: destinationPort, protocol })),
  ];
  const ends = from === "" && to === "" ? "" : `   ${from === "" ? "?" : from} > ${to === "" ? "?" : to}`;
  const assumption = assumed === undefined ? "" : ` (assumed: the source is ${ASSUMED[assumed]})`;
  const entry = inInterface === undefined ? "sent by the node itself" : `input interface ${inInterface}${assumption}`;
  const marked = mark === 0 ? "" : `, mark 0x${mark.toString(16)}`;
  return [
    `${name} ${printAddressPort(source, sourcePort)} > ${printAddressPort(destination, destinationPort)}${ends}`,
    `${where}; ${entry}${marked}`,
  ];
}

const ASSUMED: Readonly<Record<NonNullable<ResolvedPacket["assumed"]>, string>> = {
  "of this node's pods": "a pod of this node",
  "from elsewhere": "not a known pod of this node",
};

// --- the path --------------------------------------------------------------------------------------------------------------

const HOOK_WIDTH = 13;

function renderBranches(branches: readonly FoldedResult[], options: ViewOptions): string[] {
  const common = commonSteps(branches);
  const table = new Layout(branches, options);
  const lines: string[] = [];
  const [first] = branches;
  if (first !== undefined && common > 0) lines.push(...table.render(first, 0, common));
  for (const branch of branches) {
    if (branches.length > 1) lines.push(...(lines.length === 0 ? [] : [""]), `${chance(branch.probability)}:`);
    lines.push(...table.render(branch, common));
    const [way] = branch.ways;
    if (way !== undefined && way.steps.length === 0) lines.push(nothingShown(way.result));
  }
  return lines;
}

function nothingShown(result: Result): string {
  if (result.path.length === 0 && verdictOf(result) !== "pass") return "this engine gives the result only, no rules";
  return "no rule affects it";
}

/** Lines of steps in columns: the hook, the table where there are several, and the rule. */
class Layout {
  private readonly options: ViewOptions;
  private readonly tableWidth: number;
  private hook = "";
  private table = "";
  private rule: unknown;

  constructor(branches: readonly FoldedResult[], options: ViewOptions) {
    this.options = options;
    const tables = new Set(branches.flatMap(({ ways }) => ways.flatMap(({ steps }) => steps.map(labelOf))));
    this.tableWidth = tables.size > 1 ? Math.max(...[...tables].map(({ length }) => length)) + 2 : 0;
  }

  /** The steps of `branch` from `start` to before `end`: of ways that differ the first one, with all their destinations. */
  render({ ways }: FoldedResult, start: number, end?: number): string[] {
    const [first] = ways;
    if (first === undefined) return [];
    return first.steps.slice(start, end).flatMap((shown, i) => {
      const lines = this.renderStep(shown, first);
      const isTranslated = shown.step.kind === "rule" && shown.step.translated !== undefined;
      return isTranslated ? [...lines, ...this.renderDestinations(ways, start + i)] : lines;
    });
  }

  private renderStep(shown: ShownStep, { result }: FoldedPath): string[] {
    const view = viewOf(shown, result, this.options);
    const element = view.element === undefined ? [] : [this.indented(cut(view.element))];
    const words = view.words.map((line) => this.indented(line));
    const isTranslated = view.to !== undefined;
    const rule = shown.step.kind === "policy" ? shown.step.base : shown.step.rule;
    const isAgain = rule === this.rule && view.hook === this.hook && element.length === 0;
    this.rule = rule;
    if (isAgain) return words;
    const columns = this.columns(view, labelOf(shown));
    const place = view.place === undefined ? "" : `   ${printPlaceView(view.place)}`;
    // The place of an element stands behind it; those of destinations stand behind each.
    if (isTranslated && !this.options.rulesWereRead) return [`${columns}${headOf(view)}`, ...words];
    if (element[0] === undefined || this.options.rulesWereRead)
      return [`${columns}${headOf(view)}${place}`, ...(isTranslated ? [] : element), ...words];
    return [`${columns}${headOf(view)}`, `${element[0]}${place}`, ...words];
  }

  private columns({ hook }: StepView, table: string): string {
    const isNew = hook !== this.hook;
    const label = isNew || table !== this.table ? table : "";
    this.hook = hook;
    this.table = table;
    return `${(isNew ? hook : "").padEnd(HOOK_WIDTH)}${label.padEnd(this.tableWidth).slice(0, this.tableWidth)}`;
  }

  private indented(text: string): string {
    return `${" ".repeat(HOOK_WIDTH + this.tableWidth + 2)}${text}`;
  }

  /** Where each of `ways` is sent, with the rule or element that does it. */
  private renderDestinations(ways: readonly FoldedPath[], at: number): string[] {
    const [first] = ways;
    const lines = ways.slice(0, MOST_SHOWN).flatMap(({ result, steps }) => {
      const shown = steps[at];
      if (shown === undefined || first === undefined) return [];
      const view = viewOf(shown, result, this.options);
      const isElsewhere = !this.options.rulesWereRead || !isSameRule(shown, first.steps[at]);
      const place = view.place === undefined || !isElsewhere ? "" : `   ${printPlaceView(view.place)}`;
      const share = ways.length === 1 && isCertain(result.probability) ? "" : `${chance(result.probability)} `;
      return [this.indented(`${share}to ${view.to}${place}`)];
    });
    return ways.length > MOST_SHOWN ? [...lines, this.indented(moreThan(ways.length))] : lines;
  }
}

function isSameRule({ step }: ShownStep, other: ShownStep | undefined): boolean {
  return (
    isSame(step, other?.step) || (step.kind === "rule" && other?.step.kind === "rule" && step.rule === other.step.rule)
  );
}

/** More endpoints are counted, and not shown. */
const MOST_SHOWN = 20;

function moreThan(count: number): string {
  return `… and ${count - MOST_SHOWN} more (-o json has all)`;
}

/** Tables of iptables have no family in their names. */
function labelOf({ step: { base, family, table } }: ShownStep): string {
  return /^[A-Z]+$/.test(base.name) ? table : `${family} ${table}`;
}

/** The chain and the rule; what iptables prints has the chain in it. */
function headOf({ table, chain, text, rule, kind }: StepView): string {
  if (kind === "policy") return `${chain}: ${rule}`;
  // What follows `add rule` names the table and the chain, too.
  const prefix = `${table} ${chain} `;
  const shown = cut(text?.startsWith(prefix) === true ? text.slice(prefix.length) : (text ?? rule));
  return /(?:^|\s)-[AIRD] |(?:^|\s)--(?:append|insert) /.test(shown) ? shown : `${chain}: ${shown}`;
}

/** Rules may hold sets of thousands of elements. */
const LONGEST = 400;

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)} …`;
}

// --- what becomes of it ----------------------------------------------------------------------------------------------------

function renderEnd(outcome: Outcome, { protocol }: Packet, names: AddressNames): string[] {
  const { verdict, endpoints, sticky, results } = outcome;
  const [first] = results;
  if (verdict !== "dnat" && verdict !== "mixed" && first !== undefined) return [`=> ${describeEnd(first)}`];
  const kept = sticky === undefined ? "" : `; the client stays with its endpoint for ${sticky.timeoutSeconds} s`;
  const others = results.filter(({ disposition }) => disposition.kind !== "dnat");
  const [only, more] = endpoints;
  if (only !== undefined && more === undefined && others.length === 0)
    return [`=> delivered to ${printEndpoint(only, protocol, names)}${kept}`];
  const head =
    verdict === "mixed" ? "=> one of these, by chance" : `=> delivered to one of ${endpoints.length} endpoints`;
  const lines = [
    ...endpoints.map((endpoint) => `${share(endpoint.probability)}${printEndpoint(endpoint, protocol, names)}`),
    ...others.map((result) => `${share(result.probability)}${describeEnd(result)}`),
  ];
  const more20 = lines.length > MOST_SHOWN ? [moreThan(lines.length)] : [];
  return [`${head}${kept}`, ...[...lines.slice(0, MOST_SHOWN), ...more20].map((line) => `     ${line}`)];
}

function share(probability: number): string {
  return `${chance(probability).padEnd(9)}`;
}

function printEndpoint(endpoint: EndpointOutcome, protocol: number, names: AddressNames): string {
  const { address, port, masquerade, source } = endpoint;
  const name = printNames(names.of({ address, port, protocol }));
  const sees = source ?? (masquerade ? "the node's address" : "the client's address");
  return `${printAddressPort(address, port)}   ${name === "" ? "" : `${name}   `}sees ${sees}`;
}

function describeEnd(result: Result): string {
  const { disposition, isAccepted } = result;
  switch (disposition.kind) {
    case "drop":
      return "dropped: the sender gets no answer";
    case "reject":
      return `rejected: the sender gets ${disposition.with}`;
    case "pass": {
      const changes = changesOf(disposition);
      if (isAccepted) return `accepted, not translated${changes}`;
      return changes === ""
        ? "passes: no rule decides, and the packet goes to its own destination"
        : `not translated${changes}`;
    }
    case "dnat":
      return printClause(disposition, "does");
    default:
      return unreachable(disposition);
  }
}

/** What becomes of a packet that rules let go on, besides its destination. */
function changesOf({ source, takenBy }: Pick<Extract<Disposition, { kind: "pass" }>, "source" | "takenBy">): string {
  const from =
    source.kind === "kept"
      ? ""
      : `; its source becomes ${source.kind === "given" ? source.text : "the node's address"}`;
  return `${from}${takenBy.map((text) => `; taken by "${text}", which is not understood`).join("")}`;
}

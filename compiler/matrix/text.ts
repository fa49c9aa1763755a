/** A matrix as people read it: a Service's address, and a line for each group of clients for whom the same becomes of connections. */
import type { MatrixRowChange } from "./changes.ts";
import { targetText } from "./names.ts";
import { isAnswered, type Matrix, type MatrixOutcome, type MatrixSource } from "./types.ts";

export interface MatrixTextOptions {
  /** All names, however many there are. */
  readonly isVerbose: boolean;
}

export function renderMatrix(matrix: Matrix, options: MatrixTextOptions): string {
  const names = new SourceGroups(matrix.sources, options);
  const blocks = matrix.rows.map(({ target, cells }) =>
    [
      targetText(target),
      ...cells.flatMap(({ sources, outcomes }) => [
        `  from ${names.text(sources)}`,
        ...outcomeLines(outcomes, options).map((line) => `    ${line}`),
      ]),
    ].join("\n"),
  );
  return `${[...blocks, summaryOf(matrix)].join("\n\n")}\n`;
}

function summaryOf({ rows }: Matrix): string {
  const cells = rows.flatMap((row) => row.cells);
  const count = (some: typeof cells): number => some.reduce((sum, { sources }) => sum + sources.length, 0);
  const all = count(cells);
  const bad = count(cells.filter(({ outcomes }) => !isAnswered(outcomes)));
  return `${all} pairs of a client and an address: ${all - bad} answered, ${bad} not answered, or not always.`;
}

/** What differs, as people read it. */
export function renderChanges(
  changes: readonly MatrixRowChange[],
  sources: readonly MatrixSource[],
  options: MatrixTextOptions,
): string {
  if (changes.length === 0) return "No differences.\n";
  const names = new SourceGroups(sources, options);
  const side = (word: string, outcomes: readonly MatrixOutcome[] | undefined): string[] =>
    (outcomes === undefined ? ["not there"] : outcomeLines(outcomes, options)).map((line) => `    ${word} ${line}`);
  const blocks = changes.map(({ target, changes: cells }) =>
    [
      targetText(target),
      ...cells.flatMap(({ sources: from, before, after }) => [
        `  from ${names.text(from)}`,
        ...side("-", before),
        ...side("+", after),
      ]),
    ].join("\n"),
  );
  const pairs = changes.flatMap((row) => row.changes).reduce((sum, { sources: from }) => sum + from.length, 0);
  return `${[...blocks, `${pairs} pairs of a client and an address differ.`].join("\n\n")}\n`;
}

/** Outcomes as lines: endpoints for which all else is equal share one. */
function outcomeLines(outcomes: readonly MatrixOutcome[], { isVerbose }: MatrixTextOptions): string[] {
  const alike = new Map<string, { readonly first: MatrixOutcome; readonly hosts: string[]; probability: number }>();
  for (const outcome of outcomes) {
    const { end, port, seenAs, reply, isConditional } = outcome;
    const place = end === "delivered" ? port : outcome.host;
    const key = [end, place, seenAs, reply, isConditional].join("|");
    const known = alike.get(key);
    const name = outcome.host === "client" ? "itself" : outcome.host;
    const host = end === "delivered" ? `${name}:${port}` : name;
    if (known === undefined) alike.set(key, { first: outcome, hosts: [host], probability: outcome.probability });
    else {
      known.hosts.push(host);
      known.probability += outcome.probability;
    }
  }
  return [...alike.values()].map(({ first, hosts, probability }) => {
    const chance = probability > 1 - 1e-9 ? "" : `${percent(probability)} `;
    const unsure = first.isConditional ? " (it depends on what kpc does not know)" : "";
    const at = listText(hosts, isVerbose);
    const what =
      first.end === "delivered"
        ? `delivered to ${at}, seen as ${first.seenAs}, ${first.reply === "answered" ? "answered" : `reply: ${first.reply}`}`
        : `${first.end} at ${at}`;
    return `${chance}${what}${unsure}`;
  });
}

function percent(probability: number): string {
  return `${Number((probability * 100).toFixed(1))} %`;
}

const SHOWN = 4;

function listText(names: readonly string[], isVerbose: boolean): string {
  if (isVerbose || names.length <= SHOWN + 1) return names.join(", ");
  return `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`;
}

/** Names for many clients at once. */
class SourceGroups {
  private readonly podsOf = new Map<string, number>();
  private readonly options: MatrixTextOptions;

  constructor(sources: readonly MatrixSource[], options: MatrixTextOptions) {
    this.options = options;
    for (const { name, node } of sources)
      if (node !== undefined && isPod(name)) this.podsOf.set(node, (this.podsOf.get(node) ?? 0) + 1);
  }

  /** `all pods of n1 (20), pod/shop/web-1, node/n2`. */
  text(sources: readonly MatrixSource[]): string {
    const byNode = new Map<string, string[]>();
    const others: string[] = [];
    for (const { name, node } of sources) {
      if (node === undefined || !isPod(name)) others.push(name);
      else byNode.set(node, [...(byNode.get(node) ?? []), name]);
    }
    const groups: string[] = [];
    const single: string[] = [];
    for (const [node, pods] of byNode) {
      if (pods.length > 1 && pods.length === this.podsOf.get(node)) groups.push(`all ${pods.length} pods of ${node}`);
      else if (pods.length > SHOWN && !this.options.isVerbose)
        groups.push(`${pods.length} of ${this.podsOf.get(node)} pods of ${node} (such as ${pods[0]})`);
      else single.push(...pods);
    }
    return listText([...groups, ...single, ...others], this.options.isVerbose);
  }
}

function isPod(name: string): boolean {
  return name.startsWith("pod/");
}

/** What differs between two matrices. */
import { familyOf } from "../net/address.ts";
import { outcomesKey } from "./outcomes.ts";
import type { Matrix, MatrixOutcome, MatrixSource, MatrixTarget } from "./types.ts";

/** Sources for which connections to a target have other outcomes than before. */
export interface MatrixChange {
  readonly sources: readonly MatrixSource[];
  /** Undefined: the target, or the source, was not there. */
  readonly before: readonly MatrixOutcome[] | undefined;
  /** Undefined: it is not there any more. */
  readonly after: readonly MatrixOutcome[] | undefined;
}

export interface MatrixRowChange {
  readonly target: MatrixTarget;
  readonly changes: readonly MatrixChange[];
}

interface Seen {
  readonly target: MatrixTarget;
  readonly cells: ReadonlyMap<string, { readonly source: MatrixSource; readonly outcomes: readonly MatrixOutcome[] }>;
}

/** Rows of `after` that differ, in its order, then those that only `before` has. */
export function matrixChanges(before: Matrix, after: Matrix): MatrixRowChange[] {
  const [old, now] = [seenIn(before), seenIn(after)];
  const keys = [...new Set([...now.keys(), ...old.keys()])];
  return keys.flatMap((key): MatrixRowChange[] => {
    const [left, right] = [old.get(key), now.get(key)];
    const target = right?.target ?? left?.target;
    if (target === undefined) return [];
    const changes = changesOf(left, right);
    return changes.length === 0 ? [] : [{ target, changes }];
  });
}

function changesOf(left: Seen | undefined, right: Seen | undefined): MatrixChange[] {
  const groups = new Map<
    string,
    { sources: MatrixSource[]; before: MatrixChange["before"]; after: MatrixChange["after"] }
  >();
  for (const name of new Set([...(right?.cells.keys() ?? []), ...(left?.cells.keys() ?? [])])) {
    const [old, now] = [left?.cells.get(name), right?.cells.get(name)];
    const [before, after] = [old?.outcomes, now?.outcomes];
    const source = now?.source ?? old?.source;
    const [from, to] = [before && outcomesKey(before), after && outcomesKey(after)];
    if (source === undefined || from === to) continue;
    const key = `${from}\n>\n${to}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sources: [source], before, after });
    else group.sources.push(source);
  }
  return [...groups.values()];
}

function seenIn({ rows }: Matrix): Map<string, Seen> {
  const found = new Map<string, Seen>();
  for (const { target, cells } of rows) {
    const bySource = cells.flatMap(({ sources, outcomes }) =>
      sources.map((source) => [source.name, { source, outcomes }] as const),
    );
    found.set(targetKey(target), { target, cells: new Map(bySource) });
  }
  return found;
}

/** Which target of the other matrix a target is: a cluster IP, and a node port, is the Service's whatever its number is. */
function targetKey({ service, entry, protocol, address, port, node }: MatrixTarget): string {
  const isNamed = service !== undefined && (entry === "cluster-ip" || entry === "node-port");
  const at = isNamed ? familyOf(address) : `${familyOf(address)} ${address} ${port}`;
  return [service ?? "", entry, protocol, node ?? "", at].join(" ");
}

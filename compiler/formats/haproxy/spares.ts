/** Backends that come while HAProxy runs: they get one of its spare backends, and a map holds which one. */
import { type BackendSection, CONFIG, readConfig, rowsOf } from "./config-text.ts";
import { isSpare, SPARES_MAP } from "./shape.ts";

/** Files that say the same as those that are wanted, in the backends that HAProxy has. */
export interface PlacedFiles {
  readonly files: ReadonlyMap<string, string>;
  /** Why a backend that HAProxy does not have could not be placed, by its name. */
  readonly unplaced: ReadonlyMap<string, string>;
}

/**
 * Gives each backend of `wanted` that `running` lacks a spare one: the one that it has already, else the first that is free. `busy` ones still
 * have servers of the backend before, which would answer requests of both: they are not free.
 */
export function placeInSpares(
  running: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  busy: ReadonlySet<string>,
): PlacedFiles {
  const unplaced = new Map<string, string>();
  if (!wanted.has(SPARES_MAP)) return { files: wanted, unplaced };
  const had = rowsOf(running.get(SPARES_MAP) ?? "");
  const before = readConfig(running.get(CONFIG) ?? "").backends;
  const after = readConfig(wanted.get(CONFIG) ?? "").backends;
  const taken = new Set(had.values());
  const spares = [...before.keys()].filter((name) => isSpare(name) && after.has(name));
  const free = spares.filter((name) => !taken.has(name) && !busy.has(name));
  const placed = new Map<string, string>();
  for (const [name, section] of after) {
    if (before.has(name)) continue;
    const spare = had.get(name) ?? free[0];
    if (spare === undefined || !spares.includes(spare)) unplaced.set(name, "no spare backend is free");
    else if (!isAlike(before.get(spare), section)) unplaced.set(name, "it has other lines than a spare backend");
    else {
      placed.set(name, spare);
      if (spare === free[0]) free.shift();
    }
  }
  if (placed.size === 0 && had.size === 0) return { files: wanted, unplaced };
  const rows = [...placed].map(([name, spare]) => `${name} ${spare}\n`).sort();
  const config = moveSections(wanted.get(CONFIG) ?? "", placed);
  return { files: new Map([...wanted, [CONFIG, config], [SPARES_MAP, rows.join("")]]), unplaced };
}

/** All but servers is the same. */
function isAlike(a: BackendSection | undefined, b: BackendSection): boolean {
  return a !== undefined && a.lines.join("\n") === b.lines.join("\n");
}

/** `config` with the sections of `placed` under the names of their spare backends, in the places of those. */
function moveSections(config: string, placed: ReadonlyMap<string, string>): string {
  const [head = "", ...sections] = config.split(/^(?=backend )/m);
  const nameOf = (section: string): string => /^backend (\S+)/.exec(section)?.[1] ?? "";
  const byName = new Map(sections.map((section) => [nameOf(section), section]));
  const moved = new Map(
    [...placed].map(([name, spare]) => [spare, byName.get(name)?.replace(/^backend \S+/, `backend ${spare}`)]),
  );
  const stay = sections.filter((section) => !placed.has(nameOf(section)));
  const all = stay.map((section) => moved.get(nameOf(section)) ?? section);
  return `${head}${all.map((section) => section.trimEnd()).join("\n\n")}\n`;
}

/** The chain graph as a mermaid flowchart. */
import type { ChainRecord } from "./fold.ts";
import { type ChainTable, thousands } from "./tables.ts";

/** One diagram: a subgraph for each table, a node for each chain, the rows that lead to others on its arrows. */
export function chainsToMermaid(tables: readonly ChainTable[]): string {
  const lines = tables.flatMap(({ title, records }, t) => {
    const ids = new Map(records.map(({ id }, i) => [id, `t${t}c${i}`]));
    const nodes = records.map((record) => `${ids.get(record.id)}${nodeOf(record)}`);
    const edges = records.flatMap((record) => edgesOf(record, ids));
    return [`subgraph t${t}["table ${quoted(title)}"]`, ...[...nodes, ...edges].map((line) => `  ${line}`), "end"];
  });
  return `${["flowchart LR", ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

/** Hooks are rectangles; what is said of rules that lead to no chain is below the name. */
function nodeOf({ name, copies, hook, rows }: ChainRecord): string {
  const title = copies === 1 ? name : `${name} × ${thousands(copies)}`;
  const ends = rows.filter(({ target, kind }) => target === undefined && kind !== "map");
  const told = ends.slice(0, SHOWN).map(({ text, verdict }) => [text, verdict].filter((part) => part).join(": "));
  const more = ends.length > SHOWN ? [`and ${ends.length - SHOWN} more`] : [];
  const label = [title, ...(hook === undefined ? [] : [hook]), ...told, ...more].map(quoted).join("<br>");
  return hook === undefined ? `("${label}")` : `["${label}"]`;
}

const SHOWN = 4;

function edgesOf(record: ChainRecord, ids: ReadonlyMap<string, string>): string[] {
  let map = "";
  return record.rows.flatMap((row) => {
    if (row.kind === "map") map = row.text;
    if (row.target === undefined) return [];
    const label = row.kind === "entry" ? `${map}: ${row.elements}` : row.text;
    return [`${ids.get(record.id)} -->|"${quoted(label)}"| ${ids.get(row.target)}`];
  });
}

/** What mermaid would read as markup, as entities. */
function quoted(text: string): string {
  return text.replace(/[&"<>#;`|[\](){}]/g, (character) => `#${character.charCodeAt(0)};`);
}

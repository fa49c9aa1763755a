/** What was read from the parts of texts. Where a text is read again after a change, only the parts that have changed are read; what came of
 *  the others is moved to where they stand now. */
import type { Source } from "../diagnostics.ts";
import type { JsonDocument } from "./json.ts";
import { PartMemory } from "./part-memory.ts";
import type { YamlPart } from "./yaml.ts";

/** What was read from one source. */
export interface SourceMemory {
  readonly yaml: PartMemory<YamlPart>;
  readonly json: PartMemory<JsonDocument>;
}

/** What was read from sources, by their names. It serves one sequence of readings: documents of an earlier one say where they stand in the
 *  newest texts. */
export class DocumentMemory {
  private before = new Map<string, SourceMemory>();
  private now = new Map<string, SourceMemory>();

  /** Begins with all sources anew. */
  begin(): void {
    this.before = this.now;
    this.now = new Map();
  }

  of({ name }: Source): SourceMemory {
    let key = name;
    while (this.now.has(key)) key += "\0"; // a second source of that name
    const memory = this.before.get(key) ?? { yaml: new PartMemory(), json: new PartMemory() };
    this.now.set(key, memory);
    return memory;
  }
}

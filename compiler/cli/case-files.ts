/** Files that a case names, relative to its own. */
import { dirname, isAbsolute, join } from "node:path";
import type { Report } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import type { Located } from "../specs/located.ts";
import { readInputs } from "./inputs.ts";
import { Trouble } from "./trouble.ts";

/** A path in the file at `path`, as the command line would name it. */
export function besides(path: string, name: string): string {
  return isAbsolute(name) ? name : join(dirname(path), name);
}

/** What `read` gives; reports `unreadable-file` at `origin` where that throws `Trouble`. */
export function attempt<T>(read: () => T, origin: Field, report: Report): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    report({ severity: "error", code: "unreadable-file", message: error.message, origin });
    return undefined;
  }
}

/** Documents of a file or folder that a case names. */
export function documentsOf({ value, field }: Located<string>, path: string, report: Report): Field[] {
  const read = (): Field[] =>
    [...readInputs([besides(path, value)], { recursive: false })].flatMap((source) =>
      [...readDocuments(source, report)].map(Field.root),
    );
  return attempt(read, field, report) ?? [];
}

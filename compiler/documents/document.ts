/** Texts as documents: values first, positions only when somebody asks. */
import type { Report, Source, Span } from "../diagnostics.ts";
import { looksLikeJson, readJson } from "./json.ts";
import type { SourceMemory } from "./memory.ts";
import type { Document } from "./types.ts";
import { readYaml } from "./yaml.ts";

/** The documents of `source`, one after the other: a document's tree is gone before the next one is read, and a long List
 *  comes as its head, without items, and then item by item where that is safe. A document with an error is left
 *  out. Reports `not-text`, `yaml-syntax`, `json-syntax`, `duplicate-key`, `too-many-aliases`, `too-deep`, `too-large`,
 *  and `empty-input` when there is no document at all, of `wanted`. `memory`: of an earlier reading; documents that have not changed
 *  are the same ones. */
export function* readDocuments(
  source: Source,
  report: Report,
  wanted = "Kubernetes objects",
  memory?: SourceMemory,
): Generator<Document> {
  let empty = true;
  const noticing: Report = (diagnostic) => {
    empty = false;
    report(diagnostic);
  };
  for (const document of readAny(source, noticing, memory)) {
    empty = false;
    yield document;
  }
  if (empty) {
    const message = `expected ${wanted}, found no document`;
    report({ severity: "warning", code: "empty-input", message, origin: placeIn(source, 0, 0) });
  }
}

function* readAny(source: Source, report: Report, memory: SourceMemory | undefined): Generator<Document> {
  if (looksLikeJson(source.text)) {
    const json = readJson(source, report, memory?.json);
    if (json !== "not JSON") {
      memory?.yaml.forget();
      yield* json;
      return;
    }
  } else memory?.json.forget();
  const strange = source.text.search(NOT_TEXT);
  if (strange < 0) yield* readYaml(source, report, memory?.yaml);
  else reportNotText(source, strange, report);
}

/** Reports the character at `offset`. */
function reportNotText(source: Source, offset: number, report: Report): void {
  const code = source.text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, "0");
  const why = code === "FFFD" ? ", which stands for bytes that are not UTF-8" : "";
  const message = `expected YAML or JSON text, found character U+${code}${why}`;
  report({ severity: "error", code: "not-text", message, origin: placeIn(source, offset, offset + 1) });
}

/** Characters that YAML 1.2 does not allow in a stream, and the replacement character that broken UTF-8 leaves. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_TEXT = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd\ufffe\uffff]/;

function placeIn(source: Source, start: number, end: number): { readonly span: () => Span } {
  return { span: () => ({ source, start, end }) };
}

/** Trees of the yaml library. */
import { Composer, Parser, type Document as YamlDocument } from "yaml";

export type YamlTree = YamlDocument.Parsed;

/** Duplicate keys and merge keys are left to `toValue`: the library compares every key of a map with every other. */
const OPTIONS = {
  schema: "core",
  resolveKnownTags: false,
  merge: false,
  uniqueKeys: false,
  keepSourceTokens: false,
  logLevel: "silent",
} as const;

/** The documents of `text`, at least one. The library recurses: where they are nested too deeply it throws `RangeError`, or says so in
 *  the errors of a tree. */
export function* compose(text: string): Generator<YamlTree> {
  yield* new Composer(OPTIONS).compose(new Parser().parse(text), true, text.length);
}

/** Undefined: nested too deeply to be read. */
export function composeAll(text: string): YamlTree[] | undefined {
  try {
    return [...compose(text)];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

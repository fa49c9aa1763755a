/** What the files of a workspace are: manifests, settings, rules of a host. */

import { formOf } from "../../../compiler/documents/other-input.ts";
import { dialectOf, isIr } from "../../../compiler/formats/read-rules.ts";
import type { InputFile } from "../protocol.ts";

export interface SortedFiles {
  readonly manifests: readonly InputFile[];
  /** The first file of settings. */
  readonly settings: InputFile | undefined;
  readonly rules: readonly InputFile[];
}

/** Sorts by what texts look like. Empty files are manifests without objects. */
export function sortFiles(files: readonly InputFile[]): SortedFiles {
  const rules = files.filter(isRules);
  const settings = files.find((file) => !rules.includes(file) && isSettings(file));
  return { manifests: files.filter((file) => file !== settings && !rules.includes(file)), settings, rules };
}

function isRules({ text }: InputFile): boolean {
  if (isIr(text)) return true;
  return dialectOf(text) !== undefined && formOf(text)?.form !== "manifests";
}

/** A file of settings is one document, whose kind nothing else has. */
function isSettings({ text }: InputFile): boolean {
  return (
    /^kind: *["']?(?:Config|KubeProxyConfiguration)["']? *\r?$/m.test(text) && !/^---/m.test(text.trimStart().slice(3))
  );
}

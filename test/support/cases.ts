/** Expectation files as tests read them. */

import { type Compiled, compileSpecs } from "../../compiler/compile.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import { decodeCase } from "../../compiler/expectations/decode.ts";
import type { Case } from "../../compiler/expectations/types.ts";
import type { Mode } from "../../compiler/node/settings.ts";
import { loadObjects } from "../../compiler/specs/load.ts";

/** The case in a text; throws at the first finding. */
export function readCase(name: string, text: string): Case {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(`${name}: ${message}`);
  };
  const [document] = readDocuments({ name, text }, fail);
  if (document === undefined) throw new Error(`${name} is empty`);
  const root = Field.root(document);
  const decoded = decodeCase({ report: fail, root, subject: name }, root);
  if (decoded === undefined) throw new Error(`${name} is no case`);
  return decoded;
}

/** The world of a case in one mode; throws its errors. */
export function compileCase(testCase: Case, mode: Mode): Compiled {
  const { compiled, diagnostics } = compileSpecs((report) => loadObjects(testCase.objects, report), {
    ...testCase.config,
    mode,
  });
  if (compiled !== undefined) return compiled;
  throw new Error(diagnostics.map(({ message }) => message).join("\n"));
}

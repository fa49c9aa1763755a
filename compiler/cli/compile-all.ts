import { basename, join } from "node:path";
import type { AllNodesResult, Compiled } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { diagnosticToJson } from "../documents/render.ts";
import { jsonText } from "../json-output.ts";
import { FileSet, isFileName } from "./file-set.ts";
import { inputDigest } from "./input-digest.ts";
import { EXTENSIONS, isBinary, type PrintFlags, printOutput } from "./print-output.ts";
import { compileAllInputs, exitCodeOf, note, print, showDiagnostics } from "./session.ts";

/** A file of rules, and whose they are. */
interface NodeFile {
  readonly node: string;
  readonly file: string;
}

/** What was written to the folder, and what is there besides. */
interface Written {
  readonly files: readonly NodeFile[];
  /** Files of the same format that are of none of the nodes: of a node that is gone, say. They are left alone. */
  readonly others: readonly string[];
}

/** `kpc compile --all-nodes -d FOLDER`: a file of rules for each Node of the input, or none when something is wrong. Files from
 *  before are replaced when all new ones are written. */
export async function compileAllCommand(names: readonly string[], flags: PrintFlags, folder: string): Promise<number> {
  const digest = inputDigest(isBinary(flags.output));
  const result = compileAllInputs(names, flags, ({ text }) => {
    digest?.add(text);
  });
  const found: Diagnostic[] = [...result.diagnostics];
  const report: Report = (diagnostic) => void found.push(diagnostic);
  const { files, others } = await writeFiles(result, flags, folder, digest?.text() ?? "", report);
  if (flags.output === "json") {
    await print(jsonText("Compilation", { diagnostics: found.map(diagnosticToJson), files, others }));
  } else {
    showDiagnostics(found, flags);
    if (files.length > 0) note([summaryOf(files, folder)], flags);
    if (others.length > 0) note([`left alone, of no Node of the input: ${some(others)}`], flags);
  }
  return exitCodeOf(found);
}

/** The files written: none when something is wrong, which is reported. */
async function writeFiles(
  { nodes = [] }: Pick<AllNodesResult, "nodes">,
  flags: PrintFlags,
  folder: string,
  source: string,
  report: Report,
): Promise<Written> {
  const written: NodeFile[] = [];
  const files = new FileSet(folder);
  try {
    for (const compiled of nodes) {
      const name = fileNameOf(compiled, flags, report);
      const printed = name === undefined ? undefined : await printOutput(compiled, flags, source, of(compiled, report));
      if (name === undefined || printed === undefined) return { files: [], others: [] };
      files.add(name, printed);
      written.push({ node: compiled.node.name ?? "", file: join(folder, name) });
    }
    files.commit();
    const own = new Set(written.map(({ file }) => basename(file)));
    const others = files.othersEndingIn(`.${EXTENSIONS[flags.output]}`, own);
    return { files: written, others: others.map((name) => join(folder, name)) };
  } finally {
    files.discard();
  }
}

/** Notes of which node a finding is. */
function of({ node }: Compiled, report: Report): Report {
  return ({ notes = [], ...finding }) =>
    report({ ...finding, notes: [...notes, { message: `in the rules of node ${node.name}` }] });
}

/** The name of the node, with the extension of the format. Reports `invalid-value` where no file can have that name. */
function fileNameOf({ node, specs }: Compiled, { output }: PrintFlags, report: Report): string | undefined {
  const name = `${node.name}.${EXTENSIONS[output]}`;
  if (isFileName(name)) return name;
  const object = specs.nodes.find(({ meta }) => meta.name === node.name);
  const message = `no file can be named ${JSON.stringify(name)}, after Node ${JSON.stringify(node.name)}: expected at most 255 bytes`;
  const origin = object?.meta.field.member("metadata").member("name");
  report({ severity: "error", code: "invalid-value", message, ...(origin === undefined ? {} : { origin }) });
  return undefined;
}

/** `wrote the rules of 50 nodes to rules/: node-1.nft, node-10.nft, … node-9.nft`. */
function summaryOf(files: readonly NodeFile[], folder: string): string {
  const names = files.map(({ file }) => basename(file));
  return `wrote the rules of ${files.length} node${files.length === 1 ? "" : "s"} to ${folder}: ${some(names)}`;
}

/** The first ones and the last one. */
function some(names: readonly string[]): string {
  return (names.length > SHOWN ? [...names.slice(0, SHOWN - 1), `… ${names.at(-1)}`] : names).join(", ");
}

const SHOWN = 4;

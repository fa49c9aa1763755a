/** Rules as text for kernels, as JSON, and as tables of the classifier. */

import { checkText, checkWord } from "../arguments.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { printIr } from "../formats/ir/print.ts";
import { encodeRoutes } from "../formats/router/encode.ts";
import { embedInEngine, printIptables, printNft, printTable } from "../print.ts";
import { copiesIn } from "./follow/copies.ts";
import { contentOf, type Rules } from "./rules.ts";

/** The formats of `print`: text for `nft -f`, for iptables-restore and ip6tables-restore, and kpc's IR as JSON. */
export type TextFormat = "nft" | "iptables" | "ip6tables" | "ir";

/** The formats of `printBytes`: the classifier's table, an engine that has it, as one WebAssembly module, and the router's table. */
export type BinaryFormat = "tables" | "wasm" | "router";

/** `text` is undefined where the format cannot hold the rules; then `diagnostics` say why. */
export interface TextOutput {
  readonly diagnostics: readonly DiagnosticData[];
  readonly text: string | undefined;
}

/** `bytes` is undefined where the format cannot hold the rules; then `diagnostics` say why. */
export interface BytesOutput {
  readonly diagnostics: readonly DiagnosticData[];
  readonly bytes: Uint8Array | undefined;
}

const TEXT_FORMATS: readonly TextFormat[] = ["nft", "iptables", "ip6tables", "ir"];
const BINARY_FORMATS: readonly BinaryFormat[] = ["tables", "wasm", "router"];

/** Prints rules in `format`. The same rules give the same text. Throws `TypeError` for wrong arguments. */
export function print(rules: Rules, format: TextFormat): TextOutput {
  const { program } = contentOf(rules);
  checkWord(format, TEXT_FORMATS, "format");
  if (format === "ir") return { diagnostics: [], text: printIr(program) };
  const { text, unsupported } =
    format === "nft" ? printNft(program) : printIptables(program, format === "iptables" ? "ip" : "ip6");
  return { diagnostics: dataOf(unsupported), text: unsupported.length > 0 ? undefined : text };
}

/** Prints rules as bytes for the classifier (`kpc/classifier`), or the routes of Ingresses and Gateways for the router (`kpc/router`). `source` is kept in them: what they were made from. Throws
 *  `TypeError` for wrong arguments. */
export async function printBytes(rules: Rules, format: BinaryFormat, source = ""): Promise<BytesOutput> {
  const { program, known, view } = contentOf(rules);
  checkWord(format, BINARY_FORMATS, "format");
  checkText(source, "source");
  if (format === "router") return { diagnostics: [], bytes: encodeRoutes(program.routes, { ...program, source }) };
  const copyOf = view && copiesIn({ ...known, program, view });
  const { table, unsupported } = printTable(program, known.node.addresses, source, copyOf);
  const diagnostics = dataOf(unsupported);
  if (table === undefined) return { diagnostics, bytes: undefined };
  return { diagnostics, bytes: format === "tables" ? table : await embedInEngine(table, source) };
}

function dataOf(diagnostics: readonly Diagnostic[]): DiagnosticData[] {
  return diagnostics.map(diagnosticToJson);
}

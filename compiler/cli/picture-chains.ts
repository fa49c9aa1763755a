/** `kpc picture` of rules: which chain leads to which. */
import type { Diagnostic } from "../diagnostics.ts";
import { nearest } from "../documents/nearest.ts";
import { readRules } from "../formats/read-rules.ts";
import type { Program, Table } from "../ir/types.ts";
import { drawChains } from "../pictures/chains/draw.ts";
import { chainsToMermaid } from "../pictures/chains/mermaid.ts";
import { type ChainFocus, chainTables, leadsTo } from "../pictures/chains/tables.ts";
import { readSource } from "./inputs.ts";
import { type PictureFlags, printScene } from "./picture-output.ts";
import { compileInputs, EXIT, exitCodeOf, print, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** More records than this are no picture that somebody could read. */
const MOST_RECORDS = 60;

/** Of the rules that files hold. */
export async function pictureOfRules(names: readonly string[], flags: PictureFlags): Promise<number> {
  const findings: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
  const program = await readRules(names.map(readSource), report);
  showFirst(findings, flags);
  if (program.ruleset.tables.length === 0) return EXIT.trouble;
  return drawProgram(
    program,
    names.map((name) => (name === "-" ? "standard input" : name.replace(/^.*\//, ""))).join(", "),
    flags,
  );
}

/** Of the rules that manifests give one node. */
export async function pictureOfCompiled(names: readonly string[], flags: PictureFlags): Promise<number> {
  const { diagnostics, compiled } = compileInputs(names, flags);
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  return drawProgram(compiled.program, compiled.node.name ?? "the node", flags);
}

async function drawProgram({ ruleset }: Program, subject: string, flags: PictureFlags): Promise<number> {
  const wanted = tablesNamed(ruleset.tables, flags.table);
  const tables = chainTables(wanted, focusOf(wanted, flags));
  const count = tables.reduce((sum, { records }) => sum + records.length, 0);
  if (count === 0)
    throw new Trouble(`the rules of ${subject} have no chain that packets reach: there is nothing to draw`);
  if (flags.output === "svg" && count > MOST_RECORDS) {
    const each = tables.map(({ title, records }) => `${title} (${records.length})`).join(", ");
    throw new Trouble(
      `${count} chains of different shape are too many for one picture: expected at most ${MOST_RECORDS}; choose with --chain NAME, --service NAMESPACE/NAME or --table 'FAMILY NAME': ${each}`,
    );
  }
  if (flags.output === "mermaid") await print(chainsToMermaid(tables));
  else await printScene(drawChains(tables, subject), flags);
  return EXIT.fine;
}

/** The tables that `name` stands for: `ip nat`, or `nat` in every family. */
function tablesNamed(tables: readonly Table[], name: string | undefined): readonly Table[] {
  if (name === undefined) return tables;
  const known = tables.map((table) => ({ table, full: `${table.family} ${table.name}`, short: table.name }));
  const found = known.filter(({ full, short }) => full === name || short === name);
  if (found.length > 0) return found.map(({ table }) => table);
  throw new Trouble(
    `--table: the rules have no table "${name}"; they have ${known.map(({ full }) => full).join(", ")}`,
  );
}

/** The chains that `--chain` or `--service` chooses. */
function focusOf(tables: readonly Table[], { chain, service }: PictureFlags): ChainFocus | undefined {
  if (chain !== undefined && service !== undefined)
    throw new Trouble("--chain and --service each choose chains: expected one of both");
  const names = tables.flatMap(({ chains }) => chains.map(({ name }) => name));
  if (chain !== undefined) {
    if (!names.includes(chain)) {
      const near = nearest(chain, names);
      throw new Trouble(
        `--chain: the rules have no chain "${chain}"${near === undefined ? "" : `, did you mean "${near}"?`}`,
      );
    }
    return { words: `at most two jumps from ${chain}`, isWanted: (_, { name }) => name === chain };
  }
  if (service === undefined) return undefined;
  if (!/^[^/]+\/[^/]+$/.test(service)) throw new Trouble(`--service: expected NAMESPACE/NAME, found "${service}"`);
  const isWanted = leadsTo(tables, service);
  if (tables.every((table) => table.chains.every((each) => !isWanted(table, each))))
    throw new Trouble(`--service: no chain, rule or element names ${service}`);
  return { words: `at most two jumps from one that names ${service}`, isWanted };
}

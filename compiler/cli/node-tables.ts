/** kpc's tables of one node: those that manifests give, or those in the kernel. */
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter, NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import type { Table } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { type EndpointNames, endpointNamesIn } from "../verify/services/endpoint-names.ts";
import { type CommonFlags, compileInputs, exitCodeOf, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface NodeTablesFlags extends CommonFlags {
  readonly live?: boolean;
}

export interface NodeTablesRead {
  readonly tables: readonly Table[];
  /** The node's, where they are known. */
  readonly addresses: readonly Address[];
  readonly pods: EndpointNames;
}

/** The tables, or the exit code where something is wrong with the inputs, which was shown. Throws `Trouble` where the kernel cannot be asked, or
 *  has no table of kpc. */
export async function tablesOfNode(names: readonly string[], flags: NodeTablesFlags): Promise<NodeTablesRead | number> {
  const inputs = [...names, ...(flags.filename ?? [])];
  if (flags.live) {
    if (inputs.length > 0)
      throw new Trouble(`--live asks this machine's kernel: expected no inputs, found ${inputs[0]}`);
    return { tables: await liveTables(), addresses: [], pods: new Map() };
  }
  if (inputs.length === 0)
    throw new Trouble(
      "no input: name files or folders, - for standard input, or --live for the tables in this machine's kernel",
    );
  const { diagnostics, compiled } = compileInputs(names, flags);
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const { program, node, specs } = compiled;
  return { tables: program.ruleset.tables, addresses: node.addresses, pods: endpointNamesIn(specs) };
}

async function liveTables(): Promise<readonly Table[]> {
  const netfilter = new Netfilter();
  try {
    const tables = await readLiveTables(netfilter);
    if (tables.length === 0) throw new Trouble("this machine's kernel has no table of kpc (kpc apply makes them)");
    return tables;
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(`--live: ${error.message}`) : error;
  } finally {
    netfilter.close();
  }
}

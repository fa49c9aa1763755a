/** kpc's tables of one node: those that manifests give, or those in the kernel. */
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter, NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import { CHAIN_PREFIX } from "../formats/iptables/names.ts";
import type { Table } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { endpointNamesIn, type KnownEndpoints } from "../verify/services/endpoint-names.ts";
import { localityIn } from "./local-endpoints.ts";
import { type CommonFlags, compileInputs, exitCodeOf, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface NodeTablesFlags extends CommonFlags {
  readonly live?: boolean;
}

export interface NodeTablesRead extends KnownEndpoints {
  readonly tables: readonly Table[];
  /** The node's, where they are known. */
  readonly addresses: readonly Address[];
}

/** The tables, or the exit code where something is wrong with the inputs, which was shown. Throws `Trouble` where the kernel cannot be asked, or
 *  has no table of kpc. */
export async function tablesOfNode(names: readonly string[], flags: NodeTablesFlags): Promise<NodeTablesRead | number> {
  const inputs = [...names, ...(flags.filename ?? [])];
  if (flags.live) {
    if (inputs.length > 0)
      throw new Trouble(`--live asks this machine's kernel: expected no inputs, found ${inputs[0]}`);
    return { tables: await liveTables(), addresses: [], pods: new Map(), isLocal: () => undefined };
  }
  if (inputs.length === 0)
    throw new Trouble(
      "no input: name files or folders, - for standard input, or --live for the tables in this machine's kernel",
    );
  const { diagnostics, compiled } = compileInputs(names, flags);
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const { program, node, specs, view } = compiled;
  return {
    tables: program.ruleset.tables,
    addresses: node.addresses,
    pods: endpointNamesIn(specs),
    isLocal: localityIn(view, node),
  };
}

async function liveTables(): Promise<readonly Table[]> {
  const netfilter = new Netfilter();
  try {
    const tables = await readLiveTables(netfilter);
    if (tables.length === 0) throw new Trouble(await withoutTables());
    return tables;
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(`--live: ${error.message}`) : error;
  } finally {
    netfilter.close();
  }
}

/** What to say of a kernel without tables of kpc. */
async function withoutTables(): Promise<string> {
  const nothing = "this machine's kernel has no table of kpc";
  // Code of iptables is loaded where it is needed alone.
  const { savesOf } = await import("../../runtime/agent/iptables-host.ts");
  const saves = await savesOf((text) => text.includes(`\n:${CHAIN_PREFIX}`));
  if (saves.length === 0) return `${nothing} (kpc apply makes them)`;
  const files = saves.map(({ family }) => (family === "ip" ? "rules.v4" : "rules.v6"));
  const commands = saves.map(({ tool }, i) => `${tool} > ${files[i]}`).join("; ");
  const rules = files.join(",");
  return `${nothing}, but chains ${CHAIN_PREFIX}… of iptables, as kpc agent keeps them in iptables mode; --live reads nft tables alone: ${commands}; then kpc trace PACKET --rules ${rules} follows a packet, and kpc verify MANIFESTS --against ${rules} compares them with manifests`;
}

/** Dumps of real hosts, each loaded into a node of its own. */
import { compare } from "../../compiler/compare/compare.ts";
import { environmentOf } from "../../compiler/evaluate/packet.ts";
import { EngineTrouble } from "../../compiler/expectations/engines/types.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { FAMILIES, familyOf, printAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { loadRules } from "../../runtime/kernel/rules.ts";
import { openNode } from "../../runtime/kernel/world.ts";
import { type Dump, type DumpNode, nodeFor } from "./dumps.ts";
import { type Site, trackConnections } from "./kernel-words.ts";

/** A dump that has been looked at, in a node of its own. */
export interface DumpHost {
  readonly dump: Dump;
  readonly before: Program;
  /** What its reader has to complain of. */
  readonly errors: number;
  readonly node: DumpNode;
  readonly prober: Prober;
  readonly site: Site;
}

/** Opens a node for `dump`, or says why it is of no use here. */
export async function openDumpHost(dump: Dump, budget: number): Promise<DumpHost | string> {
  const { program, findings } = dump.read(dump.text);
  const node = nodeFor(program, dump.text);
  const { addresses } = node;
  // Some take minutes: a few steps tell.
  for (const [steps, milliseconds] of [...STAGES, [budget, Number.POSITIVE_INFINITY] as const]) {
    const start = performance.now();
    const { open, differing } = compare(program, program, { addresses, families: dump.families, budget: steps });
    if (differing > 0) return "differs from itself";
    if (performance.now() - start > milliseconds) return `more than ${milliseconds} ms for ${steps} steps`;
    if (open.length === 0) break;
    if (steps === budget) return open[0]?.reason ?? "not compared";
  }
  const prober = await openNode({ interfaces: node.devices, addresses });
  await trackConnections(prober);
  await prober.run("sh", everyDeviceHas(node));
  const refusal = await refusalOf(() => loadRules(prober, dump.rules(dump.text)));
  if (refusal !== undefined) {
    await prober.close();
    return `the kernel refuses it: ${refusal}`;
  }
  const site: Site = { environment: environmentOf(addresses), outer: node.devices[0] ?? "" };
  return { dump, before: program, errors: errorsIn(findings), node, prober, site };
}

/** Gives every device an address of the node: `redirect` takes that of the interface that a packet came in by, and drops
 *  the packet where there is none. Without `nodad` an address of IPv6 is none for some time, on a busy machine for seconds. */
function everyDeviceHas({ devices, addresses }: DumpNode): string {
  const firsts = FAMILIES.flatMap((family) => {
    const first = addresses.find((address) => familyOf(address) === family);
    return first === undefined ? [] : [`${printAddress(first)}${family === "IPv6" ? " nodad" : ""}`];
  });
  return devices
    .slice(1)
    .flatMap((device) => firsts.map((address) => `ip addr add ${address} dev ${device}`))
    .join("\n");
}

/** How many findings are errors. */
export function errorsIn(findings: readonly string[]): number {
  return findings.filter((finding) => finding.includes(" error ")).length;
}

const STAGES = [
  [2_000, 500],
  [20_000, 2_500],
] as const;

/** What the kernel's tools say when they refuse. */
export async function refusalOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineTrouble)) throw error;
    return error.message.split("\n").slice(0, 2).join(" ").slice(0, 160);
  }
}

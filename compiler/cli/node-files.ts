/** The files of nodes that a Cluster document names, beside it. */
import { dirname, join } from "node:path";
import type { CollectedNode } from "../described.ts";
import type { Report } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";
import { readRules } from "../formats/read-rules.ts";
import { readHostFiles } from "../hostfiles/host.ts";
import type { NetworkSpec, NodeNetworkSpec } from "../specs/network-types.ts";
import { filesIn, readSource } from "./inputs.ts";

/** Nodes with files, by name. */
export async function readNodeFiles(
  network: NetworkSpec | undefined,
  report: Report,
): Promise<ReadonlyMap<string, CollectedNode>> {
  const found = new Map<string, CollectedNode>();
  for (const node of network?.nodes ?? []) {
    if (node.files === undefined && node.rules === undefined) continue;
    found.set(node.name.value, await readNode(node, report));
  }
  return found;
}

/** A dump that `rules` names counts before one among the files. */
async function readNode({ name, files, rules }: NodeNetworkSpec, report: Report): Promise<CollectedNode> {
  const read = files && readHostFiles(name.value, filesIn(besides(files)), report);
  const dumps = rules === undefined ? (read?.rules ?? []) : [readSource(besides(rules))];
  return {
    host: read?.host && { host: read.host, behind: read.behind },
    program: dumps.length === 0 ? undefined : await readRules(dumps, report),
    dumps,
  };
}

function besides({ value, field }: { readonly value: string; readonly field: Field }): string {
  return join(dirname(field.span().source.name), value);
}

/** Follows the first packet of each client to each address of each Service, and the answer. */
import type { NetworkLayout } from "../layout/types.ts";
import type { Cluster } from "../model/types.ts";
import { familyOf } from "../net/address.ts";
import type { Specs } from "../specs/types.ts";
import type { PacketWalker } from "../walk/walk.ts";
import { AddressOwners, outcomesKey, outcomesOf } from "./outcomes.ts";
import { hasAddressIn, sourcesOf } from "./sources.ts";
import { targetsOf } from "./targets.ts";
import type { Matrix, MatrixCell, MatrixOutcome, MatrixRow, MatrixSource, MatrixTarget } from "./types.ts";

export interface MatrixInput {
  readonly input: { readonly cluster: Cluster; readonly specs: Specs };
  readonly layout: NetworkLayout;
  readonly walker: PacketWalker;
}

/** Source port of all connections. */
const SOURCE_PORT = 40000;

/** Nodes and pods to cluster IPs; hosts outside to node ports, load balancer addresses, external IPs and forwarded ports. */
export function matrixOf({ input, layout, walker }: MatrixInput): Matrix {
  const { network } = layout;
  const owners = new AddressOwners(network);
  const sources = sourcesOf(input.cluster, layout);
  const targets = targetsOf(input.specs, input.cluster, network);
  let walks = 0;
  const ask = (host: string, { protocol, address, port }: MatrixTarget): MatrixOutcome[] => {
    walks++;
    const flow = { protocol, from: host, source: undefined, sourcePort: SOURCE_PORT };
    return outcomesOf(walker.walk({ ...flow, destination: address, destinationPort: port }), owners);
  };
  const rowsOf = (from: readonly MatrixSource[], to: readonly MatrixTarget[]): MatrixRow[] =>
    to.map((target) => {
      const family = familyOf(target.address);
      const known = new Map<string, MatrixOutcome[]>();
      const cells = new Map<string, { sources: MatrixSource[]; outcomes: MatrixOutcome[] }>();
      for (const source of from) {
        const host = network.hosts.get(source.host);
        if (host === undefined || !hasAddressIn(host, family)) continue;
        const outcomes = known.get(host.name) ?? ask(host.name, target);
        known.set(host.name, outcomes);
        const key = outcomesKey(outcomes);
        const cell = cells.get(key);
        if (cell === undefined) cells.set(key, { sources: [source], outcomes });
        else cell.sources.push(source);
      }
      return { target, cells: [...cells.values()] satisfies MatrixCell[] };
    });
  const rows = [...rowsOf(sources.inside, targets.inside), ...rowsOf(sources.outside, targets.outside)];
  return { sources: [...sources.inside, ...sources.outside], rows: sorted(rows), leftOut: sources.leftOut, walks };
}

/** By Service; those without one last. */
function sorted(rows: readonly MatrixRow[]): MatrixRow[] {
  const byService = new Map<string, MatrixRow[]>();
  for (const row of rows) {
    const key = row.target.service ?? "";
    const known = byService.get(key);
    if (known === undefined) byService.set(key, [row]);
    else known.push(row);
  }
  const without = byService.get("") ?? [];
  byService.delete("");
  return [...[...byService.values()].flat(), ...without];
}

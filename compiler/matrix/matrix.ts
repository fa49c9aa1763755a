/** Follows the first packet of each client to each address of each Service, and the answer. */

import type { Program } from "../ir/types.ts";
import type { NetworkLayout } from "../layout/types.ts";
import type { Cluster } from "../model/types.ts";
import { familyOf } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { Specs } from "../specs/types.ts";
import type { PacketWalker } from "../walk/walk.ts";
import { AlikeHosts } from "./alike-hosts.ts";
import { AddressOwners, outcomesKey } from "./outcomes.ts";
import { SharedWalks } from "./shared-walks.ts";
import { hasAddressIn, sourcesOf } from "./sources.ts";
import { targetsOf } from "./targets.ts";
import type { Matrix, MatrixEntry, MatrixOutcome, MatrixRow, MatrixSource, MatrixTarget } from "./types.ts";

export interface MatrixInput {
  readonly input: { readonly cluster: Cluster; readonly specs: Specs };
  readonly layout: NetworkLayout;
  readonly walker: PacketWalker;
  /** The rules of a host; undefined: it has none. */
  readonly programOf: (host: Host) => Program | undefined;
}

export interface MatrixOptions {
  /** Only these ways in; if node ports are named, pods and nodes ask for them as well, which else only hosts outside do. */
  readonly entries?: ReadonlySet<MatrixEntry> | undefined;
  /** Only these Services, as `namespace/name`. */
  readonly services?: ReadonlySet<string> | undefined;
  /** Follow a packet of each pod, also of those that nothing tells apart. The matrix is the same. */
  readonly isEachWalked?: boolean;
}

/** Source port of all connections. */
const SOURCE_PORT = 40000;

/** Pods and nodes to cluster IPs, load balancer addresses and external IPs; hosts outside to the latter, node ports and forwarded ports. */
export function matrixOf({ input, layout, walker, programOf }: MatrixInput, options: MatrixOptions = {}): Matrix {
  const { entries, services, isEachWalked = false } = options;
  const { network } = layout;
  const owners = new AddressOwners(network);
  const sources = sourcesOf(input.cluster, layout);
  const targets = targetsOf(input.specs, input.cluster, network).filter(
    ({ entry, service }) =>
      (entries === undefined || entries.has(entry)) &&
      (services === undefined || (service !== undefined && services.has(serviceOf(service)))),
  );
  let walks = 0;
  const shared = new SharedWalks(
    isEachWalked ? undefined : new AlikeHosts(network, programOf),
    owners,
    (flow, alike) => {
      walks++;
      return walker.walk(flow, false, { alike });
    },
  );
  const rowOf = (from: readonly MatrixSource[], target: MatrixTarget): MatrixRow => {
    const { protocol, address, port } = target;
    const keys = new Map<readonly MatrixOutcome[], string>();
    const cells = new Map<string, { sources: MatrixSource[]; outcomes: readonly MatrixOutcome[] }>();
    for (const source of from) {
      const host = network.hosts.get(source.host);
      if (host === undefined || !hasAddressIn(host, familyOf(address))) continue;
      const outcomes = shared.outcomesFor({
        ...{ protocol, from: host.name, source: undefined, sourcePort: SOURCE_PORT },
        ...{ destination: address, destinationPort: port },
      });
      const key = keys.get(outcomes) ?? outcomesKey(outcomes);
      keys.set(outcomes, key);
      const cell = cells.get(key);
      if (cell === undefined) cells.set(key, { sources: [source], outcomes });
      else cell.sources.push(source);
    }
    return { target, cells: [...cells.values()] };
  };
  const all = [...sources.inside, ...sources.outside];
  const rows = targets.map((target) => {
    const { isInside, isOutside } = CLIENTS[target.entry];
    const asksInside = isInside || (target.entry === "node-port" && entries?.has("node-port") === true);
    return rowOf(asksInside ? (isOutside ? all : sources.inside) : sources.outside, target);
  });
  return { sources: all, rows: sorted(rows), leftOut: sources.leftOut, walks };
}

/** Who asks by each way in. Each pod at each node's port of each Service would be most of the table. */
const CLIENTS: Readonly<Record<MatrixEntry, { readonly isInside: boolean; readonly isOutside: boolean }>> = {
  "cluster-ip": { isInside: true, isOutside: false },
  "node-port": { isInside: false, isOutside: true },
  "load-balancer": { isInside: true, isOutside: true },
  "external-ip": { isInside: true, isOutside: true },
  "gateway-forward": { isInside: false, isOutside: true },
};

/** Of `namespace/name:portname` the Service. */
function serviceOf(name: string): string {
  return name.split(":")[0] ?? name;
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

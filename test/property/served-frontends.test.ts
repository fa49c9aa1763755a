/** What kpc list tells of tables is what the node's view of the cluster asks for; so it is of tables that were printed and read back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { resolveInput } from "../../compiler/compile.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Frontend, frontendsOf } from "../../compiler/lower/frontends.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { servicePortName } from "../../compiler/model/types.ts";
import { FAMILIES, type Family, printAddress, printAddressPort } from "../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS } from "../../compiler/net/protocol.ts";
import { resolveConfig } from "../../compiler/node/resolve.ts";
import type { Settings } from "../../compiler/node/settings.ts";
import { type NodeView, viewOf } from "../../compiler/node/view.ts";
import { printNft } from "../../compiler/print.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { type ServedFrontend, servedFrontends } from "../../compiler/verify/services/served-frontends.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { toConfig, toText } from "../support/compile.ts";
import { mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";

function viewed({ objects, proxy, mode }: ClusterInput): { view: NodeView; settings: Settings } | undefined {
  const sources = [{ name: "cluster.json", text: toText(objects) }];
  const { resolved } = resolveInput(
    (report) => loadSpecs(sources, report),
    { ...toConfig(proxy), mode },
    {},
    (config, specs, report) => [resolveConfig(config, specs, report)],
  );
  if (resolved === undefined) return undefined;
  const [{ node, settings } = expect.fail("no node")] = resolved.nodes;
  return { view: viewOf(resolved.cluster, node), settings };
}

interface Told {
  readonly endpoints: readonly string[];
  readonly local: readonly string[] | undefined;
  readonly refused: string | undefined;
  readonly affinity: number | undefined;
  readonly source: string | undefined;
}

/** Of the frontends that packets meet. */
function wanted(view: NodeView, settings: Settings): Map<string, Told> {
  const found = new Map<string, Told>();
  for (const family of FAMILIES)
    for (const service of view[family])
      for (const frontend of frontendsOf(service, settings.families[family].primaryAddress)) {
        if (frontend.dispatch.kind === "none" && frontend.unserved === undefined) continue;
        found.set(keyOf(family, frontend), toldOf(frontend, settings, family));
      }
  return found;
}

function keyOf(family: Family, frontend: Frontend): string {
  const { service } = frontend;
  const address = frontend.kind === "node-port" ? "node" : printAddress(frontend.address);
  return `${servicePortName(service)} ${family} ${address} ${PROTOCOL_NUMBERS[service.protocol]} ${frontend.port}`;
}

const ends = (all: readonly { readonly address: number | bigint; readonly port: number }[]): string[] =>
  all.map(({ address, port }) => printAddressPort(address as never, port));

function toldOf({ service, dispatch, unserved, masquerade }: Frontend, settings: Settings, family: Family): Told {
  const isLocal = dispatch.kind === "endpoints" && dispatch.list === "local";
  const { detector } = settings.families[family];
  const asClusterIp = settings.masqueradeAll
    ? "node"
    : detector === undefined
      ? "client"
      : "client for pods of this node";
  const sources = { always: "node", "from-node": "client, but for this node itself", "as-cluster-ip": asClusterIp };
  const isTranslated = dispatch.kind !== "none";
  return {
    endpoints: isTranslated ? ends(isLocal ? service.localEndpoints : service.clusterEndpoints) : [],
    local: dispatch.kind === "by-source" ? ends(service.localEndpoints) : undefined,
    refused: unserved,
    affinity: isTranslated ? service.affinitySeconds : undefined,
    source: isTranslated ? sources[masquerade] : undefined,
  };
}

function told(all: readonly ServedFrontend[]): Map<string, Told> {
  return new Map(
    all
      .filter(({ frontend }) => frontend.role !== "health check port")
      .map(({ frontend, endpoints, localEndpoints, refused, affinitySeconds, source }) => {
        const { service, family, address, protocol, port } = frontend;
        const key = `${service} ${family} ${address === undefined ? "node" : printAddress(address)} ${protocol} ${port}`;
        const local = localEndpoints === undefined ? undefined : ends(localEndpoints);
        return [key, { endpoints: ends(endpoints), local, refused, affinity: affinitySeconds, source }];
      }),
  );
}

test("of any cluster", () => {
  const seen = { local: 0, sticky: 0, refused: 0, nodePorts: 0 };
  fc.assert(
    fc.property(cluster, (world) => {
      const { view, settings } = viewed(world) ?? {};
      fc.pre(view !== undefined && settings !== undefined);
      const program: Program = { ruleset: lower(view, settings), routes: [] };
      const expected = wanted(view, settings);
      expect(told(servedFrontends(program))).toEqual(expected);
      const { ruleset } = mustReadNft(`table ip other {\n}\n${printNft(program).text}`);
      const tables = ruleset.tables.filter(({ name }) => name === "kpc");
      expect(told(servedFrontends({ ruleset: { tables }, routes: [] }))).toEqual(expected);
      for (const [key, each] of expected) {
        if (each.local !== undefined) seen.local++;
        if (each.affinity !== undefined) seen.sticky++;
        if (each.refused !== undefined) seen.refused++;
        if (key.includes(" node ")) seen.nodePorts++;
      }
    }),
    { numRuns: runs(800) },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(5);
});

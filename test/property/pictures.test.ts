/** Laws of pictures, on random inputs. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileNode, resolveInput } from "../../compiler/compile.ts";
import { partsOfKey } from "../../compiler/ir/sets.ts";
import type { Program, Table } from "../../compiler/ir/types.ts";
import { FAMILIES } from "../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS } from "../../compiler/net/protocol.ts";
import { resolveConfig } from "../../compiler/node/resolve.ts";
import { drawChains } from "../../compiler/pictures/chains/draw.ts";
import { chainsToMermaid } from "../../compiler/pictures/chains/mermaid.ts";
import { reachedChains } from "../../compiler/pictures/chains/records.ts";
import { chainTables } from "../../compiler/pictures/chains/tables.ts";
import { paint } from "../../compiler/pictures/paint.ts";
import { drawFanOuts } from "../../compiler/pictures/service/draw.ts";
import { fanOutOf } from "../../compiler/pictures/service/fan-out.ts";
import { endpointBoxes } from "../../compiler/pictures/service/fold.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { cluster } from "../support/arbitraries.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { mustCompile, toConfig, toText } from "../support/compile.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { runs } from "../support/runs.ts";
import { sceneFaults, svgFaults } from "../support/scene-checks.ts";

function drawnAs(tables: readonly Table[]): string {
  return paint(drawChains(chainTables(tables), "a host"));
}

/** The same, its tables' parts in another order; that of base chains and of rules has a meaning. */
function reordered(table: Table): Table {
  const maps = [...table.maps].reverse().map((map) => ({ ...map, elements: [...map.elements].reverse() }));
  const chains = [...table.chains].reverse();
  return { ...table, maps, sets: [...table.sets].reverse(), chains };
}

function expectLaws({ ruleset: { tables } }: Program): void {
  const drawn = chainTables(tables);
  if (drawn.length === 0) return;
  const scene = drawChains(drawn, "a host");
  expect(sceneFaults(scene)).toEqual([]);
  expect(svgFaults(paint(scene))).toEqual([]);
  expect(drawnAs(tables.map(reordered))).toBe(drawnAs(tables));
  for (const { title, records } of drawn) {
    const table = tables.find(({ family, name }) => `${family} ${name}` === title);
    if (table === undefined) expect.fail(title);
    // From forty chains on those of equal shape are one record.
    const shown = new Set(reachedChains(table).chains.map(({ name }) => name));
    expect(records.reduce((sum, { copies }) => sum + copies, 0)).toBe(shown.size);
    const rules = table.chains.filter(({ name }) => shown.has(name)).flatMap((chain) => chain.rules);
    const told = records.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.rules, 0);
    expect(told).toBe(rules.filter(({ whileReplacing }) => !whileReplacing).length);
  }
  expect(chainsToMermaid(drawn).split("\n").length).toBeGreaterThan(drawn.length);
}

describe("chains: no text overlaps another or is cut, every rule is counted, order of declarations makes no difference", () => {
  test.each([
    ["nft", foreignNft.map((text) => readNftText(text).program)],
    ["iptables", foreignIptables.map((text) => readIptablesText(text).program)],
    ["compiled rules", cluster.map((input) => mustCompile(input).program)],
  ])("of %s", (_, programs) => {
    fc.assert(fc.property(programs, expectLaws), { numRuns: runs(160) });
  });
});

test("Services: texts are apart, the chances of each list sum to 1, and lists are as long as the rules' ones", () => {
  fc.assert(
    fc.property(cluster, (input) => {
      const { resolved } = resolveInput(
        (report) => loadSpecs([{ name: "cluster.yaml", text: toText(input.objects) }], report),
        { ...toConfig(input.proxy), mode: input.mode },
        {},
        (config, specs, report) => [resolveConfig(config, specs, report)],
      );
      const [seen] = resolved?.nodes ?? [];
      if (resolved === undefined || seen === undefined) return;
      const { tables } = compileNode(resolved, seen).program.ruleset;
      const targets = new Map(
        tables
          .flatMap(({ maps }) => maps.filter(({ name }) => name === "services").flatMap(({ elements }) => elements))
          .map((element) => [partsOfKey(element).join(" "), "chain" in element.value ? element.value.chain : ""]),
      );
      for (const port of FAMILIES.flatMap((family) => resolved.cluster.servicePorts[family])) {
        const fanOut = fanOutOf(port, { ...resolved.cluster, ...seen });
        const title = { service: `${port.namespace}/${port.name}`, seenFrom: "a", mode: "nftables", left: 0 };
        const scene = drawFanOuts([fanOut], title);
        expect(sceneFaults(scene)).toEqual([]);
        expect(svgFaults(paint(scene))).toEqual([]);
        for (const { name, count } of fanOut.sets) {
          const rows = endpointBoxes(fanOut).flatMap((box) => box.rows);
          const sum = rows.reduce((all, { sets, copies }) => all + (sets.includes(name) ? copies : 0), 0);
          expect(sum).toBe(count);
        }
        const [first] = fanOut.frontends.filter(({ kind, set }) => kind === "cluster IP" && set !== undefined);
        const chain = targets.get(`${port.clusterIp} ${PROTOCOL_NUMBERS[port.protocol]} ${port.port}`) ?? "";
        const picked = /-(\d+)-(?:tcp|udp|sctp)$/.exec(chain)?.[1];
        if (first !== undefined) expect(picked).toBe(String(fanOut.sets.find(({ name }) => name === first.set)?.count));
      }
    }),
    { numRuns: runs(80) },
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { resolveInput } from "../../compiler/compile.ts";
import type { Ruleset, Table } from "../../compiler/ir/types.ts";
import { Contribution, join } from "../../compiler/lower/contribution.ts";
import { Identities } from "../../compiler/lower/identities.ts";
import { contribute, lower, tableOf } from "../../compiler/lower/lower.ts";
import { FAMILIES, type Family } from "../../compiler/net/address.ts";
import { resolveConfig } from "../../compiler/node/resolve.ts";
import type { Settings } from "../../compiler/node/settings.ts";
import { type NodeView, type ServicePortView, viewOf } from "../../compiler/node/view.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { type ClusterInput, cluster, proxySettings } from "../support/arbitraries.ts";
import { toConfig, toText } from "../support/compile.ts";
import { runs } from "../support/runs.ts";

/** What the node sees, and its settings. */
function viewed({ objects, proxy, mode }: ClusterInput): { view: NodeView; settings: Settings } | undefined {
  const sources = [{ name: "cluster.json", text: toText(objects) }];
  const { resolved } = resolveInput(
    (report) => loadSpecs(sources, report),
    { ...toConfig(proxy), mode },
    {},
    (config, specs, report) => [resolveConfig(config, specs, report)],
  );
  if (resolved === undefined) return undefined;
  const { cluster, nodes } = resolved;
  const [{ node, settings } = expect.fail("no node")] = nodes;
  return { view: viewOf(cluster, node), settings };
}

/** Everything in `value`, places included. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));
}

/** Contributions of one family as Services come, change and go: each is made once for each state of its Service port. */
class Kept {
  readonly identities = new Identities();
  private readonly made = new Map<string, Contribution>();
  reused = 0;

  of(service: ServicePortView, settings: Settings, family: Family): Contribution {
    const state = textOf(service);
    let contribution = this.made.get(state);
    if (contribution === undefined) {
      contribution = new Contribution(this.identities);
      contribute(service, settings, family, contribution);
      this.made.set(state, contribution);
    } else {
      this.reused++;
    }
    return contribution;
  }
}

const states = fc.tuple(cluster, fc.array(cluster, { minLength: 1, maxLength: 3 })).chain(([first, others]) =>
  fc.record({
    first: fc.constant(first),
    // Objects of several states in one: names meet again, with other members, addresses and endpoints.
    rest: fc.tuple(
      ...others.map(({ objects }) =>
        fc
          .tuple(fc.subarray([...first.objects]), fc.subarray([...objects]))
          .map(([old, changed]) => ({ ...first, objects: unique([...changed, ...old]) })),
      ),
    ),
  }),
);

/** The first object of each kind and name. */
function unique(objects: ClusterInput["objects"]): ClusterInput["objects"] {
  const known = new Set<string>();
  return objects.filter(({ kind, metadata }) => {
    const { namespace, name } = metadata as { namespace?: string; name: string };
    const id = JSON.stringify([kind, namespace, name]);
    if (known.has(id)) return false;
    known.add(id);
    return true;
  });
}

test("what Service ports add on their own, joined, is what all of them are compiled to together", () => {
  let reused = 0;
  fc.assert(
    fc.property(states, ({ first, rest }) => {
      const kept = { IPv4: new Kept(), IPv6: new Kept() };
      for (const state of [first, ...rest, first]) {
        const seen = viewed(state);
        if (seen === undefined) continue; // what was mixed can claim an address twice
        const { view, settings } = seen;
        const together = lower(view, settings);
        for (const table of together.tables) {
          const family = table.family === "ip" ? "IPv4" : "IPv6";
          const alone = view[family].map((service) => kept[family].of(service, settings, family));
          expect(textOf(tableOf(join(alone, kept[family].identities), settings, family))).toBe(textOf(table));
        }
      }
      reused += FAMILIES.reduce((sum, family) => sum + kept[family].reused, 0);
    }),
    { numRuns: runs(120) },
  );
  expect(reused).toBeGreaterThan(0);
});

/** Objects whose names hold a number of the input: they are made when they are needed, and not known before. */
const COUNTED = /^(?:pick-|remember-|affinity-)/;

function namesOf({ sets, maps, chains }: Pick<Table, "sets" | "maps" | "chains">): string[] {
  return [...sets, ...maps, ...chains].map(({ name }) => name).filter((name) => !COUNTED.test(name));
}

/** All names that `ruleset` has or takes away in `family`. */
function mentioned({ tables, retired = [] }: Ruleset, family: Table["family"]): Set<string> | "whole table" {
  if (retired.some((table) => table.family === family)) return "whole table";
  const table = tables.find((other) => other.family === family) ?? expect.fail("a table is there, or is taken away");
  const { sets, maps, chains } = table.retired ?? expect.fail("a table of kpc tells what it takes away");
  return new Set([...namesOf(table), ...[...sets, ...maps].map(({ name }) => name), ...chains]);
}

test("whatever was compiled before, the next rules have or take away each object whose name is fixed", () => {
  fc.assert(
    fc.property(cluster, cluster, proxySettings, (before, after, proxy) => {
      const old = viewed(before) ?? expect.fail("the cluster compiles");
      const other = viewed({ ...after, proxy }) ?? expect.fail("the cluster compiles");
      const next = lower(other.view, other.settings);
      for (const table of lower(old.view, old.settings).tables) {
        const names = mentioned(next, table.family);
        if (names !== "whole table") expect(namesOf(table).filter((name) => !names.has(name))).toEqual([]);
      }
    }),
    { numRuns: runs(400) },
  );
});

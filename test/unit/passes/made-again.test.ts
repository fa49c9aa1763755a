/** Which chains without lookups are made again when a Service changes: always the same ones, however often it did so before. */
import { expect, test } from "vitest";
import { UnfoldedTable } from "../../../compiler/passes/lookups/unfolded-table.ts";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import type { Manifest } from "../../support/arbitraries.ts";
import { IS_JUDGED, some } from "../../support/runs.ts";

type Steps = readonly (readonly [kind: "put" | "delete", object: Manifest])[];

interface Made {
  readonly made: readonly string[];
  readonly gone: readonly string[];
}

/** Chains of IPv4 while objects come and go. */
class Chains {
  made: string[] = [];
  gone: string[] = [];
  private readonly there = new Set<string>();
  private readonly table = new UnfoldedTable("ip", {
    made: (name) => {
      this.made.push(name);
      this.there.add(name);
    },
    gone: (name) => {
      this.gone.push(name);
      this.there.delete(name);
    },
  });
  private readonly tables = new NodeTables(
    { nodeName: "node-a", mode: "iptables" },
    {
      follower: {
        reset: (family) => (family === "IPv4" ? this.table.reset() : undefined),
        put: (family, service, made) => (family === "IPv4" ? this.table.put(service, made) : undefined),
        setTable: (family, empty) => (family === "IPv4" ? this.table.setTable(empty) : undefined),
      },
    },
  );

  /** What is made again, and what goes, each as often as it does. */
  change(steps: Steps): Made {
    [this.made, this.gone] = [[], []];
    for (const [kind, object] of steps) {
      const { name } = object["metadata"] as { readonly name: string };
      const what = object["kind"] === "Service" ? "Service" : "EndpointSlice";
      if (kind === "put") this.tables.put(what, object);
      else this.tables.delete(what, `shop/${name}`);
    }
    while (this.tables.waiting > 0) this.tables.update();
    this.table.settle();
    return { made: this.made.sort(), gone: this.gone.sort() };
  }

  names(): string[] {
    return [...this.there].sort();
  }
}

const service = (i: number): Manifest => serviceOf(`s${i}`, `172.30.${i >> 4}.${i & 15}`);
const slice = (i: number, ...last: readonly number[]): Manifest =>
  endpointSlice(`s${i}`, ...last.map((each) => `10.180.${i}.${each}`));

/** Enough Services for trees of two levels. */
const ALL = Array.from({ length: 70 }, (_, i) => i).flatMap((i) => [
  ["put", service(i)] as const,
  ["put", slice(i, 1, 2)] as const,
]);

const ENDS: Steps = [["put", slice(50, 1, 2)]];

/** There and back, how many chains each makes again, and how many go. */
const CHANGES: readonly (readonly [what: string, there: Steps, back: Steps, counts: string])[] = [
  ["an endpoint is another one", [["put", slice(50, 1, 3)]], ENDS, "7 0, 7 0"],
  ["an endpoint comes", [["put", slice(50, 1, 2, 3)]], ENDS, "13 3, 10 6"],
  ["the last endpoint goes", [["put", slice(50)]], ENDS, "21 3, 19 2"],
  [
    "a Service goes",
    [
      ["delete", service(50)],
      ["delete", slice(50)],
    ],
    [["put", service(50)], ...ENDS],
    "16 3, 16 0",
  ],
  ["most Services go", ALL.slice(20).map(([, object]) => ["delete", object] as const), ALL.slice(20), "69 206, 95 0"],
  ["all Services go", ALL.map(([, object]) => ["delete", object] as const), ALL, "0 136, 107 3"],
];

test.each(some(CHANGES, IS_JUDGED ? CHANGES.length : 2))(
  "%s: the same chains are made again each time, and no others",
  (_, there, back, counts) => {
    const chains = new Chains();
    chains.change(ALL);
    const first = chains.names();
    const turns = Array.from({ length: 3 }, () => [chains.change(there), chains.change(back)]);
    expect(turns[2]).toEqual(turns[1]);
    expect(chains.names()).toEqual(first);
    const countsOf = ({ made, gone }: Made): string => `${made.length} ${gone.length}`;
    expect((turns[2] ?? []).map(countsOf).join(", ")).toBe(counts);
  },
);

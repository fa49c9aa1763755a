/** Elements that are sent to the kernel without nft: nft lists what was meant. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import type { TableChange } from "../../compiler/ir/table-change.ts";
import { differenceOf } from "../../compiler/ir/table-change.ts";
import { ExpectedElements } from "../../runtime/agent/expected-elements.ts";
import { changesBetween, withoutElements } from "../../runtime/table/change-tables.ts";
import { areOfPlainElements, commitBatch, ElementBatch } from "../../runtime/table/element-batch.ts";
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { generationOf } from "../../runtime/table/nf-tables.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { type HeldNamespace, holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";

const SETS = `add table ip t
add set ip t s { type ipv4_addr; }
add map ip t m { type ipv4_addr . inet_service : ipv4_addr . inet_service; }
add chain ip t c
add map ip t v { type ipv4_addr : verdict; }
`;

/** A change of the tables that `text` declares, so that they are those of `wanted`. */
function changesTo(before: string, wanted: string): TableChange[] {
  const [from, to] = [before, wanted].map((text) => mustReadNft(text).ruleset.tables[0]);
  const change = differenceOf(from, to);
  return change === undefined ? [] : [change];
}

function batchOf(changes: readonly TableChange[]): ElementBatch | undefined {
  if (!areOfPlainElements(changes)) return undefined;
  const [batch, expected] = [new ElementBatch(), new ExpectedElements()];
  for (const change of changes) expected.apply(change, batch);
  return batch;
}

describe.skipIf(kernelMissing !== undefined)("elements without nft", () => {
  const opened = async (use: (netfilter: Netfilter, namespace: HeldNamespace) => Promise<void>): Promise<void> => {
    const namespace = await holdNamespace();
    const netfilter = new Netfilter(namespace.wrapper);
    try {
      await use(netfilter, namespace);
    } finally {
      netfilter.close();
      namespace.close();
    }
  };

  const nft = (namespace: HeldNamespace, text: string): void => {
    const { status, output } = namespace.run(`nft -f - <<'END'\n${text}\nEND`);
    if (status !== 0) throw new Error(output);
  };

  test("elements come, go and come again, and nft lists what compile makes", () =>
    opened(async (netfilter, namespace) => {
      await fc.assert(
        fc.asyncProperty(cluster, async (world) => {
          const after = mustCompile(world).program.ruleset.tables;
          nft(namespace, "flush ruleset");
          const empty = changesBetween([], withoutElements(after));
          nft(namespace, empty.map(printChange).join(""));
          for (const wanted of [after, withoutElements(after), after]) {
            const changes = changesBetween(await readLiveTables(netfilter, namespace.wrapper), wanted);
            const batch = batchOf(changes);
            if (batch === undefined) throw new Error("elements of kpc's tables take nft");
            const { id } = await generationOf(netfilter);
            expect(await commitBatch(netfilter, batch)).toEqual({ kind: "done" });
            expect((await generationOf(netfilter)).id).toBe(id + (changes.length > 0 ? 1 : 0));
            expect(changesBetween(await readLiveTables(netfilter, namespace.wrapper), wanted)).toEqual([]);
          }
        }),
        { numRuns: runs(40) },
      );
    }));

  test("what the kernel refuses has its reason, and changes nothing", () =>
    opened(async (netfilter, namespace) => {
      nft(namespace, SETS);
      const listed = (): string => namespace.run("nft list table ip t").output;
      const table = (elements: string): string => `table ip t {\n${elements}\n}`;
      const set = (elements: string): string =>
        table(`set s { type ipv4_addr; ${elements === "" ? "" : `elements = { ${elements} }`} }`);
      const map = (elements: string): string =>
        table(`map v { type ipv4_addr : verdict; ${elements === "" ? "" : `elements = { ${elements} }`} }`);
      const commit = async (before: string, after: string): Promise<unknown> => {
        const batch = batchOf(changesTo(before, after));
        return batch === undefined ? "nft" : await commitBatch(netfilter, batch);
      };
      expect(await commit(set(""), set("10.0.0.1, 10.0.0.2"))).toEqual({ kind: "done" });
      expect(await commit(map(""), map("10.0.0.1 : accept"))).toEqual({ kind: "done" });
      const before = listed();
      expect(before).toContain("elements = { 10.0.0.1, 10.0.0.2 }");
      const refused = (reason: string): object => expect.objectContaining({ kind: "refused", reason });
      expect(await commit(set("10.0.0.1, 10.0.0.9"), set("10.0.0.3"))).toEqual(refused("missing"));
      expect(await commit(map(""), map("10.0.0.1 : drop"))).toEqual(refused("exists"));
      expect(await commit(set("").replaceAll(" s ", " none "), set("10.0.0.3").replaceAll(" s ", " none "))).toEqual(
        refused("missing"),
      );
      expect(listed()).toBe(before);
    }));

  test("a transaction whose helper dies is not known to be made", () =>
    opened(async (netfilter, namespace) => {
      nft(namespace, SETS);
      const batch = batchOf(
        changesTo(
          "table ip t { set s { type ipv4_addr; } }",
          "table ip t { set s { type ipv4_addr; elements = { 10.0.0.1 } } }",
        ),
      );
      netfilter.close();
      expect(batch === undefined ? "nft" : await commitBatch(netfilter, batch)).toEqual(
        expect.objectContaining({ kind: "refused", reason: "ended" }),
      );
    }));
});

/** Who is killed while it changes tables leaves each Service whole or absent, and the next one makes them right. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { groupsOf } from "../../compiler/formats/nft/print-pieces.ts";
import { keyTextOf } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { changesBetween, changeTables, loadInPieces } from "../../runtime/table/change-tables.ts";
import { digestOfKernel, digestOfTables, readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { TableWriter } from "../../runtime/table/writer.ts";
import { type HeldNamespace, holdNamespace } from "../support/held-namespace.ts";
import { ENVIRONMENT, kernelMissing } from "../support/kernel.ts";

const KPC = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;

/** As JSON, which is read faster. `first`: the number of the first endpoint's address. */
function manifests(services: number, endpoints: number, first: number): string {
  const items: unknown[] = [];
  let next = first;
  for (let i = 0; i < services; i++) {
    const metadata = { name: `svc-${i}`, namespace: "shop" };
    const ports = [{ name: "http", port: 80, targetPort: 8080 }];
    items.push({
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { clusterIP: `10.96.${i >> 8}.${i & 255}`, ports },
    });
    items.push({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, name: `svc-${i}-1`, labels: { "kubernetes.io/service-name": metadata.name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: Array.from({ length: endpoints }, () => {
        next++;
        return { addresses: [`10.${128 + (next >> 16)}.${(next >> 8) & 255}.${next & 255}`] };
      }),
    });
  }
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

function tablesOf(text: string): readonly Table[] {
  const { compiled } = compile([{ name: "test.json", text }], { mode: "nftables", nodeName: "node-1" });
  if (compiled === undefined) throw new Error("this does not compile");
  return compiled.program.ruleset.tables;
}

/** The Services of `wanted` that are in `live` in part, and those that are there whole. */
function servicesIn(
  live: readonly Table[],
  wanted: readonly Table[],
): { readonly broken: string[]; readonly whole: number } {
  const present = new Map(
    live.flatMap(({ sets, maps }) =>
      [...sets, ...maps].map(
        ({ name, elements }) => [name, new Set(elements.map(({ key }) => keyTextOf(key)))] as const,
      ),
    ),
  );
  const groups = groupsOf(wanted).map((group) => ({
    names: group.flatMap(({ elements }) => elements.flatMap(({ comment }) => comment ?? [])),
    elements: group.flatMap(({ set, elements }) =>
      elements.map(({ key }) => present.get(set.name)?.has(keyTextOf(key)) ?? false),
    ),
  }));
  const data = groups.filter(({ names }) => names.length === 0).every(({ elements }) => elements.every(Boolean));
  const services = groups.filter(({ names, elements }) => names.length > 0 && elements.some(Boolean));
  const broken = services
    .filter(({ elements }) => !data || !elements.every(Boolean))
    .map(({ names }) => names[0] ?? "");
  return { broken, whole: services.length - broken.length };
}

describe.skipIf(kernelMissing !== undefined)("in a network namespace", () => {
  const [SERVICES, ENDPOINTS] = [500, 10];
  const [before, after] = [0, 6].map((first) => manifests(SERVICES, ENDPOINTS, first)) as [string, string];
  const wanted = tablesOf(before);
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kpc-test-"));
    writeFileSync(join(folder, "before.json"), before);
    writeFileSync(join(folder, "after.json"), after);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function inNamespace(use: (namespace: HeldNamespace, netfilter: Netfilter) => Promise<void>): Promise<void> {
    const namespace = await holdNamespace();
    const netfilter = new Netfilter(namespace.wrapper);
    try {
      await use(namespace, netfilter);
    } finally {
      netfilter.close();
      namespace.close();
    }
  }

  test("nft is killed between and within the pieces of a load", async () => {
    let all = 0;
    let [cut, partly] = [0, 0];
    const moment = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), ms: fc.integer({ min: 0, max: 8 }) });
    for (const { at, ms } of [{ at: 2, ms: 0 }, { at: 0.9, ms: 1 }, ...fc.sample(moment, { numRuns: 12, seed: 7 })]) {
      await inNamespace(async ({ wrapper }, netfilter) => {
        const writer = new TableWriter({ wrapper });
        await writer.transact("add table ip others\n"); // nft is there
        const transact = writer.transact.bind(writer);
        let count = 0;
        writer.transact = (text) => {
          if (++count === Math.ceil(at * all)) setTimeout(() => process.kill(writer.pid ?? 0, "SIGKILL"), ms);
          return transact(text);
        };
        const { answer } = await loadInPieces(writer, wanted, 50);
        writer.transact = transact;
        if (all === 0) all = count;
        if (answer.kind === "refused") cut++;
        const live = await readLiveTables(netfilter, wrapper);
        const { broken, whole } = servicesIn(live, wanted);
        expect(broken).toEqual([]);
        if (whole > 0 && whole < SERVICES) partly++;
        const { answer: repaired } = await changeTables(writer, changesBetween(live, wanted), wanted);
        expect(repaired).toEqual({ kind: "done" });
        expect(await digestOfKernel(netfilter, wanted)).toBe(digestOfTables(wanted));
        expect(changesBetween(await readLiveTables(netfilter, wrapper), wanted)).toEqual([]);
        await writer.close();
      });
    }
    expect(cut).toBeGreaterThan(5);
    expect(partly).toBeGreaterThan(0);
  });

  test("kpc apply is killed while it replaces endpoints of all Services", async () => {
    const digests = { before: digestOfTables(wanted), after: digestOfTables(tablesOf(after)) };
    const seen = new Set<string>();
    await inNamespace(async ({ wrapper }, netfilter) => {
      const apply = (name: string, killAfterMs?: number): Promise<number | null> =>
        new Promise((resolve) => {
          const args = [
            ...wrapper,
            process.execPath,
            KPC,
            "apply",
            join(folder, name),
            "--mode",
            "nftables",
            "--node",
            "node-1",
            "--yes",
            "-q",
            "--time",
            "0",
          ];
          const child = spawn(args[0] ?? "", args.slice(1), { stdio: "ignore", env: ENVIRONMENT });
          if (killAfterMs !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfterMs);
          child.on("close", (status) => resolve(status));
        });
      const start = performance.now();
      expect(await apply("before.json")).toBe(0);
      const wholeMs = performance.now() - start;
      for (const part of fc.sample(fc.double({ min: 0.3, max: 1.2, noNaN: true }), { numRuns: 3, seed: 7 })) {
        await apply("after.json", part * wholeMs);
        // Its nft may still be at it; then nobody else writes.
        const writer = new TableWriter({ wrapper });
        await writer.transact("add table ip others\n");
        const digest = await digestOfKernel(netfilter, wanted);
        expect(Object.values(digests)).toContain(digest);
        seen.add(digest);
        await writer.close();
        expect(await apply("before.json")).toBe(0);
        expect(await digestOfKernel(netfilter, wanted)).toBe(digests.before);
      }
    });
    expect(seen.size).toBeGreaterThan(0);
  });
});

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createClassifier as createFromFile } from "../../../dist/runtime/classifier/index.js";
import { createClassifier, packetFrom } from "../../../runtime/classifier/inline.ts";
import { inFolder } from "../../support/cli.ts";
import { many } from "../../support/runs.ts";
import { webCluster } from "../../support/tables.ts";

const KPC = new URL("../../../dist/bin/kpc.cjs", import.meta.url).pathname;

/** What `kpc compile` prints, as bytes. */
function compile(args: readonly string[], folder: string): Buffer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [KPC, "compile", "-q", ...args], { cwd: folder });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const { objects, proxy } = webCluster(["10.244.1.7"]);
const FILES = {
  "a.json": JSON.stringify(objects[0]),
  "b.json": JSON.stringify(objects[1]),
  "kpc.json": JSON.stringify({ ...proxy, apiVersion: "kpc.dev/v1alpha1", kind: "Config" }),
};
const ARGS = ["a.json", "b.json", "-c", "kpc.json"];
const PACKET = {
  protocol: "tcp",
  source: "10.244.9.9",
  sourcePort: 5,
  destination: "10.96.0.1",
  destinationPort: 80,
} as const;

describe("kpc compile -o tables", () => {
  test("prints what a classifier takes", async () => {
    const table = inFolder(FILES, (folder) => compile([...ARGS, "-o", "tables"], folder));
    for (const classifier of [await createClassifier(table), await createFromFile(table)])
      expect(classifier.classify(PACKET).endpoint).toEqual({ address: "10.244.1.7", port: 8080 });
  });
});

describe("kpc compile -o wasm", () => {
  test("prints a module that classifies without anything else", async () => {
    const bytes = inFolder(FILES, (folder) => compile([...ARGS, "-o", "wasm"], folder));
    const { instance, module } = await WebAssembly.instantiate(bytes);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const { memory, classify, freeMemory } = instance.exports as unknown as {
      memory: WebAssembly.Memory;
      classify: (...numbers: number[]) => number;
      freeMemory: () => number;
    };
    const packet = packetFrom(PACKET);
    const at = freeMemory();
    new Uint8Array(memory.buffer).set(packet, at);
    expect(classify(at, packet.length, packet.length, 1, 0, 0, at + 64) & 7).toBe(4);
    const digest = createHash("sha256").update(FILES["a.json"]).update(FILES["b.json"]).digest("hex");
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
    const [about] = WebAssembly.Module.customSections(module, "kpc");
    expect(JSON.parse(new TextDecoder().decode(about))).toEqual({ version, layout: 2, source: `sha256:${digest}` });
  });

  test("holds lists of endpoints of any size", async () => {
    const { objects: many } = webCluster(manyAddresses(ENDPOINTS));
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: many });
    const [table, module] = inFolder({ ...FILES, "list.json": list }, (folder) =>
      ["tables", "wasm"].map((output) => compile(["list.json", "-c", "kpc.json", "-o", output], folder)),
    ) as [Buffer, Buffer];
    const classifier = await createClassifier(table);
    expect(classifier.explain(PACKET).endpoints).toHaveLength(ENDPOINTS);
    const { instance } = await WebAssembly.instantiate(module);
    const { tableInUse } = instance.exports as unknown as { tableInUse: () => number };
    expect(tableInUse()).toBeGreaterThan(0);
  });
});

const ENDPOINTS = many(9000);

function manyAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.244.${i >>> 8}.${i & 255}`);
}

describe("the engine", () => {
  test("refuses to answer without a table", async () => {
    const bytes = readFileSync(new URL("../../../dist/assembly/classifier.wasm", import.meta.url));
    const { instance } = await WebAssembly.instantiate(bytes);
    const { classify, classifyMany } = instance.exports as unknown as {
      classify: (...numbers: number[]) => number;
      classifyMany: (...numbers: number[]) => number;
    };
    expect(classify(2048, 40, 40, 1, 0, 0, 2040)).toBe(-1);
    expect(classifyMany(2048, 4, 1, 0, 0, 4096)).toBe(0);
  });

  test("is a few kilobytes, and imports nothing", () => {
    const bytes = readFileSync(new URL("../../../dist/assembly/classifier.wasm", import.meta.url));
    expect(bytes.length).toBeLessThan(24_000);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([]);
  });
});

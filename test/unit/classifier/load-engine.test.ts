import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createClassifier } from "../../../runtime/classifier/index.ts";
import { engineBytes } from "../../../runtime/classifier/inline.ts";
import type { EngineInput } from "../../../runtime/classifier/load-engine.ts";
import { mustPrintTable, webCluster } from "../../support/tables.ts";

const TABLE = mustPrintTable(webCluster(["10.244.1.7"]));
const FILE = new URL("../../../dist/assembly/classifier.wasm", import.meta.url);
const bytes = engineBytes();
const copy = (): ArrayBuffer => Uint8Array.from(bytes).buffer;

const inputs: Readonly<Record<string, () => EngineInput | Promise<EngineInput>>> = {
  "a URL": () => FILE,
  "the text of a URL": () => FILE.href,
  "a data URL": () => `data:application/wasm;base64,${readFileSync(FILE).toString("base64")}`,
  "a response": () => new Response(copy()),
  "a promise of a response": () => Promise.resolve(new Response(copy())),
  bytes: () => bytes,
  "an ArrayBuffer": () => copy(),
  "a module": () => new WebAssembly.Module(bytes),
  "a promise of a module": () => WebAssembly.compile(bytes),
};

test.each(Object.keys(inputs))("the engine may be %s", async (name) => {
  const module = inputs[name]?.();
  const classifier = await createClassifier(TABLE, module === undefined ? {} : { module });
  const packet = { protocol: "tcp", source: "10.244.1.9", destination: "192.0.2.1", destinationPort: 9 } as const;
  expect(classifier.classify(packet).verdict).toBe("pass");
});

test("a server's page in place of the engine is named", async () => {
  const page = new Response("<!doctype html>");
  await expect(createClassifier(TABLE, { module: page })).rejects.toThrow(/expected WebAssembly \(it looks like HTML/);
});

test("an answer without the file is an error with its status", async () => {
  const module = new Response("", { status: 404 });
  await expect(createClassifier(TABLE, { module })).rejects.toThrow(/could not be loaded from .*: 404/);
});

test.each([[7], [{}], [null]])("%j is no engine", async (module) => {
  await expect(createClassifier(TABLE, { module: module as unknown as EngineInput })).rejects.toThrow(
    new TypeError("module: expected a URL, a Response, bytes or a WebAssembly.Module"),
  );
});

import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { printTable } from "../../compiler/print.ts";
import * as inline from "../../runtime/classifier/inline.ts";
import { browserMissing, runPage, type ServedFiles } from "../support/browser.ts";
import { toConfig } from "../support/compile.ts";
import { exampleManifests, exampleSettings } from "../support/examples.ts";
import { some } from "../support/runs.ts";
import { mustPrintTable, webCluster } from "../support/tables.ts";
import { classifyAll } from "./classify-all.mjs";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The shop's table on node-1, and that of something else. */
const TABLE = shopTable();
const OTHER = mustPrintTable(webCluster(["10.244.1.7"]));

function shopTable(): Uint8Array {
  const { compiled } = compile(exampleManifests(), { ...toConfig(exampleSettings()), nodeName: "node-1" });
  if (compiled === undefined) throw new Error("the example does not compile");
  const { table } = printTable(compiled.program, compiled.node.addresses);
  if (table === undefined) throw new Error("no table holds the example");
  return table;
}

/** To all Services of the shop by all ways, from inside and outside, and to nobody. */
const PACKETS: readonly inline.PacketFields[] = (
  [
    ["10.244.1.20", "10.96.0.20", 80],
    ["10.244.1.10", "10.96.0.20", 53],
    ["203.0.113.9", "198.51.100.40", 80],
    ["192.0.2.66", "198.51.100.40", 80],
    ["203.0.113.9", "192.168.50.11", 30123],
    ["10.244.1.10", "10.96.0.20", 81],
    ["10.244.1.10", "10.96.0.99", 80],
    ["10.244.1.10", "10.96.0.40", 80],
    ["10.244.1.10", "10.96.0.1", 80],
    ["fd00:10:244:1::10", "fd00:10:96::20", 80],
    ["2001:db8::7", "fd00:50::11", 30123],
    ["2001:db8::7", "2001:db8::8", 443],
  ] as const
).flatMap(([source, destination, destinationPort]) =>
  (["tcp", "udp", "sctp"] as const).flatMap((protocol) =>
    [1, 1024, 40000, 65535].map((sourcePort) => ({ protocol, source, sourcePort, destination, destinationPort })),
  ),
);

/** Everything that pages ask for. */
function serve(path: string): ServedFiles | undefined {
  switch (path) {
    case "/table.kpct":
      return { type: "application/octet-stream", body: TABLE };
    case "/other.kpct":
      return { type: "application/octet-stream", body: OTHER };
    case "/packets.json":
      return { type: "application/json", body: JSON.stringify(PACKETS) };
    case "/classify-all.mjs":
      return { type: "text/javascript", body: readFileSync(new URL("classify-all.mjs", import.meta.url)) };
  }
  const file = join(ROOT, path);
  if (!/^\/dist\/[\w/.-]+\.(?:js|wasm)$/.test(path) || path.includes("..") || !existsSync(file)) return undefined;
  return { type: path.endsWith(".js") ? "text/javascript" : "application/wasm", body: readFileSync(file) };
}

/** What a page does that has `kpc` and `classifyAll`. */
const BODY = `
const get = (path) => fetch(path).then((response) => response.arrayBuffer()).then((bytes) => new Uint8Array(bytes));
const packets = await (await fetch("/packets.json")).json();
report(await classifyAll(kpc, await get("/table.kpct"), await get("/other.kpct"), packets));
`;

describe("the classifier in a page", () => {
  let folder: string;
  let wanted: unknown;
  let bundle: string;

  beforeAll(async () => {
    wanted = plain(await classifyAll(inline, TABLE, OTHER, PACKETS));
    folder = await mkdtemp(join(tmpdir(), "kpc-page-"));
    bundle = await bundlePage(folder);
  });

  afterAll(() => rm(folder, { recursive: true }));

  test("is asked about packets of every verdict", () => {
    for (const verdict of ["dnat", "reject", "drop", "pass"])
      expect(JSON.stringify(wanted)).toContain(`"verdict":"${verdict}"`);
  });

  test("is one file when it is bundled, with the same results far from the package", async () => {
    const file = join(folder, "bundle.mjs");
    await writeFile(file, bundle);
    const page = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      kpc: typeof inline;
      classifyAll: typeof classifyAll;
    };
    expect(plain(await page.classifyAll(page.kpc, TABLE, OTHER, PACKETS))).toEqual(wanted);
  });

  describe.skipIf(browserMissing !== undefined)("of Chromium", () => {
    test.each(some(["index", "inline"], 1))("has the results of Node (%s.js)", async (name) => {
      const imports = `import * as kpc from "/dist/runtime/classifier/${name}.js";
import { classifyAll } from "/classify-all.mjs";`;
      const { result, requests } = await runPage(`${imports}${BODY}`, serve);
      expect(result).toEqual(wanted);
      expect(requests.includes("/dist/assembly/classifier.wasm")).toBe(name === "index");
    });

    test("needs no other file when it is bundled", async () => {
      const { result, requests } = await runPage(`import { kpc, classifyAll } from "/bundle.mjs";${BODY}`, (path) =>
        path === "/bundle.mjs" ? { type: "text/javascript", body: bundle } : serve(path),
      );
      expect(result).toEqual(wanted);
      expect(requests).toEqual(["/", "/bundle.mjs", "/packets.json", "/table.kpct", "/other.kpct"]);
    });
  });
});

/** As it is after a journey as JSON. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** What a bundler makes of a page whose project has the package installed. */
async function bundlePage(folder: string): Promise<string> {
  await mkdir(join(folder, "node_modules"));
  await symlink(ROOT, join(folder, "node_modules", "kpc"));
  const input = join(folder, "page.mjs");
  await writeFile(
    input,
    `export * as kpc from "kpc/classifier/inline";
export { classifyAll } from ${JSON.stringify(new URL("classify-all.mjs", import.meta.url).pathname)};
`,
  );
  const build = await rolldown({ input, platform: "browser" });
  const { output } = await build.generate({ format: "esm" });
  await build.close();
  expect(output).toHaveLength(1);
  return output[0].code;
}

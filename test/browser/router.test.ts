/** The router in pages and workers, and in a bundle of its own. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import * as router from "../../runtime/router/index.ts";
import { browserMissing, runPage, type ServedFiles } from "../support/browser.ts";
import { exampleManifests } from "../support/examples.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const { compiled } = compile(exampleManifests(), {});
const target = { kind: "redirect", scheme: "https", status: 302 } as const;
const conditions = {
  method: "POST",
  headers: [{ name: "x-env", value: "beta" }],
  parameters: [{ name: "v", value: "2" }],
};
const TABLE = encodeRoutes(compiled?.program.routes ?? [], {
  listeners: [
    {
      port: 8080,
      protocol: "http",
      hosts: [{ host: "*.example.com", paths: [{ match: "prefix", path: "/", conditions, target }] }],
    },
  ],
});

const REQUESTS: readonly router.RoutedRequest[] = ["shop.example.com", "SHOP.example.com.:80", "a.example.com", "[::1]"]
  .flatMap((host) => ["/", "/api", "/apix", "/api/x?y", ""].map((path) => ({ host, path })))
  .concat([{ host: "", path: "/" }])
  .flatMap((request): router.RoutedRequest[] => [
    request,
    { ...request, path: `${request.path}?v=2`, port: 8080, method: "POST", headers: [["X-Env", "beta"]] },
  ]);

/** A module that answers all requests with `createRouter` from `from`, and tells what a damaged table gives. */
function asking(from: string): string {
  return `import { createRouter, TableError } from ${JSON.stringify(from)};
export async function routeAll(table) {
  const router = createRouter(table);
  let refused = false;
  try { router.replace(table.slice(0, -4)); } catch (error) { refused = error instanceof TableError; }
  return { routed: ${JSON.stringify(REQUESTS)}.map((request) => router.route(request)), refused };
}
`;
}

const DIRECT = asking("/dist/runtime/router/index.js");
const GET_TABLE = `new Uint8Array(await (await fetch("/table.kpcr")).arrayBuffer())`;

function serve(path: string): ServedFiles | undefined {
  if (path === "/table.kpcr") return { type: "application/octet-stream", body: TABLE };
  if (path === "/asking.mjs") return { type: "text/javascript", body: DIRECT };
  if (path === "/worker.mjs")
    return {
      type: "text/javascript",
      body: `import { routeAll } from "/asking.mjs"; postMessage(await routeAll(${GET_TABLE}));`,
    };
  const file = join(ROOT, path);
  if (!/^\/dist\/[\w/.-]+\.js$/.test(path) || path.includes("..") || !existsSync(file)) return undefined;
  return { type: "text/javascript", body: readFileSync(file) };
}

describe("the router outside of Node.js", () => {
  let folder: string;
  let bundle: string;
  const wanted = JSON.parse(
    JSON.stringify({ routed: REQUESTS.map((request) => router.createRouter(TABLE).route(request)), refused: true }),
  );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kpc-router-"));
    await mkdir(join(folder, "node_modules"));
    await symlink(ROOT, join(folder, "node_modules", "kpc"));
    await writeFile(join(folder, "page.mjs"), asking("kpc/router"));
    const build = await rolldown({ input: join(folder, "page.mjs"), platform: "browser" });
    const { output } = await build.generate({ format: "esm" });
    await build.close();
    expect(output).toHaveLength(1);
    bundle = output[0].code;
  });

  afterAll(() => rm(folder, { recursive: true }));

  test("is one small file without Node.js when it is bundled, with the same results", async () => {
    expect(bundle).not.toMatch(/node:|require\(|process\.|Buffer/);
    expect(bundle.length).toBeLessThan(55_000);
    const file = join(folder, "bundle.mjs");
    await writeFile(file, bundle);
    const { routeAll } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      routeAll: (table: Uint8Array) => Promise<unknown>;
    };
    expect(JSON.parse(JSON.stringify(await routeAll(TABLE)))).toEqual(wanted);
  });

  test.skipIf(browserMissing !== undefined)("has the results of Node.js in a page, and in a worker", async () => {
    const script = `import { routeAll } from "/asking.mjs";
const worker = new Worker("/worker.mjs", { type: "module" });
const heard = new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
report({ page: await routeAll(${GET_TABLE}), worker: await heard });`;
    const { result } = await runPage(script, serve);
    expect(result).toEqual({ page: wanted, worker: wanted });
  });
});

/**
 * Compiles the code of `kpc agent` for the Node.js that runs this: the agent follows a small API server, shows what it would do (`--dry-run`), and its launcher
 * keeps the code that V8 has compiled for that.
 *
 *   node rehearse-agent.mjs
 *
 * `kpc.cjs` is looked for beside this file.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_MS = 60_000;

/** @param {number} i @param {string} version */
const service = (i, version) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: `s${i}`, namespace: "shop", resourceVersion: version },
  spec: {
    type: "ClusterIP",
    clusterIP: `10.96.0.${i}`,
    clusterIPs: [`10.96.0.${i}`],
    ipFamilies: ["IPv4"],
    internalTrafficPolicy: "Cluster",
    sessionAffinity: "None",
    ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
  },
});

/** @param {number} i @param {string} version */
const slice = (i, version) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `s${i}-1`,
    namespace: "shop",
    resourceVersion: version,
    labels: { "kubernetes.io/service-name": `s${i}` },
  },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: [i, Number(version)].map((last) => ({ addresses: [`10.244.1.${last}`], conditions: { ready: true } })),
});

const node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-1", resourceVersion: "1" },
  status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
};

/** @type {Readonly<Record<string, readonly object[]>>} */
const LISTS = {
  services: [1, 2, 3].map((i) => service(i, "1")),
  endpointslices: [1, 2, 3].map((i) => slice(i, "1")),
  nodes: [node],
  servicecidrs: [],
};

const END = { metadata: { resourceVersion: "1", annotations: { "k8s.io/initial-events-end": "true" } } };

/** @param {string} type @param {object} object */
const event = (type, object) => `${JSON.stringify({ type, object })}\n`;

/** Runs `kpc`, the launcher, and resolves when its code is kept. Rejects where the agent does not do what it is rehearsed for.
 *  @param {string} kpc @returns {Promise<void>} */
export async function rehearseAgent(kpc) {
  /** @type {import("node:http").ServerResponse | undefined} */
  let slices;
  let printed = "";
  /** How much was printed when an object changed; undefined: none has. @type {number | undefined} */
  let before;
  const change = () => {
    if (slices === undefined || before !== undefined || !printed.includes("are right")) return;
    before = printed.length;
    slices.write(event("MODIFIED", slice(1, "2")));
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://api");
    const kind = url.pathname.split("/").at(-1) ?? "";
    const isList = url.searchParams.has("sendInitialEvents");
    response.writeHead(200, { "content-type": "application/json", ...(isList ? { "content-encoding": "gzip" } : {}) });
    response.flushHeaders();
    const objects = LISTS[kind] ?? [];
    if (isList)
      response.write(gzipSync([...objects.map((each) => event("ADDED", each)), event("BOOKMARK", END)].join("")));
    else if (kind === "endpointslices") {
      slices = response;
      change();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const folder = mkdtempSync(join(tmpdir(), "kpc-rehearsal-"));
  try {
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "it",
        clusters: [{ name: "it", cluster: { server: `http://127.0.0.1:${port}` } }],
        users: [{ name: "it", user: {} }],
        contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
      }),
    );
    const args = ["--kubeconfig", kubeconfig, "--dry-run", "-o", "nft", "--mode", "nftables", "--node", "node-1"];
    const agent = spawn(process.execPath, [kpc, "agent", ...args], {
      env: { ...process.env, KPC_WRITE_CODE_CACHE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let isTold = false;
    /** @param {string} text */
    const hear = (text) => {
      printed += text;
      change();
      // What the change comes to: all has been done once.
      if (isTold || before === undefined || !printed.includes("# because of", before)) return;
      isTold = true;
      agent.kill("SIGTERM");
    };
    agent.stdout.setEncoding("utf8").on("data", hear);
    agent.stderr.setEncoding("utf8").on("data", hear);
    const late = setTimeout(() => agent.kill("SIGKILL"), LIMIT_MS);
    const code = await new Promise((resolve) => agent.on("close", resolve));
    clearTimeout(late);
    if (code !== 0 || !isTold) throw new Error(`the agent could not be rehearsed (${code}):\n${printed}`);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await rehearseAgent(fileURLToPath(new URL("kpc.cjs", import.meta.url)));

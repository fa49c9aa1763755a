/** examples/agent/Dockerfile, as far as that goes without a container: its files in a folder, and the agent in there. */
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeApiServer } from "../support/api-server/fake-api-server.ts";
import { type Ended, type InstalledPackage, installPackage, isUnreachable, run } from "../support/installed-package.ts";
import { kernelMissing } from "../support/kernel.ts";
import { kubeconfigOf } from "../support/kubeconfig.ts";

const missing =
  kernelMissing ??
  (process.getuid?.() === 0 ? undefined : "a folder as root needs root") ??
  (existsSync("/usr/bin/dpkg") ? undefined : "the packages of Debian are asked for their files");
if (missing !== undefined) process.stderr.write(`the test of the agent's image is left out: ${missing}\n`);

/** With the folder of this Node.js, which the image has at another place. */
const PATH = `/usr/sbin:/usr/bin:/usr/local/bin:/sbin:/bin:${dirname(process.execPath)}`;

/** The words of each instruction of that name. */
function instructions(name: string): string[] {
  const text = readFileSync("examples/agent/Dockerfile", "utf8").replaceAll("\\\n", " ");
  return text.split("\n").flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
}

describe.skipIf(missing !== undefined)("the image of the agent", () => {
  let packed: InstalledPackage;
  let root: string;
  let isOffline = false;
  let copied: Ended;

  beforeAll(() => {
    packed = installPackage();
    isOffline = isUnreachable(packed.installed, "the agent's image");
    root = join(packed.folder, "root");
    if (isOffline) return;
    // What the last stage copies, of the versions that this machine has.
    mkdirSync(join(root, "opt/kpc"), { recursive: true });
    for (const name of ["node_modules", "package.json"])
      renameSync(join(packed.folder, name), join(root, "opt/kpc", name));
    copied = run(".", "sh", "examples/agent/image-files.sh", root);
  }, 300_000);

  afterAll(() => {
    if (packed !== undefined) rmSync(packed.folder, { recursive: true });
  });

  const ENTRY = JSON.parse(instructions("ENTRYPOINT")[0] ?? "[]") as readonly string[];
  const [program = "", ...entryArgs] = ENTRY;

  test("copies what there is: the tarball by the name that npm gives it, and the entry point", () => {
    if (isOffline) return;
    const sources = instructions("COPY").map((words) => words.split(" ").filter((word) => !word.startsWith("--"))[0]);
    const script = "examples/agent/image-files.sh";
    expect(sources).toEqual([basename(packed.tarball), "/usr/local/bin/node", script, "/image", "/opt/kpc"]);
    expect(copied).toEqual({ status: 0, output: "" });
    expect(existsSync(join(root, entryArgs.at(-1) ?? ""))).toBe(true);
    expect(program).toBe("node");
    expect(instructions("CMD")).toEqual(['["agent"]']);
  });

  test("has nothing but what is copied: no shell, and beside Node.js and kpc 30 MB at most", () => {
    if (isOffline) return;
    expect(instructions("FROM").at(-1)).toBe("scratch");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith("opt/"));
    expect(files.filter((name) => /(?:^|\/)(?:sh|bash|dash|busybox|apt|dpkg)$/.test(name))).toEqual([]);
    // Some builds of Node.js are in libraries of their own.
    const ofNode = new Set(run("/", "ldd", process.execPath).output.match(/[^/\s]+\.so[^/\s]*(?= \(0x)/g));
    const isOfNode = (name: string): boolean => /\/node(?:js)?$/.test(name) || ofNode.has(basename(name));
    const own = files.map((name) => ({ name, stat: lstatSync(join(root, name)) }));
    const bytes = own.flatMap(({ name, stat }) => (stat.isFile() && !isOfNode(name) ? [stat.size] : []));
    expect(bytes.length).toBeGreaterThan(100);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(30_000_000);
  });

  test("has the tools of iptables, with their extensions", () => {
    if (isOffline) return;
    const rules =
      "*nat\n:KPC-x - [0:0]\n-A KPC-x -m comment --comment a -m statistic --mode random --probability 0.5 -j MARK --set-mark 1\nCOMMIT\n";
    const script = ["nft", "legacy"]
      .map(
        (kind) =>
          `printf '%s' '${rules}' | chroot '${root}' iptables-${kind}-restore --noflush; chroot '${root}' iptables-${kind}-save -t nat`,
      )
      .join("\n");
    const { stdout } = spawnSync("unshare", ["-n", "sh", "-c", script], {
      encoding: "utf8",
      env: { PATH },
    });
    expect(stdout.match(/^-A KPC-x .*--comment a .*-j MARK --set-xmark 0x1\/0xffffffff$/gm)).toHaveLength(2);
  });

  test("has all that the agent needs to follow an API server", async () => {
    if (isOffline) return;
    const api = await FakeApiServer.start();
    api.store.put("/api/v1/nodes", { metadata: { name: "node-a" } });
    api.store.put("/api/v1/services", {
      metadata: { name: "web", namespace: "shop" },
      spec: { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"], ipFamilies: ["IPv4"], ports: [{ port: 80 }] },
    } as never);
    writeFileSync(join(root, "kube.conf"), kubeconfigOf({ server: api.url }, { token: "secret-token" }));
    const agent = ["agent", "--dry-run", "--node", "node-a", "--kubeconfig", "/kube.conf"];
    const child = spawn("chroot", [root, ...ENTRY, ...agent], {
      env: { PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    await new Promise<void>((resolve) => {
      const take = (piece: Buffer): void => {
        output += piece;
        if (output.includes("right: 1 Services")) resolve();
      };
      child.stdout.on("data", take);
      child.stderr.on("data", take);
      child.on("close", () => resolve());
    });
    child.kill("SIGTERM");
    await api.stop();
    expect(output).toContain("10.96.0.1 . tcp . 80");
    expect(output).not.toContain("secret-token");
  });

  test("has all that the agent needs to change the kernel's tables", () => {
    if (isOffline) return;
    const agent = [...ENTRY, "agent", "--cleanup"].map((word) => `'${word}'`).join(" ");
    const script = `nft 'add table ip kpc; add table ip others'; mount -t proc proc '${root}/proc'; chroot '${root}' ${agent}; echo "ended with $?"; nft list tables`;
    const { stdout, stderr } = spawnSync("unshare", ["-n", "-m", "sh", "-c", script], {
      encoding: "utf8",
      env: { PATH },
    });
    expect(`${stdout}${stderr}`).toMatch(/ended with 0\ntable ip others\n$/);
  });
});

/** examples/agent/Dockerfile, as far as that goes without a container: its files in a folder, and the agent in there. */
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeApiServer } from "../support/api-server/fake-api-server.ts";
import { type InstalledPackage, installPackage, isUnreachable, run } from "../support/installed-package.ts";
import { kernelMissing } from "../support/kernel.ts";

const missing =
  kernelMissing ??
  (process.getuid?.() === 0 ? undefined : "a folder as root needs root") ??
  (existsSync("/usr/bin/dpkg") ? undefined : "the packages of Debian are asked for their files");
if (missing !== undefined) process.stderr.write(`the test of the agent's image is left out: ${missing}\n`);

/** The words of each instruction of that name. */
function instructions(name: string): string[] {
  const text = readFileSync("examples/agent/Dockerfile", "utf8").replaceAll("\\\n", " ");
  return text.split("\n").flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
}

describe.skipIf(missing !== undefined)("the image of the agent", () => {
  let packed: InstalledPackage;
  let root: string;
  let isOffline = false;

  beforeAll(() => {
    packed = installPackage();
    isOffline = isUnreachable(packed.installed, "the agent's image");
    root = join(packed.folder, "root");
    if (isOffline) return;
    // What the last stage copies, and of its base the programs that the agent starts.
    mkdirSync(join(root, "opt"), { recursive: true });
    mkdirSync(join(root, "tmp"));
    mkdirSync(join(root, "proc"));
    mkdirSync(join(root, "dev"));
    mkdirSync(join(root, "opt/kpc"));
    for (const name of ["node_modules", "package.json"])
      renameSync(join(packed.folder, name), join(root, "opt/kpc", name));
    copy(process.execPath, "/usr/local/bin/node");
    copy("/usr/sbin/nft", "/usr/sbin/nft");
    const base = run("/", "dpkg", "-L", "perl-base").output.split("\n");
    for (const file of base)
      if (/^\/usr\/(?:bin\/perl$|lib)/.test(file) && /\.(?:p[lm]|so)$|perl$/.test(file)) copy(file, file);
  }, 300_000);

  afterAll(() => {
    if (packed !== undefined) rmSync(packed.folder, { recursive: true });
  });

  /** A file with the libraries that it needs. */
  function copy(from: string, to: string): void {
    const target = join(root, to);
    if (existsSync(target) || !existsSync(from)) return;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(realpathSync(from), target);
    for (const [library] of run("/", "ldd", from).output.matchAll(/\/\S+(?= \(0x)/g)) copy(library, library);
  }

  const ENTRY = JSON.parse(instructions("ENTRYPOINT")[0] ?? "[]") as readonly string[];
  const [program = "", ...entryArgs] = ENTRY;

  test("copies what there is: the tarball by the name that npm gives it, and the entry point", () => {
    if (isOffline) return;
    const sources = instructions("COPY").map((words) => words.split(" ").filter((word) => !word.startsWith("--"))[0]);
    expect(sources).toEqual([basename(packed.tarball), "/usr/local/bin/node", "/opt/kpc"]);
    expect(existsSync(join(root, entryArgs.at(-1) ?? ""))).toBe(true);
    expect(program).toBe("node");
    expect(instructions("CMD")).toEqual(['["agent"]']);
  });

  test("has all that the agent needs to follow an API server", async () => {
    if (isOffline) return;
    const api = await FakeApiServer.start();
    api.store.put("/api/v1/nodes", { metadata: { name: "node-a" } });
    api.store.put("/api/v1/services", {
      metadata: { name: "web", namespace: "shop" },
      spec: { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"], ipFamilies: ["IPv4"], ports: [{ port: 80 }] },
    } as never);
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: api.url } }],
      users: [{ name: "u", user: { token: "secret-token" } }],
    };
    writeFileSync(join(root, "kube.conf"), JSON.stringify(kubeconfig));
    const agent = ["agent", "--dry-run", "--node", "node-a", "--kubeconfig", "/kube.conf"];
    const child = spawn("chroot", [root, "/usr/local/bin/node", ...entryArgs, ...agent], {
      env: { PATH: "/usr/sbin:/usr/bin:/usr/local/bin" },
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
    const agent = ["/usr/local/bin/node", ...entryArgs, "agent", "--cleanup"].map((word) => `'${word}'`).join(" ");
    const script = `nft 'add table ip kpc; add table ip others'; mount -t proc proc '${root}/proc'; chroot '${root}' ${agent}; echo "ended with $?"; nft list tables`;
    const { stdout, stderr } = spawnSync("unshare", ["-n", "-m", "sh", "-c", script], {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/usr/local/bin:/sbin:/bin" },
    });
    expect(`${stdout}${stderr}`).toMatch(/ended with 0\ntable ip others\n$/);
  });
});

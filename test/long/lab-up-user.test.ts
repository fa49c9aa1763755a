/** `kpc lab up` of an ordinary user, where the kernel lets them make user namespaces; elsewhere the reason is told. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

function missingUserNamespaces(): boolean {
  const { status, stderr, error } = spawnSync("unshare", ["-Ur", "true"], { encoding: "utf8", ...asUser });
  if (status === 0) return false;
  process.stderr.write(`kpc lab up of an ordinary user is left out: ${error?.message ?? stderr.trim()}\n`);
  return true;
}

describe.skipIf(kernelMissing !== undefined || missingUserNamespaces())("kpc lab up of an ordinary user", () => {
  const folder = mkdtempSync(join(tmpdir(), "kpc-lab-up-"));
  const from = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  beforeAll(() => {
    chmodSync(folder, 0o755);
    cpSync(from("dist/bin"), join(folder, "bin"), { recursive: true });
    cpSync(from("examples/shop"), join(folder, "shop"), { recursive: true });
    mkdirSync(join(folder, "runtime"), { mode: 0o700 });
    if (isRoot) chownSync(join(folder, "runtime"), NOBODY, NOBODY);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("makes flows, changes settings, reads hosts again and runs commands on them", () => {
    const lines = [
      "ask tcp web-1 > svc/api:http",
      "set node/node-1 bridge-nf 0",
      "walk tcp web-1 > svc/api:http",
      "exec node/node-1 -- id -u",
      "exec node/node-1 -- ip route del 10.244.2.0/24",
      "ask tcp web-1 > pod/shop/web-2:8080",
      "quit",
    ];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(folder, "bin/kpc.cjs"), "lab", "up", "-q", "shop"],
      {
        ...{ encoding: "utf8", cwd: folder, input: lines.map((line) => `${line}\n`).join("") },
        env: { ...process.env, XDG_RUNTIME_DIR: join(folder, "runtime") },
        ...asUser,
      },
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^= pod\/shop\/web-1 +eth0 +in +/m);
    expect(stdout).toContain("[bridge-netfilter-off]");
    // In the user's own namespace they are root.
    expect(stdout).toMatch(/^0$/m);
    expect(stdout).not.toMatch(/^!/m);
    expect(status).toBe(0);
  });
});

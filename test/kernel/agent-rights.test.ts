/** `kpc agent` that may not write rules. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";
import { KUBECONFIG_OF_NOBODY } from "../support/kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "kpc-rights-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(kernelMissing !== undefined)("without CAP_NET_ADMIN", () => {
  test.each(["nft", "iptables-nft"])("-o %s ends at its start, and says what it lacks", async (output) => {
    const namespace = await holdNamespace();
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, KUBECONFIG_OF_NOBODY);
    const withoutRights = [...namespace.wrapper, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
    const agent = [process.execPath, "dist/bin/kpc.cjs", "agent", "--node", "a", "--kubeconfig", kubeconfig];
    const [program = "", ...args] = [...withoutRights, ...agent, "-o", output];
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
    expect(stderr).toMatch(
      /^kpc: the kernel does not let this process write rules: .*operation not permitted.*; expected CAP_NET_ADMIN in this network namespace$/m,
    );
    expect(stderr).not.toContain("stack");
    expect(status).toBe(2);
    namespace.close();
  });
});

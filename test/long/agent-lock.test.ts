/** A second `kpc agent` in a network namespace: it waits for the first to end, and asks no API server meanwhile. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LocalKernel } from "../../runtime/agent/kernel.ts";
import { type HeldNamespace, holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";
import { KUBECONFIG_OF_NOBODY } from "../support/kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "kpc-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** How an agent ends, and what it prints, where another process has the lock; `signal`: it is told to end once it has asked for the lock. */
async function second(
  { wrapper }: HeldNamespace,
  output: string,
  signal: boolean,
): Promise<{ readonly code: number | null; readonly errors: string }> {
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, KUBECONFIG_OF_NOBODY);
  const [program = "", ...args] = [...wrapper, process.execPath, "dist/bin/kpc.cjs", "agent"];
  const agent = spawn(program, [...args, "--node", "a", "--kubeconfig", kubeconfig, "-o", output]);
  let errors = "";
  agent.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<number | null>((resolve) => agent.on("close", resolve));
  const children = (): string => readFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`, "utf8");
  while (signal && children() === "") await new Promise((resolve) => setTimeout(resolve, 10));
  if (signal) agent.kill("SIGTERM");
  return { code: await ended, errors };
}

describe.skipIf(kernelMissing !== undefined)("where another process has the lock", () => {
  test.each([
    ["nft", true],
    ["iptables-nft", true],
    ["nft", false],
  ] as const)("%s, told to end: %s", async (output, signal) => {
    const namespace = await holdNamespace();
    const first = new LocalKernel(namespace.wrapper);
    expect(await first.lock()).toBeUndefined();
    const { code, errors } = await second(namespace, output, signal);
    // What sysctls this host lacks is told before.
    const lines = errors.split("\n").filter((line) => line !== "" && !/nf_conntrack|route_localnet/.test(line));
    if (signal) expect([code, lines]).toEqual([0, []]);
    else
      expect([code, lines]).toEqual([
        2,
        [expect.stringMatching(/process \d+ writes kpc's tables in this network namespace already: stop it first/)],
      ]);
    await first.close();
    namespace.close();
  });
});

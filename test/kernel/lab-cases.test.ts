/** Expectations for a cluster are held against what a lab shows. */
import { describe, expect, test } from "vitest";
import { inFolder, kpcProcess } from "../support/cli.ts";
import { kernelMissing } from "../support/kernel.ts";
import { EVERYTHING } from "../support/runs.ts";

const SHOP = new URL("../../examples/shop", import.meta.url).pathname;

function caseOf(flows: string): string {
  return `apiVersion: kpc.dev/v1alpha1
kind: Expectations
name: lab
files: [${SHOP}/manifests]
config: ${SHOP}/kpc.yaml
cluster: ${SHOP}/cluster.yaml
modes: [nftables]
flows:
${flows}`;
}

describe.skipIf(kernelMissing !== undefined)("kpc test --engine lab", () => {
  test.runIf(EVERYTHING)("tells which expectations hold, and what was seen instead", () => {
    const flows = `
  - { name: right, from: pod/shop/web-1, to: "svc/shop/api:http", expect: { delivered: [api-1, api-2], seenAs: client, reply: delivered, via: [node-1] } }
  - { name: dropped, from: outside/client, to: "lb/shop/partners:80", expect: { ends: dropped } }
  - { name: wrong client, from: pod/shop/web-1, to: "outside/client:443", expect: { seenAs: client } }
  - { name: wrong way, from: pod/shop/web-1, to: "pod/shop/api-1:http", expect: { via: [node-2] } }
  - { name: wrong receiver, from: pod/shop/web-1, to: "pod/shop/api-1:http", expect: { delivered: [api-2] } }
`;
    const [{ code, stdout }, run] = inFolder({ "case.yaml": caseOf(flows) }, (folder) => [
      kpcProcess(["test", "--engine", "lab", "case.yaml"], { folder }),
      kpcProcess(["lab", "run", "case.yaml", "-q"], { folder }),
    ]);
    expect(run.stdout).toMatch(/^=> as expected: not delivered, dropped|^=> as expected: dropped$/m);
    expect(run.stdout).toMatch(/^=> expected via node-2: the packet comes via node-1$/m);
    expect(run.stdout).toMatch(/^5 flows: 2 as predicted and expected, 3 not$/m);
    expect(run.code).toBe(1);
    const told = [...stdout.matchAll(/^FAIL case\.yaml:\S+ lab \/ (.*) \(nftables, lab\): (.*)$/gm)];
    expect(told.map(([, flow, reason]) => `${flow}: ${reason}`)).toEqual([
      expect.stringMatching(
        /^wrong client: outside\/client sees 198\.51\.100\.1:\d+ \(gateway\), not the client's address$/,
      ),
      "wrong way: the packet comes via node-1",
      "wrong receiver: pod/shop/api-1 can get it, too",
    ]);
    expect(stdout).toMatch(/^2 passed, 3 failed, 0 skipped$/m);
    expect(code).toBe(1);
  });

  test("skips expectations for one node, with the reason", () => {
    const { code, stdout } = kpcProcess(["test", "--engine", "lab", `${SHOP}/expectations.yaml`]);
    expect(stdout).toContain("SKIP engine lab: it answers expectations for a whole cluster");
    expect(code).toBe(0);
  });
});

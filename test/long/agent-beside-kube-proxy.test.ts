/** kpc's agent and the real kube-proxy follow the real API server, each on a node of its own, while a cluster becomes another. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { kubeMissing } from "../support/kube/binaries.ts";
import { ProxyJudge, proxyCase } from "../support/kube/proxy-agreement.ts";

const missing =
  kubeMissing(["etcd", "kube-apiserver", "kube-proxy"]) ??
  kernelMissing ??
  (process.getuid?.() === 0 ? undefined : "kube-proxy needs root");
if (missing !== undefined) process.stderr.write(`tests of the agent beside kube-proxy are left out: ${missing}\n`);

describe.skipIf(missing !== undefined)("the agent beside kube-proxy", () => {
  let judge: ProxyJudge;

  beforeAll(async () => {
    judge = await ProxyJudge.start();
  }, 180_000);

  afterAll(() => judge?.stop());

  test("has the rules of compile after each change, and does what kube-proxy does", async () => {
    const cases = fc
      .sample(proxyCase, { seed: 3, numRuns: 12 })
      .map((each) => ({ ...each, mode: "nftables" as const }));
    const rounds = await judge.follow(cases);
    expect(rounds.map(({ own }) => own)).toEqual(cases.map(() => "equal"));
    expect(rounds.flatMap(({ unexplained }) => unexplained)).toEqual([]);
  });
});

/** The real kube-proxy and kpc do the same to every packet, but for what is known. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../support/arbitraries.ts";
import { kernelMissing } from "../support/kernel.ts";
import { kubeMissing } from "../support/kube/binaries.ts";
import { type ProxyAgreement, ProxyJudge, proxyCase } from "../support/kube/proxy-agreement.ts";

const missing =
  kubeMissing(["etcd", "kube-apiserver", "kube-proxy"]) ??
  kernelMissing ??
  (process.getuid?.() === 0 ? undefined : "kube-proxy needs root");
if (missing !== undefined) process.stderr.write(`tests against the real kube-proxy are left out: ${missing}\n`);

/** What is not as it should be. */
function faultsOf({ unexplained, trouble, refused }: ProxyAgreement): string[] {
  return [...unexplained, ...(trouble === undefined ? [] : [trouble]), ...refused.map(({ message }) => message)];
}

describe.skipIf(missing !== undefined)("the real kube-proxy", () => {
  let judge: ProxyJudge;

  beforeAll(async () => {
    judge = await ProxyJudge.start();
  }, 180_000);

  afterAll(() => judge?.stop());

  test("a Service whose ports for health checks others have by chance gets another one", async () => {
    const loadBalancer = (name: string, healthCheckNodePort: number): Manifest => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        healthCheckNodePort,
        ports: [{ port: 80 }],
        selector: { app: "web" },
      },
    });
    await judge.served.clear();
    expect(await judge.served.make([loadBalancer("first", 31_001), loadBalancer("second", 31_001)])).toEqual([]);
  });

  test("makes rules that do what kpc's do, in both modes", async () => {
    const modes = new Set<string>();
    for (const each of fc.sample(proxyCase, { seed: 2, numRuns: 8 })) {
      modes.add(each.mode);
      const agreement = await judge.judge(each);
      expect(faultsOf(agreement)).toEqual([]);
      expect(agreement.classes).toBeGreaterThan(100);
    }
    expect([...modes].sort()).toEqual(["iptables", "nftables"]);
  });

  test.each(["nftables", "iptables"] as const)(
    "is seen to differ where kpc reads another endpoint: %s",
    async (mode) => {
      const [first] = fc.sample(proxyCase, { seed: 2, numRuns: 1 });
      if (first === undefined) throw new Error("no cluster");
      const agreement = await judge.judge({ ...first, mode }, (text) => text.replaceAll("10.180.90.1", "10.180.90.98"));
      expect(agreement.unexplained.join("\n")).toContain("10.180.90.98");
    },
  );
});

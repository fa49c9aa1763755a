/** `kpc agent --init-only`: the sysctls of a network namespace. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";

const folder = mkdtempSync(join(tmpdir(), "kpc-init-"));
afterAll(() => rmSync(folder, { recursive: true }));

const missing = kernelMissing ?? (process.getuid?.() === 0 ? undefined : "sysctls need root");
if (missing !== undefined) process.stderr.write(`the test of sysctls is left out: ${missing}\n`);

test.skipIf(missing !== undefined)(
  "sets what kube-proxy's settings say, once, and ends with 2 where it may not",
  async () => {
    const namespace = await holdNamespace();
    const initialise = (conntrack: string): ReturnType<typeof namespace.run> => {
      const file = join(folder, "kube-proxy.yaml");
      const head =
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\n";
      writeFileSync(file, `${head}conntrack: {${conntrack}}\n`);
      return namespace.run(`'${process.execPath}' dist/bin/kpc.cjs agent --init-only -q -c ${file}`);
    };
    const wanted = "maxPerCore: 0, tcpEstablishedTimeout: 2h, tcpCloseWaitTimeout: 30s";
    expect(initialise(wanted)).toMatchObject({
      status: 0,
      output: expect.stringMatching(
        /^net\.ipv4\.conf\.all\.route_localnet = 1 \(was 0\)\nnet\.netfilter\.nf_conntrack_tcp_timeout_established = 7200 \(was \d+\)\nnet\.netfilter\.nf_conntrack_tcp_timeout_close_wait = 30 \(was \d+\)\n$/,
      ),
    });
    expect(initialise(wanted)).toMatchObject({ status: 0, output: "" });
    // The size is one for all namespaces: who is in this one may not set it.
    const { status, output } = initialise("maxPerCore: 100000000");
    expect([status, output]).toEqual([2, expect.stringContaining("nf_conntrack_max is ")]);
    namespace.close();
  },
);

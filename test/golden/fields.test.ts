/** What a field of a Service changes in the rules: each golden file is the difference from the rules of a plain Service. */
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Config } from "../../compiler/node/config.ts";
import { printIptables, printNft, toConfig } from "../support/compile.ts";

interface Changed {
  /** Lines of the Service's `spec`. */
  readonly spec?: string;
  readonly status?: string;
  /** What is said of the second endpoint. */
  readonly endpoint?: string;
  readonly settings?: Config;
}

const SETTINGS: Config = toConfig({
  nodeName: "node-1",
  nodeIPs: ["192.168.50.11"],
  clusterCIDR: ["10.244.0.0/16"],
  mode: "nftables",
});

const CASES: Readonly<Record<string, Changed>> = {
  "session-affinity": { spec: "sessionAffinity: ClientIP" },
  "internal-traffic-policy-local": { spec: "internalTrafficPolicy: Local" },
  "external-ip": { spec: "externalIPs: [198.51.100.9]" },
  "external-traffic-policy-local": { spec: "externalIPs: [198.51.100.9]\n  externalTrafficPolicy: Local" },
  "source-ranges": {
    spec: "type: LoadBalancer\n  allocateLoadBalancerNodePorts: false\n  loadBalancerSourceRanges: [203.0.113.0/24]",
    status: "status: {loadBalancer: {ingress: [{ip: 198.51.100.9}]}}",
  },
  "endpoint-not-ready": { endpoint: "conditions: {ready: false}" },
  "masquerade-kpc": { settings: { masquerade: "kpc" } },
  "masquerade-all": { settings: { masqueradeAll: true } },
};

/** The rules in each mode and format, a line each. */
function textsOf({ spec = "", status = "", endpoint = "", settings = {} }: Changed): Record<string, string[]> {
  const text = `apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec:
  clusterIP: 10.96.0.10
  ports: [{name: http, port: 80, targetPort: 8080}]
  ${spec}
${status}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints:
- {addresses: [10.244.1.5], nodeName: node-1}
- {addresses: [10.244.2.7], nodeName: node-2, ${endpoint}}
ports: [{name: http, port: 8080}]
`;
  const texts: Record<string, string[]> = {};
  for (const mode of ["nftables", "iptables"] as const) {
    const { compiled, diagnostics } = compile([{ name: "a.yaml", text }], { ...SETTINGS, ...settings, mode });
    if (compiled === undefined) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)));
    texts[`${mode} mode, nft`] = printNft(compiled.program).split("\n");
    texts[`${mode} mode, iptables-restore`] = printIptables(compiled.program, "ip").split("\n");
  }
  return texts;
}

/** The lines that are only in one of two texts, `-` and `+`, each below the blocks that it stands in. */
function differenceOf(before: readonly string[], after: readonly string[]): string[] {
  const width = after.length + 1;
  // The length of the longest common rest, from each pair of lines on.
  const common = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i * width + j] =
        before[i] === after[j]
          ? (common[(i + 1) * width + j + 1] as number) + 1
          : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
  const found: string[] = [];
  const open: { readonly line: string; isShown: boolean }[] = [];
  const show = (sign: string, line: string): void => {
    for (const block of open) {
      if (!block.isShown) found.push(`  ${block.line}`);
      block.isShown = true;
    }
    found.push(`${sign} ${line}`);
  };
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const [old, now] = [before[i], after[j]];
    if (old !== undefined && old === now) {
      if (/\{$|^\*/.test(old)) open.push({ line: old, isShown: false });
      else if (/^\s*\}$|^COMMIT$/.test(old)) open.pop();
      i++;
      j++;
    } else if (
      old !== undefined &&
      (now === undefined || (common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number))
    ) {
      show("-", old);
      i++;
    } else {
      show("+", now as string);
      j++;
    }
  }
  return found;
}

const PLAIN = textsOf({});

/** After a wanted change: `vitest -u`, then read the difference. */
describe("a field changes these lines", () => {
  test.each(Object.entries(CASES))("%s", async (name, changed) => {
    const parts = Object.entries(textsOf(changed)).map(
      ([title, lines]) => `# ${title}\n${differenceOf(PLAIN[title] ?? [], lines).join("\n")}\n`,
    );
    await expect(parts.join("\n")).toMatchFileSnapshot(new URL(`fields/${name}.diff`, import.meta.url).pathname);
  });
});

import { expect, test } from "vitest";
import { printRule } from "../../../compiler/formats/nft/print.ts";
import { type Manifest, PROXY } from "../../support/arbitraries.ts";
import { mustCompile } from "../../support/compile.ts";

interface Asked {
  readonly clusterIP: string;
  readonly spec?: Manifest;
}

function serviceOf({ clusterIP, spec = {} }: Asked): Manifest {
  const ports = [{ name: "http", port: 80, ...(spec["type"] === "NodePort" ? { nodePort: 30080 } : {}) }];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { clusterIP, clusterIPs: [clusterIP], ipFamilies: ["IPv4"], ports, ...spec },
  };
}

/** The only rule of the IPv4 table's chain `name`. */
function ruleOf(name: string, serviceCIDRs: string[], service: Asked): string {
  const { program } = mustCompile({
    objects: [serviceOf(service)],
    proxy: { ...PROXY, serviceCIDRs },
    mode: "nftables",
  });
  const table = program.ruleset.tables.find(({ family }) => family === "ip");
  const rules = table?.chains.find((chain) => chain.name === name)?.rules ?? [];
  return rules.map((rule) => printRule(rule, "ip")).join("; ");
}

const BLOCK = ["172.30.0.0/16"];
const INSIDE = "172.30.0.10";

test.each<[what: string, dispatch: string, unserved: string, serviceCIDRs: string[], service: Asked]>([
  ["cluster IPs in one block", "ip daddr 172.30.0.0/16 ", "ip daddr 172.30.0.0/16 ", BLOCK, { clusterIP: INSIDE }],
  ["cluster IPs in no block", "", "", [], { clusterIP: INSIDE }],
  ["a cluster IP elsewhere", "", "", BLOCK, { clusterIP: "172.31.0.10" }],
  ["several blocks", "", "", [...BLOCK, "172.20.0.0/16"], { clusterIP: INSIDE }],
  ["an external IP", "", "", BLOCK, { clusterIP: INSIDE, spec: { externalIPs: ["203.0.113.1"] } }],
  ["a node port", "", "ip daddr 172.30.0.0/16 ", BLOCK, { clusterIP: INSIDE, spec: { type: "NodePort" } }],
])("packets are asked for the block of Services before they are looked up: %s", (_, dispatch, unserved, ...cluster) => {
  for (const chain of ["nat-prerouting", "nat-output"])
    expect(ruleOf(chain, ...cluster)).toBe(`${dispatch}jump services`);
  for (const chain of ["filter-forward", "filter-output"])
    expect(ruleOf(chain, ...cluster)).toBe(`${unserved}ct state new jump unserved-elsewhere`);
});

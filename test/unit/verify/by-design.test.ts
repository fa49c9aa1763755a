import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { Culprits } from "../../../compiler/verify/culprits.ts";
import { describeDesign, designsOf } from "../../../compiler/verify/designs.ts";
import { onlyServiceTraffic } from "../../../compiler/verify/others.ts";
import { describeSuspects } from "../../../compiler/verify/places.ts";
import { serviceRulesOf } from "../../../compiler/verify/service-rules.ts";
import { frontendsIn } from "../../../compiler/verify/services/frontends.ts";
import { ServiceNames } from "../../../compiler/verify/services/service-names.ts";
import { mustCompile } from "../../support/compile.ts";
import { mustReadIptables } from "../../support/read.ts";
import { some } from "../../support/runs.ts";
import { webCluster } from "../../support/tables.ts";

/** The endpoint is outside of the cluster: plugins masquerade pods that go there. */
const { program, node } = mustCompile(webCluster(["172.16.0.9"]));
const { addresses } = node;
const names = new ServiceNames(frontendsIn(program), addresses);

function check(others: Program, strictSource = false) {
  const tables = [...program.ruleset.tables, ...others.ruleset.tables];
  const rules = serviceRulesOf({ ruleset: { tables }, routes: [] }, [], { strictSource });
  const all = compare(rules.own, rules.whole, { addresses, families: ["IPv4"], firstOnly: true, unmarked: true });
  const { comparison, byDesign } = onlyServiceTraffic(all, rules, names.nameOf, addresses);
  return { rules, regions: comparison.regions, designs: designsOf(byDesign, rules, names) };
}

const nat = (chain: string, target: string, ...more: string[]): Program =>
  mustReadIptables(
    [
      "*nat",
      ":POSTROUTING ACCEPT [0:0]",
      `:${chain} - [0:0]`,
      `-A POSTROUTING -j ${chain}`,
      `-A ${chain} -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j ${target}`,
      "COMMIT",
      ...more,
      "",
    ].join("\n"),
    "ip",
  );

describe("source translation by a network plugin", () => {
  const chains = [
    ["FLANNEL-POSTRTG", "MASQUERADE --random-fully", "flannel"],
    ["cali-nat-outgoing", "MASQUERADE", "Calico"],
    ["KIND-MASQ-AGENT", "MASQUERADE", "kindnet"],
    ["CNI-HOSTPORT-MASQ", "MASQUERADE", "portmap (host ports)"],
    ["CNI-fb51a7bfa5365a8a89e764fd", "MASQUERADE", "the bridge or ptp plugin"],
    ["AWS-SNAT-CHAIN-0", "SNAT --to-source 192.168.0.2 --random-fully", "the AWS VPC CNI"],
    ["IP-MASQ-AGENT", "MASQUERADE", "ip-masq-agent"],
    ["CILIUM_POST_nat", "MASQUERADE", "Cilium"],
    ["ANTREA-POSTROUTING", "MASQUERADE", "Antrea"],
    ["WEAVE", "MASQUERADE", "Weave Net"],
  ] as const;
  test.each(some(chains, 3))("is no difference in %s, but for --strict-source", (chain, target, by) => {
    const { regions, designs } = check(nat(chain, target));
    expect(regions).toEqual([]);
    expect(designs.map(describeDesign)).toEqual([
      `source translation by ${by}, by design: default/web:http (line 5 of dump); --strict-source counts it as a difference`,
    ]);
    const strict = check(nat(chain, target), true);
    expect(strict.regions.length).toBeGreaterThan(0);
    expect(strict.designs).toEqual([]);
  });

  test("is a difference in a chain of somebody else", () => {
    expect(check(nat("OFFICE", "MASQUERADE")).regions.length).toBeGreaterThan(0);
  });

  test("is not blamed for what another rule does", () => {
    const drop = ["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -p tcp -d 172.16.0.9/32 -j DROP", "COMMIT"];
    const { rules, regions } = check(nat("FLANNEL-POSTRTG", "MASQUERADE", ...drop));
    const culprits = new Culprits(rules, addresses);
    const served = regions.filter(({ left }) => left.verdict === "dnat");
    expect(served.length).toBeGreaterThan(0);
    for (const region of served) expect(describeSuspects(culprits.of(region)?.suspects ?? [])).toBe("line 9 of dump");
  });

  test("does not hide that packets go elsewhere", () => {
    const dnat = ["*mangle", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -p tcp -j MARK --set-xmark 0x1/0x1", "COMMIT"];
    const elsewhere = ["*filter", ":FORWARD DROP [0:0]", "COMMIT"];
    expect(check(nat("FLANNEL-POSTRTG", "MASQUERADE", ...dnat, ...elsewhere)).regions.length).toBeGreaterThan(0);
  });
});

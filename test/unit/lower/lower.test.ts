/** Tables from settings and the Service ports that a node sees. */
import { describe, expect, test } from "vitest";
import type { Origin } from "../../../compiler/diagnostics.ts";
import { printRule } from "../../../compiler/formats/nft/print.ts";
import { required } from "../../../compiler/invariant.ts";
import { Contribution } from "../../../compiler/lower/contribution.ts";
import { Identities } from "../../../compiler/lower/identities.ts";
import { contributionsOf, tableOf } from "../../../compiler/lower/lower.ts";
import type { FamilySettings, Settings } from "../../../compiler/node/settings.ts";
import type { ServicePortView } from "../../../compiler/node/view.ts";
import { candidate, prefix, servicePort } from "../../support/service-port.ts";

const PLAIN: FamilySettings = {
  detector: undefined,
  serviceCidrs: [],
  nodePorts: { kind: "every-local" },
  localhostNodePorts: false,
  primaryAddress: undefined,
  podNetwork: undefined,
};

function settings(members: Partial<Settings> = {}, ipv4: Partial<FamilySettings> = {}): Settings {
  const families = { IPv4: { ...PLAIN, ...ipv4 }, IPv6: PLAIN };
  return { mode: "nftables", masqueradeAll: false, tcpBeLiberal: false, families, ...members };
}

const WEB: ServicePortView = { ...servicePort(), clusterEndpoints: [], localEndpoints: [] };

test.each<[what: string, services: ServicePortView[], ipv4: Partial<FamilySettings>, families: string[]]>([
  ["nothing", [], {}, []],
  ["a Service port", [WEB], {}, ["IPv4"]],
  ["a Service CIDR", [], { serviceCidrs: [prefix("10.96.0.0/16")] }, ["IPv4"]],
  ["a pod network", [], { podNetwork: { cidrs: [], nodes: [] } }, ["IPv4"]],
])("families with %s have a table", (_, services, ipv4, families) => {
  expect([...contributionsOf({ IPv4: services, IPv6: [] }, settings({}, ipv4)).keys()]).toEqual(families);
});

test.each<[what: string, cidrs: string[], isElsewhere: boolean]>([
  ["in no block", [], true],
  ["in one of two blocks", ["10.97.0.0/16", "10.96.0.0/16"], false],
  ["in none of two blocks", ["10.97.0.0/16", "10.98.0.0/16"], true],
])("a cluster IP %s", (_, cidrs, isElsewhere) => {
  const of = settings({}, { serviceCidrs: cidrs.map(prefix) });
  const contribution = contributionsOf({ IPv4: [WEB], IPv6: [] }, of).get("IPv4");
  expect(contribution?.features.has("cluster-ips-elsewhere")).toBe(isElsewhere);
});

test("an endpoint of two Services has the place of the first for packets to itself", () => {
  const [here, there] = ["web", "api"].map(
    (name): Origin => ({
      span: () => ({ source: { name, text: "" }, start: 0, end: 0 }),
    }),
  );
  const viewWith = (name: string, origin: Origin | undefined): ServicePortView => {
    const endpoint = { ...candidate("1 ready"), ...(origin && { origin }) };
    return { ...servicePort({ name, hasAnyEndpoint: true }), clusterEndpoints: [endpoint], localEndpoints: [] };
  };
  const views = [viewWith("web", here), viewWith("api", there)];
  const contribution = contributionsOf({ IPv4: views, IPv6: [] }, settings()).get("IPv4");
  expect(contribution?.sharedOf("hairpin").values().next().value?.origin).toBe(here);
});

/** The rules of the chain `name` of IPv4's table, for TCP and these timeouts of session affinity. */
function rulesOf(name: string, of: Settings, ...timeouts: readonly number[]): readonly string[] {
  const chain = tableFor(of, timeouts).chains.find((each) => each.name === name);
  return required(chain, name).rules.map((rule) => printRule(rule, "ip"));
}

function tableFor(of: Settings, timeouts: readonly number[]) {
  const contribution = new Contribution(new Identities());
  contribution.protocols.add("tcp");
  for (const seconds of timeouts) contribution.affinitySeconds.add(seconds);
  return tableOf(contribution, of, "IPv4");
}

test("chains that remember clients stand in the order of their timeouts, whatever came first", () => {
  const names = tableFor(settings(), [90, 7, 600, 60]).chains.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith("remember"))).toEqual([
    "remember-7s-tcp",
    "remember-60s-tcp",
    "remember-90s-tcp",
    "remember-600s-tcp",
  ]);
});

test.each([
  [false, 1],
  [true, 0],
])("in iptables mode, invalid packets are dropped unless connection tracking is liberal: %s", (tcpBeLiberal, count) => {
  const rules = rulesOf("filter-forward", settings({ mode: "iptables", tcpBeLiberal }));
  expect(rules.filter((rule) => rule.includes("ct state invalid"))).toHaveLength(count);
});

describe("where all traffic is masqueraded, with session affinity, a pod network, node ports and source ranges", () => {
  const contribution = new Contribution(new Identities());
  contribution.protocols.add("tcp");
  contribution.affinitySeconds.add(60);
  for (const feature of ["node-ports", "translates-to-self", "source-ranges"] as const)
    contribution.features.add(feature);
  const all = settings(
    { mode: "iptables", masqueradeAll: true },
    { podNetwork: { cidrs: [prefix("10.244.0.0/16")], nodes: [] } },
  );
  const { chains } = tableOf(contribution, all, "IPv4");

  test.each<[name: string, rules: string[]]>([
    [
      "nat-postrouting",
      [
        "ip saddr 10.244.0.0/16 jump leaving-pod-network",
        "jump free-register",
        "jump masquerade-cluster-ip",
        "ct status dnat meta l4proto tcp ct original proto-dst vmap @masquerade-node-ports-tcp",
        "ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto tcp ct original proto-dst vmap @masquerade-node-ports-tcp",
      ],
    ],
    [
      "leaving-pod-network",
      [
        'ip daddr { 10.244.0.0/16, 224.0.0.0/4 } return comment "pods, nodes, multicast"',
        'fib saddr type local return comment "this node itself"',
        'meta priority set none comment "free the register"',
        "masquerade fully-random",
      ],
    ],
    [
      "masquerade-node-port-always",
      [
        "meta l4proto tcp ct original ip daddr . ct original proto-dst @cluster-ip-ports-tcp return",
        "goto masquerade-always",
      ],
    ],
    [
      "source-ranged-services",
      [
        "ip daddr . meta l4proto . th dport . ip saddr @allowed-sources ip daddr . meta l4proto . th dport vmap @source-ranged-services",
        "ip daddr . meta l4proto . th dport . ip saddr @allowed-sources goto first-cluster-endpoint",
      ],
    ],
  ])("the rules of %s", (name, rules) => {
    const chain = chains.find((each) => each.name === name);
    expect(chain?.rules.map((rule) => printRule(rule, "ip"))).toEqual(rules);
  });
});

import { describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { printPlace } from "../../../compiler/diagnostics.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";
import { toConfig } from "../../support/compile.ts";

const HEAD = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const NODE =
  "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDRs: [10.244.7.0/24]}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n";

/** kube-proxy's ConfigMap as kubeadm writes it. */
const configMap = (settings: string, name = "kube-proxy"): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: kube-system}\ndata:\n  config.conf: |-\n${`${HEAD}${settings}`.replace(/^/gm, "    ")}\n  kubeconfig.conf: |-\n    apiVersion: v1\n    kind: Config\n`;

function settingsFrom(texts: readonly string[], config: Config = {}) {
  const { diagnostics, compiled } = compile(
    [{ name: "in.yaml", text: [SERVICE, NODE, ...texts].join("---\n") }],
    config,
  );
  const said = diagnostics
    .filter(({ code }) => code !== "no-endpoints" && code !== "skipped-object")
    .map(({ severity, message, origin }) => {
      const place = origin === undefined ? "" : `${printPlace(origin.span())} `;
      return `${place}${severity} ${message}`;
    });
  return { said, settings: compiled?.settings, node: compiled?.node };
}

/** Lines of the texts that stand before the settings. */
const BEFORE = [SERVICE, NODE, ""].join("---\n").split("\n").length;

const detector = (settings: string, config?: object): string => {
  const found = settingsFrom([HEAD + settings], config === undefined ? {} : toConfig(config as never));
  const of = found.settings?.families.IPv4.detector;
  return of === undefined ? "none" : of.kind === "source" ? of.prefixes.map(printPrefix).join() : JSON.stringify(of);
};

describe("what is taken", () => {
  test("mode: iptables where nothing is said, whatever kpc's own default is", () => {
    expect(settingsFrom([HEAD]).settings?.mode).toBe("iptables");
    expect(settingsFrom([`${HEAD}mode: ""\n`]).settings?.mode).toBe("iptables");
    expect(settingsFrom([`${HEAD}mode: nftables\n`]).settings?.mode).toBe("nftables");
    expect(settingsFrom([]).settings?.mode).toBe("nftables");
  });

  test.each([
    ["10.244.0.0/16", 'clusterCIDR: "10.244.0.0/16,fd00::/64"'],
    ["10.244.0.0/16", "detectLocalMode: ClusterCIDR\nclusterCIDR: 10.244.0.0/16"],
    // NodeCIDR does not look at clusterCIDR
    ["10.244.7.0/24", "detectLocalMode: NodeCIDR\nclusterCIDR: 10.244.0.0/16"],
    [
      '{"kind":"interface","name":"cni0"}',
      "detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0, interfaceNamePrefix: veth}",
    ],
    [
      '{"kind":"interface-prefix","prefix":"veth"}',
      "detectLocalMode: InterfaceNamePrefix\ndetectLocal: {bridgeInterface: cni0, interfaceNamePrefix: veth}",
    ],
  ])("detector %s: %j", (wanted, settings) => {
    expect(detector(`${settings}\n`)).toBe(wanted);
  });

  test.each([
    ["192.0.2.1", "mode: nftables\nnodePortAddresses: [primary]"],
    ["every-local", "nodePortAddresses: [all]"],
    ["127.0.0.1", "nodePortAddresses: [localhost]"],
    ["192.0.2.1,127.0.0.1", "nodePortAddresses: [localhost, 192.0.2.0/24]"],
    ["192.0.2.1", "mode: nftables"],
    ["every-local", "nodePortAddresses: null"],
  ])("node ports on %s: %j", (wanted, settings) => {
    const nodePorts = settingsFrom([`${HEAD}${settings}\n`]).settings?.families.IPv4.nodePorts;
    const shown = nodePorts?.kind === "listed" ? nodePorts.addresses.map(printAddress).join() : nodePorts?.kind;
    expect(shown).toBe(wanted);
  });

  test("masqueradeAll of the mode's own section, localhostNodePorts, the name and the primary address of the node", () => {
    const all = (settings: string) => settingsFrom([`${HEAD}${settings}\n`]).settings?.masqueradeAll;
    expect(all("iptables: {masqueradeAll: true}")).toBe(true);
    expect(all("mode: nftables\niptables: {masqueradeAll: true}")).toBe(false);
    expect(all("mode: nftables\nnftables: {masqueradeAll: true}")).toBe(true);
    const { settings, node } = settingsFrom([
      `${HEAD}iptables: {localhostNodePorts: false}\nhostnameOverride: n1\nbindAddress: 192.0.2.9\n`,
    ]);
    expect(settings?.families.IPv4.localhostNodePorts).toBe(false);
    expect([node?.name, node?.addresses.map(printAddress)]).toEqual(["n1", ["192.0.2.9", "192.0.2.1"]]);
    expect(settingsFrom([`${HEAD}bindAddress: 0.0.0.0\n`]).node?.addresses.map(printAddress)).toEqual(["192.0.2.1"]);
  });

  test("is said once, and only what nothing else says; flags and settings win", () => {
    const settings = "mode: nftables\nclusterCIDR: 10.244.0.0/16\n";
    const place = `in.yaml:${BEFORE}:1`;
    expect(settingsFrom([HEAD + settings]).said).toEqual([
      `${place} note taken from KubeProxyConfiguration: mode nftables, clusterCIDR 10.244.0.0/16`,
    ]);
    const { said, settings: resolved } = settingsFrom([HEAD + settings], toConfig({ mode: "iptables" } as never));
    expect(said).toEqual([`${place} note taken from KubeProxyConfiguration: clusterCIDR 10.244.0.0/16`]);
    expect(resolved?.mode).toBe("iptables");
    expect(detector(settings, { clusterCIDR: ["10.0.0.0/8"] })).toBe("10.0.0.0/8");
  });
});

describe("conntrack.tcpBeLiberal", () => {
  const rules = (settings: string): string => {
    const input = `${SERVICE}---\n${HEAD}clusterCIDR: 10.244.0.0/16\n${settings}`;
    return kpc(["compile", "-", "-q"], { input }).stdout;
  };

  test("iptables mode drops invalid packets unless it is set; nftables mode never does", () => {
    expect(rules("")).toMatch(/ct state invalid .*drop/);
    expect(rules("conntrack: {tcpBeLiberal: true}\n")).not.toMatch(/ct state invalid .*drop/);
    expect(rules("mode: nftables\n")).not.toMatch(/ct state invalid .*drop/);
  });
});

describe("the ConfigMap of kube-proxy", () => {
  test("is read, with places in the text as it stands there", () => {
    const { said, settings } = settingsFrom([
      configMap("mode: nftables\nclusterCIDR: 10.244.0.5/16\nmetricsBindAddress: 0.0.0.0:10249\n"),
    ]);
    expect(settings?.mode).toBe("nftables");
    expect(said).toEqual([
      `in.yaml:${BEFORE + 8}:18 warning clusterCIDR: CIDR value "10.244.0.5/16" is ambiguous in this context (should be "10.244.0.0/16" or "10.244.0.5/32"?): read as "10.244.0.0/16"`,
      `in.yaml:${BEFORE + 5}:5 note taken from KubeProxyConfiguration: mode nftables, clusterCIDR 10.244.0.0/16`,
      `in.yaml:${BEFORE + 9}:25 info settings of KubeProxyConfiguration that decide no rule: metricsBindAddress`,
    ]);
  });

  test("in JSON, places are those in the text, under a name that says where it is", () => {
    const map = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kube-proxy", namespace: "kube-system" },
      data: { "config.conf": `${HEAD}mode: ipvs\n` },
    };
    const { diagnostics } = compile(
      [
        { name: "a.json", text: JSON.stringify(map) },
        { name: "b.yaml", text: SERVICE },
      ],
      {},
    );
    const found = diagnostics.find(({ code }) => code === "unsupported-mode");
    expect(found?.origin && printPlace(found.origin.span())).toBe(
      "a.json (ConfigMap kube-system/kube-proxy, config.conf):3:7",
    );
  });

  test("others are kinds that are not read", () => {
    for (const text of [
      configMap("mode: ipvs\n", "coredns"),
      configMap("mode: ipvs\n").replace("kube-system", "default"),
    ])
      expect(settingsFrom([text]).said).toEqual([
        "note left out objects of kinds that kpc does not read: v1/ConfigMap (1)",
      ]);
  });
});

describe("what cannot be followed", () => {
  test.each([
    ["error mode ipvs is not supported", "mode: ipvs"],
    ['error mode: Unsupported value: "userspace": supported values', "mode: userspace"],
    ['error unknown field "clusterCidr", did you mean "clusterCIDR"?', "clusterCidr: 10.0.0.0/8"],
    ['warning unknown field "newer"', "newer: 1"],
    [
      "note settings of KubeProxyConfiguration that kpc does not follow: featureGates, iptables.masqueradeBit",
      "featureGates: {A: true}\niptables: {masqueradeBit: 15}",
    ],
    [
      "info settings of KubeProxyConfiguration that decide no rule: clientConnection, oomScoreAdj",
      "clientConnection: {qps: 7}\noomScoreAdj: -5",
    ],
  ])("%s: %j", (wanted, settings) => {
    expect(settingsFrom([`${HEAD}${settings}\n`]).said.some((line) => line.includes(wanted))).toBe(true);
  });

  test("defaults of kube-proxy are not worth a word", () => {
    const settings =
      "bindAddress: 0.0.0.0\nbindAddressHardFail: false\nconfigSyncPeriod: 15m0s\nconntrack: {maxPerCore: 32768, min: 131072, tcpBeLiberal: false, tcpCloseWaitTimeout: 1h0m0s, tcpEstablishedTimeout: 24h0m0s}\n" +
      'healthzBindAddress: 0.0.0.0:10256\niptables: {masqueradeBit: 14, minSyncPeriod: 1s, syncPeriod: 30s}\nipvs: {excludeCIDRs: null, scheduler: "", strictARP: false, tcpTimeout: 0s}\nlogging: {verbosity: 0}\n' +
      'metricsBindAddress: 127.0.0.1:10249\nnftables: {masqueradeBit: 14, minSyncPeriod: 0s}\noomScoreAdj: -999\nportRange: ""\n';
    expect(settingsFrom([HEAD + settings]).said).toEqual([
      expect.stringContaining("taken from KubeProxyConfiguration: mode iptables"),
    ]);
  });

  test("--mode compiles for an ipvs host all the same; a second file does not count", () => {
    const { said, settings } = settingsFrom(
      [`${HEAD}mode: ipvs\n`, `${HEAD}clusterCIDR: 10.0.0.0/8\n`],
      toConfig({ mode: "iptables" } as never),
    );
    expect(settings?.mode).toBe("iptables");
    expect(said).toEqual([
      expect.stringContaining("warning KubeProxyConfiguration is in the input twice: the first one counts"),
    ]);
  });
});

test("as -c: alone, beside a Config, or as the ConfigMap", () => {
  const config = "apiVersion: kpc.dev/v1alpha1\nkind: Config\nnodeName: n1\n";
  const settings = `${HEAD}clusterCIDR: 10.244.0.0/16\n`;
  for (const file of [settings, `${config}---\n${settings}`, configMap("clusterCIDR: 10.244.0.0/16\n")]) {
    inFolder({ "a.yaml": SERVICE, "c.yaml": file }, (folder) => {
      const { code, stdout, stderr } = kpc(["compile", "a.yaml", "-c", "c.yaml"], { folder });
      expect([code, stdout.includes("iptables mode"), stdout.includes("10.244.0.0/16")]).toEqual([0, true, true]);
      expect(stderr).toMatch(
        /c\.yaml:\d+:\d+: note: taken from KubeProxyConfiguration: mode iptables, clusterCIDR 10\.244\.0\.0\/16/,
      );
    });
  }
});

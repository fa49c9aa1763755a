import { expect, test } from "vitest";
import { type Diagnostic, printPlace } from "../../../compiler/diagnostics.ts";
import { type AgentSettings, agentSettingsOf, parseBindAddress } from "../../../compiler/node/agent-settings.ts";
import { readConfigFile } from "../../../compiler/node/read-config.ts";

const HEAD = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

function read(
  text: string,
  mode: "nftables" | "iptables" = "nftables",
): { readonly settings: AgentSettings | undefined; readonly said: string[] } {
  const found: Diagnostic[] = [];
  const { kubeProxy } = readConfigFile({ name: "in.yaml", text: HEAD + text }, (each) => void found.push(each));
  const settings = kubeProxy && agentSettingsOf(kubeProxy, mode, (each) => void found.push(each));
  const said = found.map(({ severity, message, origin }) => {
    const place = origin === undefined ? "" : `${printPlace(origin.span())} `;
    return `${place}${severity} ${message}`;
  });
  return { settings, said };
}

/** What kubeadm writes: nothing of it is worth a word. */
const KUBEADM = `bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection: {acceptContentTypes: "", burst: 0, contentType: "", kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 0}
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpBeLiberal: false, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null, udpStreamTimeout: 0s, udpTimeout: 0s}
detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables: {localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
ipvs: {excludeCIDRs: null, minSyncPeriod: 0s, scheduler: "", strictARP: false, syncPeriod: 0s, tcpFinTimeout: 0s, tcpTimeout: 0s, udpTimeout: 0s}
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
metricsBindAddress: ""
mode: ""
nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: {enableDSR: false, forwardHealthCheckVip: false, networkName: "", rootHnsEndpointName: "", sourceVip: ""}
`;

test("what kubeadm writes gives kube-proxy's defaults, and no finding", () => {
  expect(read(KUBEADM)).toEqual({
    said: [],
    settings: {
      kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf",
      healthz: undefined,
      metrics: undefined,
      bindAddressHardFail: false,
      minSyncMs: undefined,
      syncMs: undefined,
      oomScoreAdj: undefined,
      conntrack: {
        maxPerCore: 32_768,
        min: 131_072,
        tcpEstablishedSeconds: 86_400,
        tcpCloseWaitSeconds: 3600,
        udpSeconds: 0,
        udpStreamSeconds: 0,
        tcpBeLiberal: false,
      },
    },
  });
});

test("what is set is taken, from the section of the mode", () => {
  const { settings, said } = read(
    `healthzBindAddress: "[::1]:1025"
metricsBindAddress: 0.0.0.0:10249
bindAddressHardFail: true
oomScoreAdj: -500
iptables: {minSyncPeriod: 3s, syncPeriod: 1h}
nftables: {minSyncPeriod: 100ms, syncPeriod: 2m}
conntrack: {maxPerCore: 0, min: 5, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 1m30s, udpTimeout: 10s, tcpBeLiberal: true}
`,
  );
  expect(said).toEqual([]);
  expect(settings).toMatchObject({
    healthz: { host: "::1", port: 1025 },
    metrics: { host: "0.0.0.0", port: 10_249 },
    bindAddressHardFail: true,
    oomScoreAdj: -500,
    minSyncMs: 100,
    syncMs: 120_000,
    conntrack: { maxPerCore: 0, min: 5, tcpEstablishedSeconds: 0, tcpCloseWaitSeconds: 90, udpSeconds: 10 },
  });
  expect(read("iptables: {minSyncPeriod: 3s}\n", "iptables").settings?.minSyncMs).toBe(3000);
});

test.each<[text: string, said: string]>([
  [
    "nftables:\n  minSyncPeriod: soon\n",
    '4:18 error nftables.minSyncPeriod: Invalid value: "soon": must be a duration of zero or more, like 1s or 1h30m',
  ],
  ["nftables: {syncPeriod: -1s}\n", "must be a duration of zero or more"],
  ["nftables: {syncPeriod: 30}\n", "Invalid value: 30: must be a duration"],
  [
    "conntrack: {maxPerCore: -1}\n",
    "3:25 error conntrack.maxPerCore: Invalid value: -1: must be an integer from 0 to 2147483647",
  ],
  ["oomScoreAdj: -2000\n", "must be an integer from -1000 to 1000"],
  [
    "healthzBindAddress: localhost\n",
    '3:21 error healthzBindAddress: Invalid value: "localhost": must be ADDRESS:PORT',
  ],
  [
    "nftables: {masqueradeBit: 32}\n",
    "3:27 error nftables.masqueradeBit: Invalid value: 32: must be an integer from 0 to 31",
  ],
  ["iptables: {masqueradeBit: -1}\n", "iptables.masqueradeBit: Invalid value: -1: must be an integer from 0 to 31"],
  [
    "nftables: {minSyncPeriod: 3s, syncPeriod: 2s}\n",
    '3:27 error nftables.minSyncPeriod: Invalid value: "3s": must be 2s or less, which is syncPeriod',
  ],
  [
    "nftables: {minSyncPeriod: 31s}\n",
    'nftables.minSyncPeriod: Invalid value: "31s": must be 30s or less, which is syncPeriod',
  ],
  [
    "nftables: {minSyncPeriod: 0s, syncPeriod: 500ms}\n",
    '3:43 error nftables.syncPeriod: Invalid value: "500ms": must be 1s or more, which is minSyncPeriod',
  ],
  ["clientConnection: {kubeconfig: 1}\n", "clientConnection.kubeconfig: Invalid value: 1: must be a string"],
])("%j is an error, at its place", (text, said) => {
  expect(read(text).said.join("\n")).toContain(said);
});

test("what kube-proxy takes is no error: equal periods, the last bit, other modes", () => {
  const { said } = read(
    "nftables: {minSyncPeriod: 30s}\niptables: {minSyncPeriod: 9s, syncPeriod: 1s, masqueradeBit: 31}\n",
  );
  expect(said).toEqual([]);
  expect(read("nftables: {masqueradeBit: 32}\n", "iptables").said).toEqual([]);
});

test("each setting that is not followed is told at its own place, with the reason; those of other modes are not", () => {
  const { said } = read(
    `featureGates: {A: true}
clientConnection: {qps: 50, kubeconfig: k}
nftables: {masqueradeBit: 15}
iptables: {masqueradeBit: 15, minSyncPeriod: 5s}
ipvs: {strictARP: true}
logging: {verbosity: 4}
`,
  );
  expect(said).toEqual([
    "in.yaml:3:15 warning featureGates: kpc agent does not follow this setting",
    "in.yaml:8:10 warning logging: kpc agent does not follow this setting",
    "in.yaml:5:27 warning nftables.masqueradeBit: kpc agent does not follow this setting: kpc's rules need no packet mark",
    "in.yaml:4:25 warning clientConnection.qps: kpc agent does not follow this setting: kpc agent has four requests that stay open",
  ]);
});

test.each<[text: string, host: string | undefined]>([
  ["0.0.0.0:10256", "0.0.0.0"],
  ["[::]:10256", "::"],
  [":::10256", undefined],
  ["1.2.3.4", undefined],
  ["1.2.3.4:70000", undefined],
  ["host:80", undefined],
])("the address %s", (text, host) => {
  expect(parseBindAddress(text)?.host).toBe(host);
});

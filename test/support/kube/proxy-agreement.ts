/** Random clusters on the real API server: the rules that the real kube-proxy makes of them, held against what kpc makes. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import {
  consistent,
  type Manifest,
  NODE_IPS,
  NODE_NAME,
  OTHER_NODE_IPS,
  proxySettings,
  type ServiceDraft,
  serviceDraft,
  toManifests,
} from "../arbitraries.ts";
import type { ProxySettings } from "../oracle/oracle.ts";
import { ApiRelay } from "./api-relay.ts";
import { type RefusedObject, ServedCluster } from "./cluster-on-server.ts";
import { explanationOf, type SeenCluster, type SeenDifference } from "./known-differences.ts";
import { KubeProxyNode, type KubeProxySettings } from "./kube-proxy-node.ts";
import { RealApiServer, SERVICE_RANGES } from "./real-api-server.ts";

/** A cluster, and the settings of kube-proxy on its node. */
export interface ProxyCase {
  readonly mode: "nftables" | "iptables";
  readonly objects: readonly Manifest[];
  readonly proxy: ProxySettings;
}

/** What kube-proxy leaves to chance is left out: which of two slices counts that have one address, and which of two Services with one address, also
 *  where it is the cluster IP of one of them. */
export const proxyCase: fc.Arbitrary<ProxyCase> = fc.record({
  mode: fc.constantFrom("nftables", "iptables"),
  objects: fc.array(serviceDraft, { minLength: 1, maxLength: 6 }).map((drafts) => {
    const clusterIpOf = (i: number, { clusterIndex }: ServiceDraft, family: string): string => {
      const host = (i + 1) * 10 + clusterIndex;
      return family === "IPv4" ? `172.30.1.${host}` : `fd00:10:96::${host}`;
    };
    const taken = new Set(drafts.flatMap((draft, i) => draft.families.map((family) => clusterIpOf(i, draft, family))));
    return drafts.flatMap((draft, i) =>
      toManifests(decided(consistent(draft), taken), i, (family) => clusterIpOf(i, draft, family)),
    );
  }),
  proxy: proxySettings,
});

/** `draft` without what is left to chance. `taken`: addresses that Services have that came before. */
function decided(draft: ServiceDraft, taken: Set<string>): ServiceDraft {
  const isFree = (set: Set<string>, address: string): boolean => !set.has(address) && set.add(address) !== undefined;
  const own = new Set<string>();
  const externalIPs = draft.externalIPs.filter((ip) => !taken.has(ip) && isFree(own, ip));
  const ingress = draft.ingress.filter(({ ip }) => !taken.has(String(ip)) && isFree(own, String(ip)));
  for (const ip of own) taken.add(ip);
  const earlier = new Set<string>();
  const slices = draft.slices.map((slice) => {
    const endpoints = slice.endpoints.filter((endpoint) => !earlier.has(String(endpoint["addresses"])));
    for (const endpoint of endpoints) earlier.add(String(endpoint["addresses"]));
    return { ...slice, endpoints };
  });
  // See `known-differences.ts` for the other label.
  const label = draft.label === "service.kubernetes.io/headless" ? undefined : draft.label;
  return { ...draft, externalIPs, ingress, slices, label };
}

/** What came of a case. */
export interface ProxyAgreement {
  readonly refused: readonly RefusedObject[];
  /** How many classes of packets were compared. */
  readonly classes: number;
  /** Differences that are known, by what explains them. */
  readonly explained: ReadonlyMap<string, number>;
  /** The others: one line each. */
  readonly unexplained: readonly string[];
  /** What kpc says where it cannot compare. */
  readonly trouble: string | undefined;
}

/** What came of a round in which two proxies followed the API server. */
export interface FollowedRound {
  /** The verdict on the agent's rules and those that `compile` makes, or why there is none. */
  readonly own: string;
  /** Differences of the proxies that nothing explains. */
  readonly unexplained: readonly string[];
}

export class ProxyJudge {
  private readonly api: RealApiServer;
  private readonly relay: ApiRelay;
  readonly served: ServedCluster;

  private constructor(api: RealApiServer, relay: ApiRelay) {
    this.api = api;
    this.relay = relay;
    this.served = new ServedCluster(api);
  }

  static async start(): Promise<ProxyJudge> {
    const api = await RealApiServer.start();
    const judge = new ProxyJudge(api, await ApiRelay.start(api));
    await judge.served.makeNamespaces(["shop", "db"]);
    return judge;
  }

  async stop(): Promise<void> {
    await this.relay.stop();
    await this.api.stop();
  }

  /** The folder that has the files of the last case: `cluster.json`, `rules`, `kube-proxy.json`. */
  get folder(): string {
    return this.api.folder;
  }

  /** `alter`: changes what kpc reads, to see whether a difference is seen. */
  async judge(
    { mode, objects, proxy }: ProxyCase,
    alter: (text: string) => string = (text) => text,
  ): Promise<ProxyAgreement> {
    await this.served.clear();
    const refused = await this.served.make([...nodesOf(proxy), ...objects]);
    const { manifests, words } = sentinelsOf(0);
    const failed = await this.served.make(manifests);
    if (failed.length > 0) throw new Error(`no sentinels: ${failed.map(({ message }) => message).join("; ")}`);
    const node = await this.startKubeProxy(settingsOf(proxy, mode), words);
    try {
      writeFileSync(join(this.folder, "rules"), await node.rules(words));
    } finally {
      await node.close();
    }
    const text = alter(await this.served.text());
    writeFileSync(join(this.folder, "cluster.json"), text);
    return { refused, ...this.compare({ mode, text, objects: [...objects, ...manifests], nodeName: NODE_NAME }) };
  }

  /** kpc's agent and kube-proxy on a node each follow the API server, while its cluster becomes each of `cases`, with the settings of the first. In
   *  each round: what `kpc diff` says of the agent's rules and those of the objects, and in what the two proxies differ. */
  async follow(cases: readonly ProxyCase[]): Promise<readonly FollowedRound[]> {
    const [first] = cases;
    if (first === undefined) return [];
    const { mode, proxy } = first;
    await this.served.clear();
    await this.served.make(nodesOf(proxy));
    const settings = settingsOf(proxy, mode);
    const agent = await KubeProxyNode.start(this.api, this.relay, settings, "kpc agent");
    const kubeProxy = await this.startKubeProxy(settings, mode === "nftables" ? ["table ip6 kube-proxy"] : []);
    try {
      const rounds: FollowedRound[] = [];
      for (const [round, { objects }] of cases.entries()) {
        await this.served.clear(["EndpointSlice", "Service"]);
        await this.served.make(objects);
        const { manifests, words } = sentinelsOf(round);
        const refused = await this.served.make(manifests);
        if (refused.length > 0) throw new Error(`no sentinels: ${refused.map(({ message }) => message).join("; ")}`);
        writeFileSync(join(this.folder, "rules"), await kubeProxy.rules(words));
        writeFileSync(join(this.folder, "agent-rules"), await agent.rules(words));
        const text = await this.served.text();
        writeFileSync(join(this.folder, "cluster.json"), text);
        const own = this.kpc(["diff", "cluster.json", "agent-rules", "-c", "kube-proxy.json", "-o", "json"]);
        const { unexplained, trouble } = this.compare({
          mode,
          text,
          objects: [...objects, ...manifests],
          nodeName: NODE_NAME,
        });
        const problems = trouble === undefined ? unexplained : [...unexplained, trouble];
        rounds.push({ own: own.status > 1 ? own.stderr : JSON.parse(own.stdout).verdict, unexplained: problems });
      }
      return rounds;
    } finally {
      await agent.close();
      await kubeProxy.close();
    }
  }

  /** A kube-proxy that has made rules with `words`. In nftables mode it is told of the ranges of cluster IPs by a watch for which it does not wait, and
   *  what it hears after its first sync is in no rule before it starts anew. */
  private async startKubeProxy(settings: KubeProxySettings, words: readonly string[]): Promise<KubeProxyNode> {
    for (;;) {
      const node = await KubeProxyNode.start(this.api, this.relay, settings);
      const rules = await node.rules(words);
      if (settings.mode === "iptables" || SERVICE_RANGES.every((range) => rules.includes(range))) return node;
      await node.close();
    }
  }

  private kpc(args: readonly string[]): { readonly status: number; readonly stdout: string; readonly stderr: string } {
    const command = [join(process.cwd(), "dist/bin/kpc.cjs"), ...args];
    const options = { cwd: this.folder, encoding: "utf8", maxBuffer: 1 << 28 } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, command, options);
    return { status: status ?? 2, stdout, stderr };
  }

  private compare(cluster: SeenCluster): Omit<ProxyAgreement, "refused"> {
    const args = [
      "verify",
      "cluster.json",
      "--against",
      "rules",
      "-c",
      "kube-proxy.json",
      "-o",
      "json",
      "--limit",
      "100000",
    ];
    const { status, stdout, stderr } = this.kpc(args);
    if ((status !== 0 && status !== 1) || stdout === "")
      return { classes: 0, explained: new Map(), unexplained: [], trouble: `${status}: ${stderr}` };
    const found = JSON.parse(stdout);
    const explained = new Map<string, number>();
    const unexplained: string[] = [];
    for (const difference of found.counterexamples as readonly SeenDifference[]) {
      const why = explanationOf(difference, cluster);
      if (why === undefined) unexplained.push(lineOf(difference));
      else explained.set(why, (explained.get(why) ?? 0) + 1);
    }
    const trouble =
      found.verdict === "equal" || found.verdict === "different" ? undefined : `verdict: ${found.verdict}`;
    return { classes: found.classes, explained, unexplained, trouble };
  }
}

function lineOf({ trace, ctState, left, right }: SeenDifference): string {
  return `${trace} (${ctState?.join(", ")}): kpc ${JSON.stringify(left)}, kube-proxy ${JSON.stringify(right)}`;
}

function settingsOf(proxy: ProxySettings, mode: ProxyCase["mode"]): KubeProxySettings {
  const { detectLocalMode, detectLocalInterface, nodePortAddresses, masqueradeAll, localhostNodePorts } = proxy;
  const config = {
    clusterCIDR: proxy.clusterCIDR.join(","),
    detectLocalMode: detectLocalMode === "none" ? "" : detectLocalMode,
    detectLocal: {
      ...(detectLocalMode === "BridgeInterface" ? { bridgeInterface: detectLocalInterface } : {}),
      ...(detectLocalMode === "InterfaceNamePrefix" ? { interfaceNamePrefix: detectLocalInterface } : {}),
    },
    nodePortAddresses: nodePortAddresses === "default" ? [] : nodePortAddresses,
    iptables: { masqueradeAll, localhostNodePorts },
    nftables: { masqueradeAll },
  };
  const addresses = NODE_IPS.map((address) => `${address}/${address.includes(":") ? 64 : 24}`);
  return { mode, nodeName: NODE_NAME, addresses, config };
}

function nodesOf({ zone }: ProxySettings): Manifest[] {
  const nodes = [
    { name: NODE_NAME, addresses: NODE_IPS, podCIDRs: ["10.180.0.0/24", "fd00:10:180::/64"] },
    { name: "node-b", addresses: OTHER_NODE_IPS, podCIDRs: ["10.180.2.0/24", "fd00:10:180:2::/64"] },
  ];
  return nodes.map(({ name, addresses, podCIDRs }) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: zone && name === NODE_NAME ? { "topology.kubernetes.io/zone": zone } : {} },
    spec: { podCIDR: podCIDRs[0], podCIDRs },
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  }));
}

/** A Service and its endpoint in each family that no random cluster has, others in each round: what was made before them has been seen when
 *  they are in the rules. */
function sentinelsOf(round: number): { readonly manifests: readonly Manifest[]; readonly words: readonly string[] } {
  const ipv4 = `${90 + (round >> 7)}.${1 + (round & 127)}`;
  const ipv6 = (0x9000 + round).toString(16);
  const families = [
    { family: "IPv4", service: `172.30.${ipv4}`, endpoint: `10.180.${ipv4}` },
    { family: "IPv6", service: `fd00:10:96::${ipv6}`, endpoint: `fd00:10:180::${ipv6}` },
  ];
  const manifests = families.flatMap(({ family, service, endpoint }): Manifest[] => {
    const name = `zz-${family.toLowerCase()}-${round}`;
    const metadata = { name, namespace: "shop" };
    const ports = [{ name: "p", port: 9999, protocol: "TCP" }];
    const spec = {
      clusterIP: service,
      clusterIPs: [service],
      ipFamilies: [family],
      ipFamilyPolicy: "SingleStack",
      ports,
    };
    const labels = { "kubernetes.io/service-name": name };
    return [
      { apiVersion: "v1", kind: "Service", metadata, spec },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { ...metadata, labels },
        addressType: family,
        ports,
        endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
      },
    ];
  });
  return { manifests, words: families.flatMap(({ service, endpoint }) => [service, endpoint]) };
}

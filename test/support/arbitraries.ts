/** Random clusters, as manifests that an API server would have taken. All arbitraries of the tests are here.
 *  Long because arbitraries are made of each other. */
import fc from "fast-check";
import type { ProxySettings } from "./oracle/oracle.ts";

/** A cluster as plain manifests, and the settings of the node that is asked. */
export interface ClusterInput {
  readonly objects: readonly Manifest[];
  readonly proxy: ProxySettings;
  readonly mode: "nftables" | "iptables";
}

export type Manifest = { readonly [key: string]: unknown };

export const NODE_NAME = "node-a";
export const NODE_IPS = ["192.168.0.2", "192.168.1.2", "2001:db8::1", "2001:db8:1::2"] as const;

/** The settings of the node of most clusters that tests write out. */
export const PROXY: ClusterInput["proxy"] = {
  nodeName: NODE_NAME,
  nodeIP: NODE_IPS[0],
  nodeIPs: NODE_IPS,
  detectLocalMode: "ClusterCIDR",
  clusterCIDR: ["10.180.0.0/16", "fd00:10:180::/48"],
  serviceCIDRs: ["172.30.0.0/16", "fd00:10:96::/112"],
  nodePortAddresses: "default",
  localhostNodePorts: true,
  masqueradeAll: false,
  zone: null,
};

export type ServiceFamily = "IPv4" | "IPv6";
type Family = ServiceFamily;

/** Few addresses of each role, so that they meet. */
export const ADDRESSES = {
  IPv4: {
    cluster: ["172.30.0.41", "172.30.0.42", "172.30.0.43", "172.30.1.1", "172.30.7.200", "172.30.255.254"],
    // The last ones are the node's own, and another Service's cluster IP.
    external: ["192.0.2.10", "192.0.2.11", "1.2.3.4", "5.6.7.8", "192.168.1.2", "192.168.0.2", "172.30.0.42"],
    // The last one is the node's: a Pod on the host network.
    endpoint: ["10.180.0.1", "10.180.0.2", "10.180.0.3", "10.180.2.1", "10.180.2.2", "10.180.9.9", "192.168.0.2"],
    ranges: ["203.0.113.0/25", "203.0.113.0/28", "192.168.0.0/24", "10.180.0.0/16", "0.0.0.0/0", "1.2.3.4/32"],
  },
  IPv6: {
    cluster: ["fd00:10:96::41", "fd00:10:96::42", "fd00:10:96::43", "fd00:10:96::1:1", "fd00:10:96::fffe"],
    external: ["2001:db8:f::10", "2001:db8:f::11", "2001:db8:1::2", "fd00:10:96::42"],
    endpoint: ["fd00:10:180::1", "fd00:10:180::2", "fd00:10:180::3", "fd00:10:180:2::1", "2001:db8::1"],
    ranges: ["2001:db8:c::/64", "2001:db8:c::/80", "2001:db8::/64", "::/0"],
  },
} as const satisfies Record<Family, unknown>;

export const SERVICE_PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
const PORT_NAMES = ["", "http", "dns", "p80"] as const;
const ZONES = ["zone-a", "zone-b"] as const;

export const weighted = <T>(...options: readonly (readonly [number, T])[]): fc.Arbitrary<T> =>
  fc.oneof(...options.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

/** Settings of the node; both modes meet all of them. */
export const proxySettings: fc.Arbitrary<ProxySettings> = fc
  .record({
    detector: weighted<Pick<ProxySettings, "detectLocalMode" | "detectLocalInterface" | "clusterCIDR">>(
      [4, { detectLocalMode: "ClusterCIDR", clusterCIDR: ["10.180.0.0/16", "fd00:10:180::/48"] }],
      [1, { detectLocalMode: "ClusterCIDR", clusterCIDR: ["10.180.0.0/16"] }],
      [1, { detectLocalMode: "NodeCIDR", clusterCIDR: ["10.180.0.0/24", "fd00:10:180::/64"] }],
      [1, { detectLocalMode: "BridgeInterface", detectLocalInterface: "cni0", clusterCIDR: [] }],
      [1, { detectLocalMode: "InterfaceNamePrefix", detectLocalInterface: "cni", clusterCIDR: [] }],
      [1, { detectLocalMode: "none", clusterCIDR: ["10.180.0.0/16"] }],
    ),
    serviceCIDRs: weighted([3, ["172.30.0.0/16", "fd00:10:96::/112"]], [1, ["172.30.0.0/16"]], [1, []]),
    nodePortAddresses: weighted<ProxySettings["nodePortAddresses"]>(
      [4, "default"],
      [1, ["192.168.0.0/24"]],
      [1, ["192.168.0.0/16", "2001:db8::/32"]],
      [1, ["192.168.1.0/24", "127.0.0.0/8"]],
      [1, ["0.0.0.0/0"]],
      [1, ["10.0.0.0/8", "2001:db8:1::/64"]],
    ),
    localhostNodePorts: weighted([3, true], [1, false]),
    masqueradeAll: weighted([4, false], [1, true]),
    masquerade: weighted<"kpc" | "none">([2, "none"], [1, "kpc"]),
    zone: weighted<string | null>([2, "zone-a"], [1, null], [1, ""]),
  })
  .map(({ detector, ...rest }) => ({
    nodeName: NODE_NAME,
    nodeIP: NODE_IPS[0],
    nodeIPs: NODE_IPS,
    ...detector,
    ...rest,
  }));

export interface PortDraft {
  readonly name: string;
  readonly protocol: (typeof SERVICE_PROTOCOLS)[number];
  readonly port: number;
  readonly nodePort: number;
}

const portDraft: fc.Arbitrary<PortDraft> = fc.record({
  name: fc.constantFrom(...PORT_NAMES),
  protocol: weighted([6, "TCP"], [2, "UDP"], [1, "SCTP"]),
  port: weighted([4, 80], [1, 443], [1, 53], [1, 65535], [1, 30001]),
  nodePort: weighted([2, 30001], [2, 30002], [1, 30003], [1, 32767], [1, 80]),
});

/** Ports of one Service: names and (protocol, port) pairs differ; several ports all have names. */
const ports = (): fc.Arbitrary<readonly PortDraft[]> =>
  fc
    .uniqueArray(portDraft, { minLength: 1, maxLength: 3, selector: ({ name }) => name })
    .map((drafts) =>
      drafts.filter(
        (draft, i) => drafts.findIndex((d) => d.port === draft.port && d.protocol === draft.protocol) === i,
      ),
    )
    .map((drafts) =>
      drafts.filter(
        (draft, i) => drafts.findIndex((d) => d.nodePort === draft.nodePort && d.protocol === draft.protocol) === i,
      ),
    )
    .map((drafts) => (drafts.length > 1 ? drafts.filter(({ name }) => name !== "") : drafts))
    .filter((drafts) => drafts.length > 0);

const families: fc.Arbitrary<readonly Family[]> = weighted<readonly Family[]>(
  [4, ["IPv4"]],
  [1, ["IPv6"]],
  [2, ["IPv4", "IPv6"]],
  [1, ["IPv6", "IPv4"]],
);

const endpoint = (family: Family): fc.Arbitrary<Manifest> =>
  fc
    .record({
      address: fc.constantFrom(...ADDRESSES[family].endpoint),
      conditions: weighted<Manifest | undefined>(
        [6, { ready: true, serving: true, terminating: false }],
        [1, undefined],
        [1, { ready: false, serving: false, terminating: false }],
        [2, { ready: false, serving: true, terminating: true }],
        [1, { ready: false, serving: false, terminating: true }],
        [1, { ready: false, serving: true, terminating: false }],
      ),
      nodeName: weighted<string | undefined>([3, NODE_NAME], [3, "node-b"], [1, undefined]),
      zones: weighted<readonly string[]>([1, []], [1, ["zone-a"]], [1, ["zone-b"]], [1, ZONES]),
      nodes: weighted<readonly string[]>([2, []], [1, [NODE_NAME]], [1, ["node-b"]]),
      hinted: weighted([3, false], [1, true]),
    })
    .map(({ address, conditions, nodeName, zones, nodes, hinted }) => ({
      addresses: [address],
      ...(conditions === undefined ? {} : { conditions }),
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(hinted && zones.length > 0
        ? {
            hints: {
              forZones: zones.map((name) => ({ name })),
              ...(nodes.length === 0 ? {} : { forNodes: nodes.map((name) => ({ name })) }),
            },
          }
        : {}),
    }));

export interface ServiceDraft {
  readonly families: readonly Family[];
  readonly clusterIndex: number;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly headless: boolean;
  readonly ports: readonly PortDraft[];
  readonly allocateNodePorts: boolean;
  readonly externalIPs: readonly string[];
  readonly ingress: readonly Manifest[];
  readonly ranges: readonly string[];
  readonly internalTrafficPolicy: string;
  readonly externalTrafficPolicy: string;
  readonly affinity: number | undefined;
  readonly age: number | undefined;
  readonly label: string | undefined;
  readonly slices: readonly {
    readonly family: Family;
    readonly endpoints: readonly Manifest[];
    readonly portShift: number;
    readonly nullName: boolean;
  }[];
}

const both = <T>(pick: (family: Family) => readonly T[]): readonly T[] => [...pick("IPv4"), ...pick("IPv6")];

export const serviceDraft: fc.Arbitrary<ServiceDraft> = fc.record({
  families,
  clusterIndex: fc.nat({ max: 4 }),
  type: weighted<ServiceDraft["type"]>([3, "ClusterIP"], [3, "NodePort"], [4, "LoadBalancer"]),
  headless: weighted([20, false], [1, true]),
  ports: ports(),
  allocateNodePorts: weighted([3, true], [1, false]),
  externalIPs: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.constantFrom(...both((family) => ADDRESSES[family].external)), {
        minLength: 1,
        maxLength: 2,
      }),
    },
  ),
  ingress: fc.uniqueArray(
    fc.record({
      ip: fc.constantFrom(...both((family) => ADDRESSES[family].external)),
      ipMode: weighted<string | undefined>([3, undefined], [2, "VIP"], [1, "Proxy"]),
    }),
    { maxLength: 2, selector: ({ ip }) => ip },
  ),
  ranges: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.constantFrom(...both((family) => ADDRESSES[family].ranges)), {
        minLength: 1,
        maxLength: 3,
      }),
    },
  ),
  internalTrafficPolicy: weighted([3, "Cluster"], [1, "Local"]),
  externalTrafficPolicy: weighted([1, "Cluster"], [1, "Local"]),
  affinity: weighted<number | undefined>([4, undefined], [1, 60], [1, 10800]),
  age: weighted<number | undefined>([2, undefined], [1, 1], [1, 2]),
  label: weighted<string | undefined>(
    [30, undefined],
    [1, "service.kubernetes.io/service-proxy-name"],
    [1, "service.kubernetes.io/headless"],
  ),
  slices: fc.array(
    fc.constantFrom<Family>("IPv4", "IPv6").chain((family) =>
      fc.record({
        family: fc.constant(family),
        endpoints: fc.array(endpoint(family), { maxLength: 5 }),
        portShift: weighted([3, 8000], [1, 0]),
        nullName: weighted([15, false], [1, true]),
      }),
    ),
    { maxLength: 3 },
  ),
});

/** The manifests of one Service. Only what the API server takes: node ports by type, policies where they mean something. */
export function toManifests(
  draft: ServiceDraft,
  index: number,
  clusterIpOf: (family: Family) => string = (family) => fromPool(family, index + draft.clusterIndex),
): Manifest[] {
  const name = `svc-${index}`;
  const namespace = index % 2 === 0 ? "shop" : "db";
  const clusterIPs = draft.families.map(clusterIpOf);
  const external = draft.type !== "ClusterIP";
  const loadBalancer = draft.type === "LoadBalancer";
  const local = draft.externalTrafficPolicy === "Local" && (external || draft.externalIPs.length > 0);
  const service: Manifest = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`, // an API server has written it: nothing is missing
      ...(draft.age === undefined ? {} : { creationTimestamp: `2026-01-0${draft.age}T00:00:00Z` }),
      ...(draft.label === undefined ? {} : { labels: { [draft.label]: "x" } }),
    },
    spec: {
      type: draft.type,
      clusterIP: draft.headless ? "None" : clusterIPs[0],
      clusterIPs: draft.headless ? ["None"] : clusterIPs,
      ipFamilies: draft.families,
      ipFamilyPolicy: draft.families.length > 1 ? "RequireDualStack" : "SingleStack",
      internalTrafficPolicy: draft.internalTrafficPolicy,
      ...(external || draft.externalIPs.length > 0 ? { externalTrafficPolicy: draft.externalTrafficPolicy } : {}),
      ...(draft.externalIPs.length > 0 ? { externalIPs: draft.externalIPs } : {}),
      ...(loadBalancer && draft.ranges.length > 0 ? { loadBalancerSourceRanges: draft.ranges } : {}),
      ...(loadBalancer && local ? { healthCheckNodePort: 31000 + index } : {}),
      ...(draft.affinity === undefined
        ? { sessionAffinity: "None" }
        : { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: draft.affinity } } }),
      ports: draft.ports.map((port) => ({
        ...(port.name === "" ? {} : { name: port.name }),
        port: port.port,
        protocol: port.protocol,
        targetPort: 8080,
        ...(external && draft.allocateNodePorts && !draft.headless ? { nodePort: port.nodePort } : {}),
      })),
    },
    ...(loadBalancer && draft.ingress.length > 0
      ? {
          status: {
            loadBalancer: {
              ingress: draft.ingress.map(({ ip, ipMode }) => (ipMode === undefined ? { ip } : { ip, ipMode })),
            },
          },
        }
      : {}),
  };
  const slices = draft.slices.map(
    ({ family, endpoints, portShift, nullName }, i): Manifest => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-${i}`, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType: family,
      endpoints,
      ports: draft.ports.map((port) => ({
        ...(nullName && port.name === "" ? {} : { name: port.name }),
        protocol: port.protocol,
        port: portShift === 0 ? port.port : portShift + (port.port % 100),
      })),
    }),
  );
  return [service, ...slices];
}

/** One of few cluster IPs, so that Services meet. */
function fromPool(family: Family, index: number): string {
  const pool = ADDRESSES[family].cluster;
  return pool[index % pool.length] as string;
}

/** The type of a headless Service is ClusterIP; it has no external side. */
export function consistent(draft: ServiceDraft): ServiceDraft {
  return draft.headless ? { ...draft, type: "ClusterIP", externalIPs: [] } : draft;
}

export const OTHER_NODE_IPS = ["192.168.0.3", "2001:db8::3"] as const;

/** Both nodes, as an API server has them. */
const NODES: readonly Manifest[] = [
  { name: NODE_NAME, addresses: NODE_IPS, podCIDRs: ["10.180.0.0/24", "fd00:10:180::/64"] },
  { name: "node-b", addresses: OTHER_NODE_IPS, podCIDRs: ["10.180.2.0/24", "fd00:10:180:2::/64"] },
].map(({ name, addresses, podCIDRs }) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, uid: `uid-of-${name}` },
  spec: { podCIDR: podCIDRs[0], podCIDRs },
  status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
}));

export const cluster: fc.Arbitrary<ClusterInput> = fc
  .record({
    objects: fc
      .array(serviceDraft, { minLength: 1, maxLength: 6 })
      .map((drafts) => drafts.map(consistent).flatMap((draft, i) => toManifests(draft, i))),
    proxy: proxySettings,
    mode: fc.constantFrom("nftables", "iptables"),
    nodes: weighted<readonly Manifest[]>([2, []], [1, NODES]),
  })
  .map(({ objects, nodes, ...others }) => ({ ...others, objects: [...objects, ...nodes] }));

// --- rules that are not ours ---------------------------------------------------------------------------------------------

/** Matches of nft whose meaning is easily mistaken, and the ordinary ones around them. */
const NFT_MATCHES = [
  // Of these keys a part is not known: by where packets go out.
  'ip saddr . oifname { 10.180.0.7 . "none", 192.0.2.1 . "eth0" }',
  'iifname . oifname != { "none" . "eth0", "cni0" . "none" }',
  "ip saddr 10.180.0.0/16",
  "ip saddr != { 10.180.0.7, 203.0.113.0/24 }",
  "ip saddr & 255.0.255.0 == 10.0.0.0",
  "ip daddr 192.168.0.2",
  "ip daddr != 192.168.0.0/16",
  "tcp dport 80",
  "tcp dport != { 80, 443 }",
  "udp dport 53-80",
  "th dport < 443",
  "meta l4proto != tcp",
  "ip protocol tcp",
  'iifname "cni*"',
  'iifname != { "eth*", "lo" }',
  "ct state new",
  "ct state != new",
  "ct state ! new",
  "ct state { new, established }",
  "ct state == new,established",
  "ct state new,established",
  "ct state untracked",
  "ct status & dnat == 0",
  "ct status dnat",
  "ct status != dnat",
  "ct original ip daddr 192.168.0.2",
  "ct direction original",
  "meta mark & 0x3 == 0x1",
  "meta mark & 0x3 != 0x0",
  "meta mark != 0x2",
  "tcp flags syn",
  "tcp flags syn,ack",
  "tcp flags == syn,ack",
  "tcp flags & (syn | ack) == syn",
  "tcp flags != syn / syn,ack",
  "tcp flags ! ack",
  "fib daddr type local",
  "fib saddr type != { local, unicast }",
  "ip saddr . tcp dport { 10.180.0.7 . 80, 203.0.113.0/24 . 1-443 }",
  "ip saddr . ip daddr != @pairs",
  "ip daddr @blocks",
] as const;

const NFT_EFFECTS = [
  "accept",
  "drop",
  "return",
  "continue",
  "jump a",
  "goto a",
  "jump b",
  "goto b",
  "counter",
  "reject",
  "reject with icmp admin-prohibited",
  "meta mark set 0x1",
  "meta mark set meta mark or 0x2",
  "meta mark set meta mark and 0x1 xor 0x3",
  "ct mark set meta mark meta mark set ct mark",
  "ip daddr vmap { 192.168.0.2 : drop, 198.51.100.0/24 : goto b }",
  "ct state vmap { new : jump b, established : drop }",
  "meta mark vmap { 0x1 : return, 0x3 : drop }",
  "jump { tcp dport 80 return; udp dport 53 accept; }",
] as const;

/** The same for iptables; `-p` stands in front of what needs it. */
const IPTABLES_MATCHES = [
  "-s 10.180.0.0/16",
  "! -s 203.0.113.0/24",
  "-s 10.0.0.0/255.0.255.0",
  "-d 192.168.0.2",
  "-p tcp --dport 80",
  "-p tcp -m multiport ! --dports 80,443",
  "-p tcp -m multiport --ports 80,443",
  "-p udp -m multiport --ports 80,1024:65535",
  "-p tcp -m multiport ! --ports 80,8443",
  "-p udp --dport 53:80",
  "! -p tcp",
  "-i cni+",
  "! -i eth0",
  "-m conntrack --ctstate NEW",
  "-m conntrack ! --ctstate NEW",
  "-m state --state ESTABLISHED,UNTRACKED",
  "-m conntrack --ctstate DNAT",
  "-m conntrack ! --ctstate DNAT",
  "-m conntrack --ctstate INVALID,RELATED,DNAT",
  "-m conntrack --ctorigdst 192.168.0.2 --ctproto 6",
  "-m conntrack --ctstatus NONE -m conntrack --ctdir ORIGINAL",
  "-m mark --mark 0x1/0x3",
  "-m mark ! --mark 0x2",
  "-p tcp --syn",
  "-p tcp ! --tcp-flags SYN,ACK SYN",
  "-p tcp --tcp-flags ALL NONE",
  "-m addrtype --dst-type LOCAL",
  "-m addrtype ! --src-type LOCAL,UNICAST",
  "-m iprange --src-range 10.180.0.5-203.0.113.5",
  "-m comment --comment x",
] as const;

const IPTABLES_EFFECTS = [
  "-j ACCEPT",
  "-j DROP",
  "-j RETURN",
  "-j a",
  "-g a",
  "-j b",
  "-g b",
  "",
  "-j REJECT",
  "-j REJECT --reject-with icmp-admin-prohibited",
  "-j MARK --set-mark 1",
  "-j MARK --or-mark 2",
  "-j MARK --set-xmark 0x1/0x2",
  "-j MARK --and-mark 0x2",
  "-j CONNMARK --save-mark",
  "-j CONNMARK --restore-mark",
] as const;

const few = (texts: readonly string[], max: number): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...texts), { maxLength: max });

function rulesOf(
  matches: readonly string[],
  effects: readonly string[],
  without: RegExp,
  maxLength = 4,
): fc.Arbitrary<string[]> {
  const allowed = effects.filter((effect) => !without.test(effect));
  const one = fc.tuple(few(matches, 2), fc.constantFrom(...allowed)).map((parts) => parts.flat().join(" "));
  return fc.array(one, { maxLength });
}

/** Chains of a host's rules. Chain `a` may lead on to `b`. Early chains accept nothing: that would not be seen. */
function chainsOf(matches: readonly string[], effects: readonly string[]): fc.Arbitrary<ForeignChains> {
  const to = / a\b|jump a|goto a/;
  return fc.record({
    early: rulesOf(matches, effects, /\b(a|b)\b|accept|ACCEPT|reject|REJECT|vmap|jump/),
    notrack: fc.boolean(),
    translate: fc.boolean(),
    input: rulesOf(matches, effects, /^$/, 5),
    forward: rulesOf(matches, effects, /^$/, 5),
    a: rulesOf(matches, effects, to),
    b: rulesOf(matches, effects, new RegExp(`${to.source}|\\bb\\b`)),
  });
}

interface ForeignChains {
  readonly early: readonly string[];
  readonly notrack: boolean;
  readonly translate: boolean;
  readonly input: readonly string[];
  readonly forward: readonly string[];
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** A ruleset as somebody could have written it for nft, which takes no two transport protocols in one rule. */
export const foreignNft: fc.Arbitrary<string> = chainsOf(NFT_MATCHES, NFT_EFFECTS).map((chains) => {
  const isOne = (line: string): boolean => {
    const rule = line.replace(/jump \{.*/, "");
    return !(rule.includes("udp dport") && /tcp (dport|flags)|protocol tcp/.test(rule));
  };
  const block = (head: string, lines: readonly string[]): string =>
    `\t${head} {\n${lines
      .filter(isOne)
      .map((line) => `\t\t${line}\n`)
      .join("")}\t}\n`;
  return `table ip t {
	set pairs { type ipv4_addr . ipv4_addr; elements = { 10.180.0.7 . 192.168.0.2 }; }
	set blocks { type ipv4_addr; flags interval; elements = { 192.168.0.0/16, 198.51.100.7 }; }
${[
  block("chain b", chains.b),
  block("chain a", chains.a),
  block("chain raw", [
    "type filter hook prerouting priority raw; policy accept;",
    ...(chains.notrack ? ["udp dport 53 notrack"] : []),
  ]),
  block("chain early", ["type filter hook prerouting priority mangle; policy accept;", ...chains.early]),
  block("chain nat", [
    "type nat hook prerouting priority dstnat; policy accept;",
    ...(chains.translate ? ["ip daddr 192.168.0.2 tcp dport 443 dnat to 198.51.100.7:8443"] : []),
  ]),
  block("chain input", ["type filter hook input priority filter; policy accept;", ...chains.input]),
  block("chain forward", ["type filter hook forward priority filter; policy accept;", ...chains.forward]),
].join("")}}
`;
});

/** The same for iptables. Two tests of the protocol do not go into one rule. */
export const foreignIptables: fc.Arbitrary<string> = chainsOf(IPTABLES_MATCHES, IPTABLES_EFFECTS).map((chains) => {
  const lines = (chain: string, rules: readonly string[]): string[] =>
    rules
      .filter(
        (rule) =>
          (rule.match(/-p /g) ?? []).length < 2 && !/-s .*-s |-d .*-d |-i .*-i |-j CONNMARK.*CONNMARK/.test(rule),
      )
      .map((rule) => `-A ${chain} ${rule}`.trimEnd());
  return [
    "*raw",
    ...(chains.notrack ? ["-A PREROUTING -p udp --dport 53 -j NOTRACK"] : []),
    "COMMIT",
    "*mangle",
    ...lines("PREROUTING", chains.early),
    "COMMIT",
    "*nat",
    ...(chains.translate
      ? ["-A PREROUTING -d 192.168.0.2 -p tcp --dport 443 -j DNAT --to-destination 198.51.100.7:8443"]
      : []),
    "COMMIT",
    "*filter",
    ":a - [0:0]",
    ":b - [0:0]",
    ...lines("a", chains.a),
    ...lines("b", chains.b),
    ...lines("INPUT", chains.input),
    ...lines("FORWARD", chains.forward),
    "COMMIT",
    "",
  ].join("\n");
});

// --- manifests as people write them ------------------------------------------------------------------------------------

const APPS = ["web", "api", "db", "cache"] as const;

/** Services without addresses, and workloads and Pods that they select by `app`; names differ within a kind. */
export const manifestsAsWritten: fc.Arbitrary<readonly Manifest[]> = fc
  .record({
    services: fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z]{1,6}$/),
        app: fc.constantFrom(...APPS),
        type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
        policy: fc.constantFrom(undefined, "SingleStack", "PreferDualStack", "RequireDualStack"),
        external: fc.constantFrom("Cluster", "Local"),
        ports: fc.uniqueArray(
          fc.record({ port: fc.constantFrom(80, 443, 53), protocol: fc.constantFrom("TCP", "UDP") }),
          { minLength: 1, maxLength: 3, selector: ({ port, protocol }) => `${port}/${protocol}` },
        ),
        given: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8, selector: ({ name }) => name },
    ),
    workloads: fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z]{1,6}$/),
        app: fc.constantFrom(...APPS),
        kind: fc.constantFrom("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"),
        replicas: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
      }),
      { maxLength: 6, selector: ({ name }) => name },
    ),
    pods: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}-pod$/), { maxLength: 3 }),
  })
  .map(({ services, workloads, pods }) => [
    ...services.map(
      ({ name, app, type, policy, external, ports: own, given }, i): Manifest => ({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: i % 3 === 0 ? "shop" : "default" },
        spec: {
          type,
          selector: { app },
          ...(policy === undefined ? {} : { ipFamilyPolicy: policy }),
          ...(type === "ClusterIP" ? {} : { externalTrafficPolicy: external }),
          ...(given ? { clusterIP: `10.96.${i}.10` } : {}),
          ports: own.map((port) => ({ name: `${port.protocol.toLowerCase()}${port.port}`, targetPort: 8080, ...port })),
        },
      }),
    ),
    ...workloads.map(
      ({ name, app, kind, replicas }, i): Manifest => ({
        apiVersion: "apps/v1",
        kind,
        metadata: { name, namespace: i % 3 === 0 ? "shop" : "default" },
        spec: {
          ...(replicas === undefined || kind === "DaemonSet" ? {} : { replicas }),
          selector: { matchLabels: { app, workload: name } },
          template: { metadata: { labels: { app, workload: name } }, spec: { containers: [] } },
        },
      }),
    ),
    ...pods.map(
      (name, i): Manifest => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { app: APPS[i % APPS.length] } },
        spec: { containers: [] },
      }),
    ),
  ]);

/** A small cluster that is walked through: two nodes with two pods each, a gateway and somebody outside. */
import { resolveInput } from "../../compiler/compile.ts";
import { type CollectedNode, type Described, describeNetwork } from "../../compiler/described.ts";
import type { Diagnostic, Report } from "../../compiler/diagnostics.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import { type Address, parseAddress, printAddress } from "../../compiler/net/address.ts";
import { type Port, parsePort } from "../../compiler/net/port.ts";
import { type Prefix, parsePrefix } from "../../compiler/net/prefix.ts";
import { resolveConfigs } from "../../compiler/node/all-nodes.ts";
import type { Config } from "../../compiler/node/config.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import type { NetworkSpec, PodNetworkName } from "../../compiler/specs/network-types.ts";
import type { Walk, WalkBranch, WalkFlow } from "../../compiler/walk/types.ts";
import type { Manifest } from "./arbitraries.ts";
import { toText } from "./compile.ts";

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

export function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if ("kind" in prefix) throw new Error(`${text} is no prefix`);
  return prefix;
}

function anywhere(): Field {
  const [document] = readDocuments({ name: "cluster.yaml", text: "kind: Cluster" }, fail);
  if (document === undefined) throw new Error("no document");
  return Field.root(document);
}

const NOWHERE: Field = anywhere();

function fail({ message }: Diagnostic): never {
  throw new Error(message);
}

function portOf(number: number): Port {
  const port = parsePort(String(number));
  if (port === undefined) throw new Error(`${number} is no port`);
  return port;
}

const located = <T>(value: T): { readonly value: T; readonly field: Field } => ({ value, field: NOWHERE });

/** What differs between clusters. */
export interface ClusterKind {
  readonly pods: PodNetworkName;
  readonly mode?: "nftables" | "iptables";
  readonly sysctls?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly balancer?: "proxy" | "nat" | "routed";
  readonly keepsClient?: boolean;
  readonly hairpin?: boolean;
  /** Of pods' interfaces. */
  readonly mtu?: number;
  readonly masquerade?: "none" | "kpc";
}

export function networkSpec(kind: ClusterKind): NetworkSpec {
  const { pods, sysctls = {}, balancer, keepsClient, hairpin, masquerade, mtu } = kind;
  return {
    pods: {
      network: located(pods),
      cidrs: ["10.244.0.0/16", "fd00:244::/48"].map((text) => located(prefixOf(text))),
      tunnel: undefined,
      masquerade: masquerade && located(masquerade),
      mtu: mtu === undefined ? undefined : located(mtu),
      bridge: undefined,
      hairpin: hairpin === undefined ? undefined : located(hairpin),
      field: NOWHERE,
    },
    underlay: undefined,
    gateway: {
      inside: [],
      outside: [located({ address: addressOf("198.51.100.1"), length: 24 })],
      masquerade: undefined,
      forwards: [{ protocol: "tcp", port: portOf(8080), to: "n1", toPort: portOf(30123), field: NOWHERE }],
      knowsPods: undefined,
      field: NOWHERE,
    },
    outside: [
      {
        name: "client",
        addresses: [located(addressOf("198.51.100.10")), located(addressOf("2001:db8:ffff::10"))],
        field: NOWHERE,
      },
    ],
    loadBalancers:
      balancer === undefined
        ? []
        : ["shop/pub", "shop/publocal"].map((service) => ({
            service: located(service),
            kind: balancer,
            keepsClient,
            nodes: undefined,
            addresses: [],
            field: NOWHERE,
          })),
    ingress: undefined,
    nodes: Object.entries(sysctls).map(([name, values]) => ({
      name: located(name),
      sysctls: Object.entries(values).map(([sysctl, value]) => located({ name: sysctl, value })),
      routes: [],
      rules: undefined,
      files: undefined,
      field: NOWHERE,
    })),
    proxy: undefined,
    field: NOWHERE,
  };
}

export function node(name: string, n: number): Manifest {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: { podCIDR: `10.244.${n}.0/24`, podCIDRs: [`10.244.${n}.0/24`, `fd00:244:0:${n}::/64`] },
    status: {
      addresses: [
        { type: "InternalIP", address: `192.168.50.1${n}` },
        { type: "InternalIP", address: `fd00:50::1${n}` },
      ],
    },
  };
}

export function pod(name: string, nodeName: string, address: string, app: string, port: number): Manifest {
  const [, , n, last] = address.split(".");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app } },
    spec: { nodeName, containers: [{ name: app, image: "image", ports: [{ containerPort: port }] }] },
    status: {
      phase: "Running",
      podIP: address,
      podIPs: [{ ip: address }, { ip: `fd00:244:0:${n}::${last}` }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

export function service(name: string, n: number, selector: string, spec: Manifest, status: Manifest = {}): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: {
      clusterIP: `10.96.0.${n}`,
      clusterIPs: [`10.96.0.${n}`, `fd00:96::${n}`],
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "PreferDualStack",
      selector: { app: selector },
      ...spec,
    },
    status,
  };
}

const balanced = (ip: string): Manifest => ({ loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } });

export const SHOP: readonly Manifest[] = [
  node("n1", 1),
  node("n2", 2),
  pod("client", "n1", "10.244.1.10", "client", 9000),
  pod("web-1", "n1", "10.244.1.11", "web", 8080),
  pod("web-2", "n2", "10.244.2.10", "web", 8080),
  pod("api", "n2", "10.244.2.11", "api", 8081),
  service("web", 30, "web", { type: "NodePort", ports: [{ port: 80, targetPort: 8080, nodePort: 30123 }] }),
  service("none", 31, "none", { type: "ClusterIP", ports: [{ port: 80 }] }),
  service("api", 20, "api", { type: "ClusterIP", ports: [{ port: 80, targetPort: 8081 }] }),
  service(
    "pub",
    40,
    "web",
    { type: "LoadBalancer", ports: [{ port: 80, targetPort: 8080, nodePort: 30124 }] },
    balanced("198.51.100.40"),
  ),
  service(
    "publocal",
    41,
    "web",
    {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 32100,
      ports: [{ port: 80, targetPort: 8080, nodePort: 30125 }],
    },
    balanced("198.51.100.41"),
  ),
];

export const CONFIG: Config = {
  detectLocalMode: "ClusterCIDR",
  clusterCidr: ["10.244.0.0/16", "fd00:244::/48"].map(prefixOf),
};

/** The network of `kind`. `rules`: what `nft -f` reads, by node, besides the node's own; `report` gets what is wrong with them. */
export function describeShop(
  kind: ClusterKind,
  objects = SHOP,
  rules: Readonly<Record<string, string>> = {},
  report: Report = fail,
): Described {
  const load = (): ReturnType<typeof loadSpecs> =>
    loadSpecs([{ name: "shop.json", text: toText(objects) }], () => undefined);
  const config: Config = { ...CONFIG, mode: kind.mode ?? "nftables", masquerade: kind.masquerade };
  const { diagnostics, resolved } = resolveInput(load, config, {}, resolveConfigs);
  if (resolved === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const specs = { ...resolved.specs, network: networkSpec(kind) };
  const described = describeNetwork({ ...resolved, specs });
  if (Object.keys(rules).length === 0) return described;
  const programs = Object.entries(rules).map(([name, text]): [string, CollectedNode] => {
    const host = described.layout.network.hosts.get(`node/${name}`);
    const own = host && described.programOf(host);
    const { ruleset } = readNft({ name: `rules of ${name}`, text }, report);
    const tables = [...(own?.ruleset.tables ?? []), ...ruleset.tables];
    return [name, { host: undefined, program: { ruleset: { tables }, routes: [] } }];
  });
  return describeNetwork({ ...resolved, specs }, new Map(programs));
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132 };

/** `pod/shop/client > 10.96.0.30:80`, over TCP, or behind `udp`, `icmp` or another protocol. */
export function flowOf(text: string): WalkFlow {
  const [, word = "tcp", from = "", to = ""] = /^(?:(\w+) )?(\S+) > (\S+)$/.exec(text) ?? [];
  const protocol = PROTOCOLS[word];
  if (protocol === undefined) throw new Error(`${text}: ${word} is no protocol`);
  const hasPorts = protocol !== 1 && protocol !== 58;
  const at = hasPorts ? to.lastIndexOf(":") : to.length;
  return {
    protocol,
    from,
    source: undefined,
    sourcePort: hasPorts ? 40000 : 0,
    destination: addressOf(to.slice(0, at).replace(/[[\]]/g, "")),
    destinationPort: hasPorts ? Number(to.slice(at + 1)) : 0,
  };
}

/** How a branch ends: where, what is seen there with which time to live, and how the answer ends. */
export function endOf({ there, back }: WalkBranch): string {
  const { end } = there;
  if (end.kind !== "delivered") return `${end.kind} on ${end.host}`;
  const ttl = there.hops.at(-1)?.ttl;
  const reply = back === undefined ? "no reply" : back.end.kind === "delivered" ? "answered" : back.end.kind;
  return `${end.host}:${end.tuple.destinationPort} sees ${printAddress(end.tuple.source)}, ttl ${ttl}, ${reply}`;
}

/** The ends of a walk with their chances, sorted. */
export function endsOf({ branches }: Walk): string[] {
  const chances = new Map<string, number>();
  for (const branch of branches) chances.set(endOf(branch), (chances.get(endOf(branch)) ?? 0) + branch.probability);
  return [...chances].map(([end, chance]) => `${Number(chance.toFixed(3))} ${end}`).sort();
}

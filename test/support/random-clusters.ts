/** Random variants of a small cluster, and flows through them. */
import type { ResolvedInput } from "../../compiler/compile.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";

import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { InterfaceSysctls, TableRoute } from "../../compiler/network/types.ts";
import type { PodNetworkName } from "../../compiler/specs/network-types.ts";
import type { WalkFlow } from "../../compiler/walk/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import type { LabDescription } from "../../runtime/lab/session.ts";
import { withInterface } from "./host-changes.ts";
import { numbersFrom } from "./slots.ts";
import { type ClusterKind, describeShop, flowOf } from "./walks.ts";

const SENDERS = [
  "pod/shop/client",
  "pod/shop/web-1",
  "pod/shop/web-2",
  "pod/shop/api",
  "node/n1",
  "node/n2",
  "outside/client",
];
const PODS = ["10.244.1.10", "10.244.1.11", "10.244.2.10", "10.244.2.11"];
const TARGETS = [
  ...PODS.map((address) => `${address}:8080`),
  "[fd00:244:0:1::11]:8080",
  "[fd00:244:0:2::10]:8080",
  "10.96.0.30:80",
  "[fd00:96::30]:80",
  "10.96.0.20:80",
  "192.168.50.11:30123",
  "192.168.50.12:30123",
  "198.51.100.1:8080",
  "198.51.100.10:443",
  "198.51.100.40:80",
  "198.51.100.41:80",
];
const SYSCTLS = [
  "net.ipv4.ip_forward",
  "net.bridge.bridge-nf-call-iptables",
  "net.bridge.bridge-nf-call-ip6tables",
  "net.ipv6.conf.all.forwarding",
];

interface RandomCluster {
  readonly mutated: string;
  /** What it was described by, before hosts were changed. */
  readonly input: ResolvedInput;
  readonly subject: LabDescription & { readonly flows: readonly WalkFlow[] };
}

/** The same seed gives the same. `preset`: undefined: any that a lab can make. `mutated` says what is not as usual. */
export function randomCluster(seed: number, flows: number, preset?: PodNetworkName): RandomCluster {
  const below = numbersFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const maybe = (n: number): boolean => below(n) === 0;
  const sysctls = maybe(2) ? { [pick(["n1", "n2"])]: { [pick(SYSCTLS)]: "0" } } : {};
  const kind: ClusterKind = {
    pods: preset ?? pick(["bridge", "routed", "kindnet", "flannel-host-gw", "flannel-vxlan", "calico-vxlan"]),
    mode: pick(["nftables", "iptables"]),
    ...(maybe(2) ? { balancer: pick(["nat", "proxy", "routed"]), keepsClient: maybe(2) } : {}),
    ...(maybe(4) ? { hairpin: false } : {}),
    ...(maybe(4) ? { masquerade: "none" as const } : {}),
    sysctls,
  };
  const { layout, programOf, input } = describeShop(kind);
  const hosts = new Map(layout.network.hosts);
  const name = pick(["node/n1", "node/n2", "gateway"]);
  const host = hosts.get(name);
  let changed = "nothing";
  if (host !== undefined && maybe(2)) {
    const routes = (host.routing.IPv4.tables["main"] ?? []).filter(({ isAutomatic }) => isAutomatic !== true);
    const victim = routes.length === 0 ? undefined : pick(routes);
    if (victim !== undefined) {
      const as = pick(["missing", "blackhole", "unreachable"] as const);
      hosts.set(name, withRoute(host, victim, as));
      changed = `${name}: route ${JSON.stringify(victim.prefix)} ${as}`;
    }
  }
  const damaged = maybe(3) ? damage(hosts, pick) : "nothing";
  const network = { ...layout.network, hosts };
  const evaluators = new Map<string, Evaluator>();
  const evaluatorOf = (each: Host): Evaluator | undefined => {
    const program = programOf(each);
    if (program === undefined) return undefined;
    const known = evaluators.get(each.name) ?? new Evaluator(program);
    evaluators.set(each.name, known);
    return known;
  };
  const made = Array.from({ length: flows }, (): WalkFlow => {
    const flow = flowOf(`${pick(SENDERS)} > ${pick(TARGETS)}`);
    const echo = typeof flow.destination === "number" ? 1 : 58;
    const protocol = pick([6, 6, 6, 17, echo]);
    return protocol === echo ? { ...flow, protocol, sourcePort: 0, destinationPort: 0 } : { ...flow, protocol };
  });
  const subject = { network, programOf, walker: new PacketWalker(network, evaluatorOf), flows: made };
  return { input, mutated: `${JSON.stringify(kind)}, ${changed}, ${damaged}`, subject };
}

type Pick = <T>(list: readonly T[]) => T;

/** Changes an interface of a host; the answer says what. */
function damage(hosts: Map<string, Host>, pick: Pick): string {
  const name = pick(["node/n1", "node/n2", "gateway", "switch"]);
  const host = hosts.get(name);
  if (host === undefined) return "nothing";
  const what = pick(Object.keys(DAMAGES));
  const change = DAMAGES[what];
  const open = host.interfaces.filter((own) => own.kind !== "loopback" && change?.(own) !== undefined);
  if (open.length === 0) return "nothing";
  const victim = pick(open);
  const changed = withInterface(name, victim.name, (own) => change?.(own) ?? own);
  hosts.set(name, changed(host));
  return `${what} at ${victim.name} of ${name}`;
}

/** Undefined: there is nothing to change. */
const DAMAGES: Readonly<Record<string, (own: HostInterface) => HostInterface | undefined>> = {
  "strict rp_filter": reversePathFilter(1),
  "loose rp_filter": reversePathFilter(2),
  "no forwarding": (own) => withIpv4(own, { forwarding: false }),
  "a blocked port": (own) => own.port && { ...own, port: { ...own.port, isForwarding: false } },
  "an isolated port": (own) => own.port && { ...own, port: { ...own.port, isolated: true } },
  "no proxy ARP": (own) => (own.proxyArp ? { ...own, proxyArp: false } : undefined),
};

function reversePathFilter(value: 1 | 2): (own: HostInterface) => HostInterface {
  return (own) => withIpv4(own, { reversePathFilter: value });
}

function withIpv4(own: HostInterface, settings: Partial<InterfaceSysctls>): HostInterface {
  return { ...own, sysctls: { ...own.sysctls, IPv4: { ...own.sysctls.IPv4, ...settings } } };
}

function withRoute(host: Host, victim: TableRoute, as: "missing" | "blackhole" | "unreachable"): Host {
  const { routing } = host;
  const main = (routing.IPv4.tables["main"] ?? []).flatMap((route) =>
    route !== victim ? [route] : as === "missing" ? [] : [{ ...route, kind: as, hops: [], scope: "global" as const }],
  );
  return { ...host, routing: { ...routing, IPv4: { ...routing.IPv4, tables: { ...routing.IPv4.tables, main } } } };
}

/**
 * The rules that kube-proxy's nftables mode writes for a cluster (IPv4, ClusterIP, a detector by source block), in the
 * form and order of its transactions: one command per object and per element; `add` and `flush` for every chain; the
 * chains of a Service before the rules in them.
 */
import { createHash } from "node:crypto";
import { CLUSTER_CIDR, type ListedEndpoint, type ListedService, NODE_IP, SERVICE_CIDR } from "./cluster.ts";

const TABLE = "ip kube-proxy";
const FRONTEND = "ip daddr . meta l4proto . th dport";
const MARK = "0x4000";

/** The full synchronisation: loaded into an empty namespace or over an earlier one. */
export function* printFullSync(cluster: readonly ListedService[]): Generator<string> {
  yield* SETUP.map((line) => `${line}\n`);
  for (const service of cluster) yield `${printService(service, service.endpoints).join("\n")}\n`;
}

/**
 * The full synchronisation as transactions whose time does not grow with the square of the cluster: all frontends with empty chains, then
 * the rules of `first`, then those of the other Services, some at a time. nft reads all chains for each of them, and the kernel walks a
 * transaction for each anonymous map in it, and all maps of the table: of a large cluster the last ones may be left out. What a packet to
 * a Service of an earlier one meets is the same.
 */
export function* printInPieces(
  cluster: readonly ListedService[],
  first: ReadonlySet<ListedService>,
): Generator<{ readonly text: string; readonly services: number }> {
  const frontends = [...SETUP, ...cluster.flatMap(ensureServiceChain), ...cluster.flatMap(printFrontend)];
  yield { text: `${frontends.join("\n")}\n`, services: 0 };
  for (const group of [cluster.filter((one) => first.has(one)), cluster.filter((one) => !first.has(one))]) {
    for (let at = 0; at < group.length; at += SERVICES_AT_ONCE) {
      const piece = group.slice(at, at + SERVICES_AT_ONCE);
      const lines = piece.flatMap((service) => printServiceRules(service, service.endpoints));
      yield { text: `${lines.join("\n")}\n`, services: piece.length };
    }
  }
}

/** Of one transaction: 10,000 Services took 20 s with so many, 44 s with a fifth, 132 s all at once. */
const SERVICES_AT_ONCE = 500;

/** The transaction that takes one endpoint away: its chain is emptied at once and deleted by a later transaction.
 *  `service` is as it was. */
export function printRemoval(service: ListedService, endpoint: ListedEndpoint) {
  const left = service.endpoints.filter((other) => other !== endpoint);
  const lines = [...printServiceChain(service, left), `flush chain ${TABLE} ${endpointChain(service, endpoint)}`];
  return `${lines.join("\n")}\n`;
}

/** The later transaction, at least a second behind. */
export function printCleanup(service: ListedService, endpoint: ListedEndpoint) {
  return `delete chain ${TABLE} ${endpointChain(service, endpoint)}\n`;
}

/** The transaction that adds one endpoint. Chains of endpoints that stay are left alone, as the versions do that write
 *  the least. `service` is as it will be. */
export function printAddition(service: ListedService, endpoint: ListedEndpoint) {
  const chain = printEndpointChain(service, endpoint);
  return `${[...chain, ...printServiceChain(service, service.endpoints), ...printEndpointRules(service, endpoint)].join("\n")}\n`;
}

function printService(service: ListedService, endpoints: readonly ListedEndpoint[]) {
  const [ensure = "", empty = "", ...rules] = printServiceChain(service, endpoints);
  return [
    ...endpoints.flatMap((endpoint) => printEndpointChain(service, endpoint)),
    ensure,
    empty,
    ...printFrontend(service),
    ...rules,
    ...endpoints.flatMap((endpoint) => printEndpointRules(service, endpoint)),
  ];
}

function printServiceRules(service: ListedService, endpoints: readonly ListedEndpoint[]) {
  return [
    ...endpoints.flatMap((endpoint) => printEndpointChain(service, endpoint)),
    ...printServiceChain(service, endpoints),
    ...endpoints.flatMap((endpoint) => printEndpointRules(service, endpoint)),
  ];
}

function printFrontend(service: ListedService) {
  return [
    `add element ${TABLE} cluster-ips { ${service.clusterIp} }`,
    `add element ${TABLE} service-ips { ${service.clusterIp} . tcp . ${service.port} : goto ${serviceChain(service)} }`,
  ];
}

const ensureServiceChain = (service: ListedService) => [`add chain ${TABLE} ${serviceChain(service)}`];

function printServiceChain(service: ListedService, endpoints: readonly ListedEndpoint[]) {
  const chain = serviceChain(service);
  const slots = endpoints.map((endpoint, slot) => `${slot} : goto ${endpointChain(service, endpoint)}`);
  return [
    `add chain ${TABLE} ${chain}`,
    `flush chain ${TABLE} ${chain}`,
    `add rule ${TABLE} ${chain} ip daddr ${service.clusterIp} ip saddr != ${CLUSTER_CIDR} jump mark-for-masquerade`,
    `add rule ${TABLE} ${chain} numgen random mod ${endpoints.length} vmap { ${slots.join(" , ")} }`,
  ];
}

function printEndpointChain(service: ListedService, endpoint: ListedEndpoint) {
  const chain = endpointChain(service, endpoint);
  return [`add chain ${TABLE} ${chain}`, `flush chain ${TABLE} ${chain}`];
}

function printEndpointRules(service: ListedService, endpoint: ListedEndpoint) {
  const chain = endpointChain(service, endpoint);
  return [
    `add rule ${TABLE} ${chain} ip saddr ${endpoint.address} jump mark-for-masquerade`,
    `add rule ${TABLE} ${chain} meta l4proto tcp dnat to ${endpoint.address}:${endpoint.port}`,
  ];
}

// --- names -------------------------------------------------------------------------------------------------------------

const serviceName = ({ namespace, name, portName }: ListedService) => `${namespace}/${name}/tcp/${portName}`;

function serviceChain(service: ListedService) {
  const name = serviceName(service);
  return `service-${hash(name)}-${name}`;
}

function endpointChain(service: ListedService, { address, port }: ListedEndpoint) {
  const name = `${serviceName(service)}__${address}/${port}`;
  return `endpoint-${hash(name)}-${name}`;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first 8 characters of the SHA-256 in base32: 40 bits. */
function hash(text: string) {
  const bits = createHash("sha256").update(text).digest().readUIntBE(0, 5);
  return Array.from({ length: 8 }, (_, index) => BASE32.charAt(Math.floor(bits / 32 ** (7 - index)) % 32)).join("");
}

// --- what does not depend on the Services --------------------------------------------------------------------------------

const BASE_CHAINS: readonly (readonly [name: string, hook: string])[] = [
  ["filter-prerouting-pre-dnat", "filter hook prerouting priority -110"],
  ["filter-output-pre-dnat", "filter hook output priority -110"],
  ["filter-forward", "filter hook forward priority 0"],
  ["filter-input", "filter hook input priority 0"],
  ["filter-output", "filter hook output priority 0"],
  ["nat-output", "nat hook output priority -100"],
  ["nat-postrouting", "nat hook postrouting priority 100"],
  ["nat-prerouting", "nat hook prerouting priority -100"],
];

const CHAINS = [
  "cluster-ips-check",
  "firewall-check",
  "mark-for-masquerade",
  "masquerading",
  "nodeport-endpoints-check",
  "reject-chain",
  "services",
  "service-endpoints-check",
];

const FRONTEND_MAP = "type ipv4_addr . inet_proto . inet_service : verdict ;";
const NODE_PORT_MAP = "type inet_proto . inet_service : verdict ;";

const MAPS: readonly (readonly [name: string, declaration: string])[] = [
  ["firewall-ips", `${FRONTEND_MAP} comment "destinations that are subject to LoadBalancerSourceRanges" ;`],
  [
    "no-endpoint-nodeports",
    `${NODE_PORT_MAP} comment "vmap to drop or reject packets to service nodeports with no endpoints" ;`,
  ],
  ["no-endpoint-services", `${FRONTEND_MAP} comment "vmap to drop or reject packets to services with no endpoints" ;`],
  ["service-ips", `${FRONTEND_MAP} comment "ClusterIP, ExternalIP and LoadBalancer IP traffic" ;`],
  ["service-nodeports", `${NODE_PORT_MAP} comment "NodePort traffic" ;`],
];

const RULES = [
  'cluster-ips-check ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
  `cluster-ips-check ip daddr { ${SERVICE_CIDR} } drop comment "Drop traffic to unallocated ClusterIPs"`,
  "filter-prerouting-pre-dnat ct state new jump firewall-check",
  "filter-forward ct state new jump service-endpoints-check",
  "filter-forward ct state new jump cluster-ips-check",
  "filter-input ct state new jump nodeport-endpoints-check",
  "filter-input ct state new jump service-endpoints-check",
  "filter-output ct state new jump service-endpoints-check",
  "filter-output-pre-dnat ct state new jump firewall-check",
  "filter-output ct state new jump cluster-ips-check",
  `firewall-check ${FRONTEND} vmap @firewall-ips`,
  `mark-for-masquerade mark set mark or ${MARK}`,
  `masquerading mark and ${MARK} == 0 return`,
  `masquerading mark set mark xor ${MARK}`,
  "masquerading masquerade fully-random",
  "nat-output jump services",
  "nat-postrouting jump masquerading",
  "nat-prerouting jump services",
  "nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports",
  "reject-chain reject",
  `services ${FRONTEND} vmap @service-ips`,
  "services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports",
  `service-endpoints-check ${FRONTEND} vmap @no-endpoint-services`,
];

const SETUP = [
  `add table ${TABLE} { comment "rules for kube-proxy" ; }`,
  ...BASE_CHAINS.flatMap(([name, hook]) => [
    `add chain ${TABLE} ${name} { type ${hook} ; }`,
    `flush chain ${TABLE} ${name}`,
  ]),
  ...CHAINS.flatMap((name) => [`add chain ${TABLE} ${name}`, `flush chain ${TABLE} ${name}`]),
  `add set ${TABLE} cluster-ips { type ipv4_addr ; comment "Active ClusterIPs" ; }`,
  `flush set ${TABLE} cluster-ips`,
  `add set ${TABLE} nodeport-ips { type ipv4_addr ; comment "IPs that accept NodePort traffic" ; }`,
  `flush set ${TABLE} nodeport-ips`,
  `add element ${TABLE} nodeport-ips { ${NODE_IP} }`,
  ...MAPS.flatMap(([name, declaration]) => [
    `add map ${TABLE} ${name} { ${declaration} }`,
    `flush map ${TABLE} ${name}`,
  ]),
  ...RULES.map((rule) => `add rule ${TABLE} ${rule}`),
];

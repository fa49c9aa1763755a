/** Tables of any number of Services: a small cluster is compiled, and its rows repeated with other addresses. */
import { compile } from "../../compiler/compile.ts";
import { type Address, type Family, type Ipv4, type Ipv6, parseAddress } from "../../compiler/net/address.ts";
import { parsePrefix } from "../../compiler/net/prefix.ts";
import { tabulate } from "../../compiler/tabulate/tabulate.ts";
import type {
  AddressRange,
  AddressRow,
  Default,
  FamilyTable,
  LocalClass,
  PortRow,
  RowEndpoints,
  Tabulation,
} from "../../compiler/tabulate/types.ts";

/** What a Service of the scaled cluster is. */
export type ScaledServiceType = "tcp" | "udp" | "nodePort" | "ranges";

export interface ScaledService {
  readonly type: ScaledServiceType;
  /** Address and port that clients use; IPv4 and IPv6 share the number. */
  readonly vip: number;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
}

export interface Scaled {
  readonly tabulation: Tabulation;
  readonly services: readonly ScaledService[];
  /** Bits of the block that service addresses are from. */
  readonly vipBits: number;
}

export const ENDPOINTS = 10;
const NODE_IPS = Array.from({ length: 16 }, (_, i) => `192.168.0.${i + 2}`);
const NODE_IPS6 = Array.from({ length: 16 }, (_, i) => `2001:db8::${(i + 2).toString(16)}`);
export const NODE_ADDRESS = { IPv4: addressOf("192.168.0.2"), IPv6: addressOf("2001:db8::2") } as const;
const BASE = { IPv4: addressOf("10.96.0.0"), IPv6: addressOf("fd00:10:96::") } as const;
const BALANCER = { IPv4: addressOf("172.16.0.0"), IPv6: addressOf("fd00:10:172::") } as const;
const POD = { IPv4: addressOf("10.128.0.0"), IPv6: addressOf("fd00:10:128::") } as const;
const RANGES = ["203.0.113.0/24", "198.51.100.0/25", "192.0.2.0/28", "100.64.0.0/10", "11.0.0.0/8"];
const RANGES6 = ["2001:db8:1::/48", "2001:db8:2::/48", "2001:db8:3::/64", "2001:db8:4::/64", "2001:db9::/32"];

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

export function offset(base: Address, by: number): Address {
  return typeof base === "number" ? ((base + by) as Ipv4) : ((base + BigInt(by)) as Ipv6);
}

/** The address of a Service's cluster IP, or of its load balancer. */
export function vipOf({ type, vip }: ScaledService, family: Family): Address {
  return offset((type === "ranges" ? BALANCER : BASE)[family], vip);
}

/** The address of a pod; numbers below ENDPOINTS times the Services are endpoints. */
export function podOf(number: number, family: Family): Address {
  return offset(POD[family], number + 1);
}

/** A cluster of `count` Services: 5 % with load balancers for five source ranges, one in ten with a node port (2,000 at the
 *  most), 85 % of the others TCP; 30 % share the address of the one before. */
export function scaleTo(count: number): Scaled {
  const vipBits = count > 20_000 ? 20 : 16;
  const { tabulation, labels } = compileTemplate(vipBits);
  const services = planServices(count, vipBits);
  const families = Object.fromEntries(
    (["IPv4", "IPv6"] as const).map((family) => [
      family,
      scaleFamily(tabulation.families[family], labels, services, family),
    ]),
  ) as unknown as Record<Family, FamilyTable>;
  return { tabulation: { ...tabulation, families }, services, vipBits };
}

function planServices(count: number, vipBits: number): ScaledService[] {
  const services: ScaledService[] = [];
  const size = 2 ** vipBits;
  for (let i = 0; i < count; i++) {
    const type = typeOf(i);
    const before = services.at(-1);
    const shares = i % 10 >= 7 && before !== undefined && (before.type === "ranges") === (type === "ranges");
    // An odd factor scatters addresses over the block without meeting twice.
    const vip = shares ? before.vip : (Math.imul(i + 1, 0x9e3779b1) >>> 0) % size;
    const nodePort = type === "nodePort" && i < 20_000 ? 30_000 + Math.floor(i / 10) : 0;
    services.push({
      type: type === "nodePort" && nodePort === 0 ? "tcp" : type,
      vip,
      port: shares ? before.port + 1 : 80,
      nodePort,
    });
  }
  return services;
}

function typeOf(i: number): ScaledServiceType {
  if (i % 20 === 3) return "ranges";
  if (i % 10 === 5) return "nodePort";
  return i % 7 === 6 ? "udp" : "tcp";
}

const TEMPLATE: Readonly<Record<ScaledServiceType, string>> = {
  tcp: "t/tcp",
  udp: "t/udp",
  nodePort: "t/node-port",
  ranges: "t/ranges",
};

/** One Service of each type, compiled. */
function compileTemplate(vipBits: number): { tabulation: Tabulation; labels: typeof TEMPLATE } {
  const names = Object.entries(TEMPLATE).flatMap(([type, name], i) =>
    serviceObjects(type as ScaledServiceType, name.slice(2), i),
  );
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: names });
  const prefix = (block: string) => {
    const parsed = parsePrefix(block);
    if ("kind" in parsed) throw new Error(`${block} is no prefix`);
    return parsed;
  };
  const { compiled, diagnostics } = compile([{ name: "template.json", text }], {
    mode: "nftables",
    nodeName: "node-1",
    nodeIps: [...NODE_IPS, ...NODE_IPS6].map(addressOf),
    clusterCidr: [prefix("10.128.0.0/9"), prefix("fd00:10:128::/64")],
    serviceCidrs: [prefix(`10.96.0.0/${32 - vipBits}`), prefix(`fd00:10:96::/${128 - vipBits}`)],
  });
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)));
  const tabulated = tabulate(compiled.program, compiled.node.addresses);
  if ("unsupported" in tabulated) throw new Error(tabulated.unsupported[0]?.message);
  return { tabulation: tabulated.tabulation, labels: TEMPLATE };
}

function serviceObjects(type: ScaledServiceType, name: string, index: number): object[] {
  const ips = [`10.96.0.${index + 10}`, `fd00:10:96::${index + 10}`];
  const balanced = type === "ranges";
  const protocol = type === "udp" ? "UDP" : "TCP";
  const port = { name: "p", port: 80, protocol, ...(type === "nodePort" ? { nodePort: 30_000 } : {}) };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "t", name },
    spec: {
      type: type === "nodePort" ? "NodePort" : balanced ? "LoadBalancer" : "ClusterIP",
      ...(balanced ? { loadBalancerSourceRanges: [...RANGES, ...RANGES6], allocateLoadBalancerNodePorts: false } : {}),
      clusterIP: ips[0],
      clusterIPs: ips,
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
      ports: [port],
    },
    ...(balanced ? { status: { loadBalancer: { ingress: [{ ip: "172.16.0.1" }, { ip: "fd00:10:172::1" }] } } } : {}),
  };
  const slices = (["IPv4", "IPv6"] as const).map((family) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace: "t",
      name: `${name}-${family.toLowerCase()}`,
      labels: { "kubernetes.io/service-name": name },
    },
    addressType: family,
    ports: [{ name: "p", port: 8080, protocol }],
    endpoints: Array.from({ length: ENDPOINTS }, (_, k) => ({
      addresses: [
        family === "IPv4" ? `10.128.200.${index * ENDPOINTS + k + 1}` : `fd00:10:128::c8:${index * ENDPOINTS + k + 1}`,
      ],
      conditions: { ready: true },
      nodeName: "node-2",
    })),
  }));
  return [service, ...slices];
}

function scaleFamily(
  table: FamilyTable,
  labels: typeof TEMPLATE,
  services: readonly ScaledService[],
  family: Family,
): FamilyTable {
  const rowOf = (rows: readonly PortRow[], label: string, isVip: (row: PortRow) => boolean): PortRow => {
    const row = rows.find((each) => each.label.startsWith(label) && isVip(each));
    if (row === undefined) throw new Error(`the template has no row ${label}`);
    return row;
  };
  const balancer = offset(BALANCER[family], 1);
  const vipRow = (type: ScaledServiceType): PortRow =>
    rowOf(table.rows, labels[type], (row) => ((row as AddressRow).address === balancer) === (type === "ranges"));
  const templates = { tcp: vipRow("tcp"), udp: vipRow("udp"), nodePort: vipRow("nodePort"), ranges: vipRow("ranges") };
  const [point] = table.points as [AddressRange];
  const rows: AddressRow[] = [];
  const points = new Map<Address, Default>();
  const nodePorts: PortRow[] = [];
  const nodePortRow = rowOf(
    table.localClasses.flatMap((kind) => kind.rows),
    labels.nodePort,
    () => true,
  );
  const scale = (list: RowEndpoints, index: number): RowEndpoints =>
    list.map((endpoint, k) => ({ ...endpoint, address: podOf(index * ENDPOINTS + k, family) }));
  for (const [index, service] of services.entries()) {
    const { type, port, nodePort } = service;
    const template = templates[type];
    const lists = template.lists.map((list) => scale(list, index));
    const label = `team-${index % 50}/service-${index}:http`;
    const address = vipOf(service, family);
    rows.push({ ...template, address, port, lists, label });
    if (type !== "ranges") points.set(address, point);
    if (nodePort !== 0)
      nodePorts.push({
        ...nodePortRow,
        port: nodePort,
        lists: nodePortRow.lists.map(() => lists[0] as RowEndpoints),
        label,
      });
  }
  const sorted = [...points].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...table,
    rows,
    localClasses: table.localClasses.map(
      (kind): LocalClass => (kind.rows.length === 0 ? kind : { ...kind, rows: nodePorts }),
    ),
    points: sorted.map(([from, own]) => ({ ...point, ...own, from })),
  };
}

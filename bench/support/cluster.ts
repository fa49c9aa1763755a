/** The clusters that are measured: plain data, the same for the same size. */
import { createHash } from "node:crypto";

export interface ListedEndpoint {
  readonly address: string;
  readonly port: number;
  readonly pod: string;
  readonly nodeName: string;
  readonly zone: string;
}

/** A Service of type ClusterIP with one TCP port. */
export interface ListedService {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  readonly port: number;
  readonly portName: string;
  readonly endpoints: readonly ListedEndpoint[];
}

export interface ClusterSize {
  readonly services: number;
  /** Of each Service. */
  readonly endpoints: number;
  /** From 1 to twice as many endpoints instead, as many on average: kpc has a chain for each count. */
  readonly spread?: boolean;
}

/** Blocks that the addresses come from: 2^20 each. */
export const SERVICE_CIDR = "10.96.0.0/12";
export const CLUSTER_CIDR = "10.176.0.0/12";

export const NODE_NAME = "node-1";
export const NODE_IP = "192.168.0.2";

/** What tells kpc about the node: an address for node ports, and how pods of this node are recognised. */
export const NODE_FLAGS = [
  ...["--node", NODE_NAME],
  ...["--node-ip", NODE_IP],
  ...["--nodeport-addresses", "primary"],
  ...["--cluster-cidr", CLUSTER_CIDR],
  ...["--service-cidr", SERVICE_CIDR],
];

const NAMESPACES = 50;
const NODES = 200;
const ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

/** Services in the order in which the API server lists them. Their addresses are in no order, as in a cluster that has
 *  lived for a while. */
export function makeCluster({ services, endpoints, spread = false }: ClusterSize): ListedService[] {
  let index = 1;
  return Array.from({ length: services }, (_, service) => {
    const namespace = `team-${String(Math.floor((service * NAMESPACES) / services)).padStart(2, "0")}`;
    const name = `svc-${String(service).padStart(6, "0")}`;
    const count = spread ? 1 + (service % (2 * endpoints - 1)) : endpoints;
    return {
      namespace,
      name,
      clusterIp: scatteredAddress([10, 96], service + 1),
      port: 80,
      portName: "http",
      endpoints: Array.from({ length: count }, () => makeEndpoint(name, index++)),
    };
  });
}

function makeEndpoint(service: string, index: number): ListedEndpoint {
  const random = fingerprint(`${service} ${index}`);
  const node = Number.parseInt(random.slice(0, 6), 16) % NODES;
  return {
    address: scatteredAddress([10, 176], index),
    port: 8080,
    pod: `${service}-${fingerprint(service).slice(0, 10)}-${random.slice(6, 11)}`,
    nodeName: `node-${node + 1}`,
    zone: ZONES[node % ZONES.length] as string,
  };
}

/** The same cluster without one endpoint: of a Service in the middle the one in the middle. */
export function withoutOneEndpoint(cluster: readonly ListedService[]): {
  cluster: ListedService[];
  service: ListedService;
  endpoint: ListedEndpoint;
} {
  const middle = cluster.length >> 1;
  const at = cluster.findIndex(({ endpoints }, index) => index >= middle && endpoints.length > 1);
  const service = cluster[at] as ListedService;
  const index = service.endpoints.length >> 1;
  const endpoint = service.endpoints[index] as ListedEndpoint;
  const smaller = { ...service, endpoints: service.endpoints.toSpliced(index, 1) };
  return { cluster: cluster.with(at, smaller), service, endpoint };
}

/** Hexadecimal digits that depend on `text` alone. */
export function fingerprint(text: string) {
  return createHash("md5").update(text).digest("hex");
}

/** A different address of the block of 2^20 that starts at `block` for each index below 2^20. */
function scatteredAddress([first, second]: readonly [number, number], index: number) {
  const low = Math.imul(index, 0x9e3779b1) & 0xfffff; // an odd factor permutes the numbers below a power of two
  return `${first}.${second + (low >>> 16)}.${(low >>> 8) & 255}.${low & 255}`;
}

/** Clusters of tests on the real API server, and what it has made of them. */
import { members } from "../../../runtime/api/trouble.ts";
import { call, type RawAnswer } from "../api-server/raw-request.ts";
import type { Manifest } from "../arbitraries.ts";
import type { RealApiServer } from "./real-api-server.ts";

/** The kinds of a cluster, in the order in which they are made: where they are, and whether in namespaces. */
const KINDS = {
  Node: ["v1", "/api/v1", "nodes", false],
  Service: ["v1", "/api/v1", "services", true],
  EndpointSlice: ["discovery.k8s.io/v1", "/apis/discovery.k8s.io/v1", "endpointslices", true],
  ServiceCIDR: ["networking.k8s.io/v1", "/apis/networking.k8s.io/v1", "servicecidrs", false],
} as const;

type ClusterKindName = keyof typeof KINDS;

/** An object that the API server did not take, and why. */
export interface RefusedObject {
  readonly object: Manifest;
  readonly message: string;
}

export class ServedCluster {
  private readonly server: RealApiServer;

  constructor(server: RealApiServer) {
    this.server = server;
  }

  async makeNamespaces(names: readonly string[]): Promise<void> {
    for (const name of names) await this.call("POST", "/api/v1/namespaces", { metadata: { name } });
  }

  /** Takes all objects of `kinds` away, but for the API's own Service. */
  async clear(kinds: readonly ClusterKindName[] = ["EndpointSlice", "Service", "Node"]): Promise<void> {
    for (const kind of kinds)
      for (const object of await this.list(kind)) {
        const { name } = members(object["metadata"]);
        if (name !== "kubernetes") await this.call("DELETE", pathOf(kind, object));
      }
  }

  /** Makes the objects. A Service whose node ports are taken gets others. Those that are refused are left out. */
  async make(objects: readonly Manifest[]): Promise<RefusedObject[]> {
    const refused: RefusedObject[] = [];
    for (const kind of ["Node", "Service", "EndpointSlice"] as const)
      for (const object of objects.filter((each) => each["kind"] === kind)) {
        const answer = await this.makeOne(kind, object);
        if (answer.status >= 300) refused.push({ object, message: String(answer.body?.["message"]) });
      }
    return refused;
  }

  /** Everything, as `kubectl get -o json` prints it. */
  async text(): Promise<string> {
    const items: Manifest[] = [];
    for (const kind of Object.keys(KINDS) as ClusterKindName[]) items.push(...(await this.list(kind)));
    return JSON.stringify({ apiVersion: "v1", kind: "List", items });
  }

  private async makeOne(kind: ClusterKindName, object: Manifest): Promise<RawAnswer> {
    const path = pathOf(kind, object).replace(/\/[^/]*$/, "");
    // The server gives them.
    const { uid: _, creationTimestamp: __, resourceVersion: ___, ...metadata } = members(object["metadata"]);
    const sent = { ...object, metadata };
    let answer = await this.call("POST", path, sent);
    // 422 for a node port that is taken, 500 for a health check's.
    if (
      answer.status >= 400 &&
      /nodePort|healthCheckNodePort|port is already allocated/.test(String(answer.body?.["message"]))
    )
      answer = await this.call("POST", path, withoutNodePorts(sent));
    if (answer.status === 201 && object["status"] !== undefined) {
      const status = await this.call("PATCH", `${pathOf(kind, object)}/status`, { status: object["status"] });
      if (status.status !== 200) return status;
    }
    return answer;
  }

  private async list(kind: ClusterKindName): Promise<Manifest[]> {
    const [apiVersion, group, plural] = KINDS[kind];
    const { body } = await this.call("GET", `${group}/${plural}`);
    const items = members(body)["items"] as readonly Manifest[];
    return items.map((item) => ({ apiVersion, kind, ...item }));
  }

  private call(method: string, path: string, body?: unknown): Promise<RawAnswer> {
    return call(this.server.access("admin"), method, path, body === undefined ? {} : { body });
  }
}

function pathOf(kind: ClusterKindName, object: Manifest): string {
  const [, group, plural, isNamespaced] = KINDS[kind];
  const { name, namespace } = members(object["metadata"]);
  return isNamespaced ? `${group}/namespaces/${namespace}/${plural}/${name}` : `${group}/${plural}/${name}`;
}

function withoutNodePorts(service: Manifest): Manifest {
  const { ports, healthCheckNodePort: _, ...spec } = members(service["spec"]);
  const plain = Array.isArray(ports) ? ports.map(({ nodePort: __, ...port }) => port) : ports;
  return { ...service, spec: { ...spec, ports: plain } };
}

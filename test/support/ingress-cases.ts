/** The worlds of ingress cases as manifests. */
import type { Manifest } from "./arbitraries.ts";

export interface IngressCase {
  readonly controller?: string;
  readonly ingressClasses?: readonly Manifest[];
  readonly services?: readonly Manifest[];
  readonly endpointSlices?: readonly Manifest[];
  readonly externalNames?: boolean;
  /** `namespace/name` of Secrets with certificates that exist. */
  readonly secrets?: readonly string[];
  readonly ingresses: readonly Manifest[];
  readonly requests?: readonly {
    readonly scheme?: "http" | "https";
    /** The host, unless given. */
    readonly sni?: string;
    readonly host?: string;
    readonly path: string;
    readonly expect: {
      readonly service?: string;
      readonly port?: number;
      readonly status?: number;
      readonly certificate?: string;
    };
  }[];
}

interface Backend {
  readonly service?: { readonly name: string; readonly port: { readonly number?: number; readonly name?: string } };
}

/** All objects of a case. Where it gives no Services, every Service that an Ingress names exists with the port named;
 *  where it gives no slices, every port has one ready endpoint. */
export function worldOf({ ingressClasses = [], services, endpointSlices, ingresses }: IngressCase): Manifest[] {
  const existing = services ?? namedServices(ingresses);
  const slices = endpointSlices ?? existing.map((service, i) => sliceFor(service, i));
  return [...ingressClasses, ...existing, ...slices, ...ingresses];
}

function namedServices(ingresses: readonly Manifest[]): Manifest[] {
  const found = new Map<string, { namespace: string; name: string; ports: Map<string, Manifest> }>();
  for (const ingress of ingresses) {
    const { namespace = "default" } = ingress["metadata"] as { namespace?: string };
    for (const { service } of backendsIn(ingress)) {
      if (service === undefined) continue;
      const key = `${namespace}/${service.name}`;
      const entry = found.get(key) ?? { namespace, name: service.name, ports: new Map<string, Manifest>() };
      found.set(key, entry);
      const { number, name } = service.port;
      entry.ports.set(String(number ?? name), { port: number ?? 80 + entry.ports.size, name: name ?? `p${number}` });
    }
  }
  return [...found.values()].map(({ namespace, name, ports }) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name },
    spec: { clusterIP: "None", ports: [...ports.values()] },
  }));
}

/** Every object below `value` that has the shape of a backend. */
function* backendsIn(value: unknown): Generator<Backend> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === "backend" || key === "defaultBackend") yield member as Backend;
    else yield* backendsIn(member);
  }
}

function sliceFor(service: Manifest, index: number): Manifest {
  const { namespace = "default", name } = service["metadata"] as { namespace?: string; name: string };
  const { ports = [] } = service["spec"] as { ports?: readonly { name?: string; port: number; protocol?: string }[] };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [`10.1.${index >> 8}.${index & 255}`], conditions: { ready: true } }],
    ports: ports.map((port) => ({ name: port.name ?? "", port: 8080, protocol: port.protocol ?? "TCP" })),
  };
}

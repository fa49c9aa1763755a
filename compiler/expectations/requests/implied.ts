/** Services and EndpointSlices of a case that gives none: the ones that its Ingresses and HTTPRoutes need. */
import type { Field } from "../../documents/field.ts";
import { isObject } from "../../documents/show.ts";
import type { RequestCase } from "./types.ts";

type ImpliedObject = Readonly<Record<string, unknown>>;

/** Those of a case; nothing for a case whose manifests are files. */
export function impliedObjects({ files, ingresses, objects, services, endpointSlices }: RequestCase): ImpliedObject[] {
  if (files.length > 0) return [];
  const valuesOf = (fields: readonly Field[]): unknown[] => fields.map(({ value }) => value);
  return objectsFor(
    [...valuesOf(ingresses), ...valuesOf(objects)],
    services && valuesOf(services),
    endpointSlices !== undefined,
  );
}

/** Every Service that an Ingress or an HTTPRoute names, with the ports named, unless there are `services`; one ready endpoint for every port of a Service,
 *  unless there are slices. No two ports have the same endpoint. */
export function objectsFor(
  ingresses: readonly unknown[],
  services: readonly unknown[] | undefined,
  hasSlices: boolean,
): ImpliedObject[] {
  const implied = services === undefined ? namedServices(ingresses) : [];
  const all = services === undefined ? implied : services.filter(isObject);
  return [...implied, ...(hasSlices ? [] : all.map(sliceFor))];
}

function namedServices(ingresses: readonly unknown[]): ImpliedObject[] {
  const found = new Map<string, { namespace: string; name: string; ports: Map<string, ImpliedObject> }>();
  for (const value of ingresses) {
    if (!isObject(value)) continue;
    const namespace = textOf(value["metadata"], "namespace") ?? "default";
    for (const service of servicesIn(value)) {
      const name = textOf(service, "name");
      const port = typeof service["port"] === "number" ? { number: service["port"] } : service["port"];
      if (name === undefined || !isObject(port)) continue;
      const { number, name: portName } = port;
      const place = textOf(service, "namespace") ?? namespace;
      const entry = found.get(`${place}/${name}`) ?? {
        namespace: place,
        name,
        ports: new Map<string, ImpliedObject>(),
      };
      found.set(`${place}/${name}`, entry);
      entry.ports.set(String(number ?? portName), {
        port: number ?? 80 + entry.ports.size,
        name: portName ?? `p${number}`,
      });
    }
  }
  return [...found.values()].map(({ namespace, name, ports }) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name },
    spec: { clusterIP: "None", ports: [...ports.values()] },
  }));
}

/** The Service of each backend below `value`. */
function* servicesIn(value: unknown): Generator<ImpliedObject> {
  if (!isObject(value) && !Array.isArray(value)) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === "backendRefs" && Array.isArray(member)) {
      yield* member.filter(isObject).filter(({ kind = "Service" }) => kind === "Service");
      continue;
    }
    const service = (key === "backend" || key === "defaultBackend") && isObject(member) ? member["service"] : undefined;
    if (isObject(service)) yield service;
    else yield* servicesIn(member);
  }
}

function sliceFor(service: ImpliedObject, index: number): ImpliedObject {
  const namespace = textOf(service["metadata"], "namespace") ?? "default";
  const name = textOf(service["metadata"], "name") ?? "";
  const { spec } = service;
  const ports = isObject(spec) && Array.isArray(spec["ports"]) ? spec["ports"].filter(isObject) : [];
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [`10.1.${index >> 8}.${index & 255}`], conditions: { ready: true } }],
    ports: ports.map((port, i) => ({
      name: port["name"] ?? "",
      port: 8080 + i,
      protocol: port["protocol"] ?? "TCP",
    })),
  };
}

function textOf(value: unknown, key: string): string | undefined {
  const member = isObject(value) ? value[key] : undefined;
  return typeof member === "string" ? member : undefined;
}

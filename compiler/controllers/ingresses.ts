/** Ingresses of the input as controllers see them. */
import type { Ingress, IngressBackend } from "../model/types.ts";
import type { IngressBackendSpec, IngressSpec, Specs } from "../specs/types.ts";
import type { ControlledBackend, ControlledIngress } from "./types.ts";

/** `ingresses` in their order, with what their manifests say besides. */
export function controlledIngresses(
  ingresses: readonly Ingress[],
  specs: Pick<Specs, "ingresses" | "services">,
): ControlledIngress[] {
  const byName = new Map(specs.ingresses.map((spec) => [nameOf(spec.meta), spec]));
  const services = new Map(specs.services.map((service) => [nameOf(service.meta), service]));
  const isMissing = (backend: IngressBackendSpec, namespace: string): boolean => {
    if (backend.kind === "resource") return false;
    const service = services.get(nameOf({ namespace, name: backend.name }));
    return service?.ports.some(({ name, port }) => name === backend.port || port === backend.port) !== true;
  };
  return ingresses.flatMap((ingress) => {
    const spec = byName.get(nameOf(ingress));
    return spec === undefined ? [] : [controlledIngress(ingress, spec, isMissing)];
  });
}

function controlledIngress(
  ingress: Ingress,
  spec: IngressSpec,
  isMissing: (backend: IngressBackendSpec, namespace: string) => boolean,
): ControlledIngress {
  const backendOf = (backend: IngressBackend, given: IngressBackendSpec | undefined): ControlledBackend => {
    const { name } = backend;
    if (backend.kind === "endpoints") return { state: "ready", name };
    if (given === undefined || given.kind === "resource") return { state: "resource", name };
    return { state: isMissing(given, ingress.namespace) ? "missing" : "empty", name };
  };
  return {
    name: nameOf(ingress),
    annotations: spec.meta.annotations,
    placeOf: (annotation) => spec.meta.field.member("metadata").member("annotations").member(annotation),
    rules: ingress.rules.map(({ host, paths }, i) => ({
      host,
      paths: paths.map(({ path, pathType, backend, origin }, j) => ({
        path,
        pathType,
        origin,
        backend: backendOf(backend, spec.rules[i]?.paths?.[j]?.backend),
      })),
    })),
    defaultBackend: ingress.defaultBackend && backendOf(ingress.defaultBackend, spec.defaultBackend),
    tlsHosts: spec.tls.flatMap(({ hosts }) => hosts),
  };
}

function nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

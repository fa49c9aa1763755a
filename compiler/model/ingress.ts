/** Ingress objects joined with their class and their backends. The API does not say how several Ingresses combine: as in
 *  Gateway API, the oldest one wins a conflict. */
import type { Report } from "../diagnostics.ts";
import { FAMILIES } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import { compareBy } from "../order.ts";
import type { IngressBackendSpec, IngressClassSpec, IngressSpec, ServiceSpec, Specs } from "../specs/types.ts";
import { type CandidateIndex, serviceKey } from "./candidates.ts";
import { refusedExternal } from "./external-name.ts";
import { oldestFirst } from "./oldest-first.ts";
import { type CertificateIndex, resolveTls } from "./tls.ts";
import {
  type Candidate,
  type Ingress,
  type IngressBackend,
  type IngressSettings,
  servesWhileTerminating,
} from "./types.ts";

/** The Ingresses that our controller serves. Reports `ingress-ignored`, `broken-backend` and
 *  `unusable-certificate`. */
export function resolveIngresses(
  specs: Specs,
  index: CandidateIndex,
  certificates: CertificateIndex,
  { controller, allowsExternalNames = false }: IngressSettings,
  report: Report,
): Ingress[] {
  const services = new Map(
    specs.services.map((service) => [serviceKey(service.meta.namespace, service.meta.name), service]),
  );
  // Many paths lead to one Service.
  const known = new Map<string, IngressBackend>();
  const backendOf = (spec: IngressBackendSpec, namespace: string): IngressBackend => {
    if (spec.kind === "resource")
      return { kind: "broken", name: spec.name, reason: "it is a resource, and only Services are served" };
    const name = `${namespace}/${spec.name}:${spec.port}`;
    const service = services.get(serviceKey(namespace, spec.name));
    if (service === undefined) return { kind: "broken", name, reason: "the Service is not in the input" };
    const backend = known.get(name) ?? resolveServiceBackend(service, spec.port, name, index, allowsExternalNames);
    known.set(name, backend);
    return backend;
  };
  return oldestFirst(specs.ingresses)
    .filter((ingress) => isOurs(ingress, specs.ingressClasses, controller, report))
    .map((ingress) => ({
      ...resolveIngress(ingress, backendOf, report),
      tls: resolveTls(ingress, certificates, report),
    }));
}

/** With classes in the input, an Ingress is ours when its class, or the default class, names our controller. Manifests
 *  without any class are given by hand: all of their Ingresses are ours. */
function isOurs(
  { meta, className }: IngressSpec,
  classes: readonly IngressClassSpec[],
  controller: string,
  report: Report,
): boolean {
  if (classes.length === 0) return true;
  const named =
    className === undefined ? defaultClass(classes) : classes.find((candidate) => candidate.meta.name === className);
  if (named?.controller === controller) return true;
  const why =
    named !== undefined
      ? `its class ${named.meta.name} belongs to ${named.controller}`
      : className === undefined
        ? "it has no class, and no class is the default one"
        : `its class ${className} is not in the input`;
  const message = `Ingress ${meta.namespace}/${meta.name} is left out: ${why}`;
  report({ severity: "info", code: "ingress-ignored", message, origin: meta.field });
  return false;
}

/** Of several defaults the newest, then the first by name, as the API server chooses. One without a creation time counts as the oldest. */
function defaultClass(classes: readonly IngressClassSpec[]): IngressClassSpec | undefined {
  const newestFirst = compareBy<IngressClassSpec>(
    ({ meta }) => -(meta.creationTimestamp ?? Number.NEGATIVE_INFINITY),
    ({ meta }) => meta.name,
  );
  return classes.filter(({ isDefault }) => isDefault).sort(newestFirst)[0];
}

function resolveIngress(
  { meta, defaultBackend, rules, httpsRedirect }: IngressSpec,
  resolve: (spec: IngressBackendSpec, namespace: string) => IngressBackend,
  report: Report,
): Omit<Ingress, "tls"> {
  const backendOf = (spec: IngressBackendSpec): IngressBackend => {
    const backend = resolve(spec, meta.namespace);
    if (backend.kind === "broken") {
      const message = `backend ${backend.name} of Ingress ${meta.namespace}/${meta.name} is answered with 503: ${backend.reason}`;
      report({ severity: "warning", code: "broken-backend", message, origin: spec.field });
    }
    return { ...backend, origin: spec.field };
  };
  return {
    namespace: meta.namespace,
    name: meta.name,
    httpsRedirect,
    defaultBackend: defaultBackend === undefined ? undefined : backendOf(defaultBackend),
    rules: rules.map(({ host, paths, field }) => ({
      host,
      origin: field.member("host"),
      paths: (paths ?? []).map(({ path, pathType, backend, field: node }) => ({
        path,
        pathType,
        backend: backendOf(backend),
        origin: node,
      })),
    })),
  };
}

/** The ready endpoints of one port of `service`, by its number or name, as controllers use them in place of the cluster IP; `name` is what
 *  the backend is called. A backend that cannot be reached keeps its path and answers 503: left out, a shorter path would take its
 *  requests. */
export function resolveServiceBackend(
  service: ServiceSpec,
  named: Port | string,
  name: string,
  index: CandidateIndex,
  allowsExternal: boolean,
): IngressBackend {
  if (service.type === "ExternalName") return resolveExternal(service, named, name, allowsExternal);
  const port = service.ports.find((candidate) => candidate.name === named || candidate.port === named);
  if (port === undefined) {
    const ports = service.ports.map((candidate) =>
      candidate.name === "" ? candidate.port : `${candidate.name} (${candidate.port})`,
    );
    return { kind: "broken", name, reason: `the Service has no such port, only ${ports.join(", ")}` };
  }
  const candidates = FAMILIES.flatMap((family) => index.candidates(service, port, family));
  const ready = candidates.filter((candidate) => candidate.ready);
  if (ready.length === 0) return { kind: "broken", name, reason: "the Service has no ready endpoint", isUnready: true };
  const draining = candidates.filter((candidate) => !candidate.ready && servesWhileTerminating(candidate));
  const place = ({ address, port: number, origin }: Candidate) => ({ address, port: number, origin });
  return {
    kind: "endpoints",
    name,
    endpoints: ready.map(place),
    draining: draining.map(place),
    isSticky: service.isSticky,
  };
}

/** A host outside of the cluster. The port is the Service port's targetPort; a Service without ports has the one that is named. */
function resolveExternal(
  { externalName, ports }: ServiceSpec,
  named: Port | string,
  name: string,
  isAllowed: boolean,
): IngressBackend {
  const broken = (reason: string): IngressBackend => ({ kind: "broken", name, reason });
  if (!isAllowed)
    return broken("the Service is of type ExternalName, which is followed with --allow-external-names only");
  const host = externalName.replace(/\.$/, "");
  const refused = refusedExternal(host);
  if (refused !== undefined) return broken(refused);
  const found = ports.find((candidate) => candidate.name === named || candidate.port === named);
  if (found === undefined && (ports.length > 0 || typeof named === "string"))
    return broken(`the Service has no port ${named}`);
  const target = found?.targetPort ?? found?.port ?? named;
  if (typeof target === "string") return broken(`the targetPort ${target} is a name, and no Pod says its number`);
  return { kind: "external", name, host, port: target };
}

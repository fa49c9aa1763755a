/** Gateways joined with the HTTPRoutes that are attached to them. What the API tells in the status of Gateways and routes, kpc reports. */
import type { Origin, Report } from "../diagnostics.ts";
import { unreachable } from "../invariant.ts";
import { GATEWAY_GROUP } from "../specs/gateway-references.ts";
import type { HttpRouteSpec, LabelSelector, ListenerSpec, ParentReference } from "../specs/gateway-types.ts";
import { labelHolds } from "../specs/labels.ts";
import type { Specs } from "../specs/types.ts";
import { type CandidateIndex, serviceKey } from "./candidates.ts";
import type { AttachedRoute, GatewayRoute, ServedListener } from "./gateway-types.ts";
import { type Hostname, intersectHostnames } from "./hostnames.ts";
import { type JudgedListener, judgeListeners, type OurGateway } from "./listeners.ts";
import { oldestFirst } from "./oldest-first.ts";
import { type BackendInput, resolveRule } from "./route-backends.ts";
import type { CertificateIndex } from "./tls.ts";
import type { Ingress, IngressSettings } from "./types.ts";

/** The listeners that are served, those of the oldest Gateway first. Reports what `judgeListeners` does, `route-not-accepted`,
 *  `route-partially-invalid`, `unresolved-reference`, `broken-backend` and `gateway-not-carried`. `ingresses`: those that are served,
 *  whose ports no listener gets. */
export function resolveGateways(
  specs: Specs,
  index: CandidateIndex,
  certificates: CertificateIndex,
  { controller, defaultCertificate, allowsExternalNames = false }: IngressSettings,
  ingresses: readonly Ingress[],
  report: Report,
): ServedListener[] {
  const isTls = defaultCertificate !== undefined || ingresses.some(({ tls }) => tls.length > 0);
  const { gateways, gatewayClasses: classes, referenceGrants: grants } = specs;
  const takenPorts = new Set(ingresses.length === 0 ? [] : isTls ? [80, 443] : [80]);
  const ours = judgeListeners({ gateways, classes, grants, certificates, controller, takenPorts }, report);
  const services = new Map(
    specs.services.map((service) => [serviceKey(service.meta.namespace, service.meta.name), service]),
  );
  const input: BackendInput = { grants, services, index, allowsExternal: allowsExternalNames };
  const attached = new Map<ListenerSpec, AttachedRoute[]>();
  for (const spec of oldestFirst(specs.httpRoutes)) attachRoute(spec, ours, specs, attached, input, report);
  return ours.flatMap(({ spec: { meta }, listeners }) =>
    listeners.flatMap(({ spec, served }): ServedListener[] => {
      if (served === undefined) return [];
      const { name, hostname, port, field } = spec;
      const gateway = `${meta.namespace}/${meta.name}`;
      return [{ gateway, name, hostname, port, ...served, routes: attached.get(spec) ?? [], origin: field }];
    }),
  );
}

/** Adds the route to each listener of `attached` that takes it. */
function attachRoute(
  spec: HttpRouteSpec,
  gateways: readonly OurGateway[],
  specs: Specs,
  attached: Map<ListenerSpec, AttachedRoute[]>,
  input: BackendInput,
  report: Report,
): void {
  const name = `${spec.meta.namespace}/${spec.meta.name}`;
  const hosts = new Map<ListenerSpec, readonly Hostname[]>();
  const refuse = (message: string, origin: Origin, severity: "warning" | "info" = "warning"): void =>
    report({ severity, code: "route-not-accepted", message: `HTTPRoute ${name} ${message}`, origin });
  if (spec.parents.length === 0) refuse("is attached to nothing: it has no parentRefs", spec.meta.field);
  for (const parent of spec.parents) {
    const accepted = acceptedBy(parent, spec, gateways, specs, refuse);
    for (const [listener, common] of accepted) hosts.set(listener, common);
  }
  if (hosts.size === 0) return;
  const route = resolveRoute(spec, name, input, report);
  if (route === undefined) return;
  for (const [listener, common] of hosts) {
    const routes = attached.get(listener) ?? [];
    attached.set(listener, [...routes, { route, hosts: common }]);
  }
}

/** The listeners that `parent` names and that take the route, with the hosts in common. */
function acceptedBy(
  parent: ParentReference,
  route: HttpRouteSpec,
  gateways: readonly OurGateway[],
  specs: Specs,
  refuse: (message: string, origin: Origin, severity?: "warning" | "info") => void,
): ReadonlyMap<ListenerSpec, readonly Hostname[]> {
  const { group, kind, namespace, name, sectionName, port, field } = parent;
  const none = new Map<ListenerSpec, readonly Hostname[]>();
  if (group !== GATEWAY_GROUP || kind !== "Gateway") {
    refuse(`is not attached to ${kind} ${namespace}/${name}: kpc attaches routes to Gateways only`, field);
    return none;
  }
  const gateway = `Gateway ${namespace}/${name}`;
  const isNamed = ({ meta }: { readonly meta: HttpRouteSpec["meta"] }): boolean =>
    meta.namespace === namespace && meta.name === name;
  const found = gateways.find((each) => isNamed(each.spec));
  if (found === undefined) {
    if (specs.gateways.some(isNamed)) refuse(`is not attached to ${gateway}, which is left out`, field, "info");
    else refuse(`is not accepted by ${gateway}, which is not in the input (Accepted: False, NoMatchingParent)`, field);
    return none;
  }
  const named = found.listeners.filter(
    ({ spec }) =>
      (sectionName === undefined || spec.name === sectionName) && (port === undefined || spec.port === port),
  );
  if (named.length === 0) {
    const which = [
      ...(sectionName === undefined ? [] : [`named ${sectionName}`]),
      ...(port === undefined ? [] : [`at port ${port}`]),
    ].join(" ");
    const all = found.listeners.map(({ spec }) => `${spec.name} (${spec.port})`).join(", ");
    refuse(
      `is not accepted by ${gateway}: it has no listener ${which}, only ${all} (Accepted: False, NoMatchingParent)`,
      field,
    );
    return none;
  }
  const allowing = named.filter(({ spec }) => allows(spec, found, route, specs));
  if (allowing.length === 0) {
    refuse(
      `is not accepted by ${gateway}: ${whyNotAllowed(named, route, specs)} (Accepted: False, NotAllowedByListeners)`,
      field,
    );
    return none;
  }
  const common = allowing.map(({ spec }) => [spec, commonHosts(spec.hostname, route)] as const);
  const matching = common.filter(([, hosts]) => hosts.length > 0);
  if (matching.length === 0) {
    const theirs = allowing.map(({ spec }) => spec.hostname).join(", ");
    refuse(
      `is not accepted by ${gateway}: none of its hostnames lies in ${theirs} (Accepted: False, NoMatchingListenerHostname)`,
      field,
    );
    return none;
  }
  const isServed = (spec: ListenerSpec): boolean => named.find((each) => each.spec === spec)?.served !== undefined;
  if (!matching.some(([spec]) => isServed(spec))) {
    const names = matching.map(([spec]) => spec.name).join(", ");
    refuse(
      `has no effect at ${gateway}: its ${names.includes(",") ? "listeners" : "listener"} ${names} cannot be served`,
      field,
    );
  }
  return new Map(matching);
}

function commonHosts(listener: Hostname, { hostnames }: HttpRouteSpec): Hostname[] {
  if (hostnames.length === 0) return [listener];
  const common = hostnames.flatMap(({ value }) => {
    const both = intersectHostnames(listener, value);
    return both === null ? [] : [both];
  });
  return [...new Set(common)];
}

/** Whether the listener takes routes of this kind from the route's namespace. */
function allows(
  { kinds, namespaces }: ListenerSpec,
  { spec: gateway }: OurGateway,
  { meta }: HttpRouteSpec,
  specs: Specs,
): boolean {
  if (kinds !== undefined && !kinds.some(({ group, kind }) => group === GATEWAY_GROUP && kind === "HTTPRoute"))
    return false;
  switch (namespaces.from) {
    case "All":
      return true;
    case "Same":
      return meta.namespace === gateway.meta.namespace;
    case "Selector":
      return selects(namespaces.selector, labelsOf(meta.namespace, specs));
    default:
      return unreachable(namespaces);
  }
}

function whyNotAllowed(
  listeners: readonly JudgedListener[],
  { meta: { namespace } }: HttpRouteSpec,
  { namespaces }: Specs,
): string {
  const isSelected = listeners.some(({ spec }) => spec.namespaces.from === "Selector");
  const isThere = namespaces.some(({ meta }) => meta.name === namespace);
  const hint = isSelected && !isThere ? `; the labels of namespace ${namespace} are not in the input` : "";
  return `no listener that it names takes HTTPRoutes from namespace ${namespace}${hint}`;
}

/** Labels of a namespace; the API server gives each its name. */
function labelsOf(namespace: string, { namespaces }: Specs): ReadonlyMap<string, string> {
  const labels = namespaces.find(({ meta }) => meta.name === namespace)?.meta.labels ?? new Map<string, string>();
  return new Map([...labels, ["kubernetes.io/metadata.name", namespace]]);
}

function selects(selector: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  return selector.every(({ key, operator, values }) => labelHolds(operator, values, labels.get(key)));
}

/** The rules that kpc carries; undefined: none, so that the route is not accepted. */
function resolveRoute(
  spec: HttpRouteSpec,
  name: string,
  input: BackendInput,
  report: Report,
): GatewayRoute | undefined {
  const carried = spec.rules.filter(({ unsupportedMatch }) => unsupportedMatch === undefined);
  const dropped = spec.rules.flatMap(({ unsupportedMatch }) => unsupportedMatch ?? []);
  const [part] = dropped;
  if (part !== undefined && carried.length === 0) {
    const message = `HTTPRoute ${name} is not accepted: kpc does not carry ${part.what}, which each of its rules has (Accepted: False, UnsupportedValue)`;
    report({ severity: "warning", code: "route-not-accepted", message, origin: part.field });
    return undefined;
  }
  for (const { what, field } of dropped) {
    const message = `Dropped Rule of HTTPRoute ${name}: kpc does not carry ${what} (PartiallyInvalid: True, UnsupportedValue)`;
    report({ severity: "warning", code: "route-partially-invalid", message, origin: field });
  }
  return { name, rules: carried.map((rule) => resolveRule(spec, rule, input, report)) };
}

/** Rules of HTTPRoutes with their backends found. */
import type { Report } from "../diagnostics.ts";
import type {
  HttpBackendSpec,
  HttpFilterSpec,
  HttpRedirectSpec,
  HttpRouteSpec,
  HttpRuleSpec,
  ReferenceGrantSpec,
} from "../specs/gateway-types.ts";
import type { ServiceSpec } from "../specs/types.ts";
import { type CandidateIndex, serviceKey } from "./candidates.ts";
import type { GatewayAction, GatewayRule, WeightedBackend } from "./gateway-types.ts";
import { resolveServiceBackend } from "./ingress.ts";
import { isReferenceAllowed } from "./reference-grants.ts";
import type { IngressBackend } from "./types.ts";

export interface BackendInput {
  readonly grants: readonly ReferenceGrantSpec[];
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceSpec>;
  readonly index: CandidateIndex;
  readonly allowsExternal: boolean;
}

/** A rule with its backends; undefined where kpc does not carry it, which is told elsewhere. Reports `unresolved-reference`,
 *  `broken-backend` and `gateway-not-carried`. */
export function resolveRule(
  route: HttpRouteSpec,
  rule: HttpRuleSpec,
  input: BackendInput,
  report: Report,
): GatewayRule {
  const redirect = rule.filters.find((filter) => filter.kind === "redirect");
  return { matches: rule.matches, filters: withoutRedirects(rule.filters), action: actionOf() };

  function actionOf(): GatewayAction {
    if (rule.unsupportedFilter !== undefined) {
      const { what, field } = rule.unsupportedFilter;
      const message = `kpc does not carry ${what}: requests that the rule takes are answered with 500, so that none passes without it`;
      report({ severity: "warning", code: "gateway-not-carried", message, origin: field });
      return { kind: "failure", reason: `kpc does not carry ${what}` };
    }
    if (redirect !== undefined) return { kind: "redirect", redirect };
    return { kind: "backends", backends: rule.backends.map((each) => resolveWeighted(route, each, input, report)) };
  }
}

function withoutRedirects(filters: readonly HttpFilterSpec[]): Exclude<HttpFilterSpec, HttpRedirectSpec>[] {
  return filters.filter((filter) => filter.kind !== "redirect");
}

function resolveWeighted(
  route: HttpRouteSpec,
  spec: HttpBackendSpec,
  input: BackendInput,
  report: Report,
): WeightedBackend {
  const backend = resolveReference(route, spec, input, report);
  return { weight: spec.weight, backend: { ...backend, origin: spec.field }, filters: withoutRedirects(spec.filters) };
}

function resolveReference(
  { meta }: HttpRouteSpec,
  spec: HttpBackendSpec,
  { grants, services, index, allowsExternal }: BackendInput,
  report: Report,
): IngressBackend {
  const { group, kind, namespace, name: service, port, field, unsupported } = spec;
  const name = `${namespace}/${service}${port === undefined ? "" : `:${port}`}`;
  const route = `HTTPRoute ${meta.namespace}/${meta.name}`;
  const fail = (reason: string, why: string): IngressBackend => {
    const message = `backend ${name} of ${route} is answered with 500: ${why} (ResolvedRefs: False, ${reason})`;
    report({ severity: "warning", code: "unresolved-reference", message, origin: field });
    return { kind: "broken", name, reason: why };
  };
  if (group !== "" || kind !== "Service")
    return fail(
      "InvalidKind",
      `it is of kind ${group === "" ? kind : `${group}/${kind}`}, and only Services are served`,
    );
  if (!isReferenceAllowed(grants, { kind: "HTTPRoute", namespace: meta.namespace }, spec))
    return fail("RefNotPermitted", `no ReferenceGrant in ${namespace} allows it`);
  if (port === undefined) return fail("BackendNotFound", "it names no port");
  const redirect = spec.filters.find((filter) => filter.kind === "redirect");
  const missing = unsupported ?? (redirect && { what: "RequestRedirect of a backend", field: redirect.field });
  if (missing !== undefined) {
    const message = `kpc does not carry ${missing.what}: requests for backend ${name} are answered with 500`;
    report({ severity: "warning", code: "gateway-not-carried", message, origin: missing.field });
    return { kind: "broken", name, reason: `kpc does not carry ${missing.what}` };
  }
  const found = services.get(serviceKey(namespace, service));
  if (found === undefined) return fail("BackendNotFound", "the Service is not in the input");
  const backend = resolveServiceBackend(found, port, name, index, allowsExternal);
  if (backend.kind === "broken" && backend.isUnready !== true) return fail("BackendNotFound", backend.reason);
  if (backend.kind === "broken") {
    const message = `backend ${name} of ${route} is answered with 503: ${backend.reason}`;
    report({ severity: "warning", code: "broken-backend", message, origin: field });
  }
  reportProtocol(found, port, spec, report);
  return backend;
}

/** Protocols that servers of a port speak, and that HTTP/1.1 without TLS is. */
const PLAIN: ReadonlySet<string> = new Set(["http", "kubernetes.io/ws"]);

/** The proxy asks each backend in HTTP/1.1 without TLS, whatever the Service says. */
function reportProtocol({ ports }: ServiceSpec, number: number, { field }: HttpBackendSpec, report: Report): void {
  const port = ports.find((each) => each.port === number);
  const protocol = port?.field.get("appProtocol")?.value;
  if (port === undefined || typeof protocol !== "string" || PLAIN.has(protocol)) return;
  const message = `kpc does not carry appProtocol ${protocol}: the backend is asked in HTTP/1.1 without TLS`;
  const notes = [{ message: "the port of the Service", origin: port.field.member("appProtocol") }];
  report({ severity: "warning", code: "gateway-not-carried", message, origin: field, notes });
}

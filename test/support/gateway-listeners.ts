/** Listeners of Gateways, and Ingresses, as the model has them, and what is made of them, in a few words. */
import type { Diagnostic, Origin } from "../../compiler/diagnostics.ts";
import type { Field } from "../../compiler/documents/field.ts";
import type { RequestTarget, RouteFilter, RouteTarget } from "../../compiler/ir/routes.ts";
import type {
  GatewayRule,
  HttpMatchSpec,
  HttpRedirectSpec,
  ServedListener,
  WeightedBackend,
} from "../../compiler/model/gateway-types.ts";
import type { Hostname } from "../../compiler/model/hostnames.ts";
import type { IngressBackend } from "../../compiler/model/types.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import type { Port } from "../../compiler/net/port.ts";
import { address } from "./service-port.ts";

/** A place in the input that `whereIs` finds again. */
export function place(at: number): Field {
  const origin: Origin = { span: () => ({ source: { name: "m.yaml", text: "" }, start: at, end: at }) };
  return origin as Field;
}

export function whereIs(origin: Origin | undefined): string {
  return origin === undefined ? "nowhere" : `@${origin.span().start}`;
}

/** Port 80, HTTP, of Gateway a/g, for all hosts. */
export function listenerOf(
  members: Partial<Omit<ServedListener, "port">> & { readonly port?: number },
): ServedListener {
  const { port = 80, ...others } = members;
  return {
    ...{ gateway: "a/g", name: "web", hostname: undefined, protocol: "http", certificates: [], routes: [] },
    ...{ origin: place(0), port: port as Port },
    ...others,
  };
}

export function attach(hosts: readonly Hostname[], ...rules: readonly GatewayRule[]): ServedListener["routes"][number] {
  return { hosts, route: { name: "a/r", rules } };
}

/** Requests below `path` to backend `to`, unless said otherwise. */
export function ruleTo(to: string, path: string, members: Partial<HttpMatchSpec> = {}, at = 0): GatewayRule {
  return {
    matches: [matchOf(path, members, at)],
    filters: [],
    action: { kind: "backends", backends: [weighted(1, to)] },
  };
}

export function matchOf(path: string, members: Partial<HttpMatchSpec> = {}, at = 0): HttpMatchSpec {
  return { match: "prefix", path, method: undefined, headers: [], parameters: [], field: place(at), ...members };
}

export function weighted(weight: number, to: string, filters: WeightedBackend["filters"] = []): WeightedBackend {
  return { weight, backend: backendOf(to), filters };
}

/** Backend `name` with endpoints 10.244.0.N; `broken`, `unready`: with none of them, for a reason. */
export function backendOf(name: string, ...endpoints: readonly number[]): IngressBackend {
  if (name.startsWith("broken")) return { kind: "broken", name, reason: "why" };
  if (name.startsWith("unready")) return { kind: "broken", name, reason: "why", isUnready: true };
  const at = (n: number) => ({ address: address(`10.244.0.${n}`), port: 8080 as Port, origin: place(0) });
  return { kind: "endpoints", name, endpoints: endpoints.map(at), draining: [], isSticky: false };
}

export function redirectTo(members: Partial<HttpRedirectSpec>): HttpRedirectSpec {
  const nothing = { scheme: undefined, host: undefined, port: undefined, path: undefined };
  return { kind: "redirect", ...nothing, status: 302, field: place(0), ...members };
}

export function targetText(target: RequestTarget | RouteTarget): string {
  switch (target.kind) {
    case "endpoints": {
      const { backend, endpoints, external, draining = [], sticky } = target;
      const texts = endpoints.map((each) => printAddressPort(each.address, each.port));
      const ending = draining.map((each) => `ending ${printAddressPort(each.address, each.port)}`);
      const outside = external === undefined ? [] : [`${external.host}:${external.port}`];
      return [backend, ...texts, ...ending, ...outside, ...(sticky === undefined ? [] : [sticky])].join(" ");
    }
    case "status":
      return `${target.status} ${target.reason}`;
    case "shares":
      return target.shares
        .map(({ weight, target: to, filters }) => `${weight}*(${targetText(to)})${filtersText(filters)}`)
        .join(" ");
    case "redirect": {
      const { status, scheme, host, port, path } = target;
      return `${status} ${scheme}://${host ?? ""}:${port ?? ""}${path === undefined ? "" : ` ${path.part} ${path.path}`}`;
    }
  }
}

export function filtersText(filters: readonly RouteFilter[] | undefined): string {
  const texts = (filters ?? []).map((filter) => {
    if (filter.kind === "rewrite")
      return `rewrite ${filter.host ?? ""} ${filter.path?.part ?? ""} ${filter.path?.path ?? ""}`;
    const names = ({ name, value }: { readonly name: string; readonly value: string }) => `${name}=${value}`;
    return `${filter.kind} set ${filter.set.map(names)} add ${filter.add.map(names)} remove ${filter.remove}`;
  });
  return texts.map((text) => ` [${text.trimEnd()}]`).join("");
}

export function findingText({ severity, code, message, origin, notes = [] }: Diagnostic): string {
  const told = notes.map((note) => `; ${note.message} ${whereIs(note.origin)}`);
  return `${severity} ${code} ${whereIs(origin)}: ${message}${told.join("")}`;
}

/** What requests for hosts meet. */
import type { ExternalHost, HostRoutes, PathRoute, RouteEndpoint, RouteTarget, ShadowedPath } from "../../ir/routes.ts";
import { parseAddress } from "../../net/address.ts";
import { byKind, fail, type JsonPlace, list, literal, object, oneOf, optional, text, whole } from "./shape.ts";

function readAddress(json: JsonPlace): RouteEndpoint["address"] {
  return parseAddress(text(json)) ?? fail(json, "an address");
}

function readStatus(json: JsonPlace): 404 | 503 {
  return json.value === 404 || json.value === 503 ? json.value : fail(json, "404 or 503");
}

const readEndpoint = object<RouteEndpoint>({ address: readAddress, port: whole() });

export const readEndpoints = object<Extract<RouteTarget, { readonly kind: "endpoints" }>>({
  kind: literal("endpoints"),
  backend: text,
  endpoints: list(readEndpoint),
  draining: optional(list(readEndpoint)),
  sticky: optional(literal("cookie")),
  external: optional(object<ExternalHost>({ host: text, port: whole() })),
});

const readTarget = byKind<RouteTarget>({
  endpoints: readEndpoints,
  status: object<Extract<RouteTarget, { readonly kind: "status" }>>({
    kind: literal("status"),
    status: readStatus,
    reason: text,
  }),
});

export const readHostRoutes = object<Omit<HostRoutes, "fallbackOrigin">>({
  host: optional(text),
  paths: list(
    object<Omit<PathRoute, "origin">>({
      match: oneOf<PathRoute["match"]>({ exact: 1, prefix: 1 }),
      path: text,
      target: readTarget,
      shadowed: optional(list(object<Omit<ShadowedPath, "origin">>({ target: readTarget }))),
    }),
  ),
  fallback: readTarget,
  httpsRedirect: optional(literal(true)),
});

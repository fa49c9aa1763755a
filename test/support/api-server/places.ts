/** What a request to an API server is about. */
import type { IncomingMessage } from "node:http";

/** What a request is: a list begins with "list" or "stream", a list that the watch itself brings. */
export type RequestForm = "list" | "stream" | "watch" | "get" | "write";

/** Where the kinds are that the fake knows: their names in lists. */
export const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  "/api/v1/services": ["v1", "Service"],
  "/api/v1/nodes": ["v1", "Node"],
  "/apis/discovery.k8s.io/v1/endpointslices": ["discovery.k8s.io/v1", "EndpointSlice"],
  "/apis/networking.k8s.io/v1/servicecidrs": ["networking.k8s.io/v1", "ServiceCIDR"],
  "/apis/networking.k8s.io/v1/ingresses": ["networking.k8s.io/v1", "Ingress"],
  "/apis/events.k8s.io/v1/events": ["events.k8s.io/v1", "Event"],
};

/** A path of the API: of a kind, in a namespace or all, of one object or all. */
export interface RequestPlace {
  /** Of the kind in all namespaces. */
  readonly path: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

export function placeOf(pathname: string): RequestPlace | undefined {
  const [, group, namespace, kind, name] =
    /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/status)?$/.exec(pathname) ??
    [];
  const path = `${group}/${kind}`;
  return Object.hasOwn(KINDS, path) ? { path, namespace, name } : undefined;
}

export function formOf(
  request: IncomingMessage,
  query: Readonly<Record<string, string>>,
  name: string | undefined,
): RequestForm {
  if (request.method !== "GET") return "write";
  if (query["watch"] === "true") return query["sendInitialEvents"] === "true" ? "stream" : "watch";
  return name === undefined ? "list" : "get";
}

/** What a generated cluster has in it: soaks count it, so that a feature which is never generated shows. */
import type { ClusterInput, Manifest } from "./arbitraries.ts";

type Part = Readonly<Record<string, unknown>>;

/** The features of `cluster`, each once. */
export function featuresOf({ objects, proxy, mode }: ClusterInput): string[] {
  const features = new Set<string>([
    `mode ${mode}`,
    `detector ${proxy.detectLocalMode}`,
    `node port addresses ${proxy.nodePortAddresses === "default" ? "default" : "given"}`,
  ]);
  if (proxy.masqueradeAll) features.add("masqueradeAll");
  if (!proxy.localhostNodePorts) features.add("no localhost node ports");
  if (proxy.serviceCIDRs.length > 0) features.add("Service CIDRs");
  if (proxy.masquerade === "kpc") features.add("masquerade kpc");
  for (const object of objects) for (const feature of ofObject(object)) features.add(feature);
  return [...features];
}

function ofObject(object: Manifest): Iterable<string> {
  switch (object["kind"]) {
    case "Service":
      return ofService(object);
    case "EndpointSlice":
      return ofSlice(object);
    default:
      return [`${object["kind"]}`];
  }
}

function* ofService(service: Manifest): Generator<string> {
  const spec = service["spec"] as Part;
  const ports = spec["ports"] as readonly Part[];
  const families = spec["ipFamilies"] as readonly string[];
  const ingress = ((service["status"] as Part | undefined)?.["loadBalancer"] as Part | undefined)?.["ingress"] as
    | readonly Part[]
    | undefined;
  yield `Service type ${spec["type"]}`;
  yield families.length > 1 ? "dual-stack Service" : `${families[0]} Service`;
  for (const { protocol } of ports) yield `port ${protocol}`;
  if (ports.length > 1) yield "several ports";
  if (ports.some(({ nodePort }) => nodePort !== undefined)) yield "node port";
  if (spec["internalTrafficPolicy"] === "Local") yield "internalTrafficPolicy Local";
  if (spec["externalTrafficPolicy"] === "Local") yield "externalTrafficPolicy Local";
  if (spec["sessionAffinity"] === "ClientIP") yield "session affinity";
  if (spec["externalIPs"] !== undefined) yield "external IPs";
  if (ingress !== undefined) yield "load balancer address";
  if (ingress?.some(({ ipMode }) => ipMode === "Proxy")) yield "ipMode Proxy";
  if (spec["loadBalancerSourceRanges"] !== undefined && ingress !== undefined) yield "source ranges";
  if (spec["healthCheckNodePort"] !== undefined) yield "health check node port";
  if (spec["clusterIP"] === "None") yield "headless";
}

function* ofSlice(slice: Manifest): Generator<string> {
  const endpoints = slice["endpoints"] as readonly Part[];
  if (endpoints.length === 0) yield "empty slice";
  for (const { conditions, hints } of endpoints) {
    const { ready, serving, terminating } = (conditions ?? {}) as Part;
    if (ready === false && serving && terminating) yield "serving while terminating";
    if (ready === false && !serving) yield "endpoint not ready";
    if (hints !== undefined) yield (hints as Part)["forNodes"] === undefined ? "zone hints" : "node hints";
  }
}

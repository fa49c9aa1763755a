/** Names that a question may have: completion offers them. */
import type { ResolvedInput } from "../../../compiler/compile.ts";
import type { Ingress } from "../../../compiler/model/types.ts";

/** Pods, nodes, Services with their ports, load balancers, hosts outside, and URLs of Ingresses and Gateways: sorted, as
 *  `kpc trace` takes them. */
export function namesFor({ cluster, specs }: ResolvedInput): string[] {
  const services = specs.services.flatMap(({ meta, ports }) =>
    ports.map(({ name, port }) => `svc/${meta.namespace}/${meta.name}:${name === "" ? port : name}`),
  );
  const balancers = specs.services.flatMap(({ meta, type }) =>
    type === "LoadBalancer" ? [`lb/${meta.namespace}/${meta.name}`] : [],
  );
  const pods = cluster.pods.map(({ namespace, name }) => `pod/${namespace}/${name}`);
  const nodes = cluster.nodes.map(({ name }) => `node/${name}`);
  const outside = specs.network?.outside?.map(({ name }) => `outside/${name}`) ?? [];
  const urls = [...cluster.ingresses.flatMap(urlsOf), ...urlsOfGateways(cluster)];
  return [...new Set([...pods, ...services, ...balancers, ...nodes, ...outside, "internet", ...urls])].sort();
}

function urlsOf({ rules, tls }: Ingress): string[] {
  const encrypted = new Set(tls.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  return rules.flatMap(({ host, paths }) => {
    const schemes = host !== undefined && encrypted.has(host) ? ["http", "https"] : ["http"];
    return paths.flatMap(({ path }) => schemes.map((scheme) => `${scheme}://${exampleOf(host)}${path}`));
  });
}

function urlsOfGateways({ listeners }: ResolvedInput["cluster"]): string[] {
  return listeners.flatMap(({ protocol, port, routes }) => {
    const shownPort = port === (protocol === "https" ? 443 : 80) ? "" : `:${port}`;
    return routes.flatMap(({ route, hosts }) =>
      hosts.flatMap((host) =>
        route.rules.flatMap(({ matches }) =>
          matches.map(({ path }) => `${protocol}://${exampleOf(host)}${shownPort}${path}`),
        ),
      ),
    );
  });
}

/** A host that a rule for `host` takes. */
function exampleOf(host: string | undefined): string {
  return host?.replace(/^\*/, "any") ?? "example.com";
}

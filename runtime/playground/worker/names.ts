/** Names that a question may have: completion offers them. */
import type { ResolvedInput } from "../../../compiler/compile.ts";

/** Pods, nodes, Services with their ports, hosts outside, and URLs of Ingresses: sorted, as `kpc trace` takes them. */
export function namesFor({ cluster, specs }: ResolvedInput): string[] {
  const services = specs.services.flatMap(({ meta, ports }) =>
    ports.map(({ name, port }) => `svc/${meta.namespace}/${meta.name}:${name === "" ? port : name}`),
  );
  const pods = cluster.pods.map(({ namespace, name }) => `pod/${namespace}/${name}`);
  const nodes = cluster.nodes.map(({ name }) => `node/${name}`);
  const outside = specs.network?.outside?.map(({ name }) => `outside/${name}`) ?? [];
  const urls = cluster.ingresses.flatMap(({ rules }) =>
    rules.flatMap(({ host, paths }) => paths.map(({ path }) => `http://${host ?? "example.com"}${path}`)),
  );
  return [...new Set([...pods, ...services, ...nodes, ...outside, "internet", ...urls])].sort();
}

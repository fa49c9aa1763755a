/** What an agent tells of a Service besides its rules: health checks, claims that it has lost, policies that find no endpoint. */
import { withClaims } from "../model/claims.ts";
import type { Candidate, ServicePort } from "../model/types.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import type { NodeContext } from "../node/settings.ts";
import { viewOf } from "../node/view.ts";

/** A port at which a load balancer asks whether this node has endpoints of a Service. */
export interface HealthCheckPort {
  readonly port: number;
  /** Ready ones on this node, of both families, each address once. */
  readonly localEndpoints: number;
}

type Ports = Readonly<Record<Family, readonly ServicePort[]>>;

/** Undefined: the Service has none. */
export function healthCheckOf(ports: Ports, node: NodeContext): HealthCheckPort | undefined {
  const all = FAMILIES.flatMap((family) => ports[family]);
  // All ports of a Service have the same one.
  const port = all[0]?.healthCheckNodePort;
  if (port === undefined) return undefined;
  const isLocal = ({ ready, nodeName }: Candidate): boolean =>
    ready && nodeName !== undefined && nodeName === node.name;
  const addresses = all.flatMap(({ candidates }) => candidates.filter(isLocal).map(({ address }) => address));
  return { port, localEndpoints: new Set(addresses).size };
}

/** Whose traffic with policy Local is dropped here: of a family, for how many Service ports. */
export type WithoutLocal = Readonly<Record<Family, Readonly<Record<"internal" | "external", number>>>>;

/** Undefined: none is. */
export function withoutLocalOf(ports: Ports, node: NodeContext): WithoutLocal | undefined {
  const isAnyLocal = FAMILIES.some((family) =>
    ports[family].some((port) => port.internalTrafficPolicy === "Local" || port.externalTrafficPolicy === "Local"),
  );
  if (!isAnyLocal) return undefined;
  const view = viewOf({ servicePorts: ports }, node);
  const countOf = (family: Family, policy: "internalTrafficPolicy" | "externalTrafficPolicy"): number =>
    view[family].filter((port) => port[policy] === "Local" && port.hasAnyEndpoint && port.localEndpoints.length === 0)
      .length;
  const of = (family: Family): WithoutLocal[Family] => ({
    internal: countOf(family, "internalTrafficPolicy"),
    external: countOf(family, "externalTrafficPolicy"),
  });
  return { IPv4: of("IPv4"), IPv6: of("IPv6") };
}

/** Claims of `ports` that `ownerOf` gives to other Services, in words: `external IP 192.0.2.1 port 80/TCP is taken by Service shop/web`. */
export function lostClaims(
  ports: readonly ServicePort[],
  lost: readonly string[],
  ownerOf: (claim: string) => string | undefined,
): string[] {
  const words: string[] = [];
  for (const port of ports)
    withClaims(port, ({ key, what }) => {
      if (lost.includes(key)) words.push(`${what()} is taken by Service ${ownerOf(key) ?? "nobody"}`);
      return true;
    });
  return words;
}

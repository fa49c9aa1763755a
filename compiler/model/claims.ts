/** Addresses and ports that two Services ask for: one of them gets it, the same one on every run. */
import type { Origin, Report } from "../diagnostics.ts";
import { type Address, printAddress } from "../net/address.ts";
import { compareBy } from "../order.ts";
import type { LocatedAddress } from "./hosts.ts";
import { type ServicePort, servicePortName } from "./types.ts";

/** A Service port with what decides who comes first. */
export interface Claimant {
  readonly service: ServicePort;
  readonly creationTimestamp: number | undefined;
}

/** The order in which claimants come: age is creationTimestamp; a manifest without one counts as youngest; then namespace and name
 *  decide. Ports of one Service have no claim in common. */
const OLDEST_FIRST = compareBy<Claimant>(
  ({ creationTimestamp }) => creationTimestamp ?? Number.POSITIVE_INFINITY,
  ({ service }) => service.namespace,
  ({ service }) => service.name,
);

/** The same Service ports, the oldest first, without the addresses and node ports that an older Service has. Reports
 *  `address-conflict`. */
export function resolveConflicts(claimants: readonly Claimant[], report: Report): ServicePort[] {
  const owners = new Map<string, { readonly service: ServicePort; readonly origin: Origin }>();
  return [...claimants].sort(OLDEST_FIRST).map(({ service }) => {
    const isKept = ({ what, key, origin }: Claim): boolean => {
      const owner = owners.get(key);
      if (owner === undefined) {
        owners.set(key, { service, origin });
        return true;
      }
      if (owner.service === service) return true; // one Service may list an address twice
      report({
        severity: "warning",
        code: "address-conflict",
        message: `${what()} of Service ${servicePortName(service)} is already taken by Service ${servicePortName(owner.service)}, which is older or first by name: kpc creates no rule for ${servicePortName(service)}`,
        origin,
        notes: [{ message: "taken here", origin: owner.origin }],
      });
      return false;
    };
    return withClaims(service, isKept);
  });
}

/** Something that only one Service port of a family can have. */
interface Claim {
  /** Equal for the same address and port, or node port. */
  readonly key: string;
  /** In words, which few ask for. */
  readonly what: () => string;
  readonly origin: Origin;
}

/** `service` with what it claims as far as `isKept` says so. Each claim is asked about once, the cluster IP first. */
export function withClaims(service: ServicePort, isKept: (claim: Claim) => boolean): ServicePort {
  const { protocol, port, nodePort } = service;
  const keepsAddress = (kind: string, address: Address, origin: Origin): boolean =>
    isKept({
      what: () => `${kind} ${printAddress(address)} port ${port}/${protocol.toUpperCase()}`,
      key: `${address} ${protocol} ${port}`,
      origin,
    });
  const keep =
    (kind: string) =>
    ({ address, origin }: LocatedAddress) =>
      keepsAddress(kind, address, origin);
  return {
    ...service,
    servesClusterIp: service.servesClusterIp && keepsAddress("cluster IP", service.clusterIp, service.clusterIpOrigin),
    externalIps: distinct(service.externalIps).filter(keep("external IP")),
    loadBalancerIps: distinct(service.loadBalancerIps).filter(keep("load balancer address")),
    nodePort:
      nodePort !== undefined &&
      isKept({
        what: () => `node port ${nodePort}/${protocol.toUpperCase()}`,
        key: `${protocol} ${nodePort}`,
        origin: service.nodePortOrigin,
      })
        ? nodePort
        : undefined,
  };
}

/** Each address once, the first of each. */
function distinct(located: readonly LocatedAddress[]): readonly LocatedAddress[] {
  if (located.length < 2) return located;
  const seen = new Set<Address>();
  return located.filter(({ address }) => !seen.has(address) && seen.add(address) !== undefined);
}

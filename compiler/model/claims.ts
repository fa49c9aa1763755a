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

/** The same Service ports without the addresses and node ports that an older Service has. Age is creationTimestamp; a
 *  manifest without one counts as youngest; then namespace, name and port decide. Reports `address-conflict`. */
export function resolveConflicts(claimants: readonly Claimant[], report: Report): ServicePort[] {
  const owners = new Map<string, { readonly service: ServicePort; readonly origin: Origin }>();
  const resolved = new Map<ServicePort, ServicePort>();
  const oldestFirst = [...claimants].sort(
    compareBy(
      ({ creationTimestamp }) => creationTimestamp ?? Number.POSITIVE_INFINITY,
      ({ service }) => service.namespace,
      ({ service }) => service.name,
      ({ service }) => service.portName,
      ({ service }) => service.protocol,
    ),
  );
  for (const { service } of oldestFirst) {
    const claim = (what: string, key: string, origin: Origin): boolean => {
      const owner = owners.get(key);
      if (owner === undefined) {
        owners.set(key, { service, origin });
        return true;
      }
      if (owner.service === service) return true; // one Service may list an address twice
      report({
        severity: "warning",
        code: "address-conflict",
        message: `${what} of Service ${servicePortName(service)} is already taken by Service ${servicePortName(owner.service)}, which is older or first by name: kpc creates no rule for ${servicePortName(service)}`,
        origin,
        notes: [{ message: "taken here", origin: owner.origin }],
      });
      return false;
    };
    const { protocol, port, nodePort } = service;
    const claimAddress = (kind: string, address: Address, origin: Origin): boolean =>
      claim(
        `${kind} ${printAddress(address)} port ${port}/${protocol.toUpperCase()}`,
        `${address} ${protocol} ${port}`,
        origin,
      );
    const keep =
      (kind: string) =>
      ({ address, origin }: LocatedAddress) =>
        claimAddress(kind, address, origin);
    resolved.set(service, {
      ...service,
      servesClusterIp: claimAddress("cluster IP", service.clusterIp, service.clusterIpOrigin),
      externalIps: distinct(service.externalIps).filter(keep("external IP")),
      loadBalancerIps: distinct(service.loadBalancerIps).filter(keep("load balancer address")),
      nodePort:
        nodePort !== undefined &&
        claim(`node port ${nodePort}/${protocol.toUpperCase()}`, `${protocol} ${nodePort}`, service.nodePortOrigin)
          ? nodePort
          : undefined,
    });
  }
  return claimants.map(({ service }) => resolved.get(service) ?? service);
}

/** Each address once, the first of each. */
function distinct(located: readonly LocatedAddress[]): LocatedAddress[] {
  return located.filter(({ address }, i) => located.findIndex((other) => other.address === address) === i);
}

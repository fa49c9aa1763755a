/** Which pods have which addresses, and what else is known of endpoints. */
import type { Destination } from "../../evaluate/disposition.ts";
import { type Address, printAddressPort } from "../../net/address.ts";
import type { Specs } from "../../specs/types.ts";

/** `shop/web-1`; undefined where nobody says. */
export type EndpointNames = ReadonlyMap<Address, string>;

/** Whether an endpoint of a Service port `namespace/name:port` is on the node; undefined where nobody says. */
export type LocalityOf = (service: string, end: Destination) => boolean | undefined;

/** What is known of endpoints besides their addresses. */
export interface KnownEndpoints {
  readonly pods: EndpointNames;
  readonly isLocal: LocalityOf;
}

/** By the Pods given, else by what endpoints of slices refer to. */
export function endpointNamesIn({ pods, endpointSlices }: Specs): EndpointNames {
  const names = new Map<Address, string>();
  for (const { meta, endpoints } of endpointSlices) {
    for (const { addresses, field: node } of endpoints) {
      const [address] = addresses;
      const [kind, name] = ["kind", "name"].map((key) => node.get("targetRef")?.get(key)?.value);
      if (address !== undefined && kind === "Pod" && typeof name === "string")
        names.set(address, `${meta.namespace}/${name}`);
    }
  }
  const given = new Map<Address, Set<string>>();
  for (const { meta, podIps } of pods)
    for (const address of podIps)
      given.set(address, (given.get(address) ?? new Set()).add(`${meta.namespace}/${meta.name}`));
  for (const [address, some] of given) {
    const [only, more] = some;
    // Pods on the host's network share its address: which of them answers, only the slice tells.
    if (only !== undefined && more === undefined) names.set(address, only);
  }
  return names;
}

/** `web-1 (10.244.1.10:8080)`; the namespace only where it is not that of `service`. */
export function printEndpoint(
  { address, port }: { readonly address: Address; readonly port: number },
  names: EndpointNames,
  service: string,
): string {
  const place = printAddressPort(address, port);
  const name = names.get(address);
  if (name === undefined) return place;
  const [namespace = "", short = ""] = name.split("/");
  return `${service.startsWith(`${namespace}/`) ? short : name} (${place})`;
}

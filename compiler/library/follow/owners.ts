/** Which Services the objects of sources belong to. */
import { SERVICE_NAME_LABEL } from "../../specs/labels.ts";
import type { Meta, Specs } from "../../specs/types.ts";

/** Objects of Services. */
export type ServiceSpecs = Pick<Specs, "services" | "endpointSlices" | "endpoints">;

/** `namespace/name`. */
export function serviceKey({ namespace, name }: Pick<Meta, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

/** Each object, and the Service that it belongs to. */
export function* ownedIn({
  services,
  endpointSlices,
  endpoints,
}: ServiceSpecs): Generator<[meta: Meta, owner: string]> {
  for (const { meta } of services) yield [meta, serviceKey(meta)];
  for (const { meta } of endpoints) yield [meta, serviceKey(meta)];
  for (const { meta } of endpointSlices)
    yield [meta, serviceKey({ namespace: meta.namespace, name: meta.labels.get(SERVICE_NAME_LABEL) ?? "" })];
}

/** Whether there are objects of Services only. */
export function isOfServices({
  services,
  endpointSlices,
  endpoints,
  network,
  skipped,
  nothing: _,
  ...others
}: Specs): boolean {
  return network === undefined && skipped.size === 0 && Object.values(others).every((list) => list.length === 0);
}

/** The objects of all of `parts`, in their order. */
export function joined(parts: readonly ServiceSpecs[]): ServiceSpecs {
  return {
    services: parts.flatMap(({ services }) => services),
    endpointSlices: parts.flatMap(({ endpointSlices }) => endpointSlices),
    endpoints: parts.flatMap(({ endpoints }) => endpoints),
  };
}

/** The order in which the Gateway API, and kpc for Ingresses, decides between objects that want the same. */
import { compareBy } from "../order.ts";
import type { Meta } from "../specs/types.ts";

/** The oldest first; one without a creation time counts as the youngest; of equal age by `namespace/name`. */
export function oldestFirst<T extends { readonly meta: Meta }>(objects: readonly T[]): T[] {
  return [...objects].sort(
    compareBy(
      ({ meta }) => meta.creationTimestamp ?? Number.POSITIVE_INFINITY,
      ({ meta }) => `${meta.namespace}/${meta.name}`,
    ),
  );
}

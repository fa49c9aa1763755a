/** Which references from one namespace to another the ReferenceGrants of the other one allow. */

import { GATEWAY_GROUP } from "../specs/gateway-references.ts";
import type { ObjectReference, ReferenceGrantSpec } from "../specs/gateway-types.ts";

/** Whether an object of the Gateway API, of `kind` in `namespace`, may refer to `to`. */
export function isReferenceAllowed(
  grants: readonly ReferenceGrantSpec[],
  { kind, namespace }: { readonly kind: "Gateway" | "HTTPRoute"; readonly namespace: string },
  to: ObjectReference,
): boolean {
  if (to.namespace === namespace) return true;
  return grants.some(
    (grant) =>
      grant.meta.namespace === to.namespace &&
      grant.from.some((from) => from.group === GATEWAY_GROUP && from.kind === kind && from.namespace === namespace) &&
      grant.to.some(
        (target) =>
          target.group === to.group &&
          target.kind === to.kind &&
          (target.name === undefined || target.name === to.name),
      ),
  );
}

/** What the API server itself warns of (pkg/api/service/warnings.go), in its words. */

import { type Context, isEmpty } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { parseAddress } from "../net/address.ts";
import { decodeAddress } from "./address.ts";
import type { ServiceFields } from "./service-fields.ts";
import type { ServiceType } from "./types.ts";

const OLD_TOPOLOGY_ANNOTATION = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY_ANNOTATION = "service.kubernetes.io/topology-mode";

/** Warns of fields of a Service that have no effect (`ignored-field`), and of what is on its way out (`deprecated`). */
export function warnOfService(
  context: Context,
  root: Field,
  spec: ServiceFields,
  type: ServiceType,
  headless: boolean,
): void {
  const field = root.member("spec");
  const warn = (code: "ignored-field" | "deprecated", message: string, origin: Field): void =>
    context.report({ severity: "warning", code, message, origin });
  const ignored = (key: keyof ServiceFields, when: string): void => {
    if (isEmpty(spec[key]) || spec[key] === "None") return;
    warn("ignored-field", `spec.${key} is ignored ${when}`, field.member(key));
  };
  const annotation = root.get("metadata")?.get("annotations")?.get(OLD_TOPOLOGY_ANNOTATION);
  if (annotation !== undefined) {
    const message = `annotation ${OLD_TOPOLOGY_ANNOTATION} is deprecated, please use ${TOPOLOGY_ANNOTATION} instead`;
    warn("deprecated", message, annotation);
  }
  const isHeadless = headless && type === "ClusterIP";
  if (isHeadless) {
    for (const key of ["externalIPs", "sessionAffinity", "loadBalancerIP"] as const)
      ignored(key, "for headless services");
  }
  if (type === "ExternalName") ignored("externalIPs", 'when spec.type is "ExternalName"');
  else ignored("externalName", 'when spec.type is not "ExternalName"');
  if (!isHeadless && type !== "ExternalName" && !isEmpty(spec.externalIPs)) {
    const message = "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
    warn("deprecated", message, field.member("externalIPs"));
  }
  if (spec.trafficDistribution === "PreferClose") {
    const message = 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"';
    warn("deprecated", message, field.member("trafficDistribution"));
  }
  const { loadBalancerIP } = spec;
  if (typeof loadBalancerIP === "string" && parseAddress(loadBalancerIP) !== undefined)
    decodeAddress(context, loadBalancerIP, () => field.member("loadBalancerIP"));
}

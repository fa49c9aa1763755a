import {
  type Context,
  checkText,
  isEmpty,
  lenient,
  NEWER,
  newerWordOf,
  reportField,
  reportInvalid,
  warnForbidden,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { parseAddress } from "../net/address.ts";
import { decodeAddress } from "./address.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import type { Fitting } from "./shape.ts";
import type { LoadBalancerIngressSpec, ServiceType } from "./types.ts";

const INGRESS = {
  hostname: "string",
  ip: "string",
  ipMode: "string",
  ports: [{ error: "string", port: "integer", protocol: "string" }],
} as const;

/** ServiceStatus (v1). */
export const SERVICE_STATUS = { conditions: "any", loadBalancer: { ingress: [INGRESS] } } as const;

const IP_MODES = ["Proxy", "VIP"] as const;

const NO_INGRESS: readonly LoadBalancerIngressSpec[] = [];

/** The addresses that a load balancer has given a Service: entries of `status.loadBalancer.ingress` that have an address.
 *  kube-proxy uses them whatever the Service's type. Findings are warnings: nobody writes a status with kubectl apply,
 *  and kube-proxy leaves out what is no address. */
export function decodeServiceStatus(
  context: Context,
  root: Field,
  status: Fitting<typeof SERVICE_STATUS> | null | undefined,
  type: ServiceType,
): readonly LoadBalancerIngressSpec[] {
  const ingress = status?.loadBalancer?.ingress;
  if (ingress === undefined || ingress === null || ingress.length === 0) return NO_INGRESS;
  const list = root.member("status").member("loadBalancer").member("ingress");
  if (type !== "LoadBalancer") warnForbidden(context, list, "may only be used when `spec.type` is 'LoadBalancer'");
  return ingress.flatMap((entry, index) => decodeEntry(lenient(context), list.item(index), entry) ?? NO_INGRESS);
}

function decodeEntry(
  context: Context,
  field: Field,
  { hostname, ip, ipMode }: Fitting<typeof INGRESS>,
): LoadBalancerIngressSpec | undefined {
  checkHostname(context, field, hostname);
  const effect = 'kpc reads it as "Proxy", as kube-proxy does';
  const word = newerWordOf(context, field, "ipMode", ipMode, IP_MODES, effect);
  const mode = word === NEWER ? "Proxy" : (word ?? "VIP");
  if (ip !== undefined && ip !== null && ip !== "") {
    const address = decodeAddress(context, ip, () => field.member("ip"));
    return address === undefined ? undefined : { address, ipMode: mode, field };
  }
  if (!isEmpty(ipMode)) {
    const body = "Forbidden: may not be specified when `ip` is not set";
    reportField(context, field.member("ipMode"), "forbidden-field", body);
  }
  return undefined;
}

/** Reports a member `hostname` that is none. */
export function checkHostname(context: Context, field: Field, hostname: string | null | undefined): void {
  checkText(context, field, "hostname", hostname, dns1123SubdomainProblems);
  if (typeof hostname === "string" && parseAddress(hostname) !== undefined)
    reportInvalid(context, field.member("hostname"), "must be a DNS name, not an IP address");
}

/** Who takes the HTTP requests that Ingresses are about. */
import {
  asInteger,
  asObject,
  asString,
  type Context,
  reportField,
  reportInvalid,
  reportMissing,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { asPort, type Port } from "../net/port.ts";
import type { Located } from "./located.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems, labelValueProblems, qualifiedNameProblems } from "./names.ts";
import { serviceProblems } from "./network-edge.ts";
import type { IngressPodsSpec, IngressProxySpec } from "./network-types.ts";
import { asAddress, asOneOrMore, located } from "./network-values.ts";
import { PORT_RANGE } from "./port.ts";

export const INGRESS_PROXY_MEMBERS: ReadonlySet<string> = new Set([
  "service",
  "pods",
  "nodes",
  "ports",
  "address",
  "addresses",
]);

/** The members of which one says where the proxy runs. */
const PLACES = ["service", "pods", "nodes"] as const;

/** `ingress` of a Cluster. */
export function decodeIngressProxy(context: Context, field: Field): IngressProxySpec {
  checkMembers(context, field, INGRESS_PROXY_MEMBERS);
  const [first, second] = PLACES.flatMap((key) => field.get(key) ?? []);
  const among = "expected one of service, pods and nodes";
  if (first === undefined) reportMissing(context, field, "service", among);
  if (second !== undefined) reportField(context, second, "forbidden-field", `Forbidden: ${among}, found more`);
  const pods = asObject(context, field.get("pods"));
  const ports = asObject(context, field.get("ports"));
  if (ports !== undefined) checkMembers(context, ports, INGRESS_PORT_MEMBERS);
  return {
    service: located(field.get("service"), (at) => asText(context, at, serviceProblems)),
    pods: pods === undefined ? undefined : decodePods(context, pods),
    nodes: asOneOrMore(context, field, ["nodes"], (_, at) => asText(context, at, dns1123SubdomainProblems)),
    ports: { http: asPortNumber(context, ports?.get("http")), https: asPortNumber(context, ports?.get("https")) },
    addresses: asOneOrMore(context, field, ["address", "addresses"], asAddress),
    field,
  };
}

export const INGRESS_POD_MEMBERS: ReadonlySet<string> = new Set(["namespace", "labels"]);

export const INGRESS_PORT_MEMBERS: ReadonlySet<string> = new Set(["http", "https"]);

function decodePods(context: Context, field: Field): IngressPodsSpec {
  checkMembers(context, field, INGRESS_POD_MEMBERS);
  const namespace = field.get("namespace");
  if (namespace === undefined) reportMissing(context, field, "namespace");
  const given = field.get("labels");
  const labels = new Map<string, string>();
  const object = asObject(context, given);
  const keys = object === undefined ? [] : Object.keys(object.value as object);
  if (given === undefined) reportMissing(context, field, "labels", "expected those that only the proxy's pods have");
  else if (object !== undefined && keys.length === 0) reportInvalid(context, given, "must have at least one label");
  for (const key of keys) {
    const member = (object ?? field).member(key);
    const value = asString(context, member);
    for (const problem of qualifiedNameProblems(key)) reportInvalid(context, member, problem);
    for (const problem of value === undefined ? [] : labelValueProblems(value)) reportInvalid(context, member, problem);
    if (value !== undefined) labels.set(key, value);
  }
  return { namespace: asText(context, namespace, dns1123LabelProblems) ?? "", labels, field };
}

function asText(
  context: Context,
  field: Field | undefined,
  rule: (text: string) => readonly string[],
): string | undefined {
  const text = asString(context, field);
  if (text !== undefined && field !== undefined)
    for (const problem of rule(text)) reportInvalid(context, field, problem);
  return text;
}

function asPortNumber(context: Context, field: Field | undefined): Located<Port> | undefined {
  const number = asInteger(context, field);
  const port = number === undefined ? undefined : asPort(number);
  if (field === undefined || number === undefined) return undefined;
  if (port === undefined) reportInvalid(context, field, PORT_RANGE);
  return port === undefined ? undefined : { value: port, field };
}

/** What lies around the nodes: the underlay that joins them, hosts outside, load balancers. */
import {
  asArray,
  asBoolean,
  asObject,
  asOneOf,
  asString,
  type Context,
  reportDuplicate,
  reportField,
  reportInvalid,
  reportMissing,
  type TextRule,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import type { Located } from "./located.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems } from "./names.ts";
import {
  BALANCER_KINDS,
  BALANCER_NODES,
  type LoadBalancerSpec,
  type OutsideSpec,
  type UnderlaySpec,
} from "./network-types.ts";
import { asAddress, asInterfaceName, asMtu, asOneOrMore, asPrefix } from "./network-values.ts";

export const UNDERLAY_MEMBERS: ReadonlySet<string> = new Set(["cidr", "cidrs", "interface", "mtu"]);

/** `underlay` of a Cluster. */
export function decodeUnderlay(context: Context, field: Field): UnderlaySpec {
  checkMembers(context, field, UNDERLAY_MEMBERS);
  return {
    cidrs: asOneOrMore(context, field, ["cidr", "cidrs"], asPrefix),
    interface: asInterfaceName(context, field.get("interface")),
    mtu: asMtu(context, field.get("mtu")),
    field,
  };
}

export const OUTSIDE_MEMBERS: ReadonlySet<string> = new Set(["name", "address", "addresses"]);

/** `outside` of a Cluster. */
export function decodeOutside(context: Context, list: Field | undefined): readonly OutsideSpec[] {
  return decodeNamed(context, list, "name", dns1123SubdomainProblems, (field, name) => {
    checkMembers(context, field, OUTSIDE_MEMBERS);
    return { name: name.value, addresses: asOneOrMore(context, field, ["address", "addresses"], asAddress), field };
  });
}

export const BALANCER_MEMBERS: ReadonlySet<string> = new Set([
  "service",
  "kind",
  "keepsClient",
  "nodes",
  "address",
  "addresses",
]);

/** `loadBalancers` of a Cluster. */
export function decodeLoadBalancers(context: Context, list: Field | undefined): readonly LoadBalancerSpec[] {
  return decodeNamed(context, list, "service", serviceProblems, (field, service) => {
    checkMembers(context, field, BALANCER_MEMBERS);
    const kind = asOneOf(context, field.get("kind"), BALANCER_KINDS);
    const keepsClient = field.get("keepsClient");
    if (keepsClient !== undefined && kind !== undefined && kind !== "nat") {
      const why = kind === "proxy" ? "never keeps the client's address" : "always keeps the client's address";
      reportField(context, keepsClient, "forbidden-field", `Forbidden: a load balancer of kind ${kind} ${why}`);
    }
    return {
      service,
      kind,
      keepsClient: asBoolean(context, keepsClient),
      nodes: asOneOf(context, field.get("nodes"), BALANCER_NODES),
      addresses: asOneOrMore(context, field, ["address", "addresses"], asAddress),
      field,
    };
  });
}

/** What keeps `text` from being `namespace/name` of a Service. */
export function serviceProblems(text: string): readonly string[] {
  const [namespace = "", name = "", ...more] = text.split("/");
  const isWhole = more.length === 0 && dns1123LabelProblems(namespace).length === 0;
  return isWhole && dns1123LabelProblems(name).length === 0
    ? []
    : ["must be the namespace and the name of a Service, such as shop/web"];
}

/** The objects of a list that are known by a text, the member `key`, which no two share. */
export function decodeNamed<T>(
  context: Context,
  list: Field | undefined,
  key: string,
  rule: TextRule,
  decode: (field: Field, name: Located<string>) => T,
): readonly T[] {
  const firsts = new Map<string, Field>();
  return asArray(context, list).flatMap((item): readonly T[] => {
    const field = asObject(context, item);
    if (field === undefined) return [];
    const name = field.get(key);
    if (name === undefined) reportMissing(context, field, key);
    const value = asString(context, name);
    if (name !== undefined && value !== undefined) {
      for (const problem of rule(value)) reportInvalid(context, name, problem);
      const first = firsts.get(value);
      if (first === undefined) firsts.set(value, name);
      else reportDuplicate(context, name, first);
    }
    return [decode(field, { value: value ?? "", field: name ?? field })];
  });
}

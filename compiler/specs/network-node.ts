/** What is different on one node: sysctls, routes, files with what the node says of itself. */
import {
  asArray,
  asObject,
  asOneOf,
  asString,
  type Context,
  reportField,
  reportInvalid,
  reportMissing,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { nearest } from "../documents/nearest.ts";
import { show } from "../documents/show.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { familyOf, parseAddress } from "../net/address.ts";
import { hostPrefix, type Prefix, parsePrefix, prefixFamily } from "../net/prefix.ts";
import type { Located } from "./located.ts";
import { controlCharacterProblems, dns1123SubdomainProblems } from "./names.ts";
import { decodeNamed } from "./network-edge.ts";
import { type NodeNetworkSpec, ROUTE_KINDS, type RouteSpec, type SysctlSpec } from "./network-types.ts";
import { asAddress, asIntegerIn, asInterfaceName, asPrefix, located } from "./network-values.ts";
import { greatestValue, sysctlName, sysctlsLike } from "./sysctls.ts";

export const NODE_NETWORK_MEMBERS: ReadonlySet<string> = new Set(["name", "sysctls", "routes", "rules", "files"]);

/** `nodes` of a Cluster. */
export function decodeNodeNetworks(context: Context, list: Field | undefined): readonly NodeNetworkSpec[] {
  return decodeNamed(context, list, "name", dns1123SubdomainProblems, (field, name) => {
    checkMembers(context, field, NODE_NETWORK_MEMBERS);
    return {
      name,
      sysctls: decodeSysctls(context, field.get("sysctls")),
      routes: asArray(context, field.get("routes")).flatMap((item) => decodeRoute(context, item) ?? []),
      rules: located(field.get("rules"), (at) => asPath(context, at)),
      files: located(field.get("files"), (at) => asPath(context, at)),
      field,
    };
  });
}

function asPath(context: Context, field: Field): string | undefined {
  const text = asString(context, field);
  const problems = text === undefined ? [] : text === "" ? ["must be a path"] : controlCharacterProblems(text);
  for (const problem of problems) reportInvalid(context, field, problem);
  return problems.length === 0 ? text : undefined;
}

// --- sysctls -----------------------------------------------------------------------------------------------------------

/** A map from names to numbers, also as texts. A name that is like a known one is a slip: an error. */
function decodeSysctls(context: Context, given: Field | undefined): readonly Located<SysctlSpec>[] {
  const field = asObject(context, given);
  if (field === undefined) return [];
  const firsts = new Map<string, Field>();
  return Object.keys(field.value as object).flatMap((key): readonly Located<SysctlSpec>[] => {
    const name = sysctlName(key);
    const member = field.member(key);
    const greatest = greatestValue(name);
    if (greatest === undefined) {
      reportUnknownSysctl(context, member, name);
      return [];
    }
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, member);
    else
      reportField(context, member, "duplicate-value", `Duplicate value: ${show(name)}`, "error", [
        { message: "first used here", origin: first.key() },
      ]);
    const value = asSysctlValue(context, member, greatest);
    return value === undefined ? [] : [{ value: { name, value }, field: member }];
  });
}

/** A slip is an error. Others decide nothing here. */
function reportUnknownSysctl(context: Context, member: Field, name: string): void {
  const path = member.fieldPath(context.root);
  const near = nearest(name, sysctlsLike(name));
  context.report(
    near === undefined
      ? {
          severity: "warning",
          code: "ignored-field",
          message: `${path}: kpc does not follow this sysctl, and leaves it out`,
          origin: member.key(),
        }
      : {
          severity: "error",
          code: "unknown-field",
          message: `unknown field ${show(path)}, did you mean "${near}"?`,
          origin: member.key(),
        },
  );
}

function asSysctlValue(context: Context, field: Field, greatest: number): string | undefined {
  const { value } = field;
  const number = typeof value === "string" && /^[0-9]{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= greatest)
    return String(number);
  reportInvalid(context, field, `must be between 0 and ${greatest}, inclusive`);
  return undefined;
}

// --- routes ------------------------------------------------------------------------------------------------------------

export const ROUTE_MEMBERS: ReadonlySet<string> = new Set(["kind", "to", "via", "interface", "metric", "source"]);

const MAX_UINT32 = 2 ** 32 - 1;

function decodeRoute(context: Context, item: Field): RouteSpec | undefined {
  const field = asObject(context, item);
  if (field === undefined) return undefined;
  checkMembers(context, field, ROUTE_MEMBERS);
  const kind = asOneOf(context, field.get("kind"), ROUTE_KINDS) ?? "unicast";
  const via = asAddress(context, field.get("via"));
  const source = asAddress(context, field.get("source"));
  const to = decodeDestination(context, field);
  checkNextHop(context, field, kind);
  if (to === undefined) return undefined;
  for (const key of ["via", "source"] as const) {
    const address = key === "via" ? via : source;
    if (address !== undefined && familyOf(address) !== prefixFamily(to))
      reportInvalid(context, field.member(key), `must be of the family of the destination, ${prefixFamily(to)}`);
  }
  return {
    kind,
    to,
    via,
    interface: asInterfaceName(context, field.get("interface")),
    metric: asIntegerIn(context, field.get("metric"), 0, MAX_UINT32),
    source,
    field,
  };
}

/** A block, an address alone, or `default`, of the family of `via`. */
function decodeDestination(context: Context, field: Field): Prefix | undefined {
  const to = field.get("to");
  if (to === undefined) {
    reportMissing(context, field, "to", "expected a CIDR, an address or default");
    return undefined;
  }
  if (to.value === "default") {
    const isIpv6 = [field.get("via"), field.get("source")].some((at) => String(at?.value).includes(":"));
    const prefix = parsePrefix(isIpv6 ? "::/0" : "0.0.0.0/0");
    return "kind" in prefix ? undefined : prefix;
  }
  const address = typeof to.value === "string" ? parseAddress(to.value) : undefined;
  return address === undefined ? asPrefix(context, to) : hostPrefix(address);
}

/** A route has to lead somewhere; one that refuses packets leads nowhere. */
function checkNextHop(context: Context, field: Field, kind: RouteSpec["kind"]): void {
  const given = ["via", "interface"].flatMap((key) => field.get(key) ?? []);
  if (kind === "unicast") {
    if (given.length === 0)
      reportMissing(context, field, "via", "expected the next hop's address in via, an interface, or both");
    return;
  }
  for (const member of given)
    reportField(context, member, "forbidden-field", `Forbidden: a route of kind ${kind} leads nowhere`);
}

import {
  type Context,
  isEmpty,
  NEWER,
  newerWordOf,
  reportDuplicate,
  reportInvalid,
  toleratesNewer,
  warnForbidden,
  warnInvalid,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import { decodeAddress } from "./address.ts";
import type { Located } from "./located.ts";
import type { ServiceFields } from "./service-fields.ts";
import { IP_FAMILY_POLICIES, type IpFamilyPolicy, type ServiceSpec, type ServiceType } from "./types.ts";

const FAMILY_WORDS = ["IPv4", "IPv6"] as const;

/** `clusterIP: None`. */
const NONE = "None";

const NO_ADDRESSES: readonly Located<Address>[] = [];
const NO_FAMILIES: readonly Family[] = [];

/** The cluster IPs of a Service and their families: `clusterIPs`, or `clusterIP` alone. Where the families are not given
 *  they follow from the addresses. Reports what does not fit together (ValidateServiceClusterIPsRelatedFields, and the
 *  allocator's checks). */
export function decodeClusterIps(
  context: Context,
  spec: Field,
  fields: ServiceFields,
  type: ServiceType,
): Pick<ServiceSpec, "clusterIps" | "headless" | "ipFamilies" | "ipFamilyPolicy"> {
  const single = fields.clusterIP ?? "";
  const listed = fields.clusterIPs ?? [];
  if (listed.length > 0 && single === "") {
    reportInvalid(context, spec.member("clusterIPs"), "must be empty when `clusterIP` is not specified");
  } else if (listed.length > 0 && listed[0] !== single) {
    // Of a mistyped address, that it is none says more than that it is not the other one.
    const isWord = single === NONE || decodeAddress(context, single, () => spec.member("clusterIP")) !== undefined;
    if (isWord) reportInvalid(context, spec.member("clusterIPs"), "first value must match `clusterIP`");
  }
  const headless = (listed[0] ?? single) === NONE;
  if (headless) checkNone(context, spec, listed, type);
  const clusterIps = headless ? NO_ADDRESSES : decodeAddresses(context, spec, single, listed);
  const families = isEmpty(fields.ipFamilies) ? NO_FAMILIES : decodeFamilies(context, spec, fields.ipFamilies ?? []);
  const ipFamilyPolicy = decodePolicy(context, spec, fields, clusterIps.length, families.length, headless);
  if (type === "ExternalName") forbidAll(context, spec, fields);
  else if (families.length === (fields.ipFamilies ?? []).length) checkFamilies(context, clusterIps, families);
  const ipFamilies = families.length > 0 ? families : clusterIps.map(({ value }) => familyOf(value));
  return { clusterIps, headless, ipFamilies, ipFamilyPolicy };
}

/** `None` has to stand alone, and there is nothing that a node port or a load balancer could send to. */
function checkNone(context: Context, spec: Field, listed: readonly string[], type: ServiceType): void {
  if (listed.length > 1) {
    reportInvalid(context, spec.member("clusterIPs"), "'None' must be the first and only value");
  } else if (type === "LoadBalancer" || type === "NodePort") {
    const place = listed.length > 0 ? spec.member("clusterIPs").item(0) : spec.member("clusterIP");
    reportInvalid(context, place, `may not be set to 'None' for ${type} services`);
  }
}

function decodeAddresses(
  context: Context,
  spec: Field,
  single: string,
  listed: readonly string[],
): readonly Located<Address>[] {
  if (listed.length === 0 && single === "") return NO_ADDRESSES;
  const list = listed.length > 0 ? spec.member("clusterIPs") : undefined;
  const texts = list === undefined ? [single] : listed;
  if (texts.length > 2) reportInvalid(context, spec.member("clusterIPs"), "may only hold up to 2 values");
  const clusterIps = texts.flatMap((text, index): readonly Located<Address>[] => {
    const field = list === undefined ? spec.member("clusterIP") : list.item(index);
    const value = decodeAddress(context, text, () => field);
    return value === undefined ? NO_ADDRESSES : [{ value, field }];
  });
  const [first, second] = clusterIps;
  if (first !== undefined && second !== undefined && familyOf(first.value) === familyOf(second.value))
    reportInvalid(context, spec.member("clusterIPs"), "may specify no more than one IP for each IP family");
  return clusterIps;
}

function decodeFamilies(context: Context, spec: Field, words: readonly string[]): readonly Family[] {
  const families: Family[] = [];
  for (const [index, word] of words.entries()) {
    const family = FAMILY_WORDS.find((known) => known === word);
    const at = (position: number): Field => spec.member("ipFamilies").item(position);
    if (family === undefined)
      toleratesNewer(context, word, FAMILY_WORDS, true, at(index), "kpc leaves this family out");
    else if (families.includes(family)) reportDuplicate(context, at(index), at(words.indexOf(word)));
    else families.push(family);
  }
  return families;
}

/** The policy decides only how many addresses the API server allocates: kube-proxy uses what is there. */
function decodePolicy(
  context: Context,
  spec: Field,
  { ipFamilyPolicy }: ServiceFields,
  addresses: number,
  families: number,
  headless: boolean,
): IpFamilyPolicy | undefined {
  const effect = "kube-proxy does not look at it";
  const allowed = IP_FAMILY_POLICIES;
  const word = newerWordOf(context, spec, "ipFamilyPolicy", ipFamilyPolicy, allowed, effect, { onlyStored: true });
  if (word === NEWER) return undefined;
  const policy = word;
  if (addresses < 2 && families < 2) return policy;
  const given = addresses > 1 ? "cluster IPs" : "IP families";
  const detail = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${given} are specified`;
  if (policy === "SingleStack") reportInvalid(context, spec.member("ipFamilyPolicy"), detail);
  else if (isEmpty(ipFamilyPolicy) && !headless)
    warnInvalid(context, spec.member(addresses > 1 ? "clusterIPs" : "ipFamilies"), `spec.ipFamilyPolicy ${detail}`);
  return policy;
}

function checkFamilies(context: Context, clusterIps: readonly Located<Address>[], families: readonly Family[]): void {
  for (const [index, { value, field }] of clusterIps.entries()) {
    const family = families[index];
    if (family !== undefined && family !== familyOf(value))
      reportInvalid(context, field, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  }
}

/** An ExternalName Service is a DNS name; kube-proxy ignores it whatever else it has. */
function forbidAll(context: Context, spec: Field, fields: ServiceFields): void {
  for (const key of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const) {
    if (!isEmpty(fields[key])) warnForbidden(context, spec.member(key), "may not be set for ExternalName services");
  }
}

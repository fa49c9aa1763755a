import {
  asArray,
  asBoolean,
  asOneOf,
  asString,
  asStringOrArray,
  type Context,
  reportInvalid,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { type Address, parseAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { blocksNamed } from "../specs/kube-proxy-config.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems } from "../specs/names.ts";
import { asInterfaceName, asPrefix } from "../specs/network-values.ts";
import { type Config, DETECT_LOCAL_MODES, POD_MASQUERADERS } from "./config.ts";
import { decodeHaproxySettings } from "./decode-proxy.ts";
import { MODES } from "./settings.ts";

/** The members that a config has; a config file has apiVersion and kind besides. */
const MEMBERS: ReadonlySet<string> = new Set([
  "nodeName",
  "mode",
  "nodeIP",
  "nodeIPs",
  "detectLocalMode",
  "detectLocalInterface",
  "clusterCIDR",
  "serviceCIDRs",
  "nodePortAddresses",
  "localhostNodePorts",
  "masqueradeAll",
  "masquerade",
  "tcpBeLiberal",
  "ingressController",
  "defaultCertificate",
  "allowExternalNames",
  "haproxy",
  "zone",
]);

/** The settings at `field`: a config file's document (`file`), or the `proxy:` block of a case. */
export function decodeConfig(context: Context, field: Field, file: boolean): Config {
  checkMembers(context, field, file ? new Set([...MEMBERS, "apiVersion", "kind"]) : MEMBERS);
  if (file) {
    asOneOf(context, field.get("apiVersion"), ["kpc.dev/v1alpha1"]);
    asOneOf(context, field.get("kind"), ["Config"]);
  }
  const zone = Object.hasOwn(field.value as object, "zone")
    ? (asString(context, field.get("zone")) ?? null)
    : undefined;
  return {
    nodeName: asString(context, field.get("nodeName")),
    mode: asOneOf(context, field.get("mode"), MODES),
    nodeIp: optional(field.get("nodeIP"), (value) =>
      asStringOrArray(context, value).flatMap((item) => decodeAddress(context, item)),
    ),
    nodeIps: optional(field.get("nodeIPs"), (value) =>
      asArray(context, value).flatMap((item) => decodeAddress(context, item)),
    ),
    detectLocalMode: asOneOf(context, field.get("detectLocalMode"), DETECT_LOCAL_MODES),
    detectLocalInterface: asInterfaceName(context, field.get("detectLocalInterface")),
    clusterCidr: optional(field.get("clusterCIDR"), (value) =>
      asStringOrArray(context, value).flatMap((item) => asPrefix(context, item) ?? []),
    ),
    serviceCidrs: optional(field.get("serviceCIDRs"), (value) =>
      asArray(context, value).flatMap((item) => asPrefix(context, item) ?? []),
    ),
    nodePortAddresses: optional(field.get("nodePortAddresses"), (value) => decodeNodePortAddresses(context, value)),
    localhostNodePorts: asBoolean(context, field.get("localhostNodePorts")),
    masqueradeAll: asBoolean(context, field.get("masqueradeAll")),
    masquerade: asOneOf(context, field.get("masquerade"), POD_MASQUERADERS),
    tcpBeLiberal: asBoolean(context, field.get("tcpBeLiberal")),
    ingressController: asString(context, field.get("ingressController")),
    defaultCertificate: decodeSecretName(context, field.get("defaultCertificate")),
    allowExternalNames: asBoolean(context, field.get("allowExternalNames")),
    haproxy: decodeHaproxySettings(context, field.get("haproxy")),
    zone,
    origins: definedOf({
      nodeName: field.get("nodeName"),
      nodeIp: field.get("nodeIP"),
      nodeIps: field.get("nodeIPs"),
      zone: field.get("zone"),
      detectLocalMode: field.get("detectLocalMode"),
      detectLocalInterface: field.get("detectLocalInterface"),
      clusterCidr: field.get("clusterCIDR"),
      masquerade: field.get("masquerade"),
      defaultCertificate: field.get("defaultCertificate"),
    }),
  };
}

function definedOf<K extends string, T>(record: Readonly<Record<K, T | undefined>>): Partial<Record<K, T>> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<Record<K, T>>;
}

function optional<T>(field: Field | undefined, decode: (field: Field) => T): T | undefined {
  return field === undefined ? undefined : decode(field);
}

function decodeNodePortAddresses(context: Context, field: Field): readonly (Prefix | "primary")[] | undefined {
  if (field.value === "default") return undefined;
  return asArray(context, field).flatMap((item): readonly (Prefix | "primary")[] => {
    if (item.value === "primary") return ["primary"];
    const named = typeof item.value === "string" ? blocksNamed(item.value) : undefined;
    if (named !== undefined) return named;
    const prefix = asPrefix(context, item);
    return prefix === undefined ? [] : [prefix];
  });
}

function decodeAddress(context: Context, field: Field): Address[] {
  const text = asString(context, field);
  const address = text === undefined ? undefined : parseAddress(text);
  if (address === undefined && text !== undefined)
    reportInvalid(context, field, "must be an IP address, such as 192.168.0.2 or fd00::2");
  return address === undefined ? [] : [address];
}

/** `namespace/name`. */
function decodeSecretName(context: Context, field: Field | undefined): string | undefined {
  const text = asString(context, field);
  if (text === undefined || field === undefined) return undefined;
  const [namespace = "", name = "", ...more] = text.split("/");
  const isRight =
    more.length === 0 &&
    namespace !== "" &&
    name !== "" &&
    dns1123LabelProblems(namespace).length === 0 &&
    dns1123SubdomainProblems(name).length === 0;
  if (isRight) return text;
  reportInvalid(context, field, "must be the namespace and name of a Secret, such as ingress/default-tls");
  return undefined;
}

import type { Address } from "../net/address.ts";
import { checkNotSpecial, decodeAddressOf } from "./address.ts";
import {
  type Context,
  checkRequired,
  checkText,
  type Rule,
  reportDuplicate,
  reportInvalid,
  reportTooMany,
  warnInvalid,
  wordOrEmpty,
} from "./decode.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  domainNameProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from "./names.ts";
import type { Node } from "./node.ts";
import { checkPortNames, decodeOptionalPort, decodeProtocol } from "./port.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { EndpointPortSpec, EndpointSliceSpec, EndpointSpec } from "./types.ts";

const HINTS = [{ name: "string" }] as const;

const ENDPOINT = {
  addresses: ["string"],
  conditions: { ready: "boolean", serving: "boolean", terminating: "boolean" },
  deprecatedTopology: "strings",
  hints: { forNodes: HINTS, forZones: HINTS },
  hostname: "string",
  nodeName: "string",
  targetRef: "object",
  zone: "string",
} as const;

const PORT = { appProtocol: "string", name: "string", port: "integer", protocol: "string" } as const;

export const ENDPOINT_SLICE = pattern({
  addressType: "string",
  apiVersion: "string",
  endpoints: [ENDPOINT],
  kind: "string",
  metadata: METADATA,
  ports: [PORT],
});

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"] as const;
type AddressType = (typeof ADDRESS_TYPES)[number];

const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20000;
const MAX_HINTS = 8;

const NO_NAMES: readonly string[] = [];
const NO_ADDRESSES: readonly Address[] = [];

/** An EndpointSlice (discovery.k8s.io/v1), after pkg/apis/discovery/validation. */
export function decodeEndpointSlice(context: Context, root: Node): EndpointSliceSpec | undefined {
  const slice = readShape(context, root, ENDPOINT_SLICE);
  if (slice === undefined) return undefined;
  const meta = decodeMeta(context, root, slice.metadata, true, dns1123SubdomainProblems);
  checkRequired(context, root, "addressType", slice.addressType);
  const addressType = wordOrEmpty(context, root, "addressType", slice.addressType, ADDRESS_TYPES);
  const ports = decodePorts(context, root, slice.ports ?? []);
  if (addressType === undefined) return undefined;
  const given = slice.endpoints ?? [];
  const list = root.member("endpoints");
  if (given.length > MAX_ENDPOINTS) reportTooMany(context, list, given.length, MAX_ENDPOINTS);
  const endpoints = given.map((endpoint, index) => decodeEndpoint(context, list.item(index), endpoint, addressType));
  return meta === undefined ? undefined : { meta, addressType, endpoints, ports };
}

function decodeEndpoint(
  context: Context,
  node: Node,
  fields: Fitting<typeof ENDPOINT>,
  addressType: AddressType,
): EndpointSpec {
  const { addresses, conditions, hints, hostname, nodeName } = fields;
  checkText(context, node, "hostname", hostname, dns1123LabelProblems);
  checkText(context, node, "nodeName", nodeName, dns1123SubdomainProblems);
  return {
    addresses: decodeAddresses(context, node, addresses ?? [], addressType),
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    nodeName: nodeName ?? undefined,
    zoneHints: decodeHints(context, node, "forZones", hints?.forZones, labelValueProblems),
    nodeHints: decodeHints(context, node, "forNodes", hints?.forNodes, dns1123SubdomainProblems),
    node,
  };
}

function decodeAddresses(
  context: Context,
  node: Node,
  texts: readonly string[],
  addressType: AddressType,
): readonly Address[] {
  checkRequired(context, node, "addresses", texts, "must contain at least 1 address");
  if (texts.length > MAX_ADDRESSES) reportTooMany(context, node.member("addresses"), texts.length, MAX_ADDRESSES);
  if (addressType === "FQDN") {
    for (const [index, text] of texts.entries()) {
      for (const problem of domainNameProblems(text))
        reportInvalid(context, node.member("addresses").item(index), problem);
    }
    return NO_ADDRESSES;
  }
  const addresses = texts.map((text, index) => {
    const at = (): Node => node.member("addresses").item(index);
    const address = decodeAddressOf(context, addressType, text, at);
    if (address !== undefined) checkNotSpecial(context, address, at);
    return address;
  });
  return addresses.includes(undefined)
    ? addresses.filter((address) => address !== undefined)
    : (addresses as Address[]);
}

/** The names in `hints.forZones` or `hints.forNodes`. */
function decodeHints(
  context: Context,
  endpoint: Node,
  key: "forZones" | "forNodes",
  hints: Fitting<typeof HINTS> | null | undefined,
  rule: Rule,
): readonly string[] {
  if (hints === undefined || hints === null || hints.length === 0) return NO_NAMES;
  const list = endpoint.member("hints").member(key);
  if (hints.length > MAX_HINTS) reportTooMany(context, list, hints.length, MAX_HINTS);
  const names: string[] = [];
  for (const [index, { name }] of hints.entries()) {
    checkRequired(context, list.item(index), "name", name);
    if (name === undefined || name === null || name === "") continue;
    checkText(context, list.item(index), "name", name, rule);
    if (!names.includes(name)) names.push(name);
    else reportDuplicate(context, list.item(index).member("name"), list.item(names.indexOf(name)));
  }
  return names;
}

/** An absent name is "", and an absent protocol is TCP: the API server fills them in (SetDefaults_EndpointPort). */
function decodePorts(
  context: Context,
  root: Node,
  given: readonly Fitting<typeof PORT>[],
): readonly EndpointPortSpec[] {
  if (given.length === 0) return [];
  const list = root.member("ports");
  if (given.length > MAX_PORTS) reportTooMany(context, list, given.length, MAX_PORTS);
  checkPortNames(context, list, given, { required: false, unique: true });
  return given.map(({ appProtocol, name, port, protocol }, index) => {
    const node = list.item(index);
    checkText(context, node, "appProtocol", appProtocol, qualifiedNameProblems);
    if (port === 0) warnInvalid(context, node.member("port"), "kube-proxy skips ports without a number");
    return {
      name: name ?? "",
      protocol: decodeProtocol(context, node, protocol),
      port: decodeOptionalPort(context, node, "port", port),
      node,
    };
  });
}

import {
  type Context,
  checkRequired,
  checkText,
  NEWER,
  newerWordOf,
  reportDuplicate,
  reportInvalid,
  reportTooMany,
  type TextRule,
  warnInvalid,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import { checkNotSpecial, decodeAddressOf } from "./address.ts";
import { decodeAlike } from "./alike-endpoints.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  domainNameProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from "./names.ts";
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

const SLICE = {
  addressType: "string",
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  ports: [PORT],
} as const;

export const ENDPOINT_SLICE = pattern({ ...SLICE, endpoints: [ENDPOINT] });

/** Of discovery.k8s.io/v1beta1, which API servers have had up to Kubernetes 1.24: `topology` has the node and the zone. */
const { deprecatedTopology: topology, zone: _, ...ENDPOINT_OF_BOTH } = ENDPOINT;

const ENDPOINT_SLICE_BETA = pattern({ ...SLICE, endpoints: [{ ...ENDPOINT_OF_BOTH, topology }] });

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"] as const;
type AddressType = (typeof ADDRESS_TYPES)[number];

const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20000;
const MAX_HINTS = 8;

const NO_NAMES: readonly string[] = [];
const NO_ADDRESSES: readonly Address[] = [];

/** An EndpointSlice, after pkg/apis/discovery/validation; `isBeta`: of version v1beta1. Endpoints that are not in the
 *  value are those that the document has besides; undefined also where there is something to report of one of these. */
export function decodeEndpointSlice(context: Context, root: Field, isBeta = false): EndpointSliceSpec | undefined {
  const slice = isBeta ? readBeta(context, root) : readShape(context, root, ENDPOINT_SLICE);
  if (slice === undefined) return undefined;
  const meta = decodeMeta(context, root, slice.metadata, true, dns1123SubdomainProblems);
  checkRequired(context, root, "addressType", slice.addressType);
  const word = slice.addressType === "" ? undefined : slice.addressType;
  const effect = "kpc leaves the slice out, as kube-proxy does";
  const addressType = newerWordOf(context, root, "addressType", word, ADDRESS_TYPES, effect, { onlyStored: true });
  const ports = decodePorts(context, root, slice.ports ?? []);
  if (addressType === undefined || addressType === NEWER) return undefined;
  const given = slice.endpoints ?? [];
  const list = root.member("endpoints");
  const { alike } = root.document();
  const count = alike?.elements.length ?? given.length;
  if (count > MAX_ENDPOINTS) reportTooMany(context, list, count, MAX_ENDPOINTS);
  const endpoints =
    alike === undefined
      ? given.map((endpoint, index) => decodeEndpoint(context, list.item(index), endpoint, addressType))
      : decodeAlike(list, alike, addressType, ENDPOINT_PATTERN, decodeEndpoint);
  return meta === undefined || endpoints === undefined ? undefined : { meta, addressType, endpoints, ports };
}

/** A slice of v1beta1 as v1 has it: the node is `nodeName`, or else the hostname in `topology`, as the API server converts it. */
function readBeta(context: Context, root: Field): Fitting<(typeof ENDPOINT_SLICE)["shape"]> | undefined {
  const slice = readShape(context, root, ENDPOINT_SLICE_BETA);
  if (slice === undefined) return undefined;
  const endpoints = (slice.endpoints ?? []).map(({ topology, nodeName, ...endpoint }) => ({
    ...endpoint,
    nodeName: nodeName ?? topology?.["kubernetes.io/hostname"] ?? null,
  }));
  return { ...slice, endpoints };
}

function decodeEndpoint(
  context: Context,
  field: Field,
  fields: Fitting<typeof ENDPOINT>,
  addressType: AddressType,
): EndpointSpec {
  const { addresses, conditions, hints, hostname, nodeName } = fields;
  checkText(context, field, "hostname", hostname, dns1123LabelProblems);
  checkText(context, field, "nodeName", nodeName, dns1123SubdomainProblems);
  return {
    addresses: decodeAddresses(context, field, addresses ?? [], addressType),
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    nodeName: nodeName ?? undefined,
    zoneHints: decodeHints(context, field, "forZones", hints?.forZones, labelValueProblems),
    nodeHints: decodeHints(context, field, "forNodes", hints?.forNodes, dns1123SubdomainProblems),
    field,
  };
}

const ENDPOINT_PATTERN = pattern(ENDPOINT);

function decodeAddresses(
  context: Context,
  field: Field,
  texts: readonly string[],
  addressType: AddressType,
): readonly Address[] {
  checkRequired(context, field, "addresses", texts, "must contain at least 1 address");
  if (texts.length > MAX_ADDRESSES) reportTooMany(context, field.member("addresses"), texts.length, MAX_ADDRESSES);
  if (addressType === "FQDN") {
    for (const [index, text] of texts.entries()) {
      for (const problem of domainNameProblems(text))
        reportInvalid(context, field.member("addresses").item(index), problem);
    }
    return NO_ADDRESSES;
  }
  const addresses = texts.map((text, index) => {
    const at = (): Field => field.member("addresses").item(index);
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
  endpoint: Field,
  key: "forZones" | "forNodes",
  hints: Fitting<typeof HINTS> | null | undefined,
  rule: TextRule,
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
  root: Field,
  given: readonly Fitting<typeof PORT>[],
): readonly EndpointPortSpec[] {
  if (given.length === 0) return [];
  const list = root.member("ports");
  if (given.length > MAX_PORTS) reportTooMany(context, list, given.length, MAX_PORTS);
  checkPortNames(context, list, given, { required: false, unique: true });
  return given.flatMap(({ appProtocol, name, port, protocol: word }, index): readonly EndpointPortSpec[] => {
    const field = list.item(index);
    checkText(context, field, "appProtocol", appProtocol, qualifiedNameProblems);
    if (port === 0) warnInvalid(context, field.member("port"), "kube-proxy skips ports without a number");
    const protocol = decodeProtocol(context, field, word);
    const number = decodeOptionalPort(context, field, "port", port);
    return protocol === undefined ? [] : [{ name: name ?? "", protocol, port: number, field }];
  });
}

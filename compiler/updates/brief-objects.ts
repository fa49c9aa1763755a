/**
 * Services and EndpointSlices as API servers nearly always write them, in a few words each: a third of the memory of their JSON, and of the
 * time to read it. What has an unusual member, or one with which something may be wrong, stays JSON.
 *
 *   S shop/web 2026-01-02T03:04:05Z 10.96.0.1 Cluster http/TCP/80,https/TCP/443
 *   E IPv4 shop/web-abc12 web http/TCP/8080,https/TCP/8443
 *   10.180.0.1 node-1
 *   10.180.0.2 node-2 6 zone-a,zone-b -
 *
 * A Service has its name, its age, its cluster IPs, its internal policy and its ports. A slice has its family, its name, its Service and
 * its ports, then a line for each endpoint: address, node, state (4: ready, 2: serving, 1: terminating), zones and nodes of hints. What is
 * absent is `-`, or the end of the line. No word of the API has a space, a comma or a slash that is written here.
 */
import { isObject } from "../documents/show.ts";
import {
  type Address,
  type Family,
  familyOf,
  hasLeadingZero,
  isIpv4Mapped,
  parseAddress,
  printAddress,
} from "../net/address.ts";
import { asPort } from "../net/port.ts";
import { specialProblem } from "../specs/address.ts";
import { API_VERSIONS } from "../specs/kinds.ts";
import { SERVICE_NAME_LABEL } from "../specs/labels.ts";
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  portNameProblems,
  qualifiedNameProblems,
} from "../specs/names.ts";

type Json = Readonly<Record<string, unknown>>;

/** What is absent. */
export const NOTHING = "-";

/** The state of an endpoint of which nothing is said. */
export const USUAL_STATE = 6;
export const STATE = { ready: 4, serving: 2, terminating: 1 } as const;

/** `labels`: those that are read. Undefined: JSON is to be kept. */
export function briefService(
  { namespace, metadata, labels }: BriefHead,
  spec: unknown,
  status: unknown,
): string | undefined {
  const { name } = metadata;
  if (!isWithin(labels, NO_KEYS) || !isObject(spec) || !isWithin(spec, SERVICE_KEYS) || !isEmptyStatus(status)) return;
  if (typeof name !== "string" || !/^[a-z]/.test(name) || !isLabel(name) || !isLabel(namespace)) return;
  const { type, sessionAffinity, internalTrafficPolicy: policy = "Cluster", publishNotReadyAddresses } = spec;
  const isPlain =
    (type === undefined || type === "ClusterIP") &&
    (sessionAffinity === undefined || sessionAffinity === "None") &&
    (policy === "Cluster" || policy === "Local") &&
    (publishNotReadyAddresses === undefined || typeof publishNotReadyAddresses === "boolean");
  const created = briefTime(metadata["creationTimestamp"]);
  const addresses = clusterIpsOf(spec);
  const ports = briefPorts(spec["ports"], SERVICE_PORT_KEYS);
  if (!isPlain || created === undefined || addresses === undefined || ports === undefined || ports === NOTHING) return;
  return `S ${namespace}/${name} ${created} ${addresses} ${policy} ${ports}`;
}

/** The same of a slice. */
export function briefSlice({ namespace, metadata, labels }: BriefHead, object: Json): string | undefined {
  const { name } = metadata;
  const service = labels[SERVICE_NAME_LABEL];
  if (!isWithin(labels, SLICE_LABELS) || typeof service !== "string" || !isLabel(service)) return;
  if (typeof name !== "string" || name === "" || dns1123SubdomainProblems(name).length > 0 || !isLabel(namespace))
    return;
  const { addressType } = object;
  const endpoints = object["endpoints"] ?? [];
  const ports = briefPorts(object["ports"], SLICE_PORT_KEYS);
  if (briefTime(metadata["creationTimestamp"]) === undefined || ports === undefined) return;
  if ((addressType !== "IPv4" && addressType !== "IPv6") || !Array.isArray(endpoints)) return;
  if (endpoints.length > MAX_ENDPOINTS) return;
  const lines = [`E ${addressType} ${namespace}/${name} ${service} ${ports}`];
  for (const endpoint of endpoints as readonly unknown[]) {
    const line = briefEndpoint(endpoint, addressType);
    if (line === undefined) return;
    lines.push(line);
  }
  return lines.join("\n");
}

/** What is read of an object's metadata. */
export interface BriefHead {
  readonly namespace: string;
  readonly metadata: Json;
  readonly labels: Json;
}

const NO_KEYS: ReadonlySet<string> = new Set();
const SLICE_LABELS: ReadonlySet<string> = new Set([SERVICE_NAME_LABEL]);
const SERVICE_KEYS: ReadonlySet<string> = new Set([
  "clusterIP",
  "clusterIPs",
  "internalTrafficPolicy",
  "ipFamilies",
  "ipFamilyPolicy",
  "ports",
  "publishNotReadyAddresses",
  "selector",
  "sessionAffinity",
  "type",
]);
const SERVICE_PORT_KEYS: ReadonlySet<string> = new Set(["appProtocol", "name", "port", "protocol", "targetPort"]);
const SLICE_PORT_KEYS: ReadonlySet<string> = new Set(["appProtocol", "name", "port", "protocol"]);
const CONDITION_KEYS: ReadonlySet<string> = new Set(Object.keys(STATE));
const HINT_KEYS: ReadonlySet<string> = new Set(["forNodes", "forZones"]);
const NAME_KEYS: ReadonlySet<string> = new Set(["name"]);

const MAX_ENDPOINTS = 1000;
const MAX_HINTS = 8;

function isWithin(object: Json, keys: ReadonlySet<string>): boolean {
  for (const key in object) if (!keys.has(key) && object[key] !== undefined) return false;
  return true;
}

function isEmptyStatus(status: unknown): boolean {
  if (status === undefined) return true;
  if (!isObject(status)) return false;
  const { loadBalancer = {} } = status;
  return isObject(loadBalancer) && isWithin(loadBalancer, NO_KEYS);
}

function isLabel(text: string): boolean {
  return text !== "" && dns1123LabelProblems(text).length === 0;
}

function briefTime(time: unknown): string | undefined {
  if (time === undefined || time === null) return NOTHING;
  if (typeof time !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time)) return undefined;
  return Number.isNaN(Date.parse(time)) ? undefined : time;
}

/** An address as it should be written. */
function usualAddress(text: unknown): Address | undefined {
  const address = typeof text === "string" ? parseAddress(text) : undefined;
  if (typeof address === "number") return hasLeadingZero(text as string) ? undefined : address;
  return address === undefined || isIpv4Mapped(address) || printAddress(address) !== text ? undefined : address;
}

/** One, or one of each family, which may be said besides. */
function clusterIpsOf({ clusterIP, clusterIPs = [clusterIP], ipFamilies, ipFamilyPolicy }: Json): string | undefined {
  if (!Array.isArray(clusterIPs) || clusterIPs.length === 0 || clusterIPs.length > 2 || clusterIPs[0] !== clusterIP)
    return;
  const addresses = clusterIPs.map(usualAddress);
  if (addresses.includes(undefined)) return;
  const families = (addresses as Address[]).map(familyOf);
  if (families[0] === families[1]) return;
  const given = ipFamilies ?? families;
  if (!Array.isArray(given) || given.length !== families.length || families.some((each, i) => each !== given[i]))
    return;
  const isDual = ipFamilyPolicy === "PreferDualStack" || ipFamilyPolicy === "RequireDualStack";
  const isSingle = ipFamilyPolicy === undefined || ipFamilyPolicy === "SingleStack";
  return isDual || (isSingle && families.length === 1) ? clusterIPs.join() : undefined;
}

function briefPorts(ports: unknown, keys: ReadonlySet<string>): string | undefined {
  if (ports === undefined || ports === null) return NOTHING;
  if (!Array.isArray(ports) || ports.length > MAX_PORTS) return undefined;
  const names = new Set<string>();
  const numbers = new Set<string>();
  const texts: string[] = [];
  for (const each of ports as readonly unknown[]) {
    if (!isObject(each) || !isWithin(each, keys)) return undefined;
    const { name = "", port, protocol = "TCP", targetPort, appProtocol = "" } = each;
    if (typeof name !== "string" || names.has(name) || (name !== "" && !isLabel(name))) return undefined;
    if (typeof port !== "number" || asPort(port) === undefined) return undefined;
    if (protocol !== "TCP" && protocol !== "UDP" && protocol !== "SCTP") return undefined;
    if (typeof appProtocol !== "string" || (appProtocol !== "" && qualifiedNameProblems(appProtocol).length > 0))
      return;
    if (!isTargetPort(targetPort)) return undefined;
    names.add(name);
    numbers.add(`${protocol} ${port}`);
    texts.push(`${name}/${protocol}/${port}`);
  }
  // Ports of a Service need names where they are several, and no two are the same; those of a slice may be.
  const isAmbiguous = ports.length > 1 && keys === SERVICE_PORT_KEYS && (names.has("") || numbers.size < ports.length);
  return isAmbiguous ? undefined : texts.length === 0 ? NOTHING : texts.join();
}

/** More are no usual ones. */
const MAX_PORTS = 100;

/** Pods are not looked at where slices are. */
function isTargetPort(target: unknown): boolean {
  if (typeof target === "string") return target !== "" && portNameProblems(target).length === 0;
  return target === undefined || (typeof target === "number" && asPort(target) !== undefined);
}

function briefEndpoint(endpoint: unknown, family: Family): string | undefined {
  if (!isObject(endpoint)) return undefined;
  const { addresses, conditions, nodeName, hints } = endpoint;
  if (!Array.isArray(addresses) || addresses.length !== 1) return undefined;
  const text: unknown = addresses[0];
  const address = usualAddress(text);
  if (address === undefined || familyOf(address) !== family || specialProblem(address) !== undefined) return undefined;
  if (nodeName !== undefined && (typeof nodeName !== "string" || !KNOWN_NODES.has(nodeName))) return undefined;
  const state = stateOf(conditions);
  if (state === undefined) return undefined;
  if (hints === undefined && state === USUAL_STATE) return nodeName === undefined ? `${text}` : `${text} ${nodeName}`;
  if (hints !== undefined && (!isObject(hints) || !isWithin(hints, HINT_KEYS))) return undefined;
  const zones = briefHints(hints?.["forZones"], labelValueProblems);
  const nodes = briefHints(hints?.["forNodes"], dns1123SubdomainProblems);
  return zones === undefined || nodes === undefined
    ? undefined
    : `${text} ${nodeName ?? NOTHING} ${state} ${zones} ${nodes}`;
}

function stateOf(conditions: unknown): number | undefined {
  if (conditions === undefined) return USUAL_STATE;
  if (!isObject(conditions) || !isWithin(conditions, CONDITION_KEYS)) return undefined;
  const { ready = true, serving = true, terminating = false } = conditions;
  if (typeof ready !== "boolean" || typeof serving !== "boolean" || typeof terminating !== "boolean") return undefined;
  return (ready ? STATE.ready : 0) + (serving ? STATE.serving : 0) + (terminating ? STATE.terminating : 0);
}

function briefHints(hints: unknown, problems: (text: string) => readonly string[]): string | undefined {
  if (hints === undefined) return NOTHING;
  if (!Array.isArray(hints) || hints.length > MAX_HINTS) return undefined;
  const names = new Set<string>();
  for (const each of hints as readonly unknown[]) {
    const name = isObject(each) && isWithin(each, NAME_KEYS) ? each["name"] : undefined;
    if (typeof name !== "string" || name === "" || names.has(name) || problems(name).length > 0) return undefined;
    names.add(name);
  }
  return names.size === 0 ? NOTHING : [...names].join();
}

/** Names of nodes that were found right: there are far fewer than endpoints. */
class RightNames {
  private readonly names = new Set<string>();

  has(name: string): boolean {
    if (this.names.has(name)) return true;
    if (name === "" || dns1123SubdomainProblems(name).length > 0) return false;
    if (this.names.size >= MOST_NAMES) this.names.clear();
    this.names.add(name);
    return true;
  }
}

const MOST_NAMES = 10_000;
const KNOWN_NODES = new RightNames();

// --- back to JSON ------------------------------------------------------------------------------------------------------------

/** Whether `text` is none of JSON. */
export function isBrief(text: string): boolean {
  return !text.startsWith("{");
}

/** JSON that means the same as `text`, which may be JSON already. */
export function jsonOfBrief(text: string): string {
  if (!isBrief(text)) return text;
  const [head = "", ...lines] = text.split("\n");
  const [kind, ...words] = head.split(" ");
  return JSON.stringify(kind === "S" ? serviceOf(words) : sliceOf(words, lines));
}

function serviceOf([
  name = "",
  created = "",
  addresses = "",
  internalTrafficPolicy,
  ports = "",
]: readonly string[]): Json {
  const clusterIPs = addresses.split(",");
  return {
    apiVersion: API_VERSIONS.Service[0],
    kind: "Service",
    metadata: { ...nameOf(name), ...(created === NOTHING ? {} : { creationTimestamp: created }) },
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilyPolicy: clusterIPs.length > 1 ? "PreferDualStack" : "SingleStack",
      internalTrafficPolicy,
      ports: portsOf(ports),
    },
  };
}

function sliceOf(
  [addressType, name = "", service = "", ports = ""]: readonly string[],
  lines: readonly string[],
): Json {
  return {
    apiVersion: API_VERSIONS.EndpointSlice[0],
    kind: "EndpointSlice",
    metadata: { ...nameOf(name), labels: { [SERVICE_NAME_LABEL]: service } },
    addressType,
    ports: portsOf(ports),
    endpoints: lines.map((line) => {
      const [address, nodeName = NOTHING, text = USUAL_STATE, zones = NOTHING, nodes = NOTHING] = line.split(" ");
      const state = Number(text);
      return {
        addresses: [address],
        ...(nodeName === NOTHING ? {} : { nodeName }),
        conditions: {
          ready: (state & STATE.ready) > 0,
          serving: (state & STATE.serving) > 0,
          terminating: (state & STATE.terminating) > 0,
        },
        hints: { forZones: hintsOf(zones), forNodes: hintsOf(nodes) },
      };
    }),
  };
}

function nameOf(text: string): Json {
  const [namespace, name] = text.split("/");
  return { name, namespace };
}

function portsOf(text: string): readonly Json[] {
  return text === NOTHING
    ? []
    : text.split(",").map((each) => {
        const [name, protocol, port] = each.split("/");
        return { ...(name === "" ? {} : { name }), protocol, port: Number(port) };
      });
}

function hintsOf(text: string): readonly Json[] {
  return text === NOTHING ? [] : text.split(",").map((name) => ({ name }));
}

/** One Service as `brief-objects.ts` writes it and its slices. Nothing in them can be wrong by itself: what is left to be found out is whether they fit
 *  together. */
import type { Origin } from "../diagnostics.ts";
import { invariant } from "../invariant.ts";
import { LIST_CAPACITY } from "../lower/endpoints.ts";
import { sortedOnce } from "../model/candidates.ts";
import { type Candidate, type Cluster, type ServicePort, servesWhileTerminating } from "../model/types.ts";
import { type Address, type Family, familyOf, parseAddress } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import type { Protocol } from "../net/protocol.ts";
import { compareBy } from "../order.ts";
import type { TrafficPolicy } from "../specs/types.ts";
import { isBrief, NOTHING, STATE, USUAL_STATE } from "./brief-objects.ts";

/** Nobody has the text: nothing in it is told of. */
const NOWHERE: Origin = {
  span: () => {
    invariant(false, "what the API server tells of has no place");
  },
};

const NO_NAMES: readonly string[] = [];

interface BriefPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: Port;
}

interface BriefSlice {
  readonly text: string;
  readonly family: Family;
  readonly ports: readonly BriefPort[];
  /** Where the lines of endpoints begin; the length of the text: there are none. */
  readonly start: number;
}

/** What the Service and its slices in `texts` come to; undefined: not all of them are brief, or they do not fit together. */
export function decodeBrief(
  texts: readonly string[],
): { readonly servicePorts: Cluster["servicePorts"]; readonly created: number | undefined } | undefined {
  for (const text of texts) if (!isBrief(text)) return undefined;
  const [service = "", ...others] = texts;
  const [, fullName = "", created = "", addresses = "", policy, given = ""] = service.split(" ");
  const ports = portsIn(given);
  const slices = others.map(sliceIn);
  for (const slice of slices)
    for (const port of slice.ports) if (!ports.some((each) => joins(port, each))) return undefined;
  const slash = fullName.indexOf("/");
  const head = {
    namespace: fullName.slice(0, slash),
    name: fullName.slice(slash + 1),
    internalTrafficPolicy: policy as TrafficPolicy,
  };
  const servicePorts: Record<Family, readonly ServicePort[]> = { IPv4: [], IPv6: [] };
  for (const text of addresses.split(",")) {
    const clusterIp = addressIn(text);
    const family = familyOf(clusterIp);
    const all = ports.map((port) => servicePortOf(head, clusterIp, port, candidatesOf(port, family, slices)));
    if (all.some(({ candidates }) => candidates.length > LIST_CAPACITY)) return undefined;
    servicePorts[family] = all.sort(BY_NAME);
  }
  return { servicePorts, created: created === NOTHING ? undefined : Date.parse(created) };
}

const BY_NAME = compareBy<ServicePort>(({ portName }) => portName);

function servicePortOf(
  { namespace, name, internalTrafficPolicy }: Pick<ServicePort, "namespace" | "name" | "internalTrafficPolicy">,
  clusterIp: Address,
  { name: portName, protocol, port }: BriefPort,
  candidates: readonly Candidate[],
): ServicePort {
  return {
    namespace,
    name,
    portName,
    protocol,
    port,
    clusterIp,
    servesClusterIp: true,
    externalIps: [],
    loadBalancerIps: [],
    nodePort: undefined,
    sourceRanges: [],
    affinitySeconds: undefined,
    internalTrafficPolicy,
    externalTrafficPolicy: "Cluster",
    healthCheckNodePort: undefined,
    candidates,
    hasAnyEndpoint: candidates.some((each) => each.ready || servesWhileTerminating(each)),
    origin: NOWHERE,
    clusterIpOrigin: NOWHERE,
    nodePortOrigin: NOWHERE,
  };
}

function candidatesOf(port: BriefPort, family: Family, slices: readonly BriefSlice[]): readonly Candidate[] {
  const found: Candidate[] = [];
  for (const slice of slices) {
    const target = slice.family === family ? slice.ports.find((each) => joins(each, port)) : undefined;
    if (target !== undefined) addCandidates(slice, target.port, found);
  }
  return sortedOnce(found);
}

/** As `joins` of compiler/model/candidates.ts has it: each port has a number here. */
function joins(a: BriefPort, b: BriefPort): boolean {
  return a.name === b.name && a.protocol === b.protocol;
}

function addCandidates({ text, start }: BriefSlice, port: Port, to: Candidate[]): void {
  for (let at = start; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found;
    const behind = text.indexOf(" ", at);
    const isAlone = behind < 0 || behind > end;
    const address = addressIn(text.slice(at, isAlone ? end : behind));
    const node = isAlone ? NOTHING : text.slice(behind + 1, end);
    to.push(node.includes(" ") ? unusual(address, port, node) : usual(address, port, node));
    at = end + 1;
  }
}

function usual(address: Address, port: Port, node: string): Candidate {
  return {
    address,
    port,
    ready: true,
    serving: true,
    terminating: false,
    nodeName: node === NOTHING ? undefined : node,
    zoneHints: NO_NAMES,
    nodeHints: NO_NAMES,
    origin: NOWHERE,
  };
}

function unusual(address: Address, port: Port, text: string): Candidate {
  const [node = NOTHING, state = USUAL_STATE, zones = NOTHING, nodes = NOTHING] = text.split(" ");
  const has = (bit: number): boolean => (Number(state) & bit) > 0;
  return {
    address,
    port,
    ready: has(STATE.ready),
    serving: has(STATE.serving),
    terminating: has(STATE.terminating),
    nodeName: node === NOTHING ? undefined : node,
    zoneHints: zones === NOTHING ? NO_NAMES : zones.split(","),
    nodeHints: nodes === NOTHING ? NO_NAMES : nodes.split(","),
    origin: NOWHERE,
  };
}

function sliceIn(text: string): BriefSlice {
  const end = text.indexOf("\n");
  const head = end < 0 ? text : text.slice(0, end);
  const [, family, , , ports = NOTHING] = head.split(" ");
  return { text, family: family as Family, ports: portsIn(ports), start: head.length + 1 };
}

function portsIn(text: string): BriefPort[] {
  if (text === NOTHING) return [];
  return text.split(",").map((each) => {
    const [name = "", protocol = "", port] = each.split("/");
    return { name, protocol: protocol.toLowerCase() as Protocol, port: Number(port) as Port };
  });
}

function addressIn(text: string): Address {
  const address = parseAddress(text);
  invariant(address !== undefined, "addresses were looked at when they were written");
  return address;
}

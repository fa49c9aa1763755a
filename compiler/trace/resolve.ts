/** From a packet's text to the packet itself: names become addresses. */
import type { Report } from "../diagnostics.ts";
import type { Packet } from "../evaluate/packet.ts";
import { type Address, familyOf, isIpv4Mapped, isLoopback, parseAddress, printAddress } from "../net/address.ts";
import { parsePort } from "../net/port.ts";
import type { Detector, NodeContext, Settings } from "../node/settings.ts";
import type { ServiceSpec, Specs } from "../specs/types.ts";
import { type EndText, type PacketText, protocolNumber } from "./parse.ts";
import { didYouMean, endNames, suggestEnds } from "./suggest.ts";

/** Source port of packets that name none: clients take one above 32767. */
const DEFAULT_SOURCE_PORT = 40000;

/** A packet, and how much of it is an assumption. */
export interface ResolvedPacket {
  readonly packet: Packet;
  /** What the interface was taken for, where the text names none. */
  readonly assumed: "of this node's pods" | "from elsewhere" | undefined;
}

/** The packet that `text` describes on `node`; reports `packet-syntax` and `unknown-object`. A packet whose source is an
 *  address of the node, or loopback, and that names no interface is one of the node's own. */
export function resolvePacket(
  text: PacketText,
  { specs, node, settings }: { readonly specs: Specs; readonly node: NodeContext; readonly settings: Settings },
  report: Report,
): ResolvedPacket | undefined {
  const source = resolveEnd(text.from, text.protocol, specs, report);
  const destination = resolveEnd(
    text.to,
    text.protocol,
    specs,
    report,
    source === undefined ? undefined : source.address,
  );
  if (source === undefined || destination === undefined) return undefined;
  const isEcho = text.protocol === "icmp";
  const ported = [text.from, text.to].find(({ port }) => port !== undefined);
  if (isEcho && ported !== undefined) return fail("icmp has no ports", ported, report);
  if (destination.port === undefined && !isEcho)
    return fail("expected a port behind the destination, such as :80", text.to, report);
  if (familyOf(source.address) !== familyOf(destination.address)) {
    return fail(`expected an ${familyOf(source.address)} address, as the source is one`, text.to, report);
  }
  const isOwn = node.addresses.includes(source.address) || isLoopback(source.address);
  const { detector } = settings.families[familyOf(source.address)];
  const isPod = !isOwn && isPodOf(node, source.address, specs);
  const assumed = isPod ? "of this node's pods" : "from elsewhere";
  return {
    packet: {
      protocol: protocolNumber(text.protocol, familyOf(source.address)),
      source: source.address,
      destination: destination.address,
      sourcePort: isEcho ? 0 : (source.port ?? DEFAULT_SOURCE_PORT),
      destinationPort: destination.port ?? 0,
      inInterface: text.inInterface ?? text.capturedAt ?? (isOwn ? undefined : interfaceFor(isPod, detector)),
      mark: text.mark,
    },
    assumed: (text.inInterface ?? text.capturedAt) === undefined && !isOwn ? assumed : undefined,
  };
}

/** Whether `address` is one of a pod on `node`, as its Pod or an endpoint says. */
function isPodOf({ name }: NodeContext, address: Address, { pods, endpointSlices }: Specs): boolean {
  if (name === undefined) return false;
  const isHere = ({ nodeName }: { readonly nodeName: string | undefined }): boolean => nodeName === name;
  return (
    pods.some((pod) => isHere(pod) && pod.podIps.includes(address)) ||
    endpointSlices.some(({ endpoints }) =>
      endpoints.some((endpoint) => isHere(endpoint) && endpoint.addresses[0] === address),
    )
  );
}

/** An interface for packets that name none: one that the detector knows for pods of this node, else one that it does not. */
function interfaceFor(isPod: boolean, detector: Detector | undefined): string | undefined {
  const knows = (name: string): boolean => {
    if (detector?.kind === "interface") return name === detector.name;
    return detector?.kind === "interface-prefix" && name.startsWith(detector.prefix);
  };
  if (!isPod) return INTERFACES.find((name) => !knows(name));
  if (detector?.kind === "interface") return detector.name;
  // Names of interfaces have at most 15 characters.
  return detector?.kind === "interface-prefix" ? `${detector.prefix}0`.slice(0, 15) : INTERFACES[0];
}

/** No two of them have a beginning in common. */
const INTERFACES = ["eth0", "wan0"] as const;

/** An end of a packet. */
export interface PacketEnd {
  readonly address: Address;
  readonly port: number | undefined;
}

/** The end that `end` names in `specs`; of several addresses one of the family that `like` is of. Reports `packet-syntax`
 *  and `unknown-object`. */
export function resolveEnd(
  end: EndText,
  protocol: PacketText["protocol"],
  specs: Specs,
  report: Report,
  like?: Address,
): PacketEnd | undefined {
  const [kind, namespace, name] = end.name.split("/");
  if (kind === end.name) return resolveAddress(end, specs, report);
  const form = FORMS.get(kind ?? "");
  if (form === undefined || form.split("/").length !== end.name.split("/").length)
    return failWithHint(`expected ${form ?? ANY_FORM}`, end, specs, report);
  const family = like === undefined ? undefined : familyOf(like);
  const choose = (addresses: readonly Address[]): Address | undefined =>
    addresses.find((address) => family === undefined || familyOf(address) === family);
  switch (kind) {
    case "pod": {
      const pod = specs.pods.find(({ meta }) => meta.namespace === namespace && meta.name === name);
      return withPort(pod, pod && choose(pod.podIps), end, readPort(end, report), specs, report);
    }
    case "svc": {
      const service = specs.services.find(({ meta }) => meta.namespace === namespace && meta.name === name);
      if (service === undefined) return withPort(undefined, undefined, end, undefined, specs, report);
      const reason = whyWithoutAddress(service, specs);
      if (reason !== undefined) {
        report({ severity: "error", code: "unknown-object", message: `${end.name} ${reason}`, origin: end.origin });
        return undefined;
      }
      const named = service.ports.find((port) => port.name === end.port && port.protocol === protocol);
      if (named === undefined && end.port !== undefined && parsePort(end.port) === undefined) {
        const ports = service.ports.map((port) => `${port.name === "" ? port.port : port.name} (${port.protocol})`);
        const message = `${end.name} has no ${protocol} port ${end.port}; it has ${ports.join(", ")}`;
        report({ severity: "error", code: "unknown-object", message, origin: end.portOrigin });
        return undefined;
      }
      const [only, second] = service.ports.filter((port) => port.protocol === protocol);
      const isClear = end.port === undefined && second === undefined; // there is one port that can be meant
      const port = named?.port ?? (isClear ? only?.port : readPort(end, report));
      const address = choose(service.clusterIps.map(({ value }) => value));
      return withPort(service, address, end, port, specs, report);
    }
    case "node": {
      const node = specs.nodes.find(({ meta }) => meta.name === namespace);
      return withPort(node, node && choose(node.addresses), end, readPort(end, report), specs, report);
    }
    default:
      // FORMS has the kinds above.
      return undefined;
  }
}

/** Why a Service has no address, and where its packets go instead; undefined: it has one, or may have. */
function whyWithoutAddress(service: ServiceSpec, { pods, endpointSlices }: Specs): string | undefined {
  if (service.type === "ExternalName")
    return `is an ExternalName Service: DNS gives ${service.externalName}, and no rule is about it; trace to an address of that name`;
  if (!service.headless) return undefined;
  const { namespace, name } = service.meta;
  const selected = pods.filter(
    ({ meta }) =>
      meta.namespace === namespace &&
      service.selector !== undefined &&
      [...service.selector].every(([key, value]) => meta.labels.get(key) === value),
  );
  const addresses = endpointSlices
    .filter(({ meta }) => meta.namespace === namespace && meta.labels.get(SERVICE_NAME) === name)
    .flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.addresses.slice(0, 1)));
  const ends =
    selected.length > 0
      ? selected.map(({ meta }) => `pod/${meta.namespace}/${meta.name}`)
      : addresses.map((address) => printAddress(address));
  const shown = ends.slice(0, 3).join(", ");
  const more = ends.length > 3 ? ` (and ${ends.length - 3} more)` : "";
  return `is headless: DNS gives the pods, and no rule is about it; trace to ${ends.length === 0 ? "a pod" : `a pod: ${shown}${more}`}`;
}

const SERVICE_NAME = "kubernetes.io/service-name";

/** The end at `address`; reports why there is none: `object` has no address of the family, or is not in the input. */
function withPort(
  object: object | undefined,
  address: Address | undefined,
  end: EndText,
  port: number | undefined | null,
  specs: Specs,
  report: Report,
): PacketEnd | undefined {
  if (port === null) return undefined;
  if (address !== undefined) return { address, port };
  const message =
    object === undefined
      ? `${end.name} is not in the input${whyUnknown(end, specs)}`
      : `${end.name} has no address of this family`;
  report({ severity: "error", code: "unknown-object", message, origin: end.origin });
  return undefined;
}

/** The object that may be meant, or what the input lacks. */
function whyUnknown(end: EndText, specs: Specs): string {
  const known = endNames(specs);
  if (known.length === 0) return ": names need manifests, such as those of kubectl get services,pods,nodes -A -o json";
  const kind = end.name.slice(0, end.name.indexOf("/"));
  const isLacking = !known.some((each) => each.startsWith(`${kind}/`));
  return isLacking ? `, which has no ${KIND_NAMES.get(kind)}` : didYouMean(suggestEnds(end.name, known));
}

const KIND_NAMES = new Map([
  ["pod", "Pods"],
  ["svc", "Services"],
  ["node", "Nodes"],
]);

function resolveAddress(end: EndText, specs: Specs, report: Report): PacketEnd | undefined {
  const address = parseAddress(end.name);
  if (address === undefined || isIpv4Mapped(address)) return failWithHint(`expected ${ANY_FORM}`, end, specs, report);
  const port = readPort(end, report);
  return port === null ? undefined : { address, port };
}

const FORMS = new Map([
  ["pod", "pod/NAMESPACE/NAME"],
  ["svc", "svc/NAMESPACE/NAME"],
  ["node", "node/NAME"],
]);

const ANY_FORM = "an IPv4 address, an IPv6 address in brackets, pod/NAMESPACE/NAME, svc/NAMESPACE/NAME or node/NAME";

function failWithHint(message: string, end: EndText, specs: Specs, report: Report): undefined {
  return fail(`${message}${didYouMean(suggestEnds(end.name, endNames(specs)))}`, end, report);
}

/** The port's number; undefined when none is given, null when it is none. */
function readPort({ port: text, portOrigin }: EndText, report: Report): number | undefined | null {
  if (text === undefined) return undefined;
  const port = parsePort(text);
  if (port !== undefined) return port;
  report({ severity: "error", code: "packet-syntax", message: "expected a port from 1 to 65535", origin: portOrigin });
  return null;
}

function fail(message: string, { origin }: EndText, report: Report): undefined {
  report({ severity: "error", code: "packet-syntax", message, origin });
  return undefined;
}

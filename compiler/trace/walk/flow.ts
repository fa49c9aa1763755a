/** From a packet's text to a flow through the network: names become hosts and addresses. */
import type { Report } from "../../diagnostics.ts";
import { unreachable } from "../../invariant.ts";
import type { NetworkLayout } from "../../layout/types.ts";
import { type Address, FAMILIES, type Family, familyOf, parseAddress, printAddress } from "../../net/address.ts";
import { parsePort } from "../../net/port.ts";
import type { Host } from "../../network/network.ts";
import type { ServiceSpec, Specs } from "../../specs/types.ts";
import type { WalkFlow } from "../../walk/types.ts";
import { type EndText, type PacketText, protocolNumber } from "../parse.ts";
import { resolveEnd } from "../resolve.ts";
import { addressesOf, EndNames, type EndTarget } from "./ends.ts";

/** Source port of packets that name none. */
const DEFAULT_SOURCE_PORT = 40000;

/** The addresses that `text` names. */
export function mentionedIn({ from, to }: PacketText): Address[] {
  return [from, to].flatMap(({ name }) => parseAddress(name) ?? []);
}

/** Who sends what `text` describes; reports `packet-syntax` and `unknown-object`. */
export function resolveSender(
  text: PacketText,
  specs: Specs,
  layout: NetworkLayout,
  report: Report,
): WalkSender | undefined {
  const resolver = new FlowResolver(text, specs, layout, report);
  const sender = resolver.sender();
  const sourcePort = resolver.sourcePort();
  return sender && sourcePort !== undefined ? { ...sender, sourcePort, families: familiesOf(sender) } : undefined;
}

/** Who sends a packet, with the families that its addresses have. */
export interface WalkSender {
  readonly host: Host;
  /** Undefined: one that its routing gives. */
  readonly address: Address | undefined;
  readonly sourcePort: number;
  readonly families: readonly Family[];
}

function familiesOf({ host, address }: Sender): Family[] {
  const usable = address === undefined ? addressesOf(host) : [address];
  return FAMILIES.filter((family) => usable.some((each) => familyOf(each) === family));
}

/** The flow that `text` describes; reports `packet-syntax` and `unknown-object`. */
export function resolveFlow(
  text: PacketText,
  specs: Specs,
  layout: NetworkLayout,
  report: Report,
): WalkFlow | undefined {
  const resolver = new FlowResolver(text, specs, layout, report);
  const sender = resolver.sender();
  const target = sender && resolver.destination(sender);
  if (sender === undefined || target === undefined) return undefined;
  const { address, port } = target;
  const isEcho = text.protocol === "icmp";
  const sourcePort = resolver.sourcePort();
  if (sourcePort === undefined) return undefined;
  return {
    protocol: protocolNumber(text.protocol, familyOf(address)),
    from: sender.host.name,
    source: sender.address,
    sourcePort: isEcho ? 0 : sourcePort,
    destination: address,
    destinationPort: isEcho ? 0 : port,
  };
}

/** Who sends a packet. */
interface Sender {
  readonly host: Host;
  /** Undefined: one that its routing gives. */
  readonly address: Address | undefined;
}

/** Where a packet is sent to. */
interface Target {
  readonly address: Address;
  readonly port: number;
}

class FlowResolver {
  private readonly text: PacketText;
  private readonly specs: Specs;
  private readonly names: EndNames;
  private readonly report: Report;

  constructor(text: PacketText, specs: Specs, layout: NetworkLayout, report: Report) {
    this.text = text;
    this.specs = specs;
    this.names = new EndNames(specs, layout);
    this.report = report;
  }

  sourcePort(): number | undefined {
    const { from } = this.text;
    const port = from.port === undefined ? DEFAULT_SOURCE_PORT : parsePort(from.port);
    return port ?? this.fail("expected a port from 1 to 65535", from, true);
  }

  sender(): Sender | undefined {
    const { from, protocol } = this.text;
    if (protocol === "icmp" && from.port !== undefined) return this.fail("icmp has no ports", from, true);
    const address = parseAddress(from.name);
    if (address !== undefined) return this.senderWith(address);
    if (from.name === "localhost") return this.fail("expected who sends: localhost is each host itself", from);
    const target = this.named(from);
    if (target === undefined) return undefined;
    switch (target.kind) {
      case "service":
        return this.fail(`expected who sends: ${target.name} is a Service, its pods send`, from);
      case "balancer":
      case "host":
        return target.host === undefined
          ? this.unknown(`${target.name} has no place in the network${whyNowhere(target)}`, from)
          : this.sending(target.host);
      default:
        return unreachable(target);
    }
  }

  private sending(host: Host): Sender | undefined {
    if (addressesOf(host).length > 0) return { host, address: undefined };
    const why = host.role.kind === "outside" ? ": it is inferred from addresses of Nodes, and no Node has one" : "";
    return this.unknown(`${host.name} has no address to send from${why}`, this.text.from);
  }

  private senderWith(address: Address): Sender | undefined {
    const { from } = this.text;
    const host = this.names.hostWith(address);
    if (host !== undefined) return { host, address };
    const text = printAddress(address);
    if (text === "::1" || text.startsWith("127."))
      return this.fail(`expected who sends: each host has ${text}, so name it, such as pod/NAMESPACE/NAME`, from);
    return this.unknown(`${text} is in a network of the cluster, but nobody in the input has it`, from);
  }

  destination(sender: Sender): Target | undefined {
    const { to, protocol } = this.text;
    if (protocol === "icmp" && to.port !== undefined) return this.fail("icmp has no ports", to, true);
    const families = familiesOf(sender);
    const address = parseAddress(to.name);
    if (address !== undefined) {
      if (!families.includes(familyOf(address)))
        return this.fail(`expected an ${families.join(" or ")} address, as the sender has no other`, to);
      return this.withPort([address], families, to, undefined);
    }
    if (to.name === "localhost") {
      const loopback = families.map((family) => LOOPBACK[family]);
      return this.withPort(loopback, families, to, this.portNamed(sender.host));
    }
    const target = this.named(to);
    if (target === undefined) return undefined;
    switch (target.kind) {
      case "host": {
        if (target.host === undefined)
          return this.unknown(`${target.name} has no place in the network${whyNowhere(target)}`, to);
        // Those outside know the gateway's last interface.
        const isOutside = sender.host.role.kind === "outside" && target.host.role.kind === "gateway";
        const { interfaces } = target.host;
        const all = addressesOf({ interfaces: isOutside ? interfaces.toReversed() : interfaces });
        return this.withPort(all, families, to, this.portNamed(target.host));
      }
      case "service":
        return this.ofService(target.name, target.service, families);
      case "balancer": {
        const { service, host } = target;
        const all = service.loadBalancerIngress.map((each) => each.address);
        if (all.length === 0 && host === undefined)
          return this.unknown(`${target.name} has no address: status.loadBalancer.ingress of the Service is empty`, to);
        return this.withPort(all, families, to, this.servicePort(service));
      }
      default:
        return unreachable(target);
    }
  }

  /** The Service's cluster IP and port, as traces of one node name them. */
  private ofService(name: string, service: ServiceSpec, families: readonly Family[]): Target | undefined {
    const { to, protocol } = this.text;
    const like = service.clusterIps.map(({ value }) => value).find((address) => families.includes(familyOf(address)));
    const end = resolveEnd({ ...to, name }, protocol, this.specs, this.report, like);
    if (end === undefined) return undefined;
    if (!families.includes(familyOf(end.address))) return this.noFamily(to, families);
    if (end.port === undefined && protocol !== "icmp") return this.noPort(to);
    return { address: end.address, port: end.port ?? 0 };
  }

  private withPort(
    addresses: readonly Address[],
    families: readonly Family[],
    end: EndText,
    portOf: ((text: string | undefined) => number | undefined) | undefined,
  ): Target | undefined {
    const address = addresses.find((each) => families.includes(familyOf(each)));
    if (address === undefined) return this.noFamily(end, families);
    if (this.text.protocol === "icmp") return { address, port: 0 };
    const number = end.port === undefined ? undefined : parsePort(end.port);
    const port = number ?? portOf?.(end.port);
    if (port !== undefined) return { address, port };
    return end.port === undefined ? this.noPort(end) : this.fail("expected a port from 1 to 65535", end, true);
  }

  /** The port of a host that has a name, or that is the only one. */
  private portNamed({ name, role }: Host): (text: string | undefined) => number | undefined {
    const pod =
      role.kind === "pod"
        ? this.specs.pods.find(({ meta }) => `pod/${meta.namespace}/${meta.name}` === name)
        : undefined;
    const ports = (pod?.ports ?? []).filter(({ protocol }) => protocol === this.text.protocol);
    return (text) => chosenPort(ports, text);
  }

  private servicePort({ ports }: ServiceSpec): (text: string | undefined) => number | undefined {
    return (text) =>
      chosenPort(
        ports.filter(({ protocol }) => protocol === this.text.protocol),
        text,
      );
  }

  private named(end: EndText): EndTarget | undefined {
    const found = this.names.find(end.name);
    if (found.target !== undefined) return found.target;
    const { candidates } = found;
    if (candidates.length > 0) return this.unknown(`${end.name} may be any of ${listed(candidates)}`, end);
    const near = this.names.nearest(end.name);
    const hint = near === undefined ? `; an end is ${FORMS}` : `, did you mean ${near}?`;
    return this.unknown(`${end.name} is not in the input${hint}`, end);
  }

  private noPort(end: EndText): undefined {
    return this.fail("expected a port behind the destination, such as :80", end);
  }

  private noFamily(end: EndText, families: readonly Family[]): undefined {
    return this.unknown(`${end.name} has no ${families.join(" or ")} address, and the sender has no other`, end);
  }

  private unknown(message: string, { origin }: EndText): undefined {
    this.report({ severity: "error", code: "unknown-object", message, origin });
    return undefined;
  }

  fail(message: string, { origin, portOrigin }: EndText, isAboutPort = false): undefined {
    this.report({ severity: "error", code: "packet-syntax", message, origin: isAboutPort ? portOrigin : origin });
    return undefined;
  }
}

const LOOPBACK: Readonly<Record<Family, Address>> = { IPv4: 0x7f000001 as Address, IPv6: 1n as Address };

const FORMS =
  "an address, pod/NAMESPACE/NAME, svc/NAMESPACE/NAME, node/NAME, lb/NAMESPACE/NAME, outside/NAME, internet, gateway or localhost";

function whyNowhere({ kind }: EndTarget): string {
  return kind === "balancer"
    ? ": packets to its addresses go to nodes as they are"
    : ": the Pod has no address, or no node of the input";
}

function chosenPort(
  ports: readonly { readonly name: string; readonly port: number }[],
  text: string | undefined,
): number | undefined {
  const [only, more] = ports;
  if (text === undefined) return more === undefined ? only?.port : undefined;
  return ports.find(({ name }) => name === text)?.port;
}

const MOST_LISTED = 5;

function listed(names: readonly string[]): string {
  const more = names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : "";
  return `${names.slice(0, MOST_LISTED).join(", ")}${more}`;
}

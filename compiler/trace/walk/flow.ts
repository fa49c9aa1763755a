/** From a packet's text to a flow through the network: names become hosts and addresses. */
import type { Report } from "../../diagnostics.ts";
import type { NetworkLayout } from "../../layout/types.ts";
import type { Address } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import type { Specs } from "../../specs/types.ts";
import type { WalkFlow } from "../../walk/types.ts";
import type { EndText, PacketText } from "../parse.ts";
import { resolveEnd } from "../resolve.ts";
import { didYouMean, suggestEnds } from "../suggest.ts";

/** Source port of packets that name none. */
const DEFAULT_SOURCE_PORT = 40000;

/** The flow that `text` describes; reports `packet-syntax` and `unknown-object`. */
export function resolveFlow(
  text: PacketText,
  specs: Specs,
  layout: NetworkLayout,
  report: Report,
): WalkFlow | undefined {
  const from = hostNamed(text.from, layout);
  const destination = resolveDestination(text, specs, layout, report);
  if (destination === undefined) return undefined;
  if (from === undefined) {
    const known = [...layout.network.hosts.keys(), ...layout.aliases.keys()];
    const hint = didYouMean(suggestEnds(text.from.name, known));
    const message = `${text.from.name} is not a host of the network${hint}`;
    report({ severity: "error", code: "unknown-object", message, origin: text.from.origin });
    return undefined;
  }
  const sourcePort = text.from.port === undefined ? DEFAULT_SOURCE_PORT : Number(text.from.port);
  return {
    protocol: PROTOCOL_NUMBERS[text.protocol],
    from: from.host,
    source: from.address,
    sourcePort,
    destination: destination.address,
    destinationPort: destination.port,
  };
}

/** The host that `end` names, by its name or one of its addresses. */
function hostNamed(
  end: EndText,
  { network, aliases }: NetworkLayout,
): { host: string; address: Address | undefined } | undefined {
  const { name } = end;
  if (name === "internet") {
    const first = [...network.hosts.values()].find(({ role }) => role.kind === "outside");
    return first && { host: first.name, address: undefined };
  }
  const host = aliases.get(name) ?? name;
  if (network.hosts.has(host)) return { host, address: undefined };
  return undefined;
}

function resolveDestination(
  { from: _, to, protocol }: PacketText,
  specs: Specs,
  { network }: NetworkLayout,
  report: Report,
): { readonly address: Address; readonly port: number } | undefined {
  const own = network.hosts.get(to.name === "internet" ? "outside/internet" : to.name);
  const address = own?.interfaces.flatMap((each) => each.addresses).find(({ scope }) => scope === "global")?.address;
  const end = address === undefined ? resolveEnd(to, protocol, specs, report) : { address, port: Number(to.port) };
  if (end === undefined) return undefined;
  if (end.port === undefined || Number.isNaN(end.port)) {
    const message = "expected a port behind the destination, such as :80";
    report({ severity: "error", code: "packet-syntax", message, origin: to.origin });
    return undefined;
  }
  return { address: end.address, port: end.port };
}

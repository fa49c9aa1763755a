import type { Report } from "../diagnostics.ts";
import type { Packet } from "../evaluate/packet.ts";
import { familyOf } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Specs } from "../specs/types.ts";
import type { EndText } from "../trace/parse.ts";
import { type PacketEnd, resolveEnd } from "../trace/resolve.ts";
import type { Flow, FlowEnd } from "./types.ts";

/** Where packets come in when a flow does not say: names that no detector has by chance. */
const DEFAULT_INTERFACES = { pod: "cni0", external: "eth0" } as const;

/** The first packet of `flow` in the world of `specs`. Reports `unknown-object`, and `packet-syntax` for ends of two
 *  families. */
export function packetOf(flow: Flow, specs: Specs, report: Report): Packet | undefined {
  const from = endOf(flow.from, flow, specs, report);
  const to = from && endOf(flow.to, flow, specs, report, { port: String(flow.port), like: from });
  if (from === undefined || to?.port === undefined) return undefined;
  if (familyOf(from.address) !== familyOf(to.address)) {
    const message = `expected an ${familyOf(from.address)} address, as the source is one`;
    report({ severity: "error", code: "packet-syntax", message, origin: flow.node.member("to") });
    return undefined;
  }
  const local = flow.origin === "node" || flow.origin === "loopback";
  return {
    protocol: PROTOCOL_NUMBERS[flow.protocol],
    source: from.address,
    destination: to.address,
    sourcePort: 40000,
    destinationPort: to.port,
    inInterface: local ? undefined : (flow.inInterface ?? DEFAULT_INTERFACES[flow.origin as "pod" | "external"]),
    mark: 0,
  };
}

function endOf(
  end: FlowEnd,
  flow: Flow,
  specs: Specs,
  report: Report,
  { port, like }: { readonly port?: string; readonly like?: PacketEnd } = {},
): PacketEnd | undefined {
  if (typeof end !== "object") return { address: end, port: typeof flow.port === "number" ? flow.port : undefined };
  const text: EndText = { name: end.value, port, origin: end.field, portOrigin: flow.node.member("port") };
  return resolveEnd(text, flow.protocol, specs, report, like?.address);
}

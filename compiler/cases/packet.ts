import type { Packet } from "../evaluate/packet.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Flow } from "./types.ts";

/** Where packets come in when a flow does not say: names that no detector has by chance. */
const DEFAULT_INTERFACES = { pod: "cni0", external: "eth0" } as const;

/** The first packet of `flow`. */
export function packetOf(flow: Flow): Packet {
  const local = flow.origin === "node" || flow.origin === "loopback";
  return {
    protocol: PROTOCOL_NUMBERS[flow.protocol],
    source: flow.from,
    destination: flow.to,
    sourcePort: 40000,
    destinationPort: flow.port,
    inInterface: local ? undefined : (flow.inInterface ?? DEFAULT_INTERFACES[flow.origin as "pod" | "external"]),
    mark: 0,
  };
}

/** What `nft -a monitor trace` prints about packets whose way the kernel tells. */

import type { Packet } from "../../evaluate/packet.ts";
import { parseAddress } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";

/** Something that the kernel told of a packet. */
export type TraceEvent = {
  /** The packet's number, the same at all hooks. */
  readonly id: string;
  readonly family: string;
  readonly table: string;
  readonly chain: string;
} & (
  | { readonly kind: "packet"; readonly packet: Packet }
  /** All matches of the rule held. `verdict`: what the kernel did then, such as `continue` or `goto svc`. */
  | { readonly kind: "rule"; readonly text: string; readonly handle: number; readonly verdict: string }
  /** The end of a base chain. */
  | { readonly kind: "policy"; readonly verdict: string }
  /** The end of another chain. */
  | { readonly kind: "end"; readonly verdict: string }
);

/** The event in `line`; undefined: it has none, or a packet that has no addresses. */
export function readTraceLine(line: string): TraceEvent | undefined {
  const [, id, family, table, chain, rest] = /^trace id ([0-9a-f]+) (\S+) (\S+) (\S+) (.*)$/.exec(line.trimEnd()) ?? [];
  if (id === undefined || family === undefined || table === undefined || chain === undefined || rest === undefined)
    return undefined;
  const at = { id, family, table, chain };
  const rule = /^rule (?:(.*) )?# handle (\d+) \(verdict ([^()]*)\)$/.exec(rest);
  if (rule !== null)
    return { ...at, kind: "rule", text: rule[1] ?? "", handle: Number(rule[2]), verdict: rule[3] ?? "" };
  // nft has read the rules before, and does not know its text.
  const added = /^unknown rule handle (\d+) \(verdict ([^()]*)\)$/.exec(rest);
  if (added !== null)
    return { ...at, kind: "rule", text: "(a new rule)", handle: Number(added[1]), verdict: added[2] ?? "" };
  const policy = /^policy (\S+)$/.exec(rest);
  if (policy !== null) return { ...at, kind: "policy", verdict: policy[1] ?? "" };
  const end = /^verdict (.*)$/.exec(rest);
  if (end !== null) return { ...at, kind: "end", verdict: end[1] ?? "" };
  const packet = rest.startsWith("packet: ") ? readPacket(rest) : undefined;
  return packet === undefined ? undefined : { ...at, kind: "packet", packet };
}

/** `packet: iif "eth0" ip saddr 192.0.2.1 ip daddr … ip protocol tcp … tcp sport 40000 tcp dport 80 …`. */
function readPacket(text: string): Packet | undefined {
  const word = (before: RegExp): string | undefined => new RegExp(` ${before.source} (\\S+)`).exec(text)?.[1];
  const addressOf = (end: string) => parseAddress(word(new RegExp(`ip6? ${end}`)) ?? "");
  const [source, destination] = [addressOf("saddr"), addressOf("daddr")];
  if (source === undefined || destination === undefined) return undefined;
  const protocol =
    ["tcp", "udp", "sctp"].find((name) => text.includes(` ${name} dport `)) ??
    (/ icmp(?:v6)? type /.test(text) ? (text.includes(" icmpv6 type ") ? "icmpv6" : "icmp") : undefined) ??
    word(/ip protocol/) ??
    word(/ip6 nexthdr/) ??
    "0";
  const port = (end: string): number => Number(word(new RegExp(`(?:tcp|udp|sctp) ${end}`)) ?? 0);
  return {
    protocol: NUMBERS.get(protocol) ?? (Number(protocol) || 0),
    source,
    destination,
    sourcePort: port("sport"),
    destinationPort: port("dport"),
    inInterface: /^packet: iif "([^"]*)"/.exec(text)?.[1],
    mark: Number(word(/meta mark/) ?? 0),
  };
}

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(PROTOCOL_NUMBERS),
  ["icmp", 1],
  ["icmpv6", 58],
]);

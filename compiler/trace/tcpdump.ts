/** A packet as tcpdump prints it. */
import type { Protocol } from "../net/protocol.ts";

/** `icmp`: an echo request, of ICMP or ICMPv6 as its addresses are. */
export type PacketProtocol = Protocol | "icmp";

/** What of tcpdump's line makes a packet; offsets count from the line's beginning. */
export interface CapturedPacket {
  readonly protocol: PacketProtocol;
  readonly from: CapturedEnd;
  readonly to: CapturedEnd;
  /** With `-i any`, of a packet that came in: by which interface. */
  readonly inInterface: string | undefined;
}

export interface CapturedEnd {
  readonly name: string;
  readonly port: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** What a line of tcpdump says; a sentence where it is one, and no packet that begins a connection; undefined: it is none. */
export function readTcpdump(line: string): CapturedPacket | string | undefined {
  const head = HEAD.exec(line);
  if (head === null) return undefined;
  const { family, name, way, from = "", to = "", rest = "" } = head.groups ?? {};
  const start = head[0].indexOf(from, head[0].indexOf(family ?? "") + 1);
  const toStart = start + from.length + " > ".length;
  if (/^ICMP6?/.test(rest)) {
    if (!/^ICMP6?,? echo request/.test(rest)) return `expected an ICMP echo request, found ${rest.split(",")[0]}`;
    return {
      protocol: "icmp",
      from: { name: from, port: undefined, start, end: start + from.length },
      to: { name: to, port: undefined, start: toStart, end: toStart + to.length },
      inInterface: way === "In" ? name : undefined,
    };
  }
  const flags = /^Flags \[([^\]]*)\]/.exec(rest)?.[1];
  if (flags?.startsWith("S.") === true)
    return "this is an answer (SYN, ACK): kpc follows the first packet of a connection, the other way round";
  const [source, destination] = [endIn(from, start), endIn(to, toStart)];
  if (source === undefined || destination === undefined)
    return "expected ports behind the addresses, as tcpdump -n prints them";
  const isTcp = flags !== undefined || rest.startsWith("tcp ");
  return {
    protocol: isTcp ? "tcp" : rest.startsWith("sctp") ? "sctp" : "udp",
    from: source,
    to: destination,
    inInterface: way === "In" ? name : undefined,
  };
}

/** `[TIME] [INTERFACE In|Out] IP[6] [(…)] SOURCE > DESTINATION: …`. */
const HEAD =
  /^\s*(?:(?:\d{4}-\d\d-\d\d )?[\d:.]+\s+)?(?:(?<name>[^\s]+)\s+(?<way>In|Out|B|M|P)\s+)?(?<family>IP6?) (?:\([^)]*(?:\([^)]*\)[^)]*)*\)\s+)?(?<from>[^\s]+) > (?<to>[^\s]+): (?<rest>.*)$/s;

/** The address, and the port behind its last dot. */
function endIn(text: string, start: number): CapturedEnd | undefined {
  const dot = text.lastIndexOf(".");
  const isPort = dot > 0 && (text.includes(":") || text.split(".").length === 5);
  return isPort ? { name: text.slice(0, dot), port: text.slice(dot + 1), start, end: start + text.length } : undefined;
}

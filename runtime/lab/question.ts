/** What clients ask servers in a lab. */
import type { Address } from "../../compiler/net/address.ts";
import { PROTOCOL } from "../packet.ts";
import { LabTrouble } from "./lab-helper.ts";

/** What a client says in the TLS handshake. */
export interface RequestTls {
  readonly serverName: string | undefined;
}

/** A question of a client to a server. */
export interface LabQuestion {
  /** IANA number: TCP, UDP, SCTP, or ICMP for an echo. */
  readonly protocol: number;
  /** A host's name. */
  readonly from: string;
  /** Undefined: as routing says. */
  readonly source: Address | undefined;
  /** For ICMP its identifier. */
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  /** Length of the packet with its IP header, which nobody may cut into fragments; undefined: a short one. TCP's first one always is. */
  readonly bytes?: number | undefined;
  /** Milliseconds until silence counts as an answer. */
  readonly patience: number;
  /** Silence counts as soon as no packet is under way any more. */
  readonly endsWhenQuiet?: boolean;
  /** The request goes over TLS, and names this host in the handshake. */
  readonly tls?: RequestTls | undefined;
  /** Servers of TCP wait for a request. */
  readonly isHttp?: boolean;
  /** What the client sends over TCP when it is connected; undefined: something short. */
  readonly request?: string | undefined;
}

/** The helper's word for a protocol, an IANA number. Throws LabTrouble for one that labs do not send. */
export function wordFor(protocol: number, isHttp: boolean): string {
  switch (protocol) {
    case PROTOCOL.tcp:
      return isHttp ? "http" : "tcp";
    case PROTOCOL.udp:
      return "udp";
    case PROTOCOL.sctp:
      return "sctp";
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6:
      return "icmp";
    default:
      throw new LabTrouble(`a lab sends TCP, UDP, SCTP and ICMP echoes, and no packets of protocol ${protocol}`);
  }
}

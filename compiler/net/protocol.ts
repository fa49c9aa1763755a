/** Transport protocols of Service ports, with the IANA numbers that packets carry. */
export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

/** A transport protocol that a Service can have. */
export type Protocol = keyof typeof PROTOCOL_NUMBERS;

/** In the order in which printed text lists them. */
export const PROTOCOLS = ["tcp", "udp", "sctp"] as const satisfies readonly Protocol[];

/** The protocol spelled `text` in a manifest (`TCP`), or undefined. The API knows upper case only. */
export function parseManifestProtocol(text: string): Protocol | undefined {
  return PROTOCOLS.find((protocol) => protocol.toUpperCase() === text);
}

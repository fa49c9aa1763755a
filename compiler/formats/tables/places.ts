/** Where the header says that endpoints are, and what stands in records of extended rows. */
import * as L from "../../../assembly/layout.ts";

/** The words of the header that say where endpoints are. */
export const ENDPOINT_PLACES = {
  IPv4: {
    records: L.H_ENDPOINTS4,
    count: L.H_ENDPOINTS4_COUNT,
    bytes: L.ENDPOINT4_BYTES,
    fingers: L.H_FINGERS4,
    identities: L.H_IDENTITIES4,
    identityCount: L.H_IDENTITIES4_COUNT,
  },
  IPv6: {
    records: L.H_ENDPOINTS6,
    count: L.H_ENDPOINTS6_COUNT,
    bytes: L.ENDPOINT6_BYTES,
    fingers: L.H_FINGERS6,
    identities: L.H_IDENTITIES6,
    identityCount: L.H_IDENTITIES6_COUNT,
  },
} as const;

/** What an EXTENDED record says. */
export interface Extended {
  readonly base: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
  readonly allowedAt: number;
  readonly allowedCount: number;
}

export function extendedWords(extended: Extended): number[] {
  const { base, first, second, third, fourth, allowedAt, allowedCount } = extended;
  return [base, first, second, allowedAt, allowedCount, third, fourth, 0];
}

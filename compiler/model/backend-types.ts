/** Where requests go, and the certificates that clients are shown. */
import type { X509 } from "../certificates/x509.ts";
import type { Origin } from "../diagnostics.ts";
import type { Address } from "../net/address.ts";
import type { Port } from "../net/port.ts";

export interface ServiceEndpoint {
  readonly address: Address;
  readonly port: Port;
  readonly origin: Origin;
}

/** The certificate in the Secret `name` (`namespace/name`), or why it is not served: the default certificate is, then. */
export type IngressCertificate =
  | { readonly kind: "served"; readonly name: string; readonly leaf: X509; readonly origin: Origin }
  | { readonly kind: "broken"; readonly name: string; readonly reason: string };

/** Where requests go: to the Service's ready endpoints themselves, never to its cluster IP. */
export type IngressBackend = { readonly origin?: Origin } & (
  | {
      readonly kind: "endpoints";
      readonly name: string;
      readonly endpoints: readonly ServiceEndpoint[];
      /** Those that are about to end and still serve. */
      readonly draining: readonly ServiceEndpoint[];
      readonly isSticky: boolean;
    }
  /** A host outside of the cluster (type ExternalName). */
  | { readonly kind: "external"; readonly name: string; readonly host: string; readonly port: number }
  /** `isUnready`: all that it lacks is a ready endpoint. */
  | { readonly kind: "broken"; readonly name: string; readonly reason: string; readonly isUnready?: true }
);

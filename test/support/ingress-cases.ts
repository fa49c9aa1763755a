/** The worlds of ingress cases as manifests. */
import { objectsFor } from "../../compiler/expectations/requests/implied.ts";
import type { Manifest } from "./arbitraries.ts";

export interface IngressCase {
  readonly controller?: string;
  readonly ingressClasses?: readonly Manifest[];
  readonly services?: readonly Manifest[];
  readonly endpointSlices?: readonly Manifest[];
  readonly externalNames?: boolean;
  /** `namespace/name` of Secrets with certificates that exist. */
  readonly secrets?: readonly string[];
  readonly ingresses: readonly Manifest[];
  readonly requests?: readonly {
    readonly scheme?: "http" | "https";
    /** The host, unless given. */
    readonly sni?: string;
    readonly host?: string;
    readonly path: string;
    readonly expect: {
      readonly service?: string;
      readonly port?: number;
      readonly status?: number;
      readonly certificate?: string;
    };
  }[];
}

/** All objects of a case, with those that kpc adds to it. */
export function worldOf({ ingressClasses = [], services, endpointSlices, ingresses }: IngressCase): Manifest[] {
  const implied = objectsFor(ingresses, services, endpointSlices !== undefined);
  return [...ingressClasses, ...(services ?? []), ...(endpointSlices ?? []), ...implied, ...ingresses];
}

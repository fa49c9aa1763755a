/** Expectations for HTTP requests: one file is a set of Ingresses and requests with what must become of them. */
import type { Field } from "../../documents/field.ts";
import type { Located } from "../../specs/located.ts";
import type { AskedRequest, OwnEnd } from "../engines/requests.ts";

export interface RequestCase {
  readonly name: string;
  /** Manifests: files or folders, relative to the file of the case. Empty: all objects are in the file. */
  readonly files: readonly Located<string>[];
  /** A settings file, relative to the file of the case. */
  readonly config: Located<string> | undefined;
  /** Name of the controller whose classes are served. */
  readonly controller: string | undefined;
  /** Objects of the file; `services` and `endpointSlices` undefined: those that the Ingresses need. */
  readonly ingresses: readonly Field[];
  readonly ingressClasses: readonly Field[];
  /** Of any kind: Gateways, HTTPRoutes, … */
  readonly objects: readonly Field[];
  readonly services: readonly Field[] | undefined;
  readonly endpointSlices: readonly Field[] | undefined;
  /** Secrets with a certificate that exist: `namespace/name`. */
  readonly secrets: readonly string[];
  /** Services of type ExternalName are followed; undefined: as the settings say. */
  readonly externalNames: boolean | undefined;
  readonly requests: readonly ExpectedRequest[];
  readonly invalid: readonly InvalidIngress[];
}

export interface ExpectedRequest {
  readonly name: string;
  readonly request: AskedRequest;
  readonly expect: RequestExpectation;
  readonly field: Field;
}

export interface RequestExpectation {
  readonly end: ExpectedEnd;
  /** Secret of the certificate, `namespace/name`, or `default`; undefined: nothing is said about it. */
  readonly certificate: string | undefined;
  /** What the end gets; undefined: nothing is said about it. */
  readonly forwarded: ExpectedForwarding | undefined;
  /** Headers of the answer. */
  readonly answered: readonly ExpectedHeader[];
}

/** Members that are undefined are not looked at. */
export interface ExpectedForwarding {
  readonly host: string | undefined;
  /** With the query. */
  readonly path: string | undefined;
  readonly headers: readonly ExpectedHeader[];
}

export interface ExpectedHeader {
  /** In lower case. */
  readonly name: string;
  /** Several of the name are one text, with a comma and a blank between them. Null: there is none. */
  readonly value: string | null;
}

export type ExpectedEnd =
  /** `service`: `namespace/name`. */
  | { readonly kind: "service"; readonly service: string; readonly port: number }
  | { readonly kind: "shares"; readonly shares: readonly ExpectedShare[] }
  | OwnEnd;

export interface ExpectedShare {
  readonly weight: number;
  readonly end: Extract<ExpectedEnd, { readonly kind: "service" | "status" }>;
}

/** An Ingress that the API server refuses. */
export interface InvalidIngress {
  readonly ingress: Field;
  readonly errors: readonly { readonly path: string; readonly message: string; readonly field: Field }[];
}

/** Objects of the Gateway API (gateway.networking.k8s.io), decoded and checked one by one. */
import type { Field } from "../documents/field.ts";
import type { Port } from "../net/port.ts";
import type { LabelOperator } from "./labels.ts";
import type { Located } from "./located.ts";
import type { Meta } from "./metadata.ts";

export interface GatewayClassSpec {
  readonly meta: Meta;
  readonly controller: string;
}

export interface HttpGatewaySpec {
  readonly meta: Meta;
  readonly className: string;
  readonly listeners: readonly ListenerSpec[];
}

export interface ListenerSpec {
  readonly name: string;
  /** Lower case; `*.` and a suffix for wildcards; undefined: every host. */
  readonly hostname: string | undefined;
  readonly port: Port;
  /** In upper case, for those of the API. */
  readonly protocol: string;
  readonly certificates: readonly ObjectReference[];
  readonly namespaces: AllowedNamespaces;
  /** Kinds of routes that may attach; undefined: all that the protocol has. */
  readonly kinds: readonly { readonly group: string; readonly kind: string }[] | undefined;
  readonly field: Field;
}

export type AllowedNamespaces =
  | { readonly from: "Same" | "All" }
  | { readonly from: "Selector"; readonly selector: LabelSelector };

/** All of them have to hold. */
export type LabelSelector = readonly LabelRequirement[];

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** A reference to an object, with what the API fills in. */
export interface ObjectReference {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly field: Field;
}

export interface HttpRouteSpec {
  readonly meta: Meta;
  readonly parents: readonly ParentReference[];
  readonly hostnames: readonly Located<string>[];
  readonly rules: readonly HttpRuleSpec[];
}

/** What a route asks to be attached to. */
export interface ParentReference extends ObjectReference {
  readonly sectionName: string | undefined;
  readonly port: Port | undefined;
}

export interface HttpRuleSpec {
  /** At least one. */
  readonly matches: readonly HttpMatchSpec[];
  readonly filters: readonly HttpFilterSpec[];
  readonly backends: readonly HttpBackendSpec[];
  /** A match that kpc does not carry, so that it does not know which requests the rule takes. */
  readonly unsupportedMatch: UnsupportedPart | undefined;
  /** A filter without which requests must not be forwarded. */
  readonly unsupportedFilter: UnsupportedPart | undefined;
  readonly field: Field;
}

/** A part of a rule that kpc does not carry. */
export interface UnsupportedPart {
  /** A noun: `a regular expression`. */
  readonly what: string;
  readonly field: Field;
}

export interface HttpMatchSpec {
  readonly match: "exact" | "prefix";
  /** As the manifest has it. */
  readonly path: string;
  readonly method: string | undefined;
  /** Names in lower case, each once. */
  readonly headers: readonly HttpNameValue[];
  readonly parameters: readonly HttpNameValue[];
  readonly field: Field;
}

export interface HttpNameValue {
  readonly name: string;
  readonly value: string;
}

export type HttpFilterSpec =
  | {
      readonly kind: "request-headers" | "response-headers";
      readonly set: readonly HttpNameValue[];
      readonly add: readonly HttpNameValue[];
      readonly remove: readonly string[];
      readonly field: Field;
    }
  | {
      readonly kind: "rewrite";
      readonly host: string | undefined;
      readonly path: HttpPathReplacement | undefined;
      readonly field: Field;
    }
  | HttpRedirectSpec;

export interface HttpRedirectSpec {
  readonly kind: "redirect";
  readonly scheme: "http" | "https" | undefined;
  readonly host: string | undefined;
  readonly port: Port | undefined;
  readonly path: HttpPathReplacement | undefined;
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly field: Field;
}

/** `prefix`: `path` without a trailing slash. */
export interface HttpPathReplacement {
  readonly part: "all" | "prefix";
  readonly path: string;
}

export interface HttpBackendSpec extends ObjectReference {
  readonly port: Port | undefined;
  readonly weight: number;
  readonly filters: readonly HttpFilterSpec[];
  /** What of it cannot be carried. */
  readonly unsupported: UnsupportedPart | undefined;
}

/** Allows references from other namespaces to objects of its own. */
export interface ReferenceGrantSpec {
  readonly meta: Meta;
  readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
  /** `name` undefined: all objects of the kind. */
  readonly to: readonly { readonly group: string; readonly kind: string; readonly name: string | undefined }[];
}

export interface NamespaceSpec {
  readonly meta: Meta;
}

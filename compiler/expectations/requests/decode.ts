/** From a document of kind IngressExpectations to the Ingresses and the requests that it has. */
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asOneOf,
  asString,
  type Context,
  reportInvalid,
  reportMissing,
} from "../../documents/decode.ts";
import type { Field } from "../../documents/field.ts";
import { isObject } from "../../documents/show.ts";
import { checkMembers } from "../../documents/unknown-members.ts";
import type { Located } from "../../specs/located.ts";
import { checkSent, decodeHeaders } from "../headers.ts";
import type {
  ExpectedEnd,
  ExpectedHeader,
  ExpectedRequest,
  ExpectedShare,
  InvalidIngress,
  RequestCase,
  RequestExpectation,
} from "./types.ts";

export const INGRESS_EXPECTATIONS_MEMBERS: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "name",
  "description",
  "basis",
  "note",
  "files",
  "config",
  "controller",
  "ingressClasses",
  "services",
  "endpointSlices",
  "externalNames",
  "secrets",
  "ingresses",
  "objects",
  "requests",
  "invalid",
]);

export const REQUEST_MEMBERS: ReadonlySet<string> = new Set([
  "name",
  "basis",
  "method",
  "scheme",
  "port",
  "sni",
  "host",
  "path",
  "headers",
  "expect",
]);

export const REQUEST_EXPECT_MEMBERS: ReadonlySet<string> = new Set([
  "service",
  "port",
  "status",
  "redirect",
  "shares",
  "refused",
  "closed",
  "certificate",
  "forwarded",
  "answered",
]);

const ENDS = ["service", "shares", "redirect", "status", "refused", "closed"];

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Whether a document is of kind IngressExpectations, or has requests and no kind. */
export function isRequestForm(root: Field): boolean {
  const kind = root.get("kind");
  if (kind !== undefined) return kind.value === "IngressExpectations";
  return root.get("ingresses") !== undefined || root.get("requests") !== undefined || root.get("invalid") !== undefined;
}

/** The case in a document of kind IngressExpectations. Reports what is wrong with it; what it gives then is not whole. */
export function decodeRequestCase(context: Context, root: Field): RequestCase {
  checkMembers(context, root, INGRESS_EXPECTATIONS_MEMBERS);
  if (root.get("kind") !== undefined && root.get("apiVersion") === undefined)
    reportMissing(context, root, "apiVersion");
  asOneOf(context, root.get("apiVersion"), ["kpc.dev/v1alpha1"]);
  for (const key of ["description", "basis", "note"]) asString(context, root.get(key)); // for people: nothing reads them
  const has = (key: string): boolean => root.get(key) !== undefined;
  if (!has("requests") && !has("invalid")) reportMissing(context, root, "requests");
  if (has("requests") && !has("files") && !has("ingresses") && !has("objects"))
    reportMissing(context, root, "ingresses");
  const config = asString(context, root.get("config"));
  return {
    name: asString(context, root.get("name")) ?? root.span().source.name,
    files: asArray(context, root.get("files")).flatMap((file) => located(context, file)),
    config: config === undefined ? undefined : { value: config, field: root.member("config") },
    controller: asString(context, root.get("controller")),
    ingresses: asArray(context, root.get("ingresses")),
    objects: asArray(context, root.get("objects")),
    ingressClasses: asArray(context, root.get("ingressClasses")),
    services: has("services") ? asArray(context, root.get("services")) : undefined,
    endpointSlices: has("endpointSlices") ? asArray(context, root.get("endpointSlices")) : undefined,
    secrets: asArray(context, root.get("secrets")).flatMap((name) => decodeSecret(context, name)),
    externalNames: asBoolean(context, root.get("externalNames")),
    requests: asArray(context, root.get("requests")).flatMap((request) => decodeRequest(context, request) ?? []),
    invalid: asArray(context, root.get("invalid")).flatMap((entry) => decodeInvalid(context, entry) ?? []),
  };
}

function located(context: Context, field: Field): Located<string>[] {
  const value = asString(context, field);
  return value === undefined ? [] : [{ value, field }];
}

function decodeSecret(context: Context, field: Field): string[] {
  const name = asString(context, field);
  if (name === undefined) return [];
  if (/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(name)) return [name];
  reportInvalid(context, field, "must be namespace/name");
  return [];
}

function decodeRequest(context: Context, field: Field): ExpectedRequest | undefined {
  if (asObject(context, field) === undefined) return undefined;
  checkMembers(context, field, REQUEST_MEMBERS);
  for (const key of ["path", "expect"]) if (field.get(key) === undefined) reportMissing(context, field, key);
  const scheme = asOneOf(context, field.get("scheme"), ["http", "https"]) ?? "http";
  const method = asString(context, field.get("method")) ?? "GET";
  const host = asString(context, field.get("host"));
  const sni = asString(context, field.get("sni"));
  const target = asString(context, field.get("path"));
  const port = asInteger(context, field.get("port")) ?? DEFAULT_PORTS[scheme];
  const headers = decodeHeaders(context, asObject(context, field.get("headers")));
  asString(context, field.get("basis")); // for people: nothing reads it
  if (sni !== undefined && scheme === "http") reportInvalid(context, field.member("sni"), "only with scheme: https");
  checkSent(context, field, "host", host, /^[ -~]*$/);
  checkSent(context, field, "path", target, /^[!-~]+$/);
  checkSent(context, field, "method", method, /^[A-Z]+$/);
  const expect = decodeExpectation(context, field.get("expect"), scheme);
  if (target === undefined || expect === undefined) return undefined;
  const asked = sni ?? host?.replace(/:\d*$/, "");
  const serverName = scheme === "https" && asked !== "" ? asked : undefined;
  const shown = `${method} ${scheme}://${host ?? ""}${target}${sni === undefined ? "" : ` (SNI ${sni})`}`;
  const name = asString(context, field.get("name")) ?? shown;
  return { name, request: { method, scheme, port, serverName, host, target, headers }, expect, field };
}

function decodeExpectation(
  context: Context,
  field: Field | undefined,
  scheme: "http" | "https",
): RequestExpectation | undefined {
  if (field === undefined || asObject(context, field) === undefined) return undefined;
  checkMembers(context, field, REQUEST_EXPECT_MEMBERS);
  const certificate = asString(context, field.get("certificate"));
  if (certificate !== undefined && scheme === "http")
    reportInvalid(context, field.member("certificate"), "only with scheme: https");
  const end = decodeEnd(context, field);
  const forwarded = asObject(context, field.get("forwarded"));
  const answered = asObject(context, field.get("answered"));
  for (const [key, part] of Object.entries({ forwarded, answered }))
    if (part !== undefined && field.get("service") === undefined)
      reportInvalid(context, field.member(key), "only with service: nobody else gets the request");
  if (forwarded !== undefined) checkMembers(context, forwarded, new Set(["host", "path", "headers"]));
  if (answered !== undefined) checkMembers(context, answered, new Set(["headers"]));
  if (end === undefined) return undefined;
  return {
    end,
    certificate,
    forwarded: forwarded && {
      host: asString(context, forwarded.get("host")),
      path: asString(context, forwarded.get("path")),
      headers: decodeExpectedHeaders(context, forwarded.get("headers")),
    },
    answered: decodeExpectedHeaders(context, answered?.get("headers")),
  };
}

/** `headers: { NAME: VALUE }`; null: the header is not there. */
function decodeExpectedHeaders(context: Context, field: Field | undefined): ExpectedHeader[] {
  const headers = asObject(context, field);
  if (headers === undefined || !isObject(headers.value)) return [];
  return Object.keys(headers.value).flatMap((name): ExpectedHeader[] => {
    const value = headers.member(name);
    if (value.value === null) return [{ name: name.toLowerCase(), value: null }];
    const text = asString(context, value);
    return text === undefined ? [] : [{ name: name.toLowerCase(), value: text }];
  });
}

function decodeEnd(context: Context, field: Field): ExpectedEnd | undefined {
  const ends = ENDS.filter((key) => field.get(key) !== undefined);
  // A redirect has a status, too.
  if (ends.length !== (ends.includes("redirect") && ends.includes("status") ? 2 : 1)) {
    reportInvalid(context, field, "must have one of service (with port), shares, redirect, status, refused and closed");
    return undefined;
  }
  const shares = field.get("shares");
  if (shares !== undefined)
    return { kind: "shares", shares: asArray(context, shares).flatMap((share) => decodeShare(context, share) ?? []) };
  const status = asInteger(context, field.get("status"));
  const location = asString(context, field.get("redirect"));
  if (location !== undefined) return { kind: "redirect", status: status ?? 302, location };
  for (const kind of ["refused", "closed"] as const) {
    const value = field.get(kind);
    if (value === undefined) continue;
    const isSo = asBoolean(context, value);
    if (isSo === false) reportInvalid(context, value, "must be true, or left out");
    return isSo === true ? { kind } : undefined;
  }
  return decodeAnswer(context, field, status);
}

function decodeShare(context: Context, field: Field): ExpectedShare | undefined {
  if (asObject(context, field) === undefined) return undefined;
  checkMembers(context, field, new Set(["weight", "service", "port", "status"]));
  const end = decodeAnswer(context, field, asInteger(context, field.get("status")));
  if (field.get("weight") === undefined) reportMissing(context, field, "weight");
  const weight = asInteger(context, field.get("weight"));
  return end === undefined || weight === undefined ? undefined : { weight, end };
}

/** A status, or the Service that answers. */
function decodeAnswer(context: Context, field: Field, status: number | undefined): ExpectedShare["end"] | undefined {
  if (status !== undefined) return { kind: "status", status };
  const service = asString(context, field.get("service"));
  const port = asInteger(context, field.get("port"));
  for (const key of ["service", "port"]) if (field.get(key) === undefined) reportMissing(context, field, key);
  if (service === undefined || port === undefined) return undefined;
  return { kind: "service", service: service.includes("/") ? service : `default/${service}`, port };
}

function decodeInvalid(context: Context, field: Field): InvalidIngress | undefined {
  if (asObject(context, field) === undefined) return undefined;
  checkMembers(context, field, new Set(["ingress", "errors"]));
  for (const key of ["ingress", "errors"]) if (field.get(key) === undefined) reportMissing(context, field, key);
  const ingress = asObject(context, field.get("ingress"));
  const errors = asArray(context, field.get("errors")).flatMap((error) => {
    if (asObject(context, error) === undefined) return [];
    checkMembers(context, error, new Set(["path", "message"]));
    const path = asString(context, error.get("path"));
    const message = asString(context, error.get("message"));
    for (const key of ["path", "message"]) if (error.get(key) === undefined) reportMissing(context, error, key);
    return path === undefined || message === undefined ? [] : [{ path, message, field: error }];
  });
  return ingress === undefined ? undefined : { ingress, errors };
}

import {
  type Context,
  checkRequired,
  checkText,
  reportDuplicate,
  reportInvalid,
  reportMissing,
  reportTooMany,
  wordOf,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import {
  decodePort,
  decodeReference,
  GATEWAY_GROUP,
  isGiven,
  REFERENCE,
  warnNotCarried,
  warnOfMembers,
} from "./gateway-references.ts";
import type { AllowedNamespaces, HttpGatewaySpec, ListenerSpec } from "./gateway-types.ts";
import { decodeLabelSelector, LABEL_SELECTOR } from "./label-selector.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems, hostnameProblems } from "./names.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { Meta } from "./types.ts";

const ALLOWED_ROUTES = {
  kinds: [{ group: "string", kind: "string" }],
  namespaces: { from: "string", selector: LABEL_SELECTOR },
} as const;
const TLS = {
  certificateRefs: [REFERENCE],
  frontendValidation: "any",
  mode: "string",
  options: "strings",
} as const;
const LISTENER = {
  allowedRoutes: ALLOWED_ROUTES,
  hostname: "string",
  name: "string",
  port: "integer",
  protocol: "string",
  tls: TLS,
} as const;

export const GATEWAY = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: {
    addresses: "any",
    allowedListeners: "any",
    backendTLS: "any",
    defaultScope: "any",
    gatewayClassName: "string",
    infrastructure: "any",
    listeners: [LISTENER],
    tls: "any",
  },
  status: "any",
});

const MAX_LISTENERS = 64;

const PROTOCOLS = ["HTTP", "HTTPS", "TLS", "TCP", "UDP"];

/** Members of `spec` that have no effect on routes, and what becomes of them. */
const NOT_CARRIED = {
  addresses: ["requested addresses", "the proxy listens on all addresses of its host"],
  allowedListeners: ["ListenerSets", "only the listeners of the Gateway itself are served"],
  backendTLS: ["client certificates for backends", "backends are asked without TLS"],
  defaultScope: ["default Gateways", "only routes that name the Gateway are attached"],
  infrastructure: ["infrastructure attributes", "they are left out"],
  tls: ["client certificates", "clients are asked for none, and backends get none"],
} as const;

/** A Gateway. */
export function decodeGateway(context: Context, root: Field): HttpGatewaySpec | undefined {
  const fields = readShape(context, root, GATEWAY);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, true, dns1123SubdomainProblems);
  if (!isGiven(fields.spec)) {
    reportMissing(context, root, "spec");
    return undefined;
  }
  const spec = fields.spec ?? {};
  const field = root.member("spec");
  const { gatewayClassName, listeners } = spec;
  checkRequired(context, field, "gatewayClassName", gatewayClassName);
  checkText(context, field, "gatewayClassName", gatewayClassName, dns1123SubdomainProblems);
  checkRequired(context, field, "listeners", listeners);
  warnOfMembers(context, field, spec, NOT_CARRIED);
  if (meta === undefined) return undefined;
  const given = listeners ?? [];
  const list = field.member("listeners");
  if (given.length > MAX_LISTENERS) reportTooMany(context, list, given.length, MAX_LISTENERS);
  const decoded = given.flatMap((listener, index) => decodeListener(context, list.item(index), listener, meta) ?? []);
  checkNames(context, decoded);
  return { meta, className: gatewayClassName ?? "", listeners: decoded };
}

/** Listeners are known by their names. */
function checkNames(context: Context, listeners: readonly ListenerSpec[]): void {
  const first = new Map<string, ListenerSpec>();
  for (const listener of listeners) {
    const { name, field } = listener;
    const known = first.get(name);
    if (known === undefined) first.set(name, listener);
    else reportDuplicate(context, field.member("name"), known.field.member("name"));
  }
}

function decodeListener(
  context: Context,
  field: Field,
  { name, hostname, port, protocol, tls, allowedRoutes }: Fitting<typeof LISTENER>,
  meta: Meta,
): ListenerSpec | undefined {
  for (const [key, value] of Object.entries({ name, port, protocol })) checkRequired(context, field, key, value);
  checkText(context, field, "name", name, dns1123SubdomainProblems);
  checkText(context, field, "hostname", hostname, hostnameProblems);
  checkText(context, field, "protocol", protocol, protocolProblems);
  const number = decodePort(context, field, "port", port);
  const upper = protocol?.toUpperCase();
  const word = PROTOCOLS.find((known) => known === upper) ?? protocol ?? "";
  checkTls(context, field, word, tls ?? undefined);
  const refs = field.member("tls").member("certificateRefs");
  const defaults = { group: "", kind: "Secret", namespace: meta.namespace };
  const certificates = (tls?.certificateRefs ?? []).flatMap(
    (reference, index) => decodeReference(context, refs.item(index), reference, defaults) ?? [],
  );
  const allowed = field.member("allowedRoutes");
  const namespaces = decodeNamespaces(context, allowed.member("namespaces"), allowedRoutes?.namespaces ?? {});
  const kinds = allowedRoutes?.kinds ?? [];
  for (const [index, { kind }] of kinds.entries())
    checkRequired(context, allowed.member("kinds").item(index), "kind", kind);
  if (number === undefined || !isGiven(name) || word === "") return undefined;
  return {
    name: name ?? "",
    hostname: hostname || undefined,
    port: number,
    protocol: word,
    certificates,
    namespaces,
    kinds:
      kinds.length === 0
        ? undefined
        : kinds.map(({ group, kind }) => ({ group: group ?? GATEWAY_GROUP, kind: kind ?? "" })),
    field,
  };
}

function protocolProblems(protocol: string): readonly string[] {
  const isName = /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(protocol);
  const isPrefixed = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$/.test(protocol);
  return isName || isPrefixed
    ? []
    : ["must be a protocol such as HTTP or HTTPS, or a name such as example.com/protocol"];
}

function checkTls(context: Context, listener: Field, protocol: string, tls: Fitting<typeof TLS> | undefined): void {
  const field = listener.member("tls");
  const isPlain = protocol === "HTTP" || protocol === "TCP" || protocol === "UDP";
  if (tls === undefined) {
    if (protocol === "HTTPS") reportMissing(context, listener, "tls", "protocol HTTPS needs a certificate");
    return;
  }
  if (isPlain) {
    reportInvalid(context, field, "must not be specified for protocols ['HTTP', 'TCP', 'UDP']");
    return;
  }
  const mode = wordOf(context, field, "mode", tls.mode || undefined, ["Terminate", "Passthrough"]) ?? "Terminate";
  if (protocol === "HTTPS" && mode === "Passthrough")
    reportInvalid(context, field.member("mode"), "must be Terminate for protocol HTTPS");
  const options = Object.keys(tls.options ?? {});
  if (mode === "Terminate" && (tls.certificateRefs ?? []).length === 0 && options.length === 0)
    reportMissing(
      context,
      field,
      "certificateRefs",
      "certificateRefs or options must be specified when mode is Terminate",
    );
  if (options.length > 0) warnNotCarried(context, field.member("options"), "TLS options", "they are left out");
  if (isGiven(tls.frontendValidation))
    warnNotCarried(context, field.member("frontendValidation"), "client certificates", "clients are asked for none");
}

function decodeNamespaces(
  context: Context,
  field: Field,
  { from: word, selector }: Fitting<(typeof ALLOWED_ROUTES)["namespaces"]>,
): AllowedNamespaces {
  const from = wordOf(context, field, "from", word, ["All", "Selector", "Same"]) ?? "Same";
  if (from !== "Selector") return { from };
  if (!isGiven(selector)) reportMissing(context, field, "selector", "must be specified when `from` is 'Selector'");
  return { from, selector: decodeLabelSelector(context, field.member("selector"), selector ?? {}) };
}

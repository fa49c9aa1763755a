import { parseAddress } from "../net/address.ts";
import { asPort, type Port } from "../net/port.ts";
import {
  type Context,
  checkRequired,
  checkText,
  lenient,
  NEWER,
  newerWordOf,
  reportField,
  reportInvalid,
  reportMissing,
  warnInvalid,
} from "./decode.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import {
  controlCharacterProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  objectNameProblems,
  portNameProblems,
  wildcardProblems,
} from "./names.ts";
import type { Node } from "./node.ts";
import { PORT_RANGE } from "./port.ts";
import { checkHostname } from "./service-status.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import { show } from "./show.ts";
import type {
  IngressBackendSpec,
  IngressPathSpec,
  IngressRuleSpec,
  IngressSpec,
  IngressTlsSpec,
  Meta,
} from "./types.ts";

const RESOURCE = { apiGroup: "string", kind: "string", name: "string" } as const;
const SERVICE = { name: "string", port: { name: "string", number: "integer" } } as const;
const BACKEND = { resource: RESOURCE, service: SERVICE } as const;
const PATH = { backend: BACKEND, path: "string", pathType: "string" } as const;
const RULE = { host: "string", http: { paths: [PATH] } } as const;
const TLS = { hosts: ["string"], secretName: "string" } as const;
const SPEC = { defaultBackend: BACKEND, ingressClassName: "string", rules: [RULE], tls: [TLS] } as const;
const STATUS = {
  loadBalancer: {
    ingress: [{ hostname: "string", ip: "string", ports: [{ error: "string", port: "integer", protocol: "string" }] }],
  },
} as const;

export const INGRESS = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: SPEC,
  status: STATUS,
});

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"] as const;

/** What the path of an Exact or Prefix rule must not have. */
const BAD_SEQUENCES = ["//", "/./", "/../", "%2f", "%2F"] as const;
const BAD_ENDINGS = ["/..", "/."] as const;

/** Annotation that came before `ingressClassName`. */
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

const NOTHING_TO_DO = "either `defaultBackend` or `rules` must be specified";
const NO_BACKEND = "resource or service backend is required";

/** An Ingress (networking.k8s.io/v1), after pkg/apis/networking/validation. */
export function decodeIngress(context: Context, root: Node): IngressSpec | undefined {
  const ingress = readShape(context, root, INGRESS);
  if (ingress === undefined) return undefined;
  const meta = decodeMeta(context, root, ingress.metadata, true, dns1123SubdomainProblems);
  checkStatus(context, root, ingress.status ?? {});
  if (ingress.spec === undefined || ingress.spec === null) {
    reportMissing(context, root, "spec", NOTHING_TO_DO);
    return undefined;
  }
  const node = root.member("spec");
  const { defaultBackend, ingressClassName, rules, tls } = ingress.spec;
  if ((rules ?? []).length === 0 && (defaultBackend ?? undefined) === undefined)
    reportField(context, node, "missing-field", `Invalid value: []: ${NOTHING_TO_DO}`);
  const decoded = {
    defaultBackend: decodeBackend(context, node, "defaultBackend", defaultBackend),
    rules: (rules ?? []).map((rule, index) => decodeRule(context, node.member("rules").item(index), rule)),
    tls: (tls ?? []).map((entry, index) => decodeTls(context, node.member("tls").item(index), entry)),
  };
  checkText(context, node, "ingressClassName", ingressClassName, dns1123SubdomainProblems);
  if (meta === undefined) return undefined;
  return { meta, className: decodeClass(context, meta, ingressClassName ?? undefined), ...decoded };
}

/** The field, unless there is the annotation too: it wins on objects that have both, which can only be old ones. */
function decodeClass(context: Context, meta: Meta, field: string | undefined): string | undefined {
  const annotation = meta.annotations.get(CLASS_ANNOTATION);
  if (annotation === undefined) return field;
  const node = meta.node.member("metadata").member("annotations").member(CLASS_ANNOTATION);
  for (const problem of controlCharacterProblems(annotation)) reportInvalid(context, node, problem);
  if (field !== undefined && field !== annotation)
    warnInvalid(context, node, "must match `ingressClassName` when both are specified");
  return annotation;
}

function decodeRule(context: Context, node: Node, { host, http }: Fitting<typeof RULE>): IngressRuleSpec {
  checkText(context, node, "host", host, hostProblems);
  const rule = { host: host || undefined, node };
  if (http === undefined || http === null) return { ...rule, paths: undefined };
  const list = node.member("http").member("paths");
  checkRequired(context, node.member("http"), "paths", http.paths);
  const paths = (http.paths ?? []).flatMap((path, index) => decodePath(context, list.item(index), path) ?? []);
  return { ...rule, paths };
}

function hostProblems(host: string): readonly string[] {
  if (parseAddress(host) !== undefined) return ["must be a DNS name, not an IP address"];
  return host.includes("*") ? wildcardProblems(host) : dns1123SubdomainProblems(host);
}

function decodePath(context: Context, node: Node, fields: Fitting<typeof PATH>): IngressPathSpec | undefined {
  checkRequired(context, node, "pathType", fields.pathType, "pathType must be specified");
  const given = fields.pathType === "" ? undefined : fields.pathType;
  const effect = "kpc leaves this path out, since it cannot tell which requests it takes";
  const pathType = newerWordOf(context, node, "pathType", given, PATH_TYPES, effect, { onlyStored: true });
  if (pathType === NEWER) return undefined;
  const path = fields.path ?? "";
  if (pathType !== undefined && (path !== "" || pathType !== "ImplementationSpecific")) {
    for (const problem of pathProblems(path, pathType)) {
      if (path === "") reportMissing(context, node, "path", problem);
      else reportInvalid(context, node.member("path"), problem);
    }
  }
  if (pathType !== undefined) checkLiteral(context, node, path, pathType);
  checkRequired(context, node, "backend", fields.backend, NO_BACKEND);
  const backend = decodeBackend(context, node, "backend", fields.backend);
  if (pathType === undefined || backend === undefined) return undefined;
  return { path: path === "" ? "/" : path, pathType, backend, node };
}

/** Prefix and Exact take a path literally: patterns are for controllers that know them, with ImplementationSpecific. */
function checkLiteral(context: Context, node: Node, path: string, pathType: IngressPathSpec["pathType"]): void {
  if (pathType === "ImplementationSpecific") return;
  const isBelow = pathType === "Prefix" && /^[^*]*\/\*$/.test(path);
  const kind = path.includes("*") && !REGULAR_EXPRESSION.test(path) ? "wildcard" : "regular expression";
  if (kind !== "wildcard" && !REGULAR_EXPRESSION.test(path)) return;
  const hint = isBelow
    ? `"${path.slice(0, -2) || "/"}" matches all that is below it`
    : "only ImplementationSpecific may take patterns, with a controller that knows them";
  const body = `Invalid value: ${show(path)}: pathType ${pathType} takes the ${kind} literally: ${hint}`;
  reportField(context, node.member("path"), "pattern-in-path", body, "warning");
}

/** What no path of a URL has, but regular expressions have: groups with alternatives or repetitions, classes, anchors, escapes,
 *  repetitions of any character. */
const REGULAR_EXPRESSION = /\((?:[^)]*[|?*+.][^)]*|\?[^)]*)\)|\[[^\]]*\]|[\^|\\]|\$$|\.[*+]|\?$/;

function pathProblems(path: string, pathType: IngressPathSpec["pathType"]): readonly string[] {
  const problems = path.startsWith("/") ? [] : ["must be an absolute path"];
  problems.push(...controlCharacterProblems(path));
  if (pathType === "ImplementationSpecific") return problems;
  for (const sequence of BAD_SEQUENCES) if (path.includes(sequence)) problems.push(`must not contain '${sequence}'`);
  for (const ending of BAD_ENDINGS) if (path.endsWith(ending)) problems.push(`cannot end with '${ending}'`);
  return problems;
}

/** A Service of the Ingress's own namespace, or another object: exactly one of them. */
function decodeBackend(
  context: Context,
  parent: Node,
  key: string,
  fields: Fitting<typeof BACKEND> | null | undefined,
): IngressBackendSpec | undefined {
  if (fields === undefined || fields === null) return undefined;
  const node = parent.member(key);
  const resource = fields.resource ?? undefined;
  const service = fields.service ?? undefined;
  if (service !== undefined && resource !== undefined) {
    reportInvalid(context, node, "cannot set both resource and service backends");
    return undefined;
  }
  if (resource !== undefined) return decodeResource(context, node.member("resource"), resource);
  if (service !== undefined) return decodeServiceBackend(context, node, service);
  reportInvalid(context, node, NO_BACKEND);
  return undefined;
}

/** The Service's port (not its targetPort) is given by number or by name. */
function decodeServiceBackend(
  context: Context,
  node: Node,
  { name, port }: Fitting<typeof SERVICE>,
): IngressBackendSpec | undefined {
  const service = node.member("service");
  checkText(context, service, "name", name, dns1123LabelProblems);
  checkRequired(context, service, "name", name);
  const number = port?.number ?? 0;
  const portName = port?.name ?? "";
  let target: Port | string | undefined;
  if (portName !== "" && number !== 0) {
    reportInvalid(context, node, "cannot set both port name & port number");
  } else if (portName !== "") {
    checkText(context, service.member("port"), "name", portName, portNameProblems);
    target = portName;
  } else if (number !== 0) {
    target = asPort(number);
    if (target === undefined) reportInvalid(context, service.member("port").member("number"), PORT_RANGE);
  } else {
    reportField(context, node, "missing-field", "Required value: port name or number is required");
  }
  if (name === undefined || name === null || name === "" || target === undefined) return undefined;
  return { kind: "service", name, port: target, node };
}

function decodeResource(
  context: Context,
  node: Node,
  { apiGroup, kind, name }: Fitting<typeof RESOURCE>,
): IngressBackendSpec | undefined {
  checkText(context, node, "apiGroup", apiGroup, dns1123SubdomainProblems);
  checkText(context, node, "kind", kind, objectNameProblems);
  checkText(context, node, "name", name, objectNameProblems);
  checkRequired(context, node, "kind", kind);
  checkRequired(context, node, "name", name);
  return name === undefined || name === null || name === "" ? undefined : { kind: "resource", name, node };
}

function decodeTls(context: Context, node: Node, { hosts, secretName }: Fitting<typeof TLS>): IngressTlsSpec {
  const given = hosts ?? [];
  for (const [index, host] of given.entries()) {
    for (const problem of hostProblems(host)) reportInvalid(context, node.member("hosts").item(index), problem);
  }
  checkText(context, node, "secretName", secretName, dns1123SubdomainProblems);
  return { hosts: given, secretName: secretName || undefined, node };
}

function checkStatus(context: Context, root: Node, { loadBalancer }: Fitting<typeof STATUS>): void {
  for (const [index, { hostname }] of (loadBalancer?.ingress ?? []).entries()) {
    if (hostname === undefined || hostname === null) continue;
    const list = root.member("status").member("loadBalancer").member("ingress");
    checkHostname(lenient(context), list.item(index), hostname);
  }
}

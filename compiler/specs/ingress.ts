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
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { show } from "../documents/show.ts";
import { type Address, parseAddress } from "../net/address.ts";
import { asPort, type Port } from "../net/port.ts";
import { decodeOwnAnnotations, type OwnAnnotation } from "./annotations.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import {
  controlCharacterProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  hostnameProblems,
  objectNameProblems,
  portNameProblems,
} from "./names.ts";
import { PORT_RANGE } from "./port.ts";
import { checkHostname } from "./service-status.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
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

const HTTPS_REDIRECT: OwnAnnotation = { key: "kpc.dev/https-redirect", words: ["true", "false"] };

const NOTHING_TO_DO = "either `defaultBackend` or `rules` must be specified";
const NO_BACKEND = "resource or service backend is required";

/** An Ingress (networking.k8s.io/v1), after pkg/apis/networking/validation. */
export function decodeIngress(context: Context, root: Field): IngressSpec | undefined {
  const ingress = readShape(context, root, INGRESS);
  if (ingress === undefined) return undefined;
  const meta = decodeMeta(context, root, ingress.metadata, true, dns1123SubdomainProblems);
  const addresses = decodeStatus(context, root, ingress.status ?? {});
  if (ingress.spec === undefined || ingress.spec === null) {
    reportMissing(context, root, "spec", NOTHING_TO_DO);
    return undefined;
  }
  const field = root.member("spec");
  const { defaultBackend, ingressClassName, rules, tls } = ingress.spec;
  if ((rules ?? []).length === 0 && (defaultBackend ?? undefined) === undefined)
    reportField(context, field, "missing-field", `Invalid value: []: ${NOTHING_TO_DO}`);
  const decoded = {
    defaultBackend: decodeBackend(context, field, "defaultBackend", defaultBackend),
    rules: (rules ?? []).map((rule, index) => decodeRule(context, field.member("rules").item(index), rule)),
    tls: (tls ?? []).map((entry, index) => decodeTls(context, field.member("tls").item(index), entry)),
  };
  checkText(context, field, "ingressClassName", ingressClassName, dns1123SubdomainProblems);
  if (meta === undefined) return undefined;
  const [redirect] = decodeOwnAnnotations(context, meta, [HTTPS_REDIRECT]);
  const httpsRedirect = redirect === undefined ? undefined : redirect === "true";
  const className = decodeClass(context, meta, ingressClassName ?? undefined);
  return { meta, className, addresses, ...decoded, httpsRedirect };
}

/** The field, unless there is the annotation too: it wins on objects that have both, which can only be old ones. */
function decodeClass(context: Context, meta: Meta, className: string | undefined): string | undefined {
  const annotation = meta.annotations.get(CLASS_ANNOTATION);
  if (annotation === undefined) return className;
  const field = meta.field.member("metadata").member("annotations").member(CLASS_ANNOTATION);
  for (const problem of controlCharacterProblems(annotation)) reportInvalid(context, field, problem);
  if (className !== undefined && className !== annotation)
    warnInvalid(context, field, "must match `ingressClassName` when both are specified");
  return annotation;
}

function decodeRule(context: Context, field: Field, { host, http }: Fitting<typeof RULE>): IngressRuleSpec {
  checkText(context, field, "host", host, hostnameProblems);
  const rule = { host: host || undefined, field };
  if (http === undefined || http === null) return { ...rule, paths: undefined, leftOut: 0 };
  const list = field.member("http").member("paths");
  checkRequired(context, field.member("http"), "paths", http.paths);
  const given = http.paths ?? [];
  const paths = given.flatMap((path, index) => decodePath(context, list.item(index), path) ?? []);
  return { ...rule, paths, leftOut: given.length - paths.length };
}

function decodePath(context: Context, field: Field, fields: Fitting<typeof PATH>): IngressPathSpec | undefined {
  checkRequired(context, field, "pathType", fields.pathType, "pathType must be specified");
  const given = fields.pathType === "" ? undefined : fields.pathType;
  const effect = "kpc leaves this path out, since it cannot tell which requests it takes";
  const pathType = newerWordOf(context, field, "pathType", given, PATH_TYPES, effect, { onlyStored: true });
  if (pathType === NEWER) return undefined;
  const path = fields.path ?? "";
  if (pathType !== undefined && (path !== "" || pathType !== "ImplementationSpecific")) {
    for (const problem of pathProblems(path, pathType)) {
      if (path === "") reportMissing(context, field, "path", problem);
      else reportInvalid(context, field.member("path"), problem);
    }
  }
  if (pathType !== undefined) checkLiteral(context, field, path, pathType);
  checkRequired(context, field, "backend", fields.backend, NO_BACKEND);
  const backend = decodeBackend(context, field, "backend", fields.backend);
  if (pathType === undefined || backend === undefined) return undefined;
  return { path: path === "" ? "/" : path, pathType, backend, field };
}

/** Prefix and Exact take a path literally: patterns are for controllers that know them, with ImplementationSpecific. */
function checkLiteral(context: Context, field: Field, path: string, pathType: IngressPathSpec["pathType"]): void {
  if (pathType === "ImplementationSpecific") return;
  const isBelow = pathType === "Prefix" && /^[^*]*\/\*$/.test(path);
  const kind = path.includes("*") && !REGULAR_EXPRESSION.test(path) ? "wildcard" : "regular expression";
  if (kind !== "wildcard" && !REGULAR_EXPRESSION.test(path)) return;
  const hint = isBelow
    ? `"${path.slice(0, -2) || "/"}" matches all that is below it`
    : "only ImplementationSpecific may take patterns, with a controller that knows them";
  const body = `Invalid value: ${show(path)}: pathType ${pathType} takes the ${kind} literally: ${hint}`;
  reportField(context, field.member("path"), "pattern-in-path", body, "warning");
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
  parent: Field,
  key: string,
  fields: Fitting<typeof BACKEND> | null | undefined,
): IngressBackendSpec | undefined {
  if (fields === undefined || fields === null) return undefined;
  const field = parent.member(key);
  const resource = fields.resource ?? undefined;
  const service = fields.service ?? undefined;
  if (service !== undefined && resource !== undefined) {
    reportInvalid(context, field, "cannot set both resource and service backends");
    return undefined;
  }
  if (resource !== undefined) return decodeResource(context, field.member("resource"), resource);
  if (service !== undefined) return decodeServiceBackend(context, field, service);
  reportInvalid(context, field, NO_BACKEND);
  return undefined;
}

/** The Service's port (not its targetPort) is given by number or by name. */
function decodeServiceBackend(
  context: Context,
  field: Field,
  { name, port }: Fitting<typeof SERVICE>,
): IngressBackendSpec | undefined {
  const service = field.member("service");
  checkText(context, service, "name", name, dns1123LabelProblems);
  checkRequired(context, service, "name", name);
  const number = port?.number ?? 0;
  const portName = port?.name ?? "";
  let target: Port | string | undefined;
  if (portName !== "" && number !== 0) {
    reportInvalid(context, field, "cannot set both port name & port number");
  } else if (portName !== "") {
    checkText(context, service.member("port"), "name", portName, portNameProblems);
    target = portName;
  } else if (number !== 0) {
    target = asPort(number);
    if (target === undefined) reportInvalid(context, service.member("port").member("number"), PORT_RANGE);
  } else {
    reportField(context, field, "missing-field", "Required value: port name or number is required");
  }
  if (name === undefined || name === null || name === "" || target === undefined) return undefined;
  return { kind: "service", name, port: target, field };
}

function decodeResource(
  context: Context,
  field: Field,
  { apiGroup, kind, name }: Fitting<typeof RESOURCE>,
): IngressBackendSpec | undefined {
  checkText(context, field, "apiGroup", apiGroup, dns1123SubdomainProblems);
  checkText(context, field, "kind", kind, objectNameProblems);
  checkText(context, field, "name", name, objectNameProblems);
  checkRequired(context, field, "kind", kind);
  checkRequired(context, field, "name", name);
  return name === undefined || name === null || name === "" ? undefined : { kind: "resource", name, field };
}

function decodeTls(context: Context, field: Field, { hosts, secretName }: Fitting<typeof TLS>): IngressTlsSpec {
  const given = hosts ?? [];
  for (const [index, host] of given.entries()) {
    for (const problem of hostnameProblems(host)) reportInvalid(context, field.member("hosts").item(index), problem);
  }
  checkText(context, field, "secretName", secretName, dns1123SubdomainProblems);
  return { hosts: given, secretName: secretName || undefined, field };
}

/** The addresses that a controller has given to the Ingress; names do not count. */
function decodeStatus(context: Context, root: Field, { loadBalancer }: Fitting<typeof STATUS>): Address[] {
  return (loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }, index) => {
    const list = root.member("status").member("loadBalancer").member("ingress");
    if (hostname !== undefined && hostname !== null) checkHostname(lenient(context), list.item(index), hostname);
    return parseAddress(ip ?? "") ?? [];
  });
}

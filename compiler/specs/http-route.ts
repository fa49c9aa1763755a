import { type Context, checkText, reportInvalid, reportMissing, reportTooMany } from "../documents/decode.ts";
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
import type {
  HttpBackendSpec,
  HttpFilterSpec,
  HttpRouteSpec,
  HttpRuleSpec,
  ParentReference,
  UnsupportedPart,
} from "./gateway-types.ts";
import { decodeFilters, FILTER } from "./http-filters.ts";
import { decodeMatch, MATCH } from "./http-match.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems, hostnameProblems } from "./names.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { Meta } from "./types.ts";

const PARENT = { ...REFERENCE, port: "integer", sectionName: "string" } as const;
const BACKEND = { ...REFERENCE, filters: [FILTER], port: "integer", weight: "integer" } as const;
const RULE = {
  backendRefs: [BACKEND],
  filters: [FILTER],
  matches: [MATCH],
  name: "string",
  retry: "any",
  sessionPersistence: "any",
  timeouts: "any",
} as const;

export const HTTP_ROUTE = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: { hostnames: ["string"], parentRefs: [PARENT], rules: [RULE], useDefaultGateways: "any" },
  status: "any",
});

const MAX_RULES = 16;
const MAX_PARENTS = 32;
const MAX_MATCHES = 64;
const MAX_HOSTNAMES = 16;
const MAX_WEIGHT = 1_000_000;

/** Members of a rule that do not decide where requests go, and what becomes of them. */
const NOT_CARRIED = {
  retry: ["retries", "a request is sent once more only where the connection fails, as the proxy does for all"],
  sessionPersistence: ["session persistence", "each request goes to any endpoint"],
  timeouts: ["timeouts of rules", "those of the proxy's settings count"],
} as const;

/** An HTTPRoute. */
export function decodeHttpRoute(context: Context, root: Field): HttpRouteSpec | undefined {
  const fields = readShape(context, root, HTTP_ROUTE);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, true, dns1123SubdomainProblems);
  const field = root.member("spec");
  const { hostnames, parentRefs, rules, useDefaultGateways } = fields.spec ?? {};
  if (isGiven(useDefaultGateways))
    warnNotCarried(
      context,
      field.member("useDefaultGateways"),
      "default Gateways",
      "the route is attached to its parentRefs only",
    );
  if (meta === undefined) return undefined;
  const names = field.member("hostnames");
  if ((hostnames ?? []).length > MAX_HOSTNAMES) reportTooMany(context, names, (hostnames ?? []).length, MAX_HOSTNAMES);
  for (const [index, host] of (hostnames ?? []).entries())
    for (const problem of hostnameProblems(host)) reportInvalid(context, names.item(index), problem);
  const list = field.member("rules");
  if ((rules ?? []).length > MAX_RULES) reportTooMany(context, list, (rules ?? []).length, MAX_RULES);
  const refs = field.member("parentRefs");
  if ((parentRefs ?? []).length > MAX_PARENTS) reportTooMany(context, refs, (parentRefs ?? []).length, MAX_PARENTS);
  const parents = (parentRefs ?? []).flatMap(
    (parent, index) => decodeParent(context, refs.item(index), parent, meta) ?? [],
  );
  checkParents(context, parents);
  return {
    meta,
    parents,
    hostnames: (hostnames ?? []).map((value, index) => ({ value, field: names.item(index) })),
    // Without rules, the API fills in one that takes every request and has no backend.
    rules: isGiven(rules)
      ? (rules ?? []).map((rule, index) => decodeRule(context, list.item(index), rule, meta))
      : [decodeRule(context, field, {}, meta)],
  };
}

function decodeParent(
  context: Context,
  field: Field,
  fields: Fitting<typeof PARENT>,
  { namespace }: Meta,
): ParentReference | undefined {
  const defaults = { group: GATEWAY_GROUP, kind: "Gateway", namespace };
  const reference = decodeReference(context, field, fields, defaults);
  checkText(context, field, "sectionName", fields.sectionName, dns1123SubdomainProblems);
  const port = decodePort(context, field, "port", fields.port);
  return reference && { ...reference, sectionName: fields.sectionName || undefined, port };
}

/** Of several references to one object, each has to name another listener. */
function checkParents(context: Context, parents: readonly ParentReference[]): void {
  const known = new Map<string, ParentReference>();
  const parts = new Set<string>();
  for (const parent of parents) {
    const { group, kind, namespace, name, sectionName, port, field } = parent;
    const key = JSON.stringify([group, kind, namespace, name]);
    const first = known.get(key);
    if (first === undefined) known.set(key, parent);
    const isLikeFirst =
      first === undefined ||
      ((first.sectionName === undefined) === (sectionName === undefined) &&
        (first.port === undefined) === (port === undefined));
    const part = JSON.stringify([key, sectionName, port]);
    if (!isLikeFirst) reportInvalid(context, field, `sectionName or port must be specified ${WHEN_SEVERAL}`);
    else if (parts.has(part)) reportInvalid(context, field, `sectionName or port must be unique ${WHEN_SEVERAL}`);
    parts.add(part);
  }
}

const WHEN_SEVERAL = "when parentRefs includes 2 or more references to the same parent";

function decodeRule(context: Context, field: Field, fields: Fitting<typeof RULE>, meta: Meta): HttpRuleSpec {
  const { backendRefs, filters, matches, name } = fields;
  checkText(context, field, "name", name, dns1123SubdomainProblems);
  warnOfMembers(context, field, fields, NOT_CARRIED);
  const [skippedMatches, skippedFilters]: [UnsupportedPart[], UnsupportedPart[]] = [[], []];
  const list = field.member("matches");
  const given = (matches ?? []).length === 0 ? [{}] : (matches ?? []);
  if (given.length > MAX_MATCHES) reportTooMany(context, list, given.length, MAX_MATCHES);
  const decoded = given.flatMap(
    (match, index) =>
      decodeMatch(
        context,
        matches?.length ? list.item(index) : field,
        match,
        (part) => void skippedMatches.push(part),
      ) ?? [],
  );
  const own = decodeFilters(context, field.member("filters"), filters ?? [], (part) => void skippedFilters.push(part));
  const backends = (backendRefs ?? []).flatMap(
    (backend, index) => decodeBackend(context, field.member("backendRefs").item(index), backend, meta) ?? [],
  );
  const redirect = own.find(({ kind }) => kind === "redirect");
  if (redirect !== undefined && backends.length > 0)
    reportInvalid(
      context,
      redirect.field.member("type"),
      "RequestRedirect filter must not be used together with backendRefs",
    );
  checkPrefix(context, [...own, ...backends.flatMap((backend) => backend.filters)], decoded);
  return {
    matches: decoded,
    filters: own,
    backends,
    unsupportedMatch: skippedMatches[0],
    unsupportedFilter: skippedFilters[0],
    field,
  };
}

/** A prefix is replaced where exactly one match says which one. */
function checkPrefix(context: Context, filters: readonly HttpFilterSpec[], matches: HttpRuleSpec["matches"]): void {
  for (const filter of filters) {
    if (filter.kind !== "rewrite" && filter.kind !== "redirect") continue;
    if (filter.path?.part !== "prefix" || (matches.length === 1 && matches[0]?.match === "prefix")) continue;
    const key = filter.kind === "rewrite" ? "urlRewrite" : "requestRedirect";
    const detail = "ReplacePrefixMatch needs exactly one match in the rule, of type PathPrefix";
    reportInvalid(context, filter.field.member(key).member("path").member("type"), detail);
  }
}

function decodeBackend(
  context: Context,
  field: Field,
  fields: Fitting<typeof BACKEND>,
  { namespace }: Meta,
): HttpBackendSpec | undefined {
  const reference = decodeReference(context, field, fields, { group: "", kind: "Service", namespace });
  const port = decodePort(context, field, "port", fields.port);
  const isService = reference?.group === "" && reference.kind === "Service";
  if (isService && !isGiven(fields.port)) reportMissing(context, field, "port", "Must have port for Service reference");
  const weight = fields.weight ?? 1;
  if (weight < 0 || weight > MAX_WEIGHT)
    reportInvalid(context, field.member("weight"), `must be between 0 and ${MAX_WEIGHT}, inclusive`);
  const unsupported: UnsupportedPart[] = [];
  const filters = decodeFilters(
    context,
    field.member("filters"),
    fields.filters ?? [],
    (part) => void unsupported.push(part),
  );
  return reference && { ...reference, port, weight, filters, unsupported: unsupported[0] };
}

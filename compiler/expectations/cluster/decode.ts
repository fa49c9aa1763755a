/** From a document of kind Expectations to the cluster and the flows that it has. */
import type { Diagnostic, Report } from "../../diagnostics.ts";
import {
  asArray,
  asObject,
  asOneOf,
  asString,
  type Context,
  reportField,
  reportInvalid,
  reportMissing,
} from "../../documents/decode.ts";
import type { Field } from "../../documents/field.ts";
import { checkMembers } from "../../documents/unknown-members.ts";
import { FAMILIES, type Family } from "../../net/address.ts";
import { PROTOCOLS } from "../../net/protocol.ts";
import { decodeConfig } from "../../node/decode.ts";
import { MODES } from "../../node/settings.ts";
import type { Located } from "../../specs/located.ts";
import { withHeaders } from "../../trace/http/headers.ts";
import { parsePacket, parseRequest, type TraceText } from "../../trace/parse.ts";
import { decodeHeaders } from "../headers.ts";
import { decodeWalkExpectation } from "./expect.ts";
import type { ClusterCase, ClusterFlow, InPlaceOr } from "./types.ts";

export const EXPECTATIONS_MEMBERS: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "name",
  "description",
  "files",
  "config",
  "proxy",
  "cluster",
  "modes",
  "flows",
]);

export const CLUSTER_FLOW_MEMBERS: ReadonlySet<string> = new Set([
  "name",
  "from",
  "to",
  "request",
  "headers",
  "protocol",
  "families",
  "expect",
]);

/** What protocols flows have. */
export const FLOW_PROTOCOLS = [...PROTOCOLS, "icmp"] as const;

/** Whether a document is of kind Expectations, or means to be; the older form has neither member. */
export function isClusterForm(root: Field): boolean {
  return root.get("apiVersion") !== undefined || root.get("kind") !== undefined;
}

/** The case in a document of kind Expectations. Reports what is wrong with it; what it gives then is not whole. */
export function decodeClusterCase(context: Context, root: Field): ClusterCase {
  checkMembers(context, root, EXPECTATIONS_MEMBERS);
  for (const key of ["apiVersion", "kind", "files", "flows"])
    if (root.get(key) === undefined) reportMissing(context, root, key);
  asOneOf(context, root.get("apiVersion"), ["kpc.dev/v1alpha1"]);
  asOneOf(context, root.get("kind"), ["Expectations"]);
  asString(context, root.get("description")); // for people: nothing reads it
  const modes = root.get("modes");
  if (modes !== undefined && Array.isArray(modes.value) && modes.value.length === 0)
    reportInvalid(context, modes, `must name at least one mode: ${MODES.join(", ")}`);
  return {
    name: asString(context, root.get("name")) ?? root.span().source.name,
    modes: modes === undefined ? MODES : asArray(context, modes).flatMap((mode) => asOneOf(context, mode, MODES) ?? []),
    files: asArray(context, root.get("files")).flatMap((file) => pathAt(context, file) ?? []),
    config: decodeSettings(context, root),
    cluster: decodeCluster(context, root.get("cluster")),
    flows: asArray(context, root.get("flows")).flatMap((flow) => decodeClusterFlow(context, flow)),
  };
}

function pathAt(context: Context, field: Field): Located<string> | undefined {
  const value = asString(context, field);
  if (value === "") reportInvalid(context, field, "must be the path of a file or folder");
  return value === undefined ? undefined : { value, field };
}

/** `config`, a file, or `proxy`, in place. */
function decodeSettings(context: Context, root: Field): ClusterCase["config"] {
  const file = root.get("config");
  const proxy = asObject(context, root.get("proxy"));
  if (file !== undefined && proxy !== undefined)
    reportField(context, proxy, "forbidden-field", "Forbidden: config names the settings already");
  const path = file && pathAt(context, file);
  if (path !== undefined) return { kind: "file", path };
  if (proxy === undefined) return { kind: "none" };
  return { kind: "in place", field: proxy, value: decodeConfig(context, proxy, false) };
}

function decodeCluster(context: Context, field: Field | undefined): InPlaceOr<undefined> {
  if (field === undefined) return { kind: "none" };
  if (typeof field.value === "string") {
    const path = pathAt(context, field);
    return path === undefined ? { kind: "none" } : { kind: "file", path };
  }
  if (asObject(context, field) === undefined) return { kind: "none" };
  for (const [key, word] of [
    ["apiVersion", "kpc.dev/v1alpha1"],
    ["kind", "Cluster"],
  ] as const) {
    if (field.get(key) === undefined) reportMissing(context, field, key, `expected ${word}`);
    asOneOf(context, field.get(key), [word]);
  }
  return { kind: "in place", field, value: undefined };
}

function decodeClusterFlow(context: Context, field: Field): ClusterFlow[] {
  if (asObject(context, field) === undefined) return [];
  checkMembers(context, field, CLUSTER_FLOW_MEMBERS);
  const request = field.get("request");
  const needed = request === undefined ? ["from", "to", "expect"] : ["from", "expect"];
  for (const key of needed) if (field.get(key) === undefined) reportMissing(context, field, key);
  for (const key of request === undefined ? [] : ["to", "protocol"]) {
    const other = field.get(key);
    if (other !== undefined)
      reportField(context, other, "forbidden-field", "Forbidden: the URL of the request says it");
  }
  const name = asString(context, field.get("name"));
  const protocol = asOneOf(context, field.get("protocol"), FLOW_PROTOCOLS);
  const from = asString(context, field.get("from"));
  const to = asString(context, request ?? field.get("to"));
  const expect = decodeWalkExpectation(context, field.get("expect"), request !== undefined);
  const families = decodeFamilies(context, field.get("families"));
  if (from === undefined || to === undefined || expect === undefined) return [];
  const packet = (): TraceText | undefined => decodePacket(context, { field, from, to, protocol: protocol ?? "tcp" });
  const headers = decodeHeaders(context, asObject(context, field.get("headers")));
  const written = request === undefined ? packet() : decodeRequest(context, { field, from, to });
  const asked = written?.request === undefined ? written : { request: withHeaders(written.request, headers) };
  if (request === undefined && field.get("headers") !== undefined)
    reportField(context, field.member("headers"), "forbidden-field", "Forbidden: only a request has headers");
  if (asked === undefined) return [];
  const shown = name ?? `${from} > ${to}`;
  return families.map((family) => ({
    name: families.length > 1 ? `${shown} (${family})` : shown,
    family,
    asked,
    from,
    to,
    headers,
    expect,
    node: field,
  }));
}

function decodeFamilies(context: Context, field: Field | undefined): readonly (Family | undefined)[] {
  if (field === undefined) return [undefined];
  const families = asArray(context, field).flatMap((item) => asOneOf(context, item, FAMILIES) ?? []);
  if (Array.isArray(field.value) && field.value.length === 0)
    reportInvalid(context, field, `must name at least one family: ${FAMILIES.join(", ")}`);
  return [...new Set(families)];
}

interface FlowEnds {
  readonly field: Field;
  readonly from: string;
  readonly to: string;
  readonly protocol: (typeof FLOW_PROTOCOLS)[number];
}

/** Reports what is wrong with a text at the field that it is of: what begins before `border` is of `from`. */
function parseParts<T>(
  context: Context,
  [fromField, toField]: readonly [Field, Field],
  border: number,
  parse: (report: Report) => T | undefined,
): T | undefined {
  const findings: Diagnostic[] = [];
  const parsed = parse((finding) => void findings.push(finding));
  const [finding] = findings;
  if (finding === undefined) return parsed;
  const start = finding.origin?.span().start ?? 0;
  reportInvalid(context, start < border ? fromField : toField, finding.message, "packet-syntax");
  return undefined;
}

/** The sender and the request are read as `kpc trace` reads them. */
function decodeRequest(context: Context, { field, from, to }: Omit<FlowEnds, "protocol">): TraceText | undefined {
  const [fromField, toField] = [field.member("from"), field.member("request")];
  const text = `${from} > ${to}`;
  const request = parseParts(context, [fromField, toField], from.length + 1, (report) =>
    parseRequest({ name: "flow", text }, report, "none"),
  );
  if (request?.from === undefined) return undefined;
  const sender = { ...request.from, origin: fromField, portOrigin: fromField };
  return { request: { ...request, from: sender, urlOrigin: toField } };
}

/** The ends are read as `kpc trace` reads them. */
function decodePacket(context: Context, { field, from, to, protocol }: FlowEnds): TraceText | undefined {
  const text = `${protocol} ${from} > ${to}`;
  const [fromField, toField] = [field.member("from"), field.member("to")];
  const border = protocol.length + 1 + from.length;
  const packet = parseParts(context, [fromField, toField], border, (report) =>
    parsePacket({ name: "flow", text }, report, "none"),
  );
  if (packet === undefined) return undefined;
  const { inInterface, mark } = packet;
  if (inInterface !== undefined || mark !== 0) {
    reportInvalid(context, toField, "must be an end of the flow, and nothing behind it", "packet-syntax");
    return undefined;
  }
  return {
    packet: {
      ...packet,
      from: { ...packet.from, origin: fromField, portOrigin: fromField },
      to: { ...packet.to, origin: toField, portOrigin: toField },
    },
  };
}

/** Manifests, and the cluster that they are, without what a control plane would add. */
import { type Diagnostic, lineAndColumn, type Origin } from "../../compiler/diagnostics.ts";
import { resolveCluster } from "../../compiler/model/resolve.ts";
import type { Cluster, IngressSettings } from "../../compiler/model/types.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";

/** The cluster of the objects, one a line, and what is found: `severity code LINE: message`, with notes behind it. `saysNoServices`: also that
 *  there are none. */
export function resolved(
  objects: readonly object[],
  settings: Partial<IngressSettings> = {},
  saysNoServices = false,
): { readonly cluster: Cluster; readonly findings: string[]; readonly diagnostics: readonly Diagnostic[] } {
  const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  const findings: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const report = (finding: Diagnostic): void => {
    diagnostics.push(finding);
    const { severity, code, message, origin, notes = [] } = finding;
    const at = (place: Diagnostic["origin"]) =>
      place === undefined ? "-" : (lineAndColumn(place.span()).line + 1) / 2;
    const told = notes.map((note) => `; ${note.message} ${at(note.origin)}`).join("");
    findings.push(`${severity} ${code} ${at(origin)}: ${message}${told}`);
  };
  const specs = loadSpecs([{ name: "m.yaml", text }], report);
  const cluster = resolveCluster(specs, { controller: "example.com/kpc", ...settings }, report);
  const told = findings.filter((finding) => saysNoServices || !finding.includes(" no-services "));
  return { cluster, findings: told, diagnostics };
}

/** What stands at a place. */
export function textAt(origin: Origin | undefined): string | undefined {
  const span = origin?.span();
  return span?.source.text.slice(span.start, span.end);
}

/** Service a/s: TCP 80 at 10.96.0.1. */
export const service = (spec: object = {}, meta: object = {}) => ({
  ...{ apiVersion: "v1", kind: "Service", metadata: { name: "s", namespace: "a", ...meta } },
  spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }], ...spec },
});
export const SERVICE_NAME = "kubernetes.io/service-name";
/** A slice of Service a/s with 10.244.0.1:8080. */
export const slice = (members: object = {}, meta: object = {}) => ({
  ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4", ports: [{ port: 8080 }] },
  metadata: { name: "s-1", namespace: "a", labels: { [SERVICE_NAME]: "s" }, ...meta },
  endpoints: [{ addresses: ["10.244.0.1"] }],
  ...members,
});
/** An endpoint of a slice. */
export const at = (address: string, conditions: object = {}, members: object = {}) => ({
  addresses: [address],
  conditions,
  ...members,
});

/** Members of a Service with addresses of both families. */
export const DUAL = {
  clusterIPs: ["10.96.0.1", "fd00::1"],
  ipFamilies: ["IPv4", "IPv6"],
  ipFamilyPolicy: "RequireDualStack",
};

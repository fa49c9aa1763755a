/** What `kpc check` finds about the addresses of a cluster, and about what a Cluster says of them; manifests for it. */
import { compileSpecs } from "../../compiler/compile.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { printFinding } from "../unit/specs/findings.ts";
import { toConfig } from "./compile.ts";

const CODES: ReadonlySet<string> = new Set([
  "overlapping-pod-cidrs",
  "pod-outside-cidr",
  "duplicate-address",
  "service-cidr-routed",
  "cluster-mismatch",
  "unknown-cluster-name",
  "gateway-not-connected",
  "unknown-datapath",
]);

/** What is found in the objects, `line:column severity code message` each, with notes in parentheses. */
export function networkFindings(objects: readonly string[], settings: object = {}, checksNetwork = true): string[] {
  const source = { name: "a.yaml", text: objects.join("---\n") };
  const { diagnostics } = compileSpecs((report) => loadSpecs([source], report), toConfig(settings as never), {
    checksNetwork,
  });
  return diagnostics.filter(({ code }) => CODES.has(code)).map(printFinding);
}

/** The same without places, but for those of notes. */
export function withoutPlaces(findings: readonly string[]): string[] {
  return findings.map((finding) => finding.replace(/^\S+ /, ""));
}

export const node = (name: string, podCidrs: string, address = "", metadata = ""): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}${metadata}}\nspec: {podCIDRs: [${podCidrs}]}\n${address === "" ? "" : `status: {addresses: [{type: InternalIP, address: "${address}"}]}\n`}`;
export const pod = (name: string, on: string, address: string, spec = ""): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: a}\nspec: {nodeName: ${on}${spec}}\nstatus: {podIP: "${address}"}\n`;
export const service = (name: string, spec: string, status = ""): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: a}\nspec: {ports: [{port: 80}], ${spec}}\n${status}`;
export const cluster = (rest: string): string => `apiVersion: kpc.dev/v1alpha1\nkind: Cluster\n${rest}\n`;

export const N1 = node("n1", "10.244.1.0/24", "192.168.0.1");
export const N2 = node("n2", "10.244.2.0/24", "192.168.0.2");

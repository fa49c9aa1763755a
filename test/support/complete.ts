/** Manifests as people write them, and what becomes of them. */
import { complete } from "../../compiler/complete/complete.ts";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import type { Specs } from "../../compiler/specs/types.ts";
import { toConfig } from "./compile.ts";

export interface CompletedText {
  readonly specs: Specs;
  /** `SEVERITY CODE: MESSAGE`. */
  readonly findings: readonly string[];
  /** What was assumed, in words. */
  readonly assumed: readonly string[];
}

/** The completed objects of a YAML text; `settings` as a config file has them. Throws at errors in the text itself. */
export function completeText(text: string, settings: object = {}): CompletedText {
  const fail = ({ severity, message }: Diagnostic): void => {
    if (severity === "error") throw new Error(message);
  };
  const findings: string[] = [];
  const { specs, assumptions } = complete(
    loadSpecs([{ name: "a.yaml", text }], fail),
    toConfig(settings as never),
    ({ severity, code, message }) => void findings.push(`${severity} ${code}: ${message}`),
  );
  return { specs, findings, assumed: assumptions.map((each) => each.text) };
}

/** What each Service port and Pod of `specs` has, by name: addresses, node ports, nodes. */
export function valuesOf({ services, pods }: Specs): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { meta, clusterIps, ports, healthCheckNodePort } of services) {
    const name = `${meta.namespace}/${meta.name}`;
    for (const { value } of clusterIps) values.set(`${name} ${typeof value === "number" ? 4 : 6}`, printAddress(value));
    for (const { port, protocol, nodePort } of ports)
      if (nodePort !== undefined) values.set(`${name}:${port}/${protocol}`, String(nodePort.value));
    if (healthCheckNodePort !== undefined) values.set(`${name} health`, String(healthCheckNodePort.value));
  }
  for (const { meta, podIps, nodeName } of pods) {
    const name = `pod ${meta.namespace}/${meta.name}`;
    if (nodeName !== undefined) values.set(`${name} node`, nodeName);
    for (const value of podIps) values.set(`${name} ${typeof value === "number" ? 4 : 6}`, printAddress(value));
  }
  return values;
}

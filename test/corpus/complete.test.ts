import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { resolveCluster } from "../../compiler/model/resolve.ts";
import { selects } from "../../compiler/specs/labels.ts";
import { readFolder } from "../support/shared.ts";

/** Manifests that an API server would refuse, and the API's own test data. */
const REFUSED = /^(api-|ingress-(simple|tls)-istio)/;

const manifests = readFolder("corpus/k8s", ".yaml").filter(({ name }) => !REFUSED.test(name));
const missing = manifests.length === 0 ? " (skipped: the manifests are not beside the project)" : "";

describe.skipIf(manifests.length === 0)(`real manifests are completed${missing}`, () => {
  test.each(manifests)("$name", (source) => {
    const { compiled, diagnostics } = compile([source], {});
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    if (compiled === undefined) return;
    const { servicePorts } = resolveCluster(compiled.specs, { controller: "x" }, () => undefined);
    for (const { meta, selector, ports, headless, type } of compiled.specs.services) {
      const pods = compiled.specs.pods.filter(
        (pod) => pod.meta.namespace === meta.namespace && pod.podIps.length > 0 && selects(selector, pod.meta.labels),
      );
      if (headless || type === "ExternalName" || pods.length === 0) continue;
      const reached = [...servicePorts.IPv4, ...servicePorts.IPv6].filter(
        (port) => port.namespace === meta.namespace && port.name === meta.name && port.hasAnyEndpoint,
      );
      expect([meta.name, new Set(reached.map(({ port }) => port)).size]).toEqual([
        meta.name,
        new Set(ports.map(({ port }) => port)).size,
      ]);
    }
  });

  test("most of them have Services that get endpoints only by it", () => {
    const completed = manifests.filter((source) =>
      compile([source], {}).diagnostics.some(({ code, severity }) => code === "assumed" && severity === "note"),
    );
    expect(completed.length).toBeGreaterThan(25);
  });
});

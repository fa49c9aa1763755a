/** The files of examples/shop, and the network that they describe. */
import { readFileSync } from "node:fs";
import { resolveInput } from "../../compiler/compile.ts";
import { type Described, describeNetwork } from "../../compiler/described.ts";
import type { Source } from "../../compiler/diagnostics.ts";
import { required } from "../../compiler/invariant.ts";
import { resolveConfigs } from "../../compiler/node/all-nodes.ts";
import type { Config } from "../../compiler/node/config.ts";
import { readConfigFile } from "../../compiler/node/read-config.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { ROOT } from "./pages.ts";

function fileOf(name: string): Source {
  const path = `examples/shop/${name}`;
  return { name: path, text: readFileSync(`${ROOT}${path}`, "utf8") };
}

/** Manifests, those of the ingress proxy among them. */
export const SHOP_MANIFESTS: readonly Source[] = [
  ...["nodes", "pods", "services", "ingress"].map((name) => fileOf(`manifests/${name}.yaml`)),
  fileOf("ingress/proxy.yaml"),
];

export const SHOP_CLUSTER: Source = fileOf("cluster.yaml");

export const WALK_SCHEMA: Source = { name: "walk", text: readFileSync(`${ROOT}schemas/walk.schema.json`, "utf8") };

/** The network of manifests, with the settings of the shop and `more`. */
export function describeSources(sources: readonly Source[], more: Config = {}): Described {
  const read = readConfigFile(fileOf("kpc.yaml"), ({ message }) => {
    throw new Error(message);
  });
  const config = { ...read, ...more };
  const { resolved, diagnostics } = resolveInput((report) => loadSpecs(sources, report), config, {}, resolveConfigs);
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
  return describeNetwork(required(resolved, `the manifests have no error: ${errors.join(", ")}`));
}

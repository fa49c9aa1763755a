/** The shipped example, as tests use it. */
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Source } from "../../compiler/diagnostics.ts";
import type { Manifest } from "./arbitraries.ts";

const SHOP = new URL("../../examples/shop/", import.meta.url);

export function exampleManifests(): Source[] {
  const folder = new URL("manifests/", SHOP);
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name: `examples/shop/manifests/${name}`, text: readFileSync(new URL(name, folder), "utf8") }));
}

/** The settings of kpc.yaml, as a case's `proxy:` block has them. */
export function exampleSettings(): Manifest {
  const { apiVersion: _, kind: __, ...settings } = parse(readFileSync(new URL("kpc.yaml", SHOP), "utf8")) as Manifest;
  return settings;
}

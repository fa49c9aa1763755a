/** The engine's algorithm in C, compiled for this processor. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as LAYOUT from "../../assembly/layout.ts";
import { type EngineMemory, type Implementation, INTERFACE_KIND } from "./engine-memory.ts";

interface Addon {
  readonly classifyMany: (
    memory: Uint8Array,
    table: number,
    packets: number,
    count: number,
    interfaceClass: number,
    results: number,
  ) => void;
}

/** Entries are asked for by reading them, as the engine does, or by prefetching. */
const WAYS = ["touch", "prefetch"] as const;

export type NativeClassifier = ReadonlyMap<string, Addon>;

/** Compiles into `folder`; `source` is the C file. Gives an addon for each way, or why there is none. */
export function buildNative(source: string, folder: string): NativeClassifier | string {
  const headers = [join(dirname(process.execPath), "../include/node"), "/usr/include/node"];
  const include = headers.find((each) => existsSync(join(each, "node_api.h")));
  if (include === undefined) return `node_api.h is not in ${headers.join(" nor in ")}`;
  mkdirSync(folder, { recursive: true });
  const constants = Object.entries(LAYOUT).map(([name, value]) => `#define ${name} ${value >>> 0}u\n`);
  writeFileSync(join(folder, "layout.h"), constants.join(""));
  const require = createRequire(import.meta.url);
  const addons = new Map<string, Addon>();
  for (const way of WAYS) {
    const file = join(folder, `${way}.node`);
    const define = `-DPREFETCH=${way === "prefetch" ? 1 : 0}`;
    const flags = ["-O3", "-march=native", "-Wall", "-Wextra", "-shared", "-fPIC", define];
    const args = [...flags, `-I${include}`, `-I${folder}`, "-o", file, source];
    const { error, status, stderr } = spawnSync("gcc", args, { encoding: "utf8" });
    if (error !== undefined) return `gcc cannot be run: ${error.message}`;
    if (status !== 0) return `gcc does not compile it: ${stderr}`;
    addons.set(way, require(file) as Addon);
  }
  return addons;
}

/** The places of C, where the bundle is run from. */
export const NATIVE_SOURCE = fileURLToPath(new URL("../../bench/support/native/classifier.c", import.meta.url));
export const NATIVE_FOLDER = fileURLToPath(new URL("./native", import.meta.url));

/** The addons, at work on the bytes of `memory`. */
export function nativeWays(addons: NativeClassifier, memory: EngineMemory): Implementation[] {
  const { bytes, tableAt, packetsAt, resultsAt } = memory;
  return [...addons].map(([name, { classifyMany }]) => ({
    name,
    classifyMany: (count) => classifyMany(bytes, tableAt, packetsAt, count, INTERFACE_KIND, resultsAt),
  }));
}

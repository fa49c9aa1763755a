/** All engines, by the names that users give. */
import type { Engine } from "../engines/types.ts";
import { Trouble } from "./trouble.ts";

/** Each is loaded when it is asked for. */
const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  ir: async () => (await import("../engines/ir.ts")).irEngine,
  wasm: async () => (await import("../../runtime/classifier/engine.ts")).wasmEngine,
  nft: async () => (await import("../engines/text.ts")).nftEngine,
  iptables: async () => (await import("../engines/text.ts")).iptablesEngine,
  "kernel-nft": async () => (await import("../../runtime/kernel/engine.ts")).kernelNft(),
  "kernel-iptables-nft": async () => (await import("../../runtime/kernel/engine.ts")).kernelIptables("nft"),
  "kernel-iptables-legacy": async () => (await import("../../runtime/kernel/engine.ts")).kernelIptables("legacy"),
  lab: async () => (await import("../engines/lab.ts")).labEngine,
};

/** Engines that answer for one node. */
const OF_ONE_NODE = Object.keys(ENGINES).filter((name) => name !== "lab");

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "kernel-iptables": ["kernel-iptables-nft", "kernel-iptables-legacy"],
  kernel: ["kernel-nft", "kernel-iptables-nft", "kernel-iptables-legacy"],
  all: OF_ONE_NODE,
};

/** For help texts: those that answer alone, and all that a list may have. */
export const SINGLE_ENGINE_NAMES = OF_ONE_NODE.join(", ");
export const ENGINE_NAMES = [...Object.keys(ENGINES), ...Object.keys(GROUPS)].join(", ");

/** The engines that a comma list names, each once. Throws `Trouble` for names that none has. */
export async function chooseEngines(list: string): Promise<Engine[]> {
  const names = list.split(",").flatMap((name) => GROUPS[name.trim()] ?? [name.trim()]);
  const unknown = names.filter((name) => !Object.hasOwn(ENGINES, name));
  if (unknown.length > 0) throw new Trouble(`no engine ${unknown.join(", ")}; there is ${ENGINE_NAMES}`);
  return Promise.all([...new Set(names)].map((name) => (ENGINES[name] as () => Promise<Engine>)()));
}

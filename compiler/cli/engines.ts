/** All engines, by the names that users give. */
import type { RequestEngine } from "../expectations/engines/requests.ts";
import type { Engine } from "../expectations/engines/types.ts";
import { Trouble } from "./trouble.ts";

/** Engines for packets. Each is loaded when it is asked for. */
const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  ir: async () => (await import("../expectations/engines/ir.ts")).irEngine,
  wasm: async () => (await import("../../runtime/classifier/engine.ts")).wasmEngine,
  nft: async () => (await import("../expectations/engines/text.ts")).nftEngine,
  iptables: async () => (await import("../expectations/engines/text.ts")).iptablesEngine,
  "kernel-nft": async () => (await import("../../runtime/kernel/engine.ts")).kernelNft(),
  "kernel-iptables-nft": async () => (await import("../../runtime/kernel/engine.ts")).kernelIptables("nft"),
  "kernel-iptables-legacy": async () => (await import("../../runtime/kernel/engine.ts")).kernelIptables("legacy"),
  lab: async () => (await import("../expectations/engines/lab.ts")).labEngine,
};

/** Engines for HTTP requests. */
const REQUEST_ENGINES: Readonly<Record<string, () => Promise<RequestEngine>>> = {
  ir: async () => (await import("../expectations/engines/requests.ts")).irRequestEngine,
  router: async () => (await import("../../runtime/router/engine.ts")).routerEngine,
  haproxy: async () => new (await import("../../runtime/haproxy/engine.ts")).HaproxyEngine(),
};

/** Engines that answer for one node. */
const OF_ONE_NODE = Object.keys(ENGINES).filter((name) => name !== "lab");

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "kernel-iptables": ["kernel-iptables-nft", "kernel-iptables-legacy"],
  kernel: ["kernel-nft", "kernel-iptables-nft", "kernel-iptables-legacy"],
  all: [...new Set([...OF_ONE_NODE, ...Object.keys(REQUEST_ENGINES)])],
};

const NAMES = [...new Set([...Object.keys(ENGINES), ...Object.keys(REQUEST_ENGINES)])];

/** For help texts: those that answer alone, and all that a list may have. */
export const SINGLE_ENGINE_NAMES = OF_ONE_NODE.join(", ");
export const ENGINE_NAMES = [...NAMES, ...Object.keys(GROUPS)].join(", ");

/** The engines that a list names. */
export interface ChosenEngines {
  readonly forPackets: readonly Engine[];
  readonly forRequests: readonly RequestEngine[];
}

/** The engines that a comma list names, each once. One that is named itself, not by a group, skips what it cannot answer. Throws
 *  `Trouble` for names that none has. */
export async function chooseEngines(list: string): Promise<ChosenEngines> {
  const asked = list.split(",").map((name) => name.trim());
  const names = [...new Set(asked.flatMap((name) => GROUPS[name] ?? [name]))];
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new Trouble(`no engine ${unknown.join(", ")}; there is ${ENGINE_NAMES}`);
  const load = <T>(engines: Readonly<Record<string, () => Promise<T>>>, other: (name: string) => T): Promise<T[]> =>
    Promise.all(
      names.filter((name) => name in engines || asked.includes(name)).map((name) => engines[name]?.() ?? other(name)),
    );
  return {
    forPackets: await load(ENGINES, (name) => cannotAnswer(name, "HTTP requests")),
    forRequests: await load(REQUEST_ENGINES, (name) => cannotAnswer(name, "packets")),
  };
}

/** An engine that skips everything. `subject`: what it answers instead. */
function cannotAnswer(
  name: string,
  subject: string,
): Pick<Engine, "name" | "unavailable" | "close"> & { run: () => Promise<never> } {
  const reason = `it answers expectations for ${subject} only`;
  return {
    name,
    unavailable: () => reason,
    run: () => Promise.reject(new Error(`invariant broken: ${reason}`)),
    close: async () => undefined,
  };
}

/** The engine that sends packets through a cluster that it builds. Expectations for one node are not its own. */
import type { Engine } from "./types.ts";

const REASON = "it answers expectations for a whole cluster (apiVersion, kind: Expectations) only";

export const labEngine: Engine = {
  name: "lab",
  unavailable: () => REASON,
  run: () => Promise.reject(new Error(`invariant broken: ${REASON}`)),
  close: async () => undefined,
};

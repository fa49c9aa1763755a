/** What happens to an agent and its tables besides events of the API server. */
import fc from "fast-check";
import type { LiveAgent } from "./live-agent.ts";

export type Mishap = (typeof MISHAPS)[number];

/** By what it does. Foreign commands that cannot be done do nothing. */
const FOREIGN = {
  "flush the ruleset": "flush ruleset",
  "delete a table": "delete table ip kpc",
  "flush a map": "flush map ip kpc services",
  "flush a set": "flush set ip kpc hairpin",
  "flush a chain": "flush chain ip kpc nat-prerouting",
  "add an element": "add element ip kpc hairpin { 10.66.6.6 . 10.66.6.6 }",
  "delete the endpoints": "flush map ip kpc endpoints-tcp",
  "add a rule": "insert rule ip kpc services drop",
  "add a chain": "add chain ip kpc theirs",
  "put a table to sleep": "add table ip kpc { flags dormant; }",
  "change a table of others": "add table ip others; delete table ip others",
} as const;

const PROCESSES = ["kill nft", "kill the helper", "start the agent anew", "drop the API server's history"] as const;

export const MISHAPS = [...(Object.keys(FOREIGN) as (keyof typeof FOREIGN)[]), ...PROCESSES] as const;

export const mishap: fc.Arbitrary<Mishap> = fc.constantFrom(...MISHAPS);

export async function befall(live: LiveAgent, what: Mishap): Promise<void> {
  switch (what) {
    case "kill nft":
      return kill(live.kernel.pids[1]);
    case "kill the helper":
      return kill(live.kernel.pids[0]);
    case "start the agent anew":
      await live.agent.stop();
      return await live.startAgain();
    case "drop the API server's history":
      return live.api.store.compact();
    default:
      live.tryNft(FOREIGN[what]);
  }
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** An agent whose netlink takes no large messages, as that of an ordinary user. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { endpointSlice, serviceOf } from "../support/agent-objects.ts";
import { PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { holdUserNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";
import { LiveAgent } from "../support/live-agent.ts";

const CONFIG = { ...toConfig(PROXY), mode: "nftables" } as const;

/** Why no network of an ordinary user can be made here. */
function findRefused(): string | undefined {
  const { status, stderr } = spawnSync("unshare", ["-Urn", "nft", "list", "ruleset"], { encoding: "utf8" });
  if (status === 0) return undefined;
  process.stderr.write(`an agent without large buffers is left out: unshare -Urn is refused: ${stderr}\n`);
  return stderr;
}

const missing = kernelMissing ?? findRefused();

describe.skipIf(missing !== undefined)("kpc agent", () => {
  test("loads in smaller pieces what is too large for the socket", async () => {
    const objects = Array.from({ length: 130 }, (_, i) => [
      serviceOf(`s${i}`, `172.30.${i >> 8}.${i & 255}`),
      endpointSlice(`s${i}`, ...Array.from({ length: 100 }, (_, j) => `10.${i >> 8}.${i & 255}.${j}`)),
    ]).flat();
    const live = await LiveAgent.start(CONFIG, objects, {}, holdUserNamespace);
    await live.agreed();
    expect(live.agent.counts.transactions.get("too-large")).toBeGreaterThan(0);
    live.nft("flush map ip kpc services");
    await live.agreed();
    await live.close();
  });
});

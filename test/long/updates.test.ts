import { describe, expect, test } from "vitest";
import { printNft } from "../support/compile.ts";
import { JUDGES, openTestNode } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { FLOOD, floodThroughUpdates, versions } from "../support/updates.ts";

/** Per judge; `npm run soak` does many more. */
const UPDATES = 15;

describe.skipIf(kernelMissing !== undefined)("new connections are translated while rules are replaced", () => {
  test.concurrent.each(JUDGES)("%s", async (judge) => {
    for (const mode of ["nftables", "iptables"] as const) {
      const prober = await openTestNode();
      const { sent, translated } = await floodThroughUpdates(prober, judge, versions(mode), UPDATES);
      await prober.close();
      expect(sent).toBeGreaterThan(UPDATES * 100);
      expect(translated).toBe(sent);
    }
  });

  test("a moment without rules is seen", async () => {
    const prober = await openTestNode();
    const [text = ""] = versions("nftables").map((program) => printNft(program));
    await prober.run("nft -f /dev/stdin", text);
    const stop = await prober.startFlood(FLOOD);
    for (let i = 0; i < 5; i++) {
      await prober.run("nft flush ruleset");
      await prober.run("nft -f /dev/stdin", text);
    }
    const { sent, translated, untranslated } = await stop();
    await prober.close();
    expect(untranslated).toBeGreaterThan(0);
    expect(translated).toBeLessThan(sent);
  });
});

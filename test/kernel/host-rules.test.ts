import { describe, expect, test } from "vitest";
import { clearRules, loadRules } from "../../runtime/kernel/rules.ts";
import { openTestNode, rulesFor } from "../support/differential.ts";
import { HOST_RULES, meaningOf, programOfSample } from "../support/host-rules.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadNft } from "../support/read.ts";

describe.skipIf(kernelMissing !== undefined)(
  "the kernel takes the rules of hosts, and lists what their text means",
  () => {
    test("all samples", async () => {
      const prober = await openTestNode();
      for (const sample of HOST_RULES) {
        const rules = rulesFor("kernel-nft", programOfSample(sample));
        await loadRules(prober, rules);
        const listed = mustReadNft(await prober.run("nft -s list ruleset"));
        await clearRules(prober, rules);
        expect(meaningOf(listed), sample.title).toEqual(meaningOf(mustReadNft(sample.text)));
      }
      await prober.close();
    });
  },
);

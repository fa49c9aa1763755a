import { expect, test } from "vitest";
import { MODES } from "../../compiler/node/settings.ts";
import { mustCompile } from "../support/compile.ts";
import { textsThatDiffer } from "../support/every-text.ts";
import { packetsAtSomeServices } from "../support/packets.ts";
import { EVERYTHING } from "../support/runs.ts";
import { COUNTED, SIZES } from "../support/sizes.ts";

/** All sizes in `npm run test:all`; those before the kernel: `npm run soak:sizes`. */
const sizes = EVERYTHING ? SIZES : ([17] as const);

/** The other sizes take a mode by turns: neighbours differ in little else. */
const BOTH_MODES: ReadonlySet<number> = new Set(EVERYTHING ? [17, 1000] : []);

test.each(Object.keys(COUNTED))("any number of %s can be said in every text", async (what) => {
  const differing: string[] = [];
  for (const [i, size] of sizes.entries()) {
    for (const mode of BOTH_MODES.has(size) ? MODES : [MODES[i % MODES.length] ?? "nftables"]) {
      const world = { ...(COUNTED[what]?.(size) ?? { objects: [], proxy: {} as never }), mode };
      const lines = await textsThatDiffer(mustCompile(world), packetsAtSomeServices(world, 25));
      differing.push(...lines.map((line) => `${size} in ${mode} mode: ${line}`));
    }
  }
  expect(differing).toEqual([]);
});

import { expect, test } from "vitest";
import { MODES } from "../../compiler/node/settings.ts";
import { mustCompile } from "../support/compile.ts";
import { textsThatDiffer } from "../support/every-text.ts";
import { packetsAtSomeServices } from "../support/packets.ts";
import { COUNTED, SIZES } from "../support/sizes.ts";

/** The other sizes take a mode by turns: neighbours differ in little else. `npm run soak:sizes` holds all before the kernel. */
const BOTH_MODES: ReadonlySet<number> = new Set([17]);

const KINDS = Object.keys(COUNTED).map((what, turn) => [what, turn] as const);

test.each(KINDS)("any number of %s can be said in every text", async (what, turn) => {
  const differing: string[] = [];
  for (const [i, size] of SIZES.entries()) {
    for (const mode of BOTH_MODES.has(size) ? MODES : [MODES[(i + turn) % MODES.length] ?? "nftables"]) {
      const world = { ...(COUNTED[what]?.(size) ?? { objects: [], proxy: {} as never }), mode };
      const lines = await textsThatDiffer(mustCompile(world), packetsAtSomeServices(world, 25));
      differing.push(...lines.map((line) => `${size} in ${mode} mode: ${line}`));
    }
  }
  expect(differing).toEqual([]);
});

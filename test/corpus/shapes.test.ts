/** Other people's dumps, read with the help of shapes and by the grammar alone, as they are and with their lines changed. */
import { describe, expect, it } from "vitest";
import { iptablesReadings, nftReadings, varied } from "../support/both-readings.ts";
import { runs } from "../support/runs.ts";
import { readFolder, type TextFile } from "../support/shared.ts";
import { numbersFrom } from "../support/slots.ts";

/** As they are, and changed where they are not too long for it. */
function* variants(dumps: readonly TextFile[]): Generator<TextFile> {
  yield* dumps;
  const short = dumps.filter(({ text }) => text.length < 40_000);
  for (let seed = 1; seed <= runs(400); seed++) {
    const pick = numbersFrom(seed);
    const { name, text } = short[pick(short.length)] as TextFile;
    yield { name: `${name}, seed ${seed}`, text: varied(text, pick, [8, 50, 1000][pick(3)]) };
  }
}

describe.each([
  ["lines of iptables", readFolder("corpus/iptables", ".rules"), iptablesReadings],
  ["elements of nft", readFolder("corpus/nft", ".nft"), nftReadings],
] as const)("%s that have one shape", (_, dumps, read) => {
  it.skipIf(dumps.length === 0)(
    `are what the grammar makes of them${dumps.length > 0 ? "" : " (skipped: there is no ../shared/corpus)"}`,
    () => {
      for (const { name, text } of variants(dumps)) {
        const { shapes, grammar } = read(text);
        expect(shapes === grammar, name).toBe(true);
      }
    },
  );
});

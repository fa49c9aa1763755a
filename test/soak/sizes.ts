/**
 * Every thing that is counted, in every size: compiled in both modes, printed in every text, read back, evaluated, and
 * loaded by the kernel with nft and both backends of iptables.
 *
 *   npm run soak:sizes -- [--only "node ports"] [--kernel 1000]
 *
 * `--kernel N`: the kernel loads the texts of sizes up to N (0: of none). Exit code 1 when anything differs or is refused.
 */
import { parseArgs } from "node:util";
import { MODES } from "../../compiler/node/settings.ts";
import { mustCompile } from "../support/compile.ts";
import { textsThatDiffer } from "../support/every-text.ts";
import { kernelMissing } from "../support/kernel.ts";
import { complaintsOfKernel } from "../support/load.ts";
import { packetsAtSomeServices } from "../support/packets.ts";
import { COUNTED, SIZES } from "../support/sizes.ts";

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, kernel: { type: "string", default: "1000" } },
});
const largest = kernelMissing === undefined ? Number(values.kernel) : 0;
let failures = 0;
for (const [what, make] of Object.entries(COUNTED)) {
  if (!what.includes(values.only)) continue;
  for (const size of SIZES) {
    for (const mode of MODES) {
      const start = performance.now();
      const world = { ...make(size), mode };
      const compiled = mustCompile(world);
      const lines = await textsThatDiffer(compiled, packetsAtSomeServices(world, 100));
      const loaded = size <= largest ? await complaintsOfKernel(compiled.program) : "";
      if (loaded !== "") lines.push(`the kernel: ${loaded.slice(0, 500)}`);
      failures += lines.length;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`${size} ${what}, ${mode} mode: ${lines.length === 0 ? "well" : "WRONG"} (${seconds} s)\n`);
      for (const line of lines) process.stdout.write(`    ${line}\n`);
    }
  }
}
process.exitCode = failures === 0 ? 0 : 1;

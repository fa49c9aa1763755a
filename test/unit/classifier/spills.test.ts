/** Batches are classified by loops that keep their values in registers. What a loop stores into the stack can meet what it loads of packets
 *  in the processor's buffers, by the place that the stack happens to have: then all of a process is slower. */
import { expect, test } from "vitest";
import { machineLoopsOf } from "../../support/wasm-loops.ts";

const ENGINE = new URL("../../../dist/assembly/classifier.wasm", import.meta.url).pathname;

const loops = machineLoopsOf(ENGINE);
if (typeof loops === "string") process.stderr.write(`loops of the engine are not looked at: ${loops}\n`);

test.skipIf(typeof loops === "string")("the loops of a batch store hardly a register into the stack", () => {
  const found = loops as Exclude<typeof loops, string>;
  const large = found.filter(({ vectors }) => vectors >= 60);
  // Headers of IPv4; sources, destinations and headers of IPv6; answers. When IPv6 was one loop it had 15 stores.
  expect(large.length).toBeGreaterThanOrEqual(5);
  expect(large.filter(({ stores }) => stores > 2)).toEqual([]);
  expect(large.filter(({ stores }) => stores === 0).length).toBeGreaterThanOrEqual(3);
});

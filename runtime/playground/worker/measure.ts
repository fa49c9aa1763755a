/** The classifier at work: how many packets a second it classifies here. */
import { createClassifier } from "../../classifier/inline.ts";

/** Classifies the packets in `slots` (64 bytes each, at least one) for a second, in slices that leave the worker time for questions. In
 *  million packets a second. */
export async function measure(table: Uint8Array, slots: Uint8Array): Promise<number> {
  const classifier = await createClassifier(table);
  const { packets, batchSize } = classifier;
  for (let at = 0; at < packets.length; at += slots.length) packets.set(slots.subarray(0, packets.length - at), at);
  let done = 0;
  let spent = 0;
  while (spent < 1000) {
    const begun = performance.now();
    for (let i = 0; i < 50; i++) {
      classifier.classifyMany(batchSize);
      done += batchSize;
    }
    spent += performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve));
  }
  return done / spent / 1000;
}

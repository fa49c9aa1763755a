// @ts-check
/** What a page does with a classifier, and Node too: all that it can be asked, as plain data. */

/**
 * @typedef {typeof import("../../runtime/classifier/inline.ts")} Kpc
 * @typedef {import("../../runtime/classifier/inline.ts").PacketFields} PacketFields
 */

/**
 * @param {Pick<Kpc, "createClassifier" | "packetFrom">} kpc
 * @param {Uint8Array} table
 * @param {Uint8Array} other a table that takes its place
 * @param {readonly PacketFields[]} packets
 */
export async function classifyAll({ createClassifier, packetFrom }, table, other, packets) {
  const found = [];
  for (const choose of /** @type {const} */ (["flow", "consistent", "random"])) {
    const classifier = await createClassifier(table, { choose, random: () => 0.6 });
    const slots = new Uint8Array(packets.length * 64);
    for (const [i, packet] of packets.entries()) slots.set(packetFrom(packet).subarray(0, 64), i * 64);
    const batch = classifier.classifyMany(slots, { inInterface: "eth0" });
    const words = [...batch.words];
    const read = packets.map((_, i) => classifier.read(batch, i));
    const alone = packets.map((packet) => classifier.classify(packet, { inInterface: "eth0" }));
    const explained = packets.map((packet) => classifier.explain(packet, { inInterface: "eth0" }));
    classifier.replace(other);
    const after = packets.map((packet) => classifier.classify(packet, { inInterface: "eth0" }));
    found.push({ choose, words, read, alone, explained, after });
  }
  return found;
}

import { Evaluator } from "../../evaluate/evaluate.ts";
import { environmentOf } from "../../evaluate/packet.ts";
import type { Engine } from "./types.ts";

/** The reference: the program evaluated as it was lowered. */
export const irEngine: Engine = {
  name: "ir",
  unavailable: () => undefined,
  run: async ({ program, node }, packets) => {
    const evaluator = new Evaluator(program);
    const environment = environmentOf(node.addresses);
    return packets.map((packet) => evaluator.evaluateWhole(packet, environment));
  },
  close: async () => undefined,
};

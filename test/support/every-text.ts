/** A program in each of its texts, read back and evaluated. */
import type { Compiled } from "../../compiler/compile.ts";
import type { Outcome, Packet } from "../../compiler/evaluate/packet.ts";
import { irEngine } from "../../compiler/expectations/engines/ir.ts";
import { iptablesEngine, nftEngine } from "../../compiler/expectations/engines/text.ts";
import type { Engine } from "../../compiler/expectations/engines/types.ts";
import { printIr } from "../../compiler/formats/ir/print.ts";
import { readIr } from "../../compiler/formats/ir/read.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import { wasmEngine } from "../../runtime/classifier/engine.ts";

/** The IR's own text. */
const jsonEngine: Engine = {
  ...irEngine,
  name: "json",
  run: (compiled, packets) => irEngine.run({ ...compiled, program: readBack(compiled) }, packets),
};

function readBack({ program }: Compiled): Compiled["program"] {
  const read = readIr({ name: "<the IR>", text: printIr(program) }, ({ message }) => {
    throw new Error(message);
  });
  if (read === undefined) throw new Error("the IR is not read");
  return read;
}

const ENGINES: readonly Engine[] = [jsonEngine, nftEngine, iptablesEngine, wasmEngine];

/** What the texts of a program do to `packets` that the program itself does not; one line for each text. */
export async function textsThatDiffer(compiled: Compiled, packets: readonly Packet[]): Promise<string[]> {
  const wanted = (await irEngine.run(compiled, packets)).map(summaryOf);
  const lines: string[] = [];
  for (const engine of ENGINES) {
    const found = (await engine.run(compiled, packets)).map(summaryOf);
    const at = found.findIndex((summary, i) => summary !== wanted[i]);
    const packet = packets[at];
    if (packet === undefined) continue;
    const to = printAddressPort(packet.destination, packet.destinationPort);
    lines.push(`${engine.name}: protocol ${packet.protocol} to ${to}: ${found[at]} instead of ${wanted[at]}`);
  }
  return lines;
}

/** An outcome without the rules that led to it. */
function summaryOf(outcomes: readonly Outcome[]): string {
  return outcomes
    .map(({ verdict, rejectWith, endpoints, sticky, assumptions }) => {
      const ends = endpoints.map(
        ({ address, port, probability, masquerade }) =>
          `${printAddressPort(address, port)} ${masquerade ? "masqueraded " : ""}${probability.toFixed(6)}`,
      );
      return [verdict, rejectWith, ...ends.sort(), sticky?.timeoutSeconds, assumptions.length].join(", ");
    })
    .join("; ");
}

import type { Compiled } from "../../compile.ts";
import { type Diagnostic, printPlace, type Report } from "../../diagnostics.ts";
import { Evaluator } from "../../evaluate/evaluate.ts";
import { environmentOf } from "../../evaluate/packet.ts";
import { readIptables } from "../../formats/iptables/read.ts";
import { readNft } from "../../formats/nft/read.ts";
import type { Program } from "../../ir/types.ts";
import { printIptables, printNft } from "../../print.ts";

import { type Engine, EngineTrouble, usable } from "./types.ts";

/** The program as iptables' texts say it: printed for both families, read back, evaluated. */
export const iptablesEngine: Engine = textEngine("iptables", ({ program }, report) => {
  const tables = (["ip", "ip6"] as const).flatMap((family) => {
    const text = usable(printIptables(program, family));
    return readIptables({ name: `<kpc's text for ${family}tables>`, text }, report, { family }).ruleset.tables;
  });
  return { ruleset: { tables }, routes: program.routes };
});

/** The program as nft's text says it, with what it does to an earlier one. */
export const nftEngine: Engine = textEngine("nft", ({ program }, report) => ({
  ...readNft({ name: "<kpc's text for nft>", text: usable(printNft(program)) }, report),
  routes: program.routes,
}));

function textEngine(name: string, readBack: (compiled: Compiled, report: Report) => Program): Engine {
  return {
    name,
    unavailable: () => undefined,
    run: async (compiled, packets) => {
      const evaluator = new Evaluator(readBack(compiled, refuse));
      const environment = environmentOf(compiled.node.addresses);
      return packets.map((packet) => evaluator.evaluateWhole(packet, environment));
    },
    close: async () => undefined,
  };
}

/** What we print is read without a finding. */
function refuse({ message, origin }: Diagnostic): never {
  throw new EngineTrouble(
    `our own text is not read: ${origin === undefined ? "" : `${printPlace(origin.span())}: `}${message}`,
  );
}

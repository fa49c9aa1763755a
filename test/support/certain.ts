/** Whether a rule applies to a packet, for certain or not. */
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";

const [LOCAL, FAR, LOCAL_IPV6] = ["192.0.2.7", "10.9.9.9", "fd07::7"].map((text) => parseAddress(text) as Address) as [
  Address,
  Address,
  Address,
];

export { LOCAL };

/** What is usual is left out. Without an interface it is the node's own. */
export interface AskedPacket {
  readonly ctState?: "established" | "untracked" | "invalid";
  readonly inInterface?: string;
  readonly protocol?: number;
  readonly destination?: Address;
  readonly source?: Address;
}

/** Whether the rule drops the packet: yes, no, or both where it is not known. */
export function askRule(
  program: Program,
  { inInterface, protocol = 6, destination = FAR, ctState, ...more }: AskedPacket,
): string {
  const source = more.source ?? (inInterface === undefined ? LOCAL : (parseAddress("10.1.1.1") as Address));
  const outcomes = new Evaluator(program).evaluateWhole(
    {
      protocol,
      source,
      destination,
      sourcePort: 5,
      destinationPort: 80,
      inInterface,
      mark: 0,
      ...(ctState === undefined ? {} : { ctState }),
    },
    environmentOf([LOCAL, LOCAL_IPV6]),
  );
  return [...new Set(outcomes.map(({ verdict }) => (verdict === "drop" ? "yes" : "no")))].sort().join(" or ");
}

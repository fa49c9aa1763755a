/** What rules do to one packet, in a few words. */
import type { Disposition } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import { mustReadNft } from "./read.ts";
import { address } from "./service-port.ts";

/** TCP 10.244.0.5:40000 > 10.96.0.10:80 from the bridge cni0, a new connection. */
const PACKET: Packet = {
  protocol: 6,
  source: address("10.244.0.5"),
  sourcePort: 40000,
  destination: address("10.96.0.10"),
  destinationPort: 80,
  inInterface: "cni0",
  mark: 0,
};

const NODE = environmentOf([address("192.0.2.1")]);

/** What may become of the packet that differs from `PACKET` in `packet`, by the chains of an nft table of IPv4. */
export function fateOf(chains: string, packet: Partial<Packet>): string {
  const program = mustReadNft(`table ip t {\n${chains}\n}`);
  const outcomes = new Evaluator(program).evaluateWhole({ ...PACKET, ...packet }, NODE);
  return outcomes
    .flatMap(({ results }) => results)
    .map(({ disposition }) => textOf(disposition))
    .join(" or ");
}

function textOf(disposition: Disposition): string {
  switch (disposition.kind) {
    case "dnat":
      return printAddressPort(disposition.to.address, disposition.to.port);
    case "reject":
      return `reject ${disposition.with}`;
    case "pass":
      return disposition.source.kind === "given" ? `from ${disposition.source.text}` : disposition.source.kind;
    case "drop":
      return "drop";
  }
}

/** What rules do to one packet, in a few words. */
import type { Disposition, NewSource } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import { familyOf, printAddressPort } from "../../compiler/net/address.ts";
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

const NODE = environmentOf([address("192.0.2.1"), address("2001:db8::1")]);

/** The same of IPv6, [fd00:10:244::5]:40000 > [fd00:10:96::10]:80. */
export const IPV6: Partial<Packet> = { source: address("fd00:10:244::5"), destination: address("fd00:10:96::10") };

/** What may become of the packet that differs from `PACKET` in `packet`, by the chains of an nft table of its family, or of another. */
export function fateOf(chains: string, packet: Partial<Packet>, family?: "inet"): string {
  const own = familyOf(packet.source ?? PACKET.source) === "IPv4" ? "ip" : "ip6";
  const program = mustReadNft(`table ${family ?? own} t {\n${chains}\n}`);
  const outcomes = new Evaluator(program).evaluateWhole({ ...PACKET, ...packet }, NODE);
  return outcomes
    .flatMap(({ results }) => results)
    .map(({ disposition }) => textOf(disposition))
    .join(" or ");
}

function textOf(disposition: Disposition): string {
  switch (disposition.kind) {
    case "dnat":
      return [
        printAddressPort(disposition.to.address, disposition.to.port),
        ...(disposition.source.kind === "kept" ? [] : [sourceText(disposition.source)]),
        ...disposition.takenBy,
      ].join(", ");
    case "reject":
      return `reject ${disposition.with}`;
    case "pass":
      return sourceText(disposition.source);
    case "drop":
      return "drop";
  }
}

function sourceText(source: NewSource): string {
  return source.kind === "given" ? `from ${source.text}` : source.kind;
}

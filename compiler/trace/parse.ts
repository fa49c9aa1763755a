/** From the text of a packet to its parts. */
import type { CstNode, IToken } from "chevrotain";
import type { Origin, Report, Source } from "../diagnostics.ts";
import type { Family } from "../net/address.ts";
import { isInterfaceName } from "../net/interface-name.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS } from "../net/protocol.ts";
import { packetParser } from "./grammar.ts";
import { packetLexer } from "./lexer.ts";
import { type CapturedEnd, type PacketProtocol, readTcpdump } from "./tcpdump.ts";

/** IANA number. */
export function protocolNumber(protocol: PacketProtocol, family: Family): number {
  if (protocol !== "icmp") return PROTOCOL_NUMBERS[protocol];
  return family === "IPv4" ? 1 : 58;
}

/** A packet as it was written; ends may be names of objects. */
export interface PacketText {
  readonly protocol: PacketProtocol;
  readonly from: EndText;
  readonly to: EndText;
  readonly inInterface: string | undefined;
  /** In a line of tcpdump: by which interface of some host the packet came in. */
  readonly capturedAt?: string | undefined;
  readonly mark: number;
}

/** An address or a name, and what follows the colon. */
export interface EndText {
  readonly name: string;
  readonly port: string | undefined;
  readonly origin: Origin;
  readonly portOrigin: Origin;
}

/** The packet in `source.text`; reports `packet-syntax` and gives undefined when it is none. */
export function parsePacket(source: Source, report: Report): PacketText | undefined {
  const at = (start: number, end: number): Origin => ({
    span: () => ({ source, start, end: Math.max(end, start + 1) }),
  });
  const fail = (message: string, origin: Origin): undefined => {
    report({ severity: "error", code: "packet-syntax", message, origin });
    return undefined;
  };
  const captured = readTcpdump(source.text);
  if (typeof captured === "string") return fail(captured, at(0, source.text.length));
  if (captured !== undefined) {
    const { protocol, from, to, inInterface } = captured;
    const endOf = ({ name, port, start, end }: CapturedEnd): EndText => ({
      name,
      port,
      origin: at(start, end),
      portOrigin: at(start, end),
    });
    return { protocol, from: endOf(from), to: endOf(to), inInterface: undefined, capturedAt: inInterface, mark: 0 };
  }
  const originOf = (token: IToken): Origin => at(token.startOffset, token.startOffset + token.image.length);
  const { tokens, errors } = packetLexer.tokenize(source.text);
  const [lexError] = errors;
  if (lexError !== undefined) {
    return fail(
      `unexpected ${JSON.stringify(source.text[lexError.offset])}`,
      at(lexError.offset, lexError.offset + lexError.length),
    );
  }
  packetParser.input = tokens;
  const tree = packetParser.packet();
  const [error] = packetParser.errors;
  if (error !== undefined) {
    const { token } = error;
    const atEnd = token.image === "";
    const origin = atEnd ? at(source.text.length, source.text.length + 1) : originOf(token);
    return fail(`${describe(error.message, token)}; a packet looks like ${EXAMPLE}`, origin);
  }
  const readEnd = (node: CstNode): EndText => {
    const name = tokenOf(node, "name") ?? tokenOf(node, "bracketed");
    const port = tokenOf(node, "port");
    const origin = name === undefined ? at(0, 1) : originOf(name);
    return {
      name: name?.image.replace(/^\[|\]$/g, "") ?? "",
      port: port?.image,
      origin,
      portOrigin: port === undefined ? origin : originOf(port),
    };
  };
  const {
    protocol,
    from,
    to,
    extras = [],
  } = tree.children as { protocol: IToken[]; from: CstNode[]; to: CstNode[]; extras?: CstNode[] };
  let inInterface: string | undefined;
  let mark = 0;
  for (const extra of extras) {
    const keyword = tokenOf(extra, "keyword");
    const value = tokenOf(extra, "value");
    if (keyword === undefined || value === undefined) continue;
    if (keyword.image === "iif") {
      if (!isInterfaceName(value.image))
        return fail("expected the name of an interface, at most 15 characters", originOf(value));
      inInterface = value.image;
    } else {
      mark = Number(value.image);
      if (!Number.isInteger(mark) || mark < 0 || mark > 0xffffffff)
        return fail("expected a mark from 0 to 0xffffffff", originOf(value));
    }
  }
  const written = protocol[0]?.image.toLowerCase() ?? "";
  const word = written.startsWith("icmp") ? "icmp" : PROTOCOLS.find((known) => known === written);
  const [first] = from;
  const [second] = to;
  if (word === undefined || first === undefined || second === undefined) return undefined;
  return { protocol: word, from: readEnd(first), to: readEnd(second), inInterface, mark };
}

const EXAMPLE =
  "tcp 10.244.1.10:40000 > 10.96.0.20:80 iif eth0 or tcp pod/NAMESPACE/NAME > svc/NAMESPACE/NAME:PORT, with IPv6 addresses in brackets";

function tokenOf(node: CstNode, label: string): IToken | undefined {
  const [element] = node.children[label] ?? [];
  return element !== undefined && "image" in element ? element : undefined;
}

/** Chevrotain's sentence, shortened to what was found where what was wanted. */
function describe(message: string, token: IToken): string {
  const wanted = /^Expecting(?: token of type)?:? (?:--> )?(.*?)(?: <--)? but found/.exec(message)?.[1];
  if (token.image === "")
    return wanted === undefined ? "the packet ends too early" : `expected ${wanted}, found the end`;
  return wanted === undefined
    ? `unexpected ${JSON.stringify(token.image)}`
    : `expected ${wanted}, found ${JSON.stringify(token.image)}`;
}

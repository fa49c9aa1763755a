/** From the text of a packet, or of an HTTP request, to its parts. */
import type { Origin, Report, Source } from "../diagnostics.ts";
import type { NamedText } from "../ir/routes.ts";
import type { Family } from "../net/address.ts";
import { isInterfaceName } from "../net/interface-name.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS } from "../net/protocol.ts";
import { parseUrl, type UrlPlace, type UrlRequest } from "./http/url.ts";
import { METHODS, type PacketWord, packetWords } from "./lexer.ts";
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

/** An HTTP request as it was written. */
export interface RequestText {
  readonly method: string;
  /** Undefined: the first host outside. */
  readonly from: EndText | undefined;
  readonly url: UrlRequest;
  readonly urlOrigin: Origin;
  /** Of the header, where it is not what the URL says. */
  readonly host: string | undefined;
  /** Others, as they are sent. */
  readonly headers: readonly NamedText[];
}

/** What a trace may be asked for. */
export type TraceText =
  | { readonly packet: PacketText; readonly request?: undefined }
  | { readonly packet?: undefined; readonly request: RequestText };

/** The packet or the request in `source.text`; reports `packet-syntax` and gives undefined when it is neither. */
export function parseTraceText(source: Source, report: Report): TraceText | undefined {
  const words = packetWords(source.text);
  if ("start" in words || !words.some(({ kind }) => kind === "url")) {
    const packet = parsePacket(source, report);
    return packet && { packet };
  }
  const request = parseRequest(source, report);
  return request && { request };
}

/** What a message says behind what is wrong: how such a text looks as a whole, or nothing. */
type SyntaxHint = "example" | "none";

/** The request in `source.text`; reports `packet-syntax` and gives undefined when it is none. */
export function parseRequest(source: Source, report: Report, hint: SyntaxHint = "example"): RequestText | undefined {
  const words = packetWords(source.text);
  if (!("start" in words)) return read(source, report, words, (reader) => reader.request(source, report), hint);
  reportUnexpected(source, words, report);
  return undefined;
}

/** A character that no word has. */
function reportUnexpected(source: Source, { start, end }: UrlPlace, report: Report): void {
  const message = `unexpected ${JSON.stringify(source.text[start])}`;
  report({ severity: "error", code: "packet-syntax", message, origin: placesIn(source)(start, end) });
}

/** The packet in `source.text`; reports `packet-syntax` and gives undefined when it is none. */
export function parsePacket(source: Source, report: Report, hint: SyntaxHint = "example"): PacketText | undefined {
  const at = placesIn(source);
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
  const words = packetWords(source.text);
  if ("start" in words) {
    reportUnexpected(source, words, report);
    return undefined;
  }
  return read(source, report, words, (reader) => reader.packet(), hint);
}

function placesIn(source: Source): (start: number, end: number) => Origin {
  return (start, end) => ({ span: () => ({ source, start, end: Math.max(end, start + 1) }) });
}

/** What `rule` reads; reports `packet-syntax` where it cannot. */
function read<T>(
  source: Source,
  report: Report,
  words: readonly PacketWord[],
  rule: (reader: PacketReader) => T,
  hint: SyntaxHint,
): T | undefined {
  try {
    return rule(new PacketReader(words, source.text.length, placesIn(source)));
  } catch (error) {
    if (!(error instanceof Misread)) throw error;
    const { message: wrong, origin, example } = error;
    const message = hint === "none" || example === undefined ? wrong : `${wrong}; ${example}`;
    report({ severity: "error", code: "packet-syntax", message, origin });
    return undefined;
  }
}

const EXAMPLE =
  "tcp 10.244.1.10:40000 > 10.96.0.20:80 iif eth0 or tcp pod/NAMESPACE/NAME > svc/NAMESPACE/NAME:PORT, with IPv6 addresses in brackets";

const REQUEST_EXAMPLE =
  "GET https://shop.example.com/api or pod/NAMESPACE/NAME > GET http://10.0.0.1:8080/ Host: shop.example.com";

/** Where a packet's text stops being one. */
class Misread extends Error {
  readonly origin: Origin;
  /** How one looks as a whole, where that helps. */
  readonly example: string | undefined;

  constructor(message: string, origin: Origin, example?: string) {
    super(message);
    this.origin = origin;
    this.example = example;
  }
}

/** Reads `PROTOCOL end > end (iif NAME | mark NUMBER)*` or `(end >)? METHOD? URL (Host : WORD (: WORD)?)?`, where an end is
 *  `(WORD | [ADDRESS]) (: WORD)?`. Throws `Misread`. */
class PacketReader {
  private next = 0;
  private example = `a packet looks like ${EXAMPLE}`;
  private readonly words: readonly PacketWord[];
  private readonly length: number;
  private readonly at: (start: number, end: number) => Origin;

  constructor(words: readonly PacketWord[], length: number, at: (start: number, end: number) => Origin) {
    this.words = words;
    this.length = length;
    this.at = at;
  }

  packet(): PacketText {
    const protocol = this.protocol();
    const from = this.end();
    if (!this.takes(">")) this.fail('">"');
    const to = this.end();
    let inInterface: string | undefined;
    let mark = 0;
    for (let keyword = this.words[this.next]; keyword !== undefined; keyword = this.words[this.next]) {
      if (keyword.text !== "iif" && keyword.text !== "mark") this.fail();
      this.next++;
      const value = this.word();
      if (keyword.text === "iif") {
        if (!isInterfaceName(value.text))
          throw new Misread("expected the name of an interface, at most 15 characters", this.originOf(value));
        inInterface = value.text;
      } else {
        mark = Number(value.text);
        if (!Number.isInteger(mark) || mark < 0 || mark > 0xffffffff)
          throw new Misread("expected a mark from 0 to 0xffffffff", this.originOf(value));
      }
    }
    return { protocol, from, to, inInterface, mark };
  }

  /** Undefined: the URL is none, which is reported. */
  request(source: Source, report: Report): RequestText | undefined {
    this.example = `a request looks like ${REQUEST_EXAMPLE}`;
    let from: EndText | undefined;
    if (this.words.some(({ kind }) => kind === ">")) {
      from = this.end();
      if (!this.takes(">")) this.fail('">"');
    }
    const method = this.method();
    const word = this.words[this.next];
    if (word?.kind !== "url") return this.fail("a URL");
    this.next++;
    const host = this.hostHeader();
    if (this.words[this.next] !== undefined) this.fail();
    const url = parseUrl(source, report, { start: word.start, end: word.start + word.text.length });
    return url && { method, from, url, urlOrigin: this.originOf(word), host, headers: [] };
  }

  /** GET where none is written. */
  private method(): string {
    const word = this.words[this.next];
    if (word?.kind !== "word") return "GET";
    const method = METHODS.find((each) => each === word.text);
    if (method === undefined) return this.fail(`a method of HTTP (${METHODS.join(", ")})`);
    this.next++;
    return method;
  }

  /** The value of `Host: NAME`, if it is there. */
  private hostHeader(): string | undefined {
    const word = this.words[this.next];
    if (word === undefined) return undefined;
    if (word.text.toLowerCase() !== "host") return this.fail('"Host:" or the end');
    this.next++;
    if (!this.takes(":")) this.fail('":"');
    const { name, port } = this.end();
    const text = name.includes(":") ? `[${name}]` : name;
    return port === undefined ? text : `${text}:${port}`;
  }

  /** Manifests write protocols in capitals, so both are taken. */
  private protocol(): PacketProtocol {
    const written = this.words[this.next]?.text.toLowerCase() ?? "";
    const known = /^icmp(?:v?6)?$/.test(written) ? "icmp" : PROTOCOLS.find((protocol) => protocol === written);
    if (known === undefined) return this.fail("tcp, udp, sctp or icmp");
    this.next++;
    return known;
  }

  private end(): EndText {
    const name = this.words[this.next];
    if (name === undefined || name.kind === ":" || name.kind === ">") return this.fail();
    this.next++;
    const port = this.takes(":") ? this.word() : undefined;
    const origin = this.originOf(name);
    return {
      name: name.kind === "bracketed" ? name.text.slice(1, -1) : name.text,
      port: port?.text,
      origin,
      portOrigin: port === undefined ? origin : this.originOf(port),
    };
  }

  private word(): PacketWord {
    const word = this.words[this.next];
    if (word?.kind !== "word") return this.fail("an address or a name");
    this.next++;
    return word;
  }

  private takes(kind: ":" | ">"): boolean {
    if (this.words[this.next]?.kind !== kind) return false;
    this.next++;
    return true;
  }

  private originOf({ start, text }: PacketWord): Origin {
    return this.at(start, start + text.length);
  }

  /** The next word is not the one that has to be there. */
  private fail(wanted?: string): never {
    const found = this.words[this.next];
    const what =
      found === undefined
        ? wanted === undefined
          ? "the packet ends too early"
          : `expected ${wanted}, found the end`
        : `${wanted === undefined ? "unexpected" : `expected ${wanted}, found`} ${JSON.stringify(found.text)}`;
    const origin = found === undefined ? this.at(this.length, this.length + 1) : this.originOf(found);
    throw new Misread(what, origin, this.example);
  }
}

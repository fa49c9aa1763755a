/** What nft 1.0.6 refuses although its grammar takes it. A file with such a line is not loaded at all. */
import type { TableFamily } from "../../ir/types.ts";
import { parseIpv4, parseIpv6 } from "../../net/address.ts";
import { parseProtocol } from "../../net/names.ts";
import { type ChainPlace, placeRefused } from "./hook-rules.ts";
import { SYMBOLS } from "./keywords.ts";
import { type StatementNode, type SyntaxNode, textOf } from "./syntax.ts";
import { toValue } from "./to-values.ts";
import { expectedOneOf, valuesOf, valuesRefused } from "./value-refusals.ts";

/** A statement that nft refuses, and what it expects. */
export interface Refusal {
  readonly statement: StatementNode;
  readonly message: string;
}

/** The refusals of a rule in a table of `family`, in the order of its statements. Without `place` the rule comes from iptables:
 *  what nft lists of it is not what the kernel has. */
export function refusalsOf(
  statements: readonly StatementNode[],
  family: TableFamily,
  place: ChainPlace | undefined,
): readonly Refusal[] {
  const refusals: Refusal[] = [];
  const layers = new Layers(family, place === undefined || statements.some(testsHeader));
  let last: StatementNode | undefined;
  for (const statement of statements) {
    if (statement.kind === "comment") continue;
    const message =
      (last === undefined
        ? undefined
        : `expected the end of the rule: nothing behind ${textOf(last.tokens.slice(0, 1))} has an effect`) ??
      layers.conflictOf(statement) ??
      wordsRefused(statement) ??
      shiftRefused(statement) ??
      valuesRefused(statement, family) ??
      (place === undefined ? undefined : placeRefused(statement, place));
    if (message !== undefined) refusals.push({ statement, message });
    if (endsRule(statement)) last = statement;
  }
  return refusals;
}

/** Statements behind which nft takes no other. */
function endsRule(statement: StatementNode): boolean {
  switch (statement.kind) {
    case "verdict":
      return statement.verdict !== "continue";
    case "reject":
    case "nat":
    case "masquerade":
      return true;
    case "plain":
      return statement.name === "queue";
    default:
      // nft takes statements behind all others.
      return false;
  }
}

// --- headers of one packet -----------------------------------------------------------------------------------------------

/** Which headers the packets of a rule have, by the tests so far. */
class Layers {
  /** `ip`, `ip6` or `arp`. */
  private network: string | undefined;
  /** Headers behind that of IP that the packets may have; undefined where no test has said. */
  private transports: readonly string[] | undefined;
  private readonly isOfOneFamily: boolean;
  /** A test said of which protocol the connections are: nft takes that for one of the packets, for addresses of one family. */
  private isOfProtocol = false;
  /** The kernel's rule may say of which protocol the packets are where nft's listing does not. */
  private readonly isSilent: boolean;

  constructor(family: TableFamily, isSilent: boolean) {
    this.isOfOneFamily = family === "ip" || family === "ip6";
    this.network = this.isOfOneFamily || family === "arp" ? family : undefined;
    this.isSilent = isSilent;
  }

  /** Takes the tests of `statement`; what it asks for that no packet has, or that earlier tests exclude. */
  conflictOf(statement: StatementNode): string | undefined {
    switch (statement.kind) {
      case "match":
        return this.takeFields(statement.left) ?? this.takeValue(statement);
      case "vmap":
        return this.takeFields(statement.key);
      case "set":
        return this.takeFields(statement.left) ?? this.takeFields(statement.right);
      case "update":
        return this.takeFields(statement.key);
      case "nat":
        return this.addressRefused(statement);
      case "plain":
        if (statement.key !== undefined) return this.takeFields(statement.key);
        if (statement.name !== "tproxy") return undefined;
        if (this.transports === undefined)
          return "expected a test of the protocol, such as meta l4proto tcp, before tproxy";
        return this.familyRefused("tproxy", statement.tokens[1]?.image);
      case "reject":
        return this.answerRefused(statement.words);
      default:
        // Others ask for no header.
        return undefined;
    }
  }

  private takeFields(node: SyntaxNode): string | undefined {
    if (node.kind === "concat")
      return node.parts.map((part) => this.takeFields(part)).find((each) => each !== undefined);
    if (node.kind === "binary") return this.takeFields(node.left);
    if (node.kind === "map") return this.takeFields(node.key);
    if (node.kind !== "field") return undefined;
    const [header = "", field = ""] = node.words;
    if (header === "ip" || header === "ip6") return this.takeNetwork(header);
    if (header === "ct") return this.portRefused(node.words);
    // Options are looked for in packets of other protocols too.
    if (field === "option") return undefined;
    if (header === "icmp" || header === "icmpv6") this.network ??= header === "icmp" ? "ip" : "ip6";
    return TRANSPORT_HEADERS.has(header) ? this.takeTransports([header]) : undefined;
  }

  /** `meta nfproto ipv4`, `meta l4proto { tcp, udp }` and the like. */
  private takeValue({ left, operator, right }: Extract<StatementNode, { kind: "match" }>): string | undefined {
    if (left.kind !== "field" || (operator !== "" && operator !== "==")) return undefined;
    const values = valuesOf(right);
    const [value] = values;
    switch (left.words.join(" ")) {
      case "meta nfproto":
        return value?.kind === "value" && values.length === 1 && /^ipv[46]$/.test(value.text)
          ? this.takeNetwork(value.text === "ipv4" ? "ip" : "ip6")
          : undefined;
      case "meta l4proto":
      case "ip protocol":
      case "ip6 nexthdr":
        return this.takeTransports(values.map(nameOfProtocol));
      default:
        return undefined;
    }
  }

  private takeNetwork(name: string): string | undefined {
    const before = this.network;
    this.network ??= name;
    return before === undefined || before === name ? undefined : `no packet is of ${before} and of ${name}`;
  }

  /** nft takes another test of the protocol only where it is the same: not even one out of several. */
  private takeTransports(names: readonly string[]): string | undefined {
    if (this.network === "arp") return `no packet of arp is of ${names.join(", ")}`;
    const before = this.transports;
    this.transports ??= names;
    const other = before?.find((name) => names.some((each) => each !== name));
    return other === undefined
      ? undefined
      : `expected one protocol: earlier tests are for ${other}, this one is for ${names.join(", ")}`;
  }

  /** `ct original proto-src`: its type is that of the protocol's header. */
  private portRefused(words: readonly string[]): string | undefined {
    if (words.at(-1) === "protocol" && this.network !== undefined) this.isOfProtocol = true;
    return /^proto-(src|dst)$/.test(words.at(-1) ?? "") &&
      this.transports === undefined &&
      !this.isOfProtocol &&
      !this.isSilent
      ? `expected a test of the protocol, such as meta l4proto tcp, before ${words.join(" ")}`
      : undefined;
  }

  /** `dnat to A`: A's family is that of the packets. */
  private addressRefused({ name, family, to }: Extract<StatementNode, { kind: "nat" }>): string | undefined {
    const refused = this.familyRefused(name, family);
    if (refused !== undefined) return refused;
    const first = to?.kind === "range" ? to.from : to;
    if (first?.kind !== "value") return undefined;
    const given = parseIpv4(first.text) !== undefined ? "ip" : parseIpv6(first.text) !== undefined ? "ip6" : undefined;
    const wanted = family ?? this.network;
    if (given === undefined) return undefined;
    if (wanted === undefined) return `expected ${name} ${given} to: this table has packets of both families`;
    return wanted === given ? undefined : `expected an address of ${wanted}, found ${first.text}`;
  }

  /** `dnat ip`, `tproxy ip6`. */
  private familyRefused(name: string, family: string | undefined): string | undefined {
    const isOther = (family === "ip" || family === "ip6") && this.network !== undefined && this.network !== family;
    return isOther ? `expected ${name} ${this.network}: no packet is of ${this.network} and of ${family}` : undefined;
  }

  private answerRefused([protocol, type = ""]: readonly string[]): string | undefined {
    const other = this.transports?.find((name) => name !== "tcp");
    if (protocol === "tcp" && other !== undefined) return `tcp reset answers TCP only: these packets are ${other}`;
    if (protocol === "icmpx" && this.isOfOneFamily)
      return `expected icmp or icmpv6: this table has packets of ${this.network} only`;
    if (protocol !== "icmp" && protocol !== "icmpv6") return undefined;
    const family = protocol === "icmp" ? "ip" : "ip6";
    if (this.network !== undefined && this.network !== family)
      return `${protocol} answers packets of ${family} only: these are of ${this.network}`;
    const names = [...(SYMBOLS[protocol === "icmp" ? "icmp_code" : "icmpv6_code"]?.values() ?? [])];
    return /^[a-z]/.test(type) && !names.includes(type) ? expectedOneOf(names, type) : undefined;
  }
}

/** Whether nft has a test of the protocol for `statement`, and leaves out any other one of the rule, wherever that stands. */
function testsHeader(statement: StatementNode): boolean {
  if (statement.kind !== "match" || statement.left.kind !== "field") return false;
  const [header = "", field = ""] = statement.left.words;
  return TRANSPORT_HEADERS.has(header) && field !== "option";
}

/** The header that a value of `meta l4proto` stands for; its text where it has no name here. */
function nameOfProtocol(node: SyntaxNode): string {
  const number = toValue(node, "inet_proto");
  const known = [...TRANSPORT_HEADERS].find((header) => parseProtocol(header) === number);
  return known ?? (node.kind === "value" ? node.text : String(number));
}

const TRANSPORT_HEADERS: ReadonlySet<string> = new Set([
  "tcp",
  "udp",
  "udplite",
  "dccp",
  "sctp",
  "icmp",
  "icmpv6",
  "esp",
  "ah",
  "comp",
]);

// --- words ---------------------------------------------------------------------------------------------------------------

/** Statements that are kept as text: what must not stand in them. */
const REFUSED_WORDS: readonly (readonly [pattern: RegExp, message: string])[] = [
  [
    /^queue\b.*\b(6553[6-9]|655[4-9]\d|65[6-9]\d\d|6[6-9]\d{3}|[7-9]\d{4}|\d{6,})\b/,
    "expected numbers of queues from 0 to 65535",
  ],
  [/^log\b(?=.*\bgroup\b).*\blevel\b/, "expected either a group or a level: log has one of both"],
  [
    /^log\b(?!.*\bprefix\b).*\blevel (?!(emerg|alert|crit|err|warn|notice|info|debug|audit)\b)/,
    "expected a level: emerg, alert, crit, err, warn, notice, info, debug or audit",
  ],
  [/^limit rate (over |until )?0\b/, "expected a rate above 0"],
  [
    /^limit rate (over |until )?\d+ ?\/ ?(?!(second|minute|hour|day|week)\b)/,
    "expected a unit of time: second, minute, hour, day or week",
  ],
  [/^limit rate (over |until )?\d+ ?\/.* burst \d+ \w*bytes$/, "expected packets: the rate counts packets"],
  [/^limit rate (over |until )?\d+ \w*bytes.* burst \d+ packets$/, "expected bytes: the rate counts bytes"],
  [/^limit rate (over |until )?\d+ gbytes/, "expected bytes, kbytes or mbytes"],
  [/^last used (?!never$|\d)/, "expected a time, or never"],
];

function wordsRefused({ kind, tokens }: StatementNode): string | undefined {
  if (kind !== "plain") return undefined;
  const text = textOf(tokens);
  return REFUSED_WORDS.find(([pattern]) => pattern.test(text))?.[1];
}

/** A mark has 32 bits: nft refuses to shift it by more than 31, and the kernel (6.18) by 0. */
function shiftRefused(statement: StatementNode): string | undefined {
  const nodes = statement.kind === "set" ? [statement.right] : statement.kind === "match" ? [statement.left] : [];
  return nodes.flatMap(shiftsIn).some((bits) => bits < 1 || bits > 31)
    ? "expected a shift of a mark by 1 to 31 bits"
    : undefined;
}

/** By how many bits marks are shifted in `node`. */
function shiftsIn(node: SyntaxNode): number[] {
  if (node.kind !== "binary") return [];
  const inside = [node.left, node.right].flatMap(shiftsIn);
  if ((node.operator !== "<<" && node.operator !== ">>") || !hasMark(node.left)) return inside;
  const bits = toValue(node.right, "integer");
  return typeof bits === "number" ? [...inside, bits] : inside;
}

function hasMark(node: SyntaxNode): boolean {
  if (node.kind === "binary") return hasMark(node.left) || hasMark(node.right);
  return node.kind === "field" && /^(?:meta |ct )?mark$/.test(node.words.join(" "));
}

/** Matches of ports, and of what else stands in the header behind IP's. */
import { TCP_FLAG } from "../../../ir/constants.ts";
import type { Expression, Interval, Step } from "../../../ir/types.ts";
import { either, type MatchRead, type RefusedOption, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { choice } from "../option-rules.ts";
import { type Lacking, lacking, optionWords, unitWords } from "../rule-words.ts";
import {
  each,
  type FieldPrinter,
  type FieldPrinters,
  type MatchRow,
  type MatchScope,
  oneOption,
  type PrintScope,
  type Words,
} from "./row.ts";
import {
  NO_PORT,
  nameBits,
  parseBits,
  parsePorts,
  printRange,
  testInterval,
  testIntervals,
  testMasked,
} from "./values.ts";

/** In the IR `th` is the header of any protocol with ports. */
type PortHeader = "tcp" | "udp" | "sctp" | "th";

function transport(protocol: PortHeader, field: "sport" | "dport"): Expression {
  return { kind: "transport", protocol, field };
}

// --- ports ---------------------------------------------------------------------------------------------------------------

function portOption(protocol: PortHeader, field: "sport" | "dport") {
  return ({ values: [text = ""], negated }: OptionText): Step[] | RefusedOption => {
    const ports = parsePorts(text);
    if (ports === undefined) return NO_PORT;
    return ports.from === 0 && ports.to === 65535 && !negated
      ? []
      : [testInterval(transport(protocol, field), ports, negated)];
  };
}

const PORT_OPTIONS = { "--sport": 1, "--dport": 1 };
const PORT_ALIASES = { "--source-port": "--sport", "--destination-port": "--dport" };

/** Protocols of which iptables tests ports. */
const PORT_PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp", "udplite", "dccp"];

/** The protocol of a rule that tests a header of `header`: `th` is the header of any with ports. */
function protocolOf(header: PortHeader, { protocol }: PrintScope): string | Lacking {
  if (header !== "th") return header;
  return protocol !== undefined && PORT_PROTOCOLS.includes(protocol) ? protocol : lacking("a port without a protocol");
}

function portPrinter(header: PortHeader, field: "sport" | "dport"): FieldPrinter {
  const print = (scope: PrintScope, words: (protocol: string) => Words): Words | Lacking => {
    const protocol = protocolOf(header, scope);
    return typeof protocol === "string" ? words(protocol) : protocol;
  };
  return {
    one: (interval, { negated }, scope) =>
      print(scope, (protocol) =>
        // iptables has no match of UDP-Lite's own.
        protocol === "udplite"
          ? oneOption("multiport", `--${field}s`, [printRange(interval)], negated, { protocol })
          : oneOption(protocol, `--${field}`, [printRange(interval)], negated, { protocol }),
      ),
    list: (intervals, negated, scope) =>
      print(scope, (protocol) => {
        const ports = intervals.map((interval) => printRange(interval)).join(",");
        return oneOption("multiport", `--${field}s`, [ports], negated, { protocol });
      }),
  };
}

function portPrinters(header: PortHeader): FieldPrinters {
  return { [`${header} sport`]: portPrinter(header, "sport"), [`${header} dport`]: portPrinter(header, "dport") };
}

// --- TCP's flags ---------------------------------------------------------------------------------------------------------

/** In the order in which iptables-save lists them. */
const NAMED_FLAGS = {
  FIN: TCP_FLAG.fin,
  SYN: TCP_FLAG.syn,
  RST: TCP_FLAG.rst,
  PSH: TCP_FLAG.psh,
  ACK: TCP_FLAG.ack,
  URG: TCP_FLAG.urg,
};
const ALL_FLAGS = 63;
const FLAGS = { NONE: 0, ALL: ALL_FLAGS, ...NAMED_FLAGS };

const SYN_MASK = TCP_FLAG.syn | TCP_FLAG.rst | TCP_FLAG.ack | TCP_FLAG.fin;

function flagsTest(mask: number, value: number, negated: boolean): Step {
  return testMasked({ kind: "header", field: "tcp flags" }, mask, value, negated, 255);
}

const flagsPrinter: FieldPrinter = {
  masked: ({ mask, value }, { negated }) => {
    if (typeof mask !== "number" || typeof value !== "number") return lacking("bitwise operation");
    if (mask > ALL_FLAGS || value > ALL_FLAGS) return lacking("TCP flags ECN and CWR");
    const [tested = "NONE", set = "NONE"] = [nameBits(mask, NAMED_FLAGS), nameBits(value, NAMED_FLAGS)];
    return {
      protocol: "tcp",
      match: unitWords("tcp", optionWords("--tcp-flags", [tested, set], negated)),
    };
  },
};

// --- multiport -----------------------------------------------------------------------------------------------------------

/** Which header multiport looks into; others have ports too, but the evaluator knows no ports of theirs. */
const HEADERS: ReadonlyMap<number, PortHeader> = new Map([
  [6, "tcp"],
  [17, "udp"],
  [132, "sctp"],
]);

function multiportOption(field: "sport" | "dport" | undefined) {
  return ({ values: [text = ""], negated }: OptionText, { protocol }: MatchScope): MatchRead => {
    const list = text.split(",").map(parsePorts);
    const intervals = list.flatMap((interval) => interval ?? []);
    if (intervals.length < list.length) return refuse(`${NO_PORT.refused}, at most 15 of them`);
    const slots = intervals.reduce((sum, { from, to }) => sum + (from === to ? 1 : 2), 0);
    if (slots > 15) return refuse("expected at most 15 ports; a range counts as two");
    const header = protocol === undefined ? undefined : HEADERS.get(protocol);
    if (header === undefined) return undefined;
    if (field !== undefined) return [testIntervals(transport(header, field), intervals, negated)];
    return testBoth(header, intervals, negated);
  };
}

/** One of the ports is in `intervals`, or neither is. */
function testBoth(header: PortHeader, intervals: readonly Interval[], negated: boolean): MatchRead {
  const [source, destination] = [transport(header, "sport"), transport(header, "dport")];
  const isOther = testIntervals(source, intervals, true);
  return negated
    ? [isOther, testIntervals(destination, intervals, true)]
    : either(testIntervals(source, intervals, false), isOther, testIntervals(destination, intervals, false));
}

// --- rows ----------------------------------------------------------------------------------------------------------------

/** A match of ports, with other options of which nothing is known but the number of their words. */
function ports(header: PortHeader, number: number, others: Readonly<Record<string, number>> = {}): MatchRow {
  return {
    options: { ...PORT_OPTIONS, ...others },
    aliases: PORT_ALIASES,
    protocol: { number, isNeeded: true },
    read: each({ "--sport": portOption(header, "sport"), "--dport": portOption(header, "dport") }),
    fields: portPrinters(header),
  };
}

export const TRANSPORT_MATCHES: Readonly<Record<string, MatchRow>> = {
  tcp: {
    options: { ...PORT_OPTIONS, "--tcp-flags": 2, "--syn": 0, "--tcp-option": 1 },
    aliases: PORT_ALIASES,
    protocol: { number: 6, isNeeded: true },
    read: each({
      "--sport": portOption("tcp", "sport"),
      "--dport": portOption("tcp", "dport"),
      "--syn": ({ negated }) => [flagsTest(SYN_MASK, TCP_FLAG.syn, negated)],
      "--tcp-flags": ({ values: [first = "", second = ""], negated }) => {
        const [mask, value] = [parseBits(first, FLAGS), parseBits(second, FLAGS)];
        return mask === undefined || value === undefined
          ? refuse("expected two lists of SYN, ACK, FIN, RST, URG, PSH, ALL, NONE")
          : [flagsTest(mask, value, negated)];
      },
    }),
    fields: { ...portPrinters("tcp"), "tcp flags": flagsPrinter },
  },
  udp: ports("udp", 17),
  sctp: ports("sctp", 132, { "--chunk-types": 2 }),
  multiport: {
    options: { "--sports": 1, "--dports": 1, "--ports": 1 },
    aliases: { "--source-ports": "--sports", "--destination-ports": "--dports", "--port": "--ports" },
    asks: choice("--sports", "--dports", "--ports"),
    read: each({
      "--sports": multiportOption("sport"),
      "--dports": multiportOption("dport"),
      "--ports": multiportOption(undefined),
    }),
    fields: portPrinters("th"),
  },
};

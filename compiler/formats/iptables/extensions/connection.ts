/** Matches of what connection tracking knows. */
import { anyBit, CT_STATE_FIELD, CT_STATUS_FIELD, equal, noBit } from "../../../ir/build.ts";
import { CT_STATE, CT_STATUS } from "../../../ir/constants.ts";
import { intervalAsPrefix } from "../../../ir/interval.ts";
import type { CtKey, Step } from "../../../ir/types.ts";
import { printAddress } from "../../../net/address.ts";
import { parseProtocol } from "../../../net/names.ts";
import { printPrefix } from "../../../net/prefix.ts";
import { either, type MatchRead, type RefusedOption, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { bits, only } from "../option-rules.ts";
import { type Lacking, lacking } from "../rule-words.ts";
import { parseBlock } from "./addresses.ts";
import {
  each,
  type FieldPrinter,
  type FieldPrinters,
  type MatchRow,
  type MatchScope,
  oneOption,
  type Words,
} from "./row.ts";
import {
  markPrinter,
  NO_PORT,
  nameBits,
  oneValue,
  parseBits,
  parsePorts,
  printRange,
  readMark,
  testInterval,
  testValue,
} from "./values.ts";

// --- states --------------------------------------------------------------------------------------------------------------

/** In the order in which iptables-save lists them. */
const STATES = {
  INVALID: CT_STATE.invalid,
  NEW: CT_STATE.new,
  RELATED: CT_STATE.related,
  ESTABLISHED: CT_STATE.established,
  UNTRACKED: CT_STATE.untracked,
};

/** States that are derived from the connection's status. */
const NAT_STATES = { SNAT: CT_STATUS.snat, DNAT: CT_STATUS.dnat };

const STATUSES = {
  NONE: 0,
  EXPECTED: CT_STATUS.expected,
  SEEN_REPLY: CT_STATUS["seen-reply"],
  ASSURED: CT_STATUS.assured,
  CONFIRMED: CT_STATUS.confirmed,
};

/** Packets without a connection have no bytes or labels. */
const HAS_CONNECTION = anyBit(CT_STATE_FIELD, CT_STATE.new | CT_STATE.established | CT_STATE.related);

const NO_STATE = refuse("expected states: INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED, SNAT or DNAT");

/** A list of states is true when the packet has one of them. */
function stateOption({ values: [text = ""], negated }: OptionText, { table }: MatchScope): MatchRead {
  const states = parseBits(text, { ...STATES, ...zeroed(NAT_STATES) });
  const statuses = parseBits(text, { ...NAT_STATES, ...zeroed(STATES) });
  if (states === undefined || statuses === undefined) return NO_STATE;
  if (statuses === 0) return [negated ? noBit(CT_STATE_FIELD, states) : anyBit(CT_STATE_FIELD, states)];
  const hasStatus = anyBit(CT_STATUS_FIELD, statuses);
  if (!negated)
    return states === 0
      ? [hasStatus]
      : either(anyBit(CT_STATE_FIELD, states), noBit(CT_STATE_FIELD, states), hasStatus);
  // A packet without a connection has no status: the negation holds (conntrack_mt). NAT chains never see such packets.
  const noStatus: Step = {
    ...noBit(CT_STATUS_FIELD, statuses),
    ...(table === "nat" ? {} : { orAbsent: true }),
  };
  return states === 0 ? [noStatus] : [noBit(CT_STATE_FIELD, states), noStatus];
}

function zeroed(names: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, 0]));
}

/** Each list is a test of its own: one match holds one. */
function listOf(option: "--ctstate" | "--ctstatus", names: string, negated: boolean): Words {
  return oneOption("conntrack", option, [names], negated, { joins: "closed" });
}

// "Some bit is set" is what iptables means by a list; negation turns it around.
const statePrinter: FieldPrinter = {
  masked: ({ mask, value }, { negated }) => {
    if (value !== 0 || typeof mask !== "number") return lacking("bitwise operation");
    const names = nameBits(mask, STATES);
    return names === undefined ? lacking("ct state") : listOf("--ctstate", names, !negated);
  },
};

const statusPrinter: FieldPrinter = {
  masked: ({ mask, value }, { negated, orAbsent }, { table }) => {
    if (value !== 0 || typeof mask !== "number") return lacking("bitwise operation");
    const states = nameBits(mask, NAT_STATES);
    if (states !== undefined)
      return !negated && !orAbsent && table !== undefined && table !== "nat"
        ? lacking("no such status: a packet without a connection is one for iptables, none for nft")
        : listOf("--ctstate", states, !negated);
    const names = mask === 0 ? "NONE" : nameBits(mask, STATUSES);
    return names === undefined ? lacking("ct status") : listOf("--ctstatus", names, !negated);
  },
};

// --- addresses and ports -------------------------------------------------------------------------------------------------

type AddressKey = Extract<CtKey, `${string}addr`>;
type PortKey = Extract<CtKey, `${string}-proto-${string}`>;

const ADDRESSES: Readonly<Record<string, AddressKey>> = {
  "--ctorigsrc": "original-saddr",
  "--ctorigdst": "original-daddr",
  "--ctreplsrc": "reply-saddr",
  "--ctrepldst": "reply-daddr",
};

const PORTS: Readonly<Record<string, PortKey>> = {
  "--ctorigsrcport": "original-proto-src",
  "--ctorigdstport": "original-proto-dst",
  "--ctreplsrcport": "reply-proto-src",
  "--ctrepldstport": "reply-proto-dst",
};

function readAddress(key: AddressKey) {
  return ({ values: [text = ""], negated }: OptionText, { family }: MatchScope): Step[] | RefusedOption => {
    const interval = parseBlock(text, family);
    return interval === undefined
      ? refuse("expected an address or address/length")
      : [testInterval({ kind: "ct", key }, interval, negated)];
  };
}

function readPort(key: PortKey) {
  return ({ values: [text = ""], negated }: OptionText): Step[] | RefusedOption => {
    const interval = parsePorts(text);
    return interval === undefined ? NO_PORT : [testInterval({ kind: "ct", key }, interval, negated)];
  };
}

/** An option that shares its match with others. */
function shared(option: string, text: string, negated: boolean): Words {
  return oneOption("conntrack", option, [text], negated, { joins: "open" });
}

function addressPrinter(option: string): FieldPrinter {
  return {
    one: (interval, { negated }, { family }): Words | Lacking => {
      const block = intervalAsPrefix(interval, family === "ip" ? "ipv4_addr" : "ipv6_addr");
      if (block === undefined) return lacking("a range of a connection's addresses");
      const text = interval.from === interval.to ? printAddress(block.address) : printPrefix(block);
      return shared(option, text, negated);
    },
  };
}

function portPrinter(option: string): FieldPrinter {
  return { one: (interval, { negated }) => shared(option, printRange(interval), negated) };
}

function byOption<Key extends string, Made>(
  keys: Readonly<Record<string, Key>>,
  make: (key: Key) => Made,
): Readonly<Record<string, Made>> {
  return Object.fromEntries(Object.entries(keys).map(([option, key]) => [option, make(key)]));
}

function byField(keys: Readonly<Record<string, CtKey>>, make: (option: string) => FieldPrinter): FieldPrinters {
  return Object.fromEntries(Object.entries(keys).map(([option, key]) => [`ct ${key}`, make(option)]));
}

// --- rows ----------------------------------------------------------------------------------------------------------------

const readConntrack = each({
  ...byOption(ADDRESSES, readAddress),
  ...byOption(PORTS, readPort),
  "--ctstate": stateOption,
  "--ctproto": ({ values: [text = ""], negated }) => {
    const protocol = parseProtocol(text);
    return protocol === undefined
      ? refuse("expected a protocol")
      : [testValue({ kind: "ct", key: "original-protocol" }, protocol, negated)];
  },
  "--ctstatus": ({ values: [text = ""], negated }) => {
    const mask = parseBits(text, STATUSES);
    if (mask === undefined) return refuse("expected NONE, EXPECTED, SEEN_REPLY, ASSURED or CONFIRMED");
    // No bit of none is set: never, or always where there is a connection.
    return [negated ? noBit(CT_STATUS_FIELD, mask) : anyBit(CT_STATUS_FIELD, mask)];
  },
  "--ctdir": ({ values: [text = ""] }) => {
    const direction = ["ORIGINAL", "REPLY"].indexOf(text.toUpperCase());
    return direction < 0 ? refuse("expected ORIGINAL or REPLY") : [equal({ kind: "ct", key: "direction" }, direction)];
  },
});

export const CONNECTION_MATCHES: Readonly<Record<string, MatchRow>> = {
  conntrack: {
    options: {
      "--ctstate": 1,
      "--ctproto": 1,
      ...byOption(ADDRESSES, () => 1),
      ...byOption(PORTS, () => 1),
      "--ctstatus": 1,
      "--ctexpire": 1,
      "--ctdir": 1,
    },
    asks: {
      other: (options) => (options.length === 0 ? "expected an option of conntrack, such as --ctstate" : undefined),
      numbers: { "--ctexpire": bits(32, ":") },
      notInverted: ["--ctdir"],
    },
    read: (unit, scope) => {
      // Without a connection only the state is compared; the other options count as true then (conntrack_mt).
      const state = unit.options.find(({ name }) => name === "--ctstate");
      const mayHaveNone =
        state !== undefined &&
        (state.negated || /INVALID|UNTRACKED/i.test(state.values[0] ?? "")) &&
        scope.table !== "nat";
      return unit.options.length > 1 && mayHaveNone ? undefined : readConntrack(unit, scope);
    },
    fields: {
      "ct state": statePrinter,
      "ct status": statusPrinter,
      "ct direction": {
        one: oneValue((value, negated) => shared("--ctdir", (value === 0) === negated ? "REPLY" : "ORIGINAL", false)),
      },
      "ct original-protocol": { one: oneValue((value, negated) => shared("--ctproto", String(value), negated)) },
      ...byField(ADDRESSES, addressPrinter),
      ...byField(PORTS, portPrinter),
    },
  },
  // Printed as conntrack, which has these states and others.
  state: {
    options: { "--state": 1 },
    asks: only("--state"),
    read: each({
      "--state": (option, scope) => (/SNAT|DNAT/i.test(option.values[0] ?? "") ? NO_STATE : stateOption(option, scope)),
    }),
  },
  connmark: {
    options: { "--mark": 1 },
    asks: only("--mark"),
    read: each({ "--mark": readMark({ kind: "ct", key: "mark" }) }),
    fields: { "ct mark": markPrinter("connmark") },
  },
  connbytes: {
    asks: {
      required: ["--connbytes", "--connbytes-dir", "--connbytes-mode"],
      numbers: { "--connbytes": bits(64, ":") },
      words: {
        "--connbytes-mode": ["packets", "bytes", "avgpkt"],
        "--connbytes-dir": ["original", "reply", "both"],
      },
    },
    certain: { needs: HAS_CONNECTION, failsWithout: () => true },
  },
  connlabel: { certain: { needs: HAS_CONNECTION } },
  // A connection that a helper expects is related from its first packet on (helper_mt).
  helper: {
    asks: only("--helper"),
    certain: { needs: anyBit(CT_STATE_FIELD, CT_STATE.established | CT_STATE.related) },
  },
  // Packets without a connection are no node's (xt_cluster_mt).
  cluster: {
    asks: {
      oneOf: [["--cluster-local-node", "--cluster-local-nodemask"]],
      required: ["--cluster-hash-seed", "--cluster-total-nodes"],
    },
    certain: { needs: HAS_CONNECTION, failsWithout: () => true },
  },
};

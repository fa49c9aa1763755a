/** The match of addresses by their type: what the routing table says of them. */
import { addressField, equal, within } from "../../../ir/build.ts";
import { ADDRESS_TYPE } from "../../../ir/constants.ts";
import { stringify } from "../../../ir/normal-form.ts";
import type { Interval, Match, Step } from "../../../ir/types.ts";
import { meaningOf } from "../../../words.ts";
import { type MatchRead, notHolding, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { COMING, LEAVING } from "../hook-rules.ts";
import { type Lacking, lacking } from "../rule-words.ts";
import {
  each,
  type FieldPrinter,
  type MatchRow,
  type MatchScope,
  oneOption,
  type PrintScope,
  type Words,
} from "./row.ts";
import { testIntervals, testValue } from "./values.ts";

function typeOption(of: "saddr" | "daddr") {
  return (option: OptionText, { family }: MatchScope): MatchRead => {
    if (family === "ip6") return typeOfIpv6(option);
    const [text = ""] = option.values;
    const intervals: Interval[] = [];
    for (const word of text.split(",")) {
      const type = meaningOf<number>(ADDRESS_TYPE, word.toLowerCase());
      if (/^(throw|nat|xresolve)$/i.test(word)) return undefined; // no route has them
      if (type === undefined) return refuse("expected types of addresses, such as LOCAL or BROADCAST");
      intervals.push({ from: type, to: type });
    }
    return [testIntervals({ kind: "fib", of, result: "type" }, intervals, option.negated)];
  };
}

// --- on one interface ----------------------------------------------------------------------------------------------------

/** The type that an address has on one interface: an address that is local, or a broadcast, on another is unicast there
 *  (inet_dev_addr_type). On which interface it is, is not known. The unknown part has nft's name. */
function readLimited(type: OptionText, limit: OptionText, { family }: MatchScope): MatchRead {
  const of = type.name === "--src-type" ? "saddr" : "daddr";
  const field = { kind: "fib", of, result: "type" } as const;
  const word = type.values[0]?.toLowerCase() ?? "";
  const spelled = `-m addrtype ${type.negated ? "! " : ""}${type.name} ${word.toUpperCase()} ${limit.name}`;
  const onInterface = (name: string, negated: boolean): Step => {
    const text = `fib ${of} . ${limit.name === "--limit-iface-in" ? "iif" : "oif"} type ${name}`;
    return { kind: "opaque", text, negated, spelled };
  };
  const { local, unicast, multicast } = ADDRESS_TYPE;
  const isLocal = equal(field, local);
  const address = addressField("IPv4", of);
  switch (word) {
    case "local":
      return type.negated
        ? { either: [[testValue(field, local, true)], [isLocal, onInterface("local", true)]] }
        : [isLocal, onInterface("local", false)];
    case "unicast": {
      if (family === "ip6") return typeOfIpv6(type);
      const plain = [unicast, local, multicast].map((known) => ({ from: known, to: known }));
      return {
        either: [
          [equal(field, type.negated ? multicast : unicast)],
          [isLocal, onInterface("local", !type.negated)],
          ...(type.negated ? [[within(field, plain, true), equal(address, LIMITED_BROADCAST)]] : []),
          [
            within(field, plain, true),
            testValue(address, LIMITED_BROADCAST, true),
            onInterface("unicast", type.negated),
          ],
        ],
      };
    }
    case "multicast":
      return family === "ip6" ? typeOfIpv6(type) : [testValue(field, multicast, type.negated)];
    case "broadcast": {
      if (family === "ip6") return typeOfIpv6(type);
      // These are so on every interface; those of a network on its own only.
      const everywhere = [0, LIMITED_BROADCAST].map((known) => ({ from: known, to: known }));
      const others: Step[] = [within(address, everywhere, true), equal(field, ADDRESS_TYPE.broadcast)];
      const onIt = onInterface("broadcast", type.negated);
      return type.negated
        ? {
            either: [
              [within(address, everywhere, true), testValue(field, ADDRESS_TYPE.broadcast, true)],
              [...others, onIt],
            ],
          }
        : { either: [[within(address, everywhere, false)], [...others, onIt]] };
    }
    default:
      return undefined;
  }
}

const LIMITED_BROADCAST = 0xffffffff;

// --- of IPv6 -------------------------------------------------------------------------------------------------------------

/** Of IPv6 the address alone tells most types, also of the node's own, and it has to be of all of them that are listed
 *  (match_type6). */
function typeOfIpv6({ name, values: [text = ""], negated }: OptionText): MatchRead {
  const of = name === "--src-type" ? "saddr" : "daddr";
  const address = addressField("IPv6", of);
  const tests: Extract<Match, { kind: "compare" | "within" }>[] = [];
  for (const word of text.toLowerCase().split(",")) {
    if (/^(anycast|unreachable)$/.test(word)) return undefined; // told by routes
    if (word === "local") tests.push(equal({ kind: "fib", of, result: "type" }, ADDRESS_TYPE.local));
    else if (word === "multicast") tests.push(within(address, [MULTICAST_IPV6], false));
    else if (word === "unicast") tests.push(within(address, NO_UNICAST_IPV6, true));
    else if (word === "unspec") tests.push(equal(address, 0n));
    else return refuse("expected types of IPv6 addresses: LOCAL, UNICAST, MULTICAST, ANYCAST, UNREACHABLE or UNSPEC");
  }
  if (!negated) return tests;
  return { either: tests.map((test, i) => [...tests.slice(0, i), notHolding(test) ?? test]) };
}

const MULTICAST_IPV6: Interval = { from: 0xffn << 120n, to: (1n << 128n) - 1n };
/** Besides them the unspecified address, and IPv4 addresses written as IPv6. */
const NO_UNICAST_IPV6: readonly Interval[] = [
  { from: 0n, to: 0n },
  { from: 0xffff00000000n, to: 0xffffffffffffn },
  MULTICAST_IPV6,
];

// --- printing ------------------------------------------------------------------------------------------------------------

function typesOf(of: "saddr" | "daddr", types: string, negated: boolean): Words {
  return oneOption("addrtype", of === "saddr" ? "--src-type" : "--dst-type", [types], negated);
}

function typePrinter(of: "saddr" | "daddr"): FieldPrinter {
  const list = (intervals: readonly Interval[], negated: boolean, { family }: PrintScope): Words | Lacking => {
    const numbers = intervals.flatMap(({ from, to }) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i),
    );
    const names = numbers.map((type) => Object.entries(ADDRESS_TYPE).find(([, value]) => value === type)?.[0]);
    if (names.includes(undefined)) return lacking("address type");
    const types = names.join(",").toUpperCase();
    // Of the others ip6tables has another idea (match_type6).
    return family === "ip6" && types !== "LOCAL"
      ? lacking("a type of IPv6 addresses other than LOCAL")
      : typesOf(of, types, negated);
  };
  return { list, one: (interval, { negated }, scope) => list([interval], negated, scope) };
}

/** A list of IPv6 addresses that are a type. */
export function printIpv6Type(
  of: "saddr" | "daddr",
  intervals: readonly Interval[],
  negated: boolean,
): Words | Lacking {
  return stringify(intervals) === stringify(NO_UNICAST_IPV6)
    ? typesOf(of, "UNICAST", !negated)
    : lacking("a list of intervals in one match");
}

// --- row -----------------------------------------------------------------------------------------------------------------

const readTypes = each({ "--src-type": typeOption("saddr"), "--dst-type": typeOption("daddr") });

export const ADDRESS_TYPE_MATCHES: Readonly<Record<string, MatchRow>> = {
  addrtype: {
    options: { "--src-type": 1, "--dst-type": 1, "--limit-iface-in": 0, "--limit-iface-out": 0 },
    asks: { oneOf: [["--src-type", "--dst-type"]], exclusive: [["--limit-iface-in", "--limit-iface-out"]] },
    placement: {
      options: [
        { option: /^--limit-iface-in$/, not: LEAVING },
        { option: /^--limit-iface-out$/, not: COMING },
      ],
    },
    read: (unit, scope) => {
      const limit = unit.options.find(({ name }) => name.startsWith("--limit-iface"));
      if (limit === undefined) return readTypes(unit, scope);
      const [type, ...more] = unit.options.filter((option) => option !== limit);
      return type === undefined || more.length > 0 ? undefined : readLimited(type, limit, scope);
    },
    fields: { "fib saddr type": typePrinter("saddr"), "fib daddr type": typePrinter("daddr") },
  },
};

/** The options of a rule that belong to no extension: addresses, interfaces and the protocol. */
import { addressField, L4PROTO } from "../../ir/build.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { intervalAsPrefix } from "../../ir/interval.ts";
import type { Expression, Match, Step, Value } from "../../ir/types.ts";
import { type Address, parseAddress, printAddress } from "../../net/address.ts";
import { parseProtocol } from "../../net/names.ts";
import { printPrefix } from "../../net/prefix.ts";
import { type RefusedOption, refuse } from "./choice.ts";
import { printIpv6Type } from "./extensions/address-types.ts";
import { blockOf, parseMasked, prefixLength, printAddressRange } from "./extensions/addresses.ts";
import type { FieldPrinter, FieldPrinters, Words } from "./extensions/row.ts";
import { oneValue, testInterval, testMasked, testValue } from "./extensions/values.ts";
import type { OptionText } from "./grammar.ts";
import { type Lacking, lacking, optionWords } from "./rule-words.ts";

type Family = "ip" | "ip6";

/** An option by each of its names, and the number of its words; undefined: one that is checked where it is read. */
export const HEAD_OPTIONS: Readonly<Record<string, readonly [option: string, words: number | undefined]>> = {
  ...named(["-s", "--source", "--src"], 1),
  ...named(["-d", "--destination", "--dst"], 1),
  ...named(["-i", "--in-interface"], 1),
  ...named(["-o", "--out-interface"], 1),
  ...named(["-p", "--protocol", "--proto"], 1),
  ...named(["-f", "--fragment"], 0),
  ...named(["-4", "--ipv4"], 0),
  ...named(["-6", "--ipv6"], 0),
  ...named(["-c", "--set-counters"], undefined),
  ...named(["-m", "--match"], 1),
  ...named(["-j", "--jump"], 1),
  ...named(["-g", "--goto"], 1),
};

function named(names: readonly [string, ...string[]], words: number | undefined) {
  return Object.fromEntries(names.map((name) => [name, [names[0], words] as const]));
}

// --- addresses -----------------------------------------------------------------------------------------------------------

/** A test of the address `text`, one of those that `-s` or `-d` lists. What stands in no number is a host's name, which means what
 *  it resolves to when the rules are loaded. */
export function readAddress(field: "saddr" | "daddr", text: string, negated: boolean, family: Family): Step[] {
  const parsed = parseMasked(text, family);
  if (parsed === undefined) {
    const words = `${field === "saddr" ? "-s" : "-d"} ${text}`;
    return [{ kind: "opaque", text: words, negated, ...(negated ? { spelled: `! ${words}` } : {}) }];
  }
  const { address, mask } = parsed;
  const tested = addressField(family === "ip" ? "IPv4" : "IPv6", field);
  const length = prefixLength(mask);
  if (length === undefined) return [testMasked(tested, mask, address, negated)];
  return length === 0 && !negated ? [] : [testInterval(tested, blockOf(address, length), negated)];
}

/** Whether `text`, which is no address of the rule's family, is no host's name either. */
export function isMeantAsAddress(text: string): boolean {
  return /^[0-9.]+(\/|$)/.test(text) || parseAddress(text.split("/", 1)[0] ?? "") !== undefined;
}

function addressPrinter(field: "saddr" | "daddr", type: "ipv4_addr" | "ipv6_addr"): FieldPrinter {
  const option = field === "saddr" ? "-s" : "-d";
  return {
    one: (interval, { negated }, scope) => {
      const block = scope.has(option) ? undefined : intervalAsPrefix(interval, type);
      return block === undefined
        ? printAddressRange(field, interval, negated)
        : { head: optionWords(option, [printPrefix(block)], negated) };
    },
    masked: ({ mask, value }, { negated }) => ({
      head: optionWords(option, [`${printAddress(value as Address)}/${printAddress(mask as Address)}`], negated),
    }),
    ...(type === "ipv6_addr" ? { list: (intervals, negated) => printIpv6Type(field, intervals, negated) } : {}),
  };
}

// --- interfaces ----------------------------------------------------------------------------------------------------------

/** `-i` or `-o` and a name; a "+" at its end stands for any rest. */
export function readInterface(
  option: "-i" | "-o",
  { values: [name = ""], negated }: OptionText,
): Step[] | RefusedOption {
  const left: Expression = { kind: "meta", key: option === "-i" ? "iifname" : "oifname" };
  if (name === "" || name.length > 15 || /[\s"]/.test(name))
    return refuse("expected the name of an interface, at most 15 characters");
  if (!name.endsWith("+")) return [testValue(left, name, negated)];
  return name === "+" && !negated ? [] : [{ kind: "name-prefix", left, negated, prefix: name.slice(0, -1) }];
}

/** `-i` and `-o` take no empty name, and none of more than 15 characters. */
function interfaceWords(option: "-i" | "-o", name: string, isPrefix: boolean, negated: boolean): Words | Lacking {
  const isTaken = /^[^\s"]+$/.test(name) && name.length <= (isPrefix ? 14 : 15) && (isPrefix || !name.endsWith("+"));
  return isTaken
    ? { head: optionWords(option, [isPrefix ? `${name}+` : name], negated) }
    : lacking(`an interface named ${JSON.stringify(name)}`);
}

/** A test of how the name of an interface begins. */
export function printNamePrefix({ left, prefix, negated }: Extract<Match, { kind: "name-prefix" }>): Words | Lacking {
  if (left.kind !== "meta" || (left.key !== "iifname" && left.key !== "oifname"))
    return lacking("a name prefix of something that is no interface");
  return interfaceWords(left.key === "iifname" ? "-i" : "-o", prefix, true, negated);
}

function interfacePrinter(option: "-i" | "-o"): FieldPrinter {
  return {
    one: oneValue((value, negated) =>
      value === ""
        ? lacking("whether a packet came by an interface")
        : interfaceWords(option, String(value), false, negated),
    ),
  };
}

// --- protocol ------------------------------------------------------------------------------------------------------------

/** The number behind `-p`; 0 for all protocols. */
export function readProtocol({ values: [text = ""], negated }: OptionText): number | RefusedOption {
  const protocol = text.toLowerCase() === "all" ? 0 : parseProtocol(text);
  if (protocol === undefined) return refuse("expected a protocol, by name or number");
  return protocol === 0 && negated ? refuse("expected a protocol that there is: none is not all of them") : protocol;
}

export function testProtocol(protocol: number, negated: boolean): Step {
  return testValue(L4PROTO, protocol, negated);
}

function protocolName(protocol: Value): string {
  return PROTOCOL_NAMES.get(Number(protocol)) ?? String(protocol);
}

/** The one protocol that `steps` test, wherever they do. */
export function protocolTested(steps: readonly Step[]): string | undefined {
  for (const step of steps)
    if (step.kind === "compare" && step.operator === "==" && step.left.kind === "meta" && step.left.key === "l4proto")
      return protocolName(step.right);
  return undefined;
}

const protocolPrinter: FieldPrinter = {
  one: oneValue((value, negated) => ({ head: optionWords("-p", [protocolName(value)], negated) })),
};

// --- printing ------------------------------------------------------------------------------------------------------------

/** How tests of fields are printed that are no match of an extension. */
export const HEAD_PRINTERS: FieldPrinters = {
  "ip saddr": addressPrinter("saddr", "ipv4_addr"),
  "ip daddr": addressPrinter("daddr", "ipv4_addr"),
  "ip6 saddr": addressPrinter("saddr", "ipv6_addr"),
  "ip6 daddr": addressPrinter("daddr", "ipv6_addr"),
  "meta iifname": interfacePrinter("-i"),
  "meta oifname": interfacePrinter("-o"),
  "meta l4proto": protocolPrinter,
};

/** Targets that translate addresses and ports. */
import { intervalAsPrefix } from "../../../ir/interval.ts";
import type { Interval, NatRandom, NatTarget, Statement } from "../../../ir/types.ts";
import { type Address, printAddress } from "../../../net/address.ts";
import { printPrefix } from "../../../net/prefix.ts";
import { parseServicePort } from "../../../net/service-names.ts";
import { refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import type { Placement } from "../hook-rules.ts";
import { firstValue, ONCE, only } from "../option-rules.ts";
import { lacking, type OptionWords, optionWords } from "../rule-words.ts";
import { parseAddressRange, parseBlock } from "./addresses.ts";
import type { TargetPrinted, TargetRow } from "./row.ts";
import { printRange } from "./values.ts";

// --- options -------------------------------------------------------------------------------------------------------------

const RANDOM_OPTIONS = { "--random": 0, "--random-fully": 0, "--persistent": 0 };

interface NatOptions {
  readonly random: NatRandom;
  readonly persistent?: true;
}

function natOptions(options: readonly OptionText[]): NatOptions {
  const has = (wanted: string): boolean => options.some(({ name }) => name === wanted);
  const random = has("--random-fully") ? "fully-random" : has("--random") ? "random" : "none";
  return { random, ...(has("--persistent") ? { persistent: true } : {}) };
}

function randomWords({ random, persistent }: NatOptions): OptionWords[] {
  return [
    ...(random === "none" ? [] : [optionWords(random === "random" ? "--random" : "--random-fully")]),
    ...(persistent ? [optionWords("--persistent")] : []),
  ];
}

// --- texts ---------------------------------------------------------------------------------------------------------------

/** iptables 1.8.9 takes the base of shifted ports of a source, and does not pass it on (it lists 0). */
function withoutBase(target: LiteralTarget): NatTarget {
  return target.base === undefined ? target : { ...target, base: 0 };
}

type LiteralTarget = Extract<NatTarget, { kind: "literal" }>;

/** `ADDRESS`, `FROM-TO`, `ADDRESS:PORT`, `:FROM-TO`, `:FROM-TO/BASE`; IPv6 addresses with ports in brackets. */
function parseNatTarget(text: string, family: "ip" | "ip6"): LiteralTarget | undefined {
  const pattern =
    family === "ip"
      ? /^([0-9.-]*)(?::([A-Za-z0-9/-]+))?$/
      : /^(?:\[([^\]]*)\]|([0-9A-Fa-f:.-]*?))(?:(?<=\]|^):([A-Za-z0-9/-]+))?$/;
  const found = pattern.exec(text.replace(/\]-\[/, "-"));
  if (found === null) return undefined;
  const addressText = (family === "ip" ? found[1] : (found[1] ?? found[2])) ?? "";
  const portText = family === "ip" ? found[2] : found[3];
  const addresses = addressText === "" ? undefined : parseAddressRange(addressText, family);
  const ports = portText === undefined ? undefined : parseShiftedPorts(portText);
  if ((addressText !== "" && addresses === undefined) || (portText !== undefined && ports === undefined))
    return undefined;
  if (addresses === undefined && ports === undefined) return undefined;
  return { kind: "literal", ...(addresses === undefined ? {} : { addresses }), ...ports };
}

/** `PORT`, `FROM-TO` or `FROM-TO/BASE`. */
function parseShiftedPorts(text: string): Pick<LiteralTarget, "ports" | "base"> | undefined {
  const [, range = text, baseText] = /^([0-9]+-[0-9]+)\/(.+)$/.exec(text) ?? [];
  const ports = parsePortRange(range);
  const base = baseText === undefined ? undefined : parseServicePort(baseText);
  if (ports === undefined || base === 0 || (baseText !== undefined && base === undefined)) return undefined;
  return { ports, ...(base === undefined ? {} : { base }) };
}

function parsePortRange(text: string): Interval | undefined {
  const named = parseServicePort(text); // a name may hold a dash
  if (named !== undefined) return { from: named, to: named };
  // The ends of a range are numbers (libxt_NAT).
  const [, first, second] = /^([0-9]+)-([0-9]+)$/.exec(text) ?? [];
  const [from, to] = [first, second].map((port) => (port === undefined ? undefined : parseServicePort(port)));
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

function printTo(to: LiteralTarget): string {
  const { addresses, ports, base } = to;
  // Of sources iptables takes any base, which counts as 0.
  const behind = ports === undefined ? "" : `:${printRange(ports, "-")}${printBase(base)}`;
  if (addresses === undefined) return behind;
  const [from, end] = [addresses.from, addresses.to].map((each) => printAddress(each as Address));
  const range = from === end ? from : `${from}-${end}`;
  return typeof addresses.from === "number" || behind === "" ? `${range}${behind}` : `[${range}]${behind}`;
}

function printBase(base: number | undefined): string {
  return base === undefined ? "" : `/${base === 0 ? 1 : base}`;
}

// --- rows ----------------------------------------------------------------------------------------------------------------

const OF_DESTINATIONS: Placement = { tables: ["nat"], hooks: ["PREROUTING", "OUTPUT"] };

type NatStatement = Extract<Statement, { kind: "dnat" | "snat" }>;

function nat(kind: "dnat" | "snat", placement: Placement): TargetRow {
  const option = kind === "dnat" ? "--to-destination" : "--to-source";
  const print = (statement: NatStatement): TargetPrinted => {
    const { to } = statement;
    if (to.kind === "map") return lacking("a translation by map");
    return to.netmap ? undefined : [optionWords(option, [printTo(to)]), ...randomWords(statement)];
  };
  return {
    options: { [option]: 1, ...RANDOM_OPTIONS },
    asks: ONCE,
    placement,
    read: ({ options }, { family }) => {
      const text = firstValue(options, option);
      if (text === undefined) return refuse(`expected ${option} and an address`);
      const target = parseNatTarget(text, family);
      if (target === undefined)
        return refuse(
          `expected an address of ${family === "ip" ? "IPv4" : "IPv6"}, a range of them, with ports or not`,
        );
      return { kind, to: kind === "snat" ? withoutBase(target) : target, ...natOptions(options) };
    },
    statements: { [kind]: print },
  };
}

function toPorts(kind: "masquerade" | "redirect", placement: Placement): TargetRow {
  const print = (statement: Extract<Statement, { kind: "masquerade" | "redirect" }>): OptionWords[] => {
    const { ports } = statement;
    return [
      ...(ports === undefined ? [] : [optionWords("--to-ports", [printRange(ports, "-")])]),
      ...randomWords(statement),
    ];
  };
  return {
    options: { "--to-ports": 1, ...RANDOM_OPTIONS },
    asks: ONCE,
    placement,
    read: ({ options }) => {
      const text = firstValue(options, "--to-ports");
      const ports = text === undefined ? undefined : parsePortRange(text);
      if (text !== undefined && ports === undefined) return refuse("expected a port or FROM-TO");
      return { kind, ...(ports === undefined ? {} : { ports }), ...natOptions(options) };
    },
    statements: { [kind]: print },
  };
}

/** A mapping of addresses, in chains of NAT that translate what it does: nothing else is said of it. */
function printNetmap({ to, random, persistent }: NatStatement): TargetPrinted {
  if (to.kind === "map" || !to.netmap) return undefined;
  const { addresses, ports } = to;
  const block =
    addresses && intervalAsPrefix(addresses, typeof addresses.from === "number" ? "ipv4_addr" : "ipv6_addr");
  return ports !== undefined || block === undefined || random !== "none" || persistent
    ? lacking("a mapping of addresses that is not from prefix to prefix")
    : [optionWords("--to", [printPrefix(block)])];
}

export const NAT_TARGETS: Readonly<Record<string, TargetRow>> = {
  // A prefix that replaces the one of the packet's address: of the destination where destinations are translated, else of the source.
  NETMAP: {
    options: { "--to": 1 },
    asks: only("--to"),
    placement: { tables: ["nat"] },
    read: ({ options }, { family, translates }) => {
      const block = parseBlock(firstValue(options, "--to") ?? "", family);
      if (block === undefined) return refuse("expected --to and an address or a prefix, such as 10.1.0.0/24");
      if (translates === undefined) return undefined;
      const kind = translates === "destination" ? "dnat" : "snat";
      const isOne = block.from === block.to;
      return { kind, to: { kind: "literal", addresses: block, ...(isOne ? {} : { netmap: true }) }, random: "none" };
    },
    statements: { dnat: printNetmap, snat: printNetmap },
  },
  DNAT: nat("dnat", OF_DESTINATIONS),
  SNAT: nat("snat", { tables: ["nat"], hooks: ["INPUT", "POSTROUTING"] }),
  MASQUERADE: toPorts("masquerade", { tables: ["nat"], hooks: ["POSTROUTING"] }),
  REDIRECT: toPorts("redirect", OF_DESTINATIONS),
};

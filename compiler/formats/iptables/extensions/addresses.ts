/** Addresses, blocks and ranges of them, and the matches of ranges and of hardware addresses. */
import { addressField } from "../../../ir/build.ts";
import type { Interval, Step, Value } from "../../../ir/types.ts";
import { type Address, parseAddress, printAddress } from "../../../net/address.ts";
import { type Prefix, prefixRange } from "../../../net/prefix.ts";
import { type RefusedOption, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { only } from "../option-rules.ts";
import { each, type MatchRow, type MatchScope, oneOption, type Words } from "./row.ts";
import { oneValue, testInterval, testValue } from "./values.ts";

// --- blocks --------------------------------------------------------------------------------------------------------------

export interface MaskedAddress {
  /** With the bits outside of the mask cleared. */
  readonly address: Address;
  readonly mask: Value;
}

/** An address, `address/length` or `address/mask`; undefined also where the mask is no prefix. */
export function parseBlock(text: string, family: "ip" | "ip6"): Interval | undefined {
  const parsed = parseMasked(text, family);
  const length = parsed === undefined ? undefined : prefixLength(parsed.mask);
  return parsed === undefined || length === undefined ? undefined : blockOf(parsed.address, length);
}

export function blockOf(address: Address, length: number): Interval {
  // An address and a length of the same family.
  return prefixRange({ address, length } as Prefix);
}

/** `address`, `address/length`, `address/mask` of `family`, as numbers. */
export function parseMasked(text: string, family: "ip" | "ip6"): MaskedAddress | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined || (typeof address === "number") !== (family === "ip")) return undefined;
  const mask = slash < 0 ? allOnes(family) : parseMask(text.slice(slash + 1), family);
  if (mask === undefined) return undefined;
  const masked =
    typeof address === "number" && typeof mask === "number"
      ? (address & mask) >>> 0
      : (address as bigint) & (mask as bigint);
  return { address: masked as Address, mask };
}

function allOnes(family: "ip" | "ip6"): Value {
  return family === "ip" ? 0xffffffff : (1n << 128n) - 1n;
}

function parseMask(text: string, family: "ip" | "ip6"): Value | undefined {
  const bits = family === "ip" ? 32 : 128;
  if (/^[0-9]{1,3}$/.test(text)) {
    const length = Number(text);
    if (length > bits) return undefined;
    return family === "ip"
      ? length === 0
        ? 0
        : (-1 << (32 - length)) >>> 0
      : ((1n << BigInt(length)) - 1n) << BigInt(128 - length);
  }
  const mask = parseAddress(text);
  return mask !== undefined && (typeof mask === "number") === (family === "ip") ? mask : undefined;
}

/** The length of a mask whose set bits are the leading ones. */
export function prefixLength(mask: Value): number | undefined {
  if (typeof mask === "number") {
    const others = ~mask >>> 0;
    return (others & (others + 1)) === 0 ? Math.clz32(others) : undefined;
  }
  const text = mask.toString(2).padStart(128, "0");
  return /^1*0*$/.test(text) ? (text.indexOf("0") < 0 ? text.length : text.indexOf("0")) : undefined;
}

// --- ranges --------------------------------------------------------------------------------------------------------------

/** `FROM-TO`, or one address, of `family`. */
export function parseAddressRange(text: string, family: "ip" | "ip6"): Interval | undefined {
  const [first = "", second = first, ...more] = text.split("-");
  const [from, to] = [first, second].map((each) => parseAddress(each));
  const wanted = family === "ip" ? "number" : "bigint";
  if (from === undefined || to === undefined || typeof from !== wanted || typeof to !== wanted) return undefined;
  return from > to || more.length > 0 ? undefined : { from, to };
}

function rangeOption(field: "saddr" | "daddr") {
  return ({ values: [text = ""], negated }: OptionText, { family }: MatchScope): Step[] | RefusedOption => {
    const range = parseAddressRange(text, family);
    return range === undefined
      ? refuse("expected a range of addresses, FROM-TO")
      : [testInterval(addressField(family === "ip" ? "IPv4" : "IPv6", field), range, negated)];
  };
}

/** A test of a range that is no block, or of an address that the rule tests already. */
export function printAddressRange(field: "saddr" | "daddr", { from, to }: Interval, negated: boolean): Words {
  const range = [from, to].map((end) => printAddress(end as Address)).join("-");
  return oneOption("iprange", field === "saddr" ? "--src-range" : "--dst-range", [range], negated);
}

export const ADDRESS_MATCHES: Readonly<Record<string, MatchRow>> = {
  // Printed where `-s` and `-d` do not do: see the options of the rule itself.
  iprange: {
    options: { "--src-range": 1, "--dst-range": 1 },
    asks: { oneOf: [["--src-range", "--dst-range"]] },
    read: each({ "--src-range": rangeOption("saddr"), "--dst-range": rangeOption("daddr") }),
  },
  mac: {
    options: { "--mac-source": 1 },
    asks: only("--mac-source"),
    placement: { hooks: ["PREROUTING", "INPUT", "FORWARD"] },
    read: each({
      "--mac-source": ({ values: [text = ""], negated }) => {
        if (!/^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(text))
          return refuse("expected a hardware address, such as 02:00:00:00:00:01");
        const value = text.split(":").reduce((sum, octet) => sum * 256 + Number.parseInt(octet, 16), 0);
        return [testValue({ kind: "header", field: "ether saddr" }, value, negated)];
      },
    }),
    fields: {
      "ether saddr": {
        one: oneValue((value, negated) => {
          const octets = Number(value)
            .toString(16)
            .padStart(12, "0")
            .replace(/(..)(?=.)/g, "$1:");
          return oneOption("mac", "--mac-source", [octets], negated);
        }),
      },
    },
  },
};

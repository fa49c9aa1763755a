/** Matches of ICMP's types and codes. */
import { equal } from "../../../ir/build.ts";
import type { Expression } from "../../../ir/types.ts";
import { either, type MatchRead, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { ONCE } from "../option-rules.ts";
import { type Lacking, lacking } from "../rule-words.ts";
import { each, type FieldPrinter, type MatchRow, oneOption, type Words } from "./row.ts";
import { oneValue, parseUnsigned, testValue } from "./values.ts";

/** A type, and a code where there is one. */
type IcmpType = readonly [type: number, code?: number];
type IcmpNames = Readonly<Record<string, IcmpType>>;

interface Icmp {
  /** Behind `-m`. */
  readonly match: string;
  readonly option: string;
  readonly protocol: { readonly number: number; readonly name: string };
  readonly header: "icmp" | "icmpv6";
  readonly names: IcmpNames;
  /** Of types as people write them. */
  readonly examples: string;
}

function icmp({ match, option, protocol, header, names, examples }: Icmp): MatchRow {
  const type = { kind: "header", field: `${header} type` } as const satisfies Expression;
  const code = { kind: "header", field: `${header} code` } as const satisfies Expression;
  const read = ({ values: [text = ""], negated }: OptionText): MatchRead => {
    if (text === "any" || /^255(\/|$)/.test(text)) return negated ? undefined : [];
    const found = parseIcmp(text, names);
    if (found === undefined) return refuse(`expected a type of ICMP, such as ${examples} or echo-request`);
    const [wantedType, wantedCode] = found;
    if (wantedCode === undefined) return [testValue(type, wantedType, negated)];
    if (!negated) return [equal(type, wantedType), equal(code, wantedCode)];
    return either(testValue(type, wantedType, true), equal(type, wantedType), testValue(code, wantedCode, true));
  };
  return {
    options: { [option]: 1 },
    protocol: { number: protocol.number, isNeeded: true },
    asks: ONCE,
    read: each({ [option]: read }),
    fields: {
      [type.field]: {
        one: oneValue((value, negated) =>
          oneOption(match, option, [String(value)], negated, { protocol: protocol.name }),
        ),
      },
      [code.field]: codePrinter(match, option, code.field),
    },
  };
}

/** Behind the type, in one match with it. */
function codePrinter(match: string, option: string, field: string): FieldPrinter {
  return {
    one: ({ from, to }, { negated }, { last }): Words | Lacking => {
      const [type] = last?.name === match ? last.options : [];
      const [text = ""] = type?.values ?? [];
      if (negated || from !== to || type?.negated !== false || !/^\d+$/.test(text))
        return lacking(`${field} without the type`);
      return oneOption(match, option, [`${text}/${from}`], false, { joins: "instead" });
    },
  };
}

function parseIcmp(text: string, names: IcmpNames): IcmpType | undefined {
  const lower = text.toLowerCase();
  const matching = Object.keys(names).filter((name) => name.toLowerCase().startsWith(lower));
  const exact = Object.keys(names).find((name) => name.toLowerCase() === lower);
  const name = exact ?? (matching.length === 1 ? matching[0] : undefined);
  if (name !== undefined) return names[name];
  const [first = "", second, ...more] = text.split("/");
  const type = parseUnsigned(first, 8);
  const code = second === undefined ? undefined : parseUnsigned(second, 8);
  if (type === undefined || more.length > 0 || (second !== undefined && code === undefined)) return undefined;
  return code === undefined ? [type] : [type, code];
}

const ICMP_TYPES: IcmpNames = {
  "echo-reply": [0],
  pong: [0],
  "destination-unreachable": [3],
  "network-unreachable": [3, 0],
  "host-unreachable": [3, 1],
  "protocol-unreachable": [3, 2],
  "port-unreachable": [3, 3],
  "fragmentation-needed": [3, 4],
  "source-route-failed": [3, 5],
  "network-unknown": [3, 6],
  "host-unknown": [3, 7],
  "network-prohibited": [3, 9],
  "host-prohibited": [3, 10],
  "TOS-network-unreachable": [3, 11],
  "TOS-host-unreachable": [3, 12],
  "communication-prohibited": [3, 13],
  "host-precedence-violation": [3, 14],
  "precedence-cutoff": [3, 15],
  "source-quench": [4],
  redirect: [5],
  "network-redirect": [5, 0],
  "host-redirect": [5, 1],
  "TOS-network-redirect": [5, 2],
  "TOS-host-redirect": [5, 3],
  "echo-request": [8],
  ping: [8],
  "router-advertisement": [9],
  "router-solicitation": [10],
  "time-exceeded": [11],
  "ttl-exceeded": [11],
  "ttl-zero-during-transit": [11, 0],
  "ttl-zero-during-reassembly": [11, 1],
  "parameter-problem": [12],
  "ip-header-bad": [12, 0],
  "required-option-missing": [12, 1],
  "timestamp-request": [13],
  "timestamp-reply": [14],
  "address-mask-request": [17],
  "address-mask-reply": [18],
};

const ICMPV6_TYPES: IcmpNames = {
  "destination-unreachable": [1],
  "no-route": [1, 0],
  "communication-prohibited": [1, 1],
  "beyond-scope": [1, 2],
  "address-unreachable": [1, 3],
  "port-unreachable": [1, 4],
  "failed-policy": [1, 5],
  "reject-route": [1, 6],
  "packet-too-big": [2],
  "time-exceeded": [3],
  "ttl-exceeded": [3],
  "ttl-zero-during-transit": [3, 0],
  "ttl-zero-during-reassembly": [3, 1],
  "parameter-problem": [4],
  "bad-header": [4, 0],
  "unknown-header-type": [4, 1],
  "unknown-option": [4, 2],
  "echo-request": [128],
  ping: [128],
  "echo-reply": [129],
  pong: [129],
  "mld-listener-query": [130],
  "mld-listener-report": [131],
  "mld-listener-done": [132],
  "mld-listener-reduction": [132],
  "router-solicitation": [133],
  "router-advertisement": [134],
  "neighbour-solicitation": [135],
  "neighbor-solicitation": [135],
  "neighbour-advertisement": [136],
  "neighbor-advertisement": [136],
  redirect: [137],
};

export const ICMP_MATCHES: Readonly<Record<string, MatchRow>> = {
  icmp: icmp({
    match: "icmp",
    option: "--icmp-type",
    protocol: { number: 1, name: "icmp" },
    header: "icmp",
    names: ICMP_TYPES,
    examples: "8, 3/4",
  }),
  icmp6: icmp({
    match: "icmp6",
    option: "--icmpv6-type",
    protocol: { number: 58, name: "ipv6-icmp" },
    header: "icmpv6",
    names: ICMPV6_TYPES,
    examples: "128, 1/4",
  }),
};

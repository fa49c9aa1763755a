/** What iptables 1.8 asks of the options of its extensions before it takes a rule: which have to be there, which exclude each
 *  other, and between which bounds numbers are. */
import { meaningOf } from "../../words.ts";
import type { OptionText } from "./grammar.ts";
import type { Unit } from "./matches.ts";

/** A number from `from` to `to`; `pair`: or two of them around this sign. */
interface Bounds {
  readonly from: bigint;
  readonly to: bigint;
  readonly pair?: ":" | "-";
}

interface OptionRules {
  /** All of these have to be there. */
  readonly required?: readonly string[];
  /** Of each list one has to be there. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Of each list at most one may be there. */
  readonly exclusive?: readonly (readonly string[])[];
  readonly numbers?: Readonly<Record<string, Bounds>>;
  /** Words that an option takes, in lower case. */
  readonly words?: Readonly<Record<string, readonly string[]>>;
  /** Options that may not stand behind `!`. */
  readonly notInverted?: readonly string[];
  /** Another reason to refuse the options. */
  readonly other?: (options: readonly OptionText[]) => string | undefined;
}

const bits = (count: number, pair?: ":" | "-"): Bounds => ({
  from: 0n,
  to: (1n << BigInt(count)) - 1n,
  ...(pair === undefined ? {} : { pair }),
});
const upTo = (to: number, from = 0): Bounds => ({ from: BigInt(from), to: BigInt(to) });

/** One option more than once is all that is wrong. */
const ONCE: OptionRules = {};

/** The one option of an extension. */
const only = (name: string): OptionRules => ({ required: [name] });

/** One of several options, and no more. */
const choice = (...names: readonly string[]): OptionRules => ({ oneOf: [names], exclusive: [names] });

const firstValue = (options: readonly OptionText[], wanted: string): string | undefined =>
  options.find(({ name }) => name === wanted)?.values[0];

export const MATCH_OPTION_RULES: Readonly<Record<string, OptionRules>> = {
  addrtype: { oneOf: [["--src-type", "--dst-type"]], exclusive: [["--limit-iface-in", "--limit-iface-out"]] },
  ah: { numbers: { "--ahspi": bits(32, ":") } },
  cluster: {
    oneOf: [["--cluster-local-node", "--cluster-local-nodemask"]],
    required: ["--cluster-hash-seed", "--cluster-total-nodes"],
  },
  connbytes: {
    required: ["--connbytes", "--connbytes-dir", "--connbytes-mode"],
    numbers: { "--connbytes": bits(64, ":") },
    words: {
      "--connbytes-mode": ["packets", "bytes", "avgpkt"],
      "--connbytes-dir": ["original", "reply", "both"],
    },
  },
  connlimit: {
    ...choice("--connlimit-above", "--connlimit-upto"),
    exclusive: [
      ["--connlimit-above", "--connlimit-upto"],
      ["--connlimit-saddr", "--connlimit-daddr"],
    ],
    numbers: { "--connlimit-above": bits(32), "--connlimit-upto": bits(32) },
  },
  connmark: only("--mark"),
  conntrack: {
    other: (options) => (options.length === 0 ? "expected an option of conntrack, such as --ctstate" : undefined),
    numbers: { "--ctexpire": bits(32, ":") },
  },
  cpu: { ...only("--cpu"), numbers: { "--cpu": bits(32) } },
  dccp: { numbers: { "--dccp-option": upTo(255, 1) } },
  dscp: { ...choice("--dscp", "--dscp-class"), numbers: { "--dscp": upTo(63) } },
  esp: { numbers: { "--espspi": bits(32, ":") } },
  hashlimit: {
    required: ["--hashlimit-name"],
    oneOf: [["--hashlimit", "--hashlimit-upto", "--hashlimit-above"]],
  },
  icmp: ONCE,
  icmp6: ONCE,
  helper: only("--helper"),
  hl: choice("--hl-eq", "--hl-lt", "--hl-gt"),
  iprange: { oneOf: [["--src-range", "--dst-range"]] },
  length: only("--length"),
  mac: only("--mac-source"),
  mark: only("--mark"),
  multiport: choice("--sports", "--dports", "--ports"),
  nfacct: only("--nfacct-name"),
  owner: {
    other: (options) => {
      const groups = options.find(({ name }) => name === "--suppl-groups");
      if (groups === undefined) return undefined;
      if (groups.negated) return "expected --suppl-groups without a negation";
      return options.some(({ name }) => name === "--gid-owner")
        ? undefined
        : "expected --gid-owner beside --suppl-groups";
    },
  },
  pkttype: only("--pkt-type"),
  quota: { ...only("--quota"), numbers: { "--quota": bits(64) } },
  realm: only("--realm"),
  recent: {
    oneOf: [["--set", "--rcheck", "--update", "--remove"]],
    exclusive: [
      ["--set", "--rcheck", "--update", "--remove"],
      ["--set", "--rttl"],
    ],
  },
  state: only("--state"),
  statistic: {
    other: (options) => {
      const [every, packet] = ["--every", "--packet"].map((name) => firstValue(options, name));
      if (firstValue(options, "--mode") !== "nth") return undefined;
      if (every === undefined || packet === undefined) return "expected --every and --packet with --mode nth";
      return Number(packet) < Number(every) ? undefined : "expected --packet to be less than --every";
    },
  },
  string: { oneOf: [["--string", "--hex-string"]], required: ["--algo"] },
  tcpmss: { ...only("--mss"), numbers: { "--mss": bits(16, ":") } },
  tos: only("--tos"),
  ttl: choice("--ttl-eq", "--ttl-lt", "--ttl-gt"),
  u32: only("--u32"),
};

const hops = (prefix: "ttl" | "hl"): OptionRules => ({
  ...choice(`--${prefix}-set`, `--${prefix}-inc`, `--${prefix}-dec`),
  numbers: {
    [`--${prefix}-set`]: upTo(255),
    [`--${prefix}-inc`]: upTo(255, 1),
    [`--${prefix}-dec`]: upTo(255, 1),
  },
});

const MARK_CHANGES = ["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"];

/** These take no mask. */
const WHOLE_MARKS = { "--and-mark": bits(32), "--or-mark": bits(32), "--xor-mark": bits(32) };

const LOG_LEVELS = ["emerg", "panic", "alert", "crit", "error", "err", "warning", "warn", "notice", "info", "debug"];

export const TARGET_OPTION_RULES: Readonly<Record<string, OptionRules>> = {
  DNAT: ONCE,
  SNAT: ONCE,
  MASQUERADE: ONCE,
  REDIRECT: ONCE,
  NETMAP: only("--to"),
  REJECT: ONCE,
  CHECKSUM: only("--checksum-fill"),
  CLASSIFY: only("--set-class"),
  CONNMARK: {
    ...choice(...MARK_CHANGES, "--save-mark", "--restore-mark"),
    exclusive: [
      [...MARK_CHANGES, "--save-mark", "--restore-mark"],
      ["--mask", "--nfmask"],
      ["--mask", "--ctmask"],
      ["--left-shift-mark", "--right-shift-mark"],
    ],
    numbers: { ...WHOLE_MARKS, "--mask": bits(32), "--nfmask": bits(32), "--ctmask": bits(32) },
  },
  CT: {
    numbers: { "--zone": bits(16), "--zone-orig": bits(16), "--zone-reply": bits(16) },
    other: (options) =>
      // A zone may be the packet's mark.
      options.every(({ name, values }) => !name.startsWith("--zone") || values[0] !== "mark") ? undefined : SKIP,
  },
  DNPT: { required: ["--src-pfx", "--dst-pfx"] },
  DSCP: { ...choice("--set-dscp", "--set-dscp-class"), numbers: { "--set-dscp": upTo(63) } },
  ECN: { oneOf: [["--ecn-tcp-remove", "--ecn-tcp-cwr", "--ecn-tcp-ece", "--ecn-ip-ect"]] },
  HL: hops("hl"),
  LOG: {
    other: (options) => {
      const prefix = options.find(({ name }) => name === "--log-prefix");
      if (prefix !== undefined && prefix.values.length === 0) return "expected a text behind --log-prefix";
      const level = firstValue(options, "--log-level")?.toLowerCase();
      if (level === undefined || /^[0-7]$/.test(level) || LOG_LEVELS.includes(level)) return undefined;
      return `expected a level of LOG, such as ${LOG_LEVELS[0]} or 4`;
    },
  },
  MARK: { ...choice(...MARK_CHANGES), numbers: WHOLE_MARKS },
  NFLOG: { numbers: { "--nflog-group": bits(16), "--nflog-range": bits(32), "--nflog-threshold": bits(16) } },
  NFQUEUE: { numbers: { "--queue-num": bits(16), "--queue-balance": bits(16, ":") } },
  SNPT: { required: ["--src-pfx", "--dst-pfx"] },
  TCPMSS: { ...choice("--set-mss", "--clamp-mss-to-pmtu"), numbers: { "--set-mss": bits(16) } },
  TCPOPTSTRIP: {
    other: (options) =>
      firstValue(options, "--strip-options")
        ?.split(",")
        .some((word) => word === "0" || word === "1")
        ? "expected TCP options other than 0 and 1"
        : undefined,
  },
  TEE: { ...only("--gateway"), notInverted: ["--gateway"] },
  TOS: { oneOf: [["--set-tos", "--and-tos", "--or-tos", "--xor-tos"]] },
  TTL: hops("ttl"),
};

/** Numbers are not looked at: one of them is a word. */
const SKIP = "skip";

/** What was expected where iptables refuses the options of `unit`, and at which of them; undefined: it takes them. */
export function optionsRefused(
  unit: Unit,
  rules: OptionRules | undefined,
): { readonly message: string; readonly option: OptionText | undefined } | undefined {
  const { options } = unit;
  const stray = options.find(({ name }) => /^-[0-9]/.test(name));
  if (stray !== undefined) return { message: "expected a value, found a negative number", option: stray };
  const twice = options.find((option, i) => options.findIndex(({ name }) => name === option.name) < i);
  if (twice !== undefined && rules !== undefined) return { message: `expected ${twice.name} once`, option: twice };
  if (rules === undefined) return undefined;
  const { required = [], oneOf = [], exclusive = [], numbers = {}, words = {}, notInverted = [] } = rules;
  const names = [...required, ...oneOf.flat()];
  // Options may be abbreviated.
  const has = (wanted: string): boolean =>
    options.some(({ name }) => name === wanted || (wanted.startsWith(name) && !names.includes(name)));
  const missing = required.find((name) => !has(name));
  if (missing !== undefined) return { message: `expected ${missing} with ${unit.name}`, option: undefined };
  const absent = oneOf.find((choices) => !choices.some(has));
  if (absent !== undefined) return { message: `expected one of ${absent.join(", ")}`, option: undefined };
  for (const choices of exclusive) {
    const [, second] = options.filter(({ name }) => choices.includes(name));
    if (second !== undefined)
      return { message: `expected one of ${choices.join(", ")}, and no second`, option: second };
  }
  const other = rules.other?.(options);
  if (other !== undefined && other !== SKIP) return { message: other, option: undefined };
  for (const option of options) {
    const found = other === SKIP ? undefined : valueRefused(option, numbers, words, notInverted);
    if (found !== undefined) return { message: found, option };
  }
  return undefined;
}

function valueRefused(
  { name, values, negated }: OptionText,
  numbers: Readonly<Record<string, Bounds>>,
  words: Readonly<Record<string, readonly string[]>>,
  notInverted: readonly string[],
): string | undefined {
  if (negated && notInverted.includes(name)) return `expected ${name} without a negation`;
  const known = meaningOf(words, name);
  const [value] = values;
  if (known !== undefined && !known.includes(value?.toLowerCase() ?? "")) return `expected ${known.join(", ")}`;
  const bounds = meaningOf(numbers, name);
  return bounds === undefined || isWithin(value ?? "", bounds)
    ? undefined
    : `expected a number from ${bounds.from} to ${bounds.to}${bounds.pair === undefined ? "" : `, or two of them with "${bounds.pair}"`}`;
}

function isWithin(text: string, { from, to, pair }: Bounds): boolean {
  const parts = pair === undefined ? [text] : text.split(pair);
  const ends = parts.map((part) => (pair !== undefined && part === "" ? undefined : parseNumber(part)));
  if (parts.length > 2 || text === "") return false;
  if (ends.some((end, i) => parts[i] !== "" && (end === undefined || end < from || end > to))) return false;
  const [first, second] = ends;
  return first === undefined || second === undefined || first <= second;
}

/** As strtoul reads it: decimal, octal or hexadecimal. */
function parseNumber(text: string): bigint | undefined {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text) ? BigInt(text.toLowerCase()) : undefined;
}

/** Targets that decide, and those that kpc does not understand: what is known of them all the same. */
import { CT_STATE_FIELD } from "../../../ir/build.ts";
import { CT_STATE } from "../../../ir/constants.ts";
import type { RejectWith, Statement, WritableField } from "../../../ir/types.ts";
import { refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import type { Placement } from "../hook-rules.ts";
import { bits, choice, firstValue, ONCE, type OptionRules, only, SKIP, upTo } from "../option-rules.ts";
import { lacking, optionWords } from "../rule-words.ts";
import { absent, changeWords, inOrder } from "./listed.ts";
import type { TargetRow } from "./row.ts";
import { printHex } from "./values.ts";

const RAW: Placement = { tables: ["raw"] };
const MANGLE: Placement = { tables: ["mangle"] };

// --- verdicts ------------------------------------------------------------------------------------------------------------

function verdict(kind: "accept" | "drop" | "return"): TargetRow {
  return {
    options: {},
    read: () => ({ kind: "verdict", verdict: { kind } }),
    statements: { verdict: ({ verdict: given }) => (given.kind === kind ? [] : undefined) },
  };
}

/** Names of REJECT's types, the one that is listed first; the others are for reading. */
const REJECT_TYPES: Readonly<Record<"ip" | "ip6", Readonly<Partial<Record<RejectWith, readonly string[]>>>>> = {
  ip: {
    "net-unreachable": ["icmp-net-unreachable", "net-unreach"],
    "host-unreachable": ["icmp-host-unreachable", "host-unreach"],
    "protocol-unreachable": ["icmp-proto-unreachable", "proto-unreach"],
    "port-unreachable": ["icmp-port-unreachable", "port-unreach"],
    "net-prohibited": ["icmp-net-prohibited", "net-prohib"],
    "host-prohibited": ["icmp-host-prohibited", "host-prohib"],
    "tcp-reset": ["tcp-reset", "tcp-rst"],
    "admin-prohibited": ["icmp-admin-prohibited", "admin-prohib"],
  },
  ip6: {
    "net-unreachable": ["icmp6-no-route", "no-route"],
    "admin-prohibited": ["icmp6-adm-prohibited", "adm-prohibited"],
    "host-unreachable": ["icmp6-addr-unreachable", "addr-unreach"],
    "port-unreachable": ["icmp6-port-unreachable", "port-unreach"],
    "tcp-reset": ["tcp-reset"],
    "policy-fail": ["icmp6-policy-fail", "policy-fail"],
    "reject-route": ["icmp6-reject-route", "reject-route"],
  },
};

const reject: TargetRow = {
  options: { "--reject-with": 1 },
  asks: ONCE,
  placement: { tables: ["filter"] },
  read: ({ options }, { family }) => {
    const text = firstValue(options, "--reject-with");
    if (text === undefined) return { kind: "reject", with: "port-unreachable" };
    const types = Object.entries(REJECT_TYPES[family]) as [RejectWith, readonly string[]][];
    const found = types.find(([, names]) => names.includes(text));
    return found === undefined
      ? refuse(`expected a type of reject: ${types.map(([, [name]]) => name).join(", ")}`)
      : { kind: "reject", with: found[0] };
  },
  statements: {
    reject: ({ with: how }, { family }) => {
      const [name] = REJECT_TYPES[family][how] ?? [];
      return name === undefined ? lacking(`reject with ${how}`) : [optionWords("--reject-with", [name])];
    },
  },
};

// --- connection tracking -------------------------------------------------------------------------------------------------

const UNTRACKED: Statement = {
  kind: "set",
  field: CT_STATE_FIELD,
  value: { kind: "constant", type: "ct_state", value: CT_STATE.untracked },
};

function isUntracked(field: WritableField): boolean {
  return field.kind === "ct" && field.key === "state";
}

/** Zones and helpers make no difference to the first packet of a connection. */
const ct: TargetRow = {
  passing: ["ct state"],
  options: {
    "--notrack": 0,
    "--helper": 1,
    "--timeout": 1,
    "--ctevents": 1,
    "--expevents": 1,
    "--zone": 1,
    "--zone-orig": 1,
    "--zone-reply": 1,
  },
  asks: {
    numbers: { "--zone": bits(16), "--zone-orig": bits(16), "--zone-reply": bits(16) },
    other: (options) =>
      // A zone may be the packet's mark.
      options.every(({ name, values }) => !name.startsWith("--zone") || values[0] !== "mark") ? undefined : SKIP,
  },
  placement: RAW,
  read: ({ options }) => (options.some(({ name }) => name === "--notrack") ? UNTRACKED : undefined),
  statements: { set: ({ field }) => (isUntracked(field) ? [optionWords("--notrack")] : undefined) },
};

// --- logs ----------------------------------------------------------------------------------------------------------------

const LEVELS_TAKEN = ["emerg", "panic", "alert", "crit", "error", "err", "warning", "warn", "notice", "info", "debug"];

/** Levels of syslog, by number. */
const LEVELS = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];

/** Levels are listed as numbers, and the usual one is not. */
function logOption(option: OptionText): OptionText[] {
  if (option.name !== "--log-level") return [option];
  const [text = ""] = option.values;
  const level = /^[0-7]$/.test(text) ? Number(text) : LEVELS.findIndex((name) => name.startsWith(text.toLowerCase()));
  if (level < 0) return [option];
  return level === 4 ? [] : [{ ...option, values: [String(level)] }];
}

const log: TargetRow = {
  passing: [],
  asks: {
    other: (options) => {
      const prefix = options.find(({ name }) => name === "--log-prefix");
      if (prefix !== undefined && prefix.values.length === 0) return "expected a text behind --log-prefix";
      const level = firstValue(options, "--log-level")?.toLowerCase();
      if (level === undefined || /^[0-7]$/.test(level) || LEVELS_TAKEN.includes(level)) return undefined;
      return `expected a level of LOG, such as ${LEVELS_TAKEN[0]} or 4`;
    },
  },
  listed: (options) => options.flatMap(logOption),
};

// --- others --------------------------------------------------------------------------------------------------------------

function hops(prefix: "ttl" | "hl"): TargetRow {
  const [set, inc, dec] = [`--${prefix}-set`, `--${prefix}-inc`, `--${prefix}-dec`];
  const numbers = { [set]: upTo(255), [inc]: upTo(255, 1), [dec]: upTo(255, 1) };
  return { passing: [], asks: { ...choice(set, inc, dec), numbers }, placement: MANGLE };
}

/** `0x1` is `0x1/0xffffffff`. */
function markAndMask(text: string): string {
  const [value = "", mask = "0xffffffff"] = text.split("/");
  return `${printHex(Number(value))}/${printHex(Number(mask))}`;
}

const tproxy: TargetRow = {
  placement: { tables: ["mangle"], hooks: ["PREROUTING"] },
  listed: (options, family) => {
    const all = [
      ...options.map((option) => (option.name === "--tproxy-mark" ? changeWords(option, markAndMask) : option)),
      ...absent(options, ["--on-ip"], family === "ip" ? "0.0.0.0" : "::"),
      ...absent(options, ["--tproxy-mark"], "0x0/0x0"),
    ];
    return inOrder(all, ["--on-port", "--on-ip", "--tproxy-mark"], "first");
  },
};

const PASSING: TargetRow = { passing: [] };
const ENDING: TargetRow = {};
const PREFIXES: OptionRules = { required: ["--src-pfx", "--dst-pfx"] };

export const OTHER_TARGETS: Readonly<Record<string, TargetRow>> = {
  ACCEPT: verdict("accept"),
  DROP: verdict("drop"),
  RETURN: verdict("return"),
  REJECT: reject,
  CT: ct,
  // Printed as CT, which has the same option.
  NOTRACK: { passing: ["ct state"], options: {}, placement: RAW, read: () => UNTRACKED },
  LOG: log,
  TPROXY: tproxy,
  AUDIT: PASSING,
  CHECKSUM: { passing: [], asks: only("--checksum-fill"), placement: MANGLE },
  CLASSIFY: {
    passing: [],
    asks: only("--set-class"),
    placement: { hooks: ["FORWARD", "OUTPUT", "POSTROUTING"] },
  },
  CLUSTERIP: ENDING,
  CONNSECMARK: PASSING,
  DNPT: { asks: PREFIXES },
  DSCP: {
    passing: [],
    asks: { ...choice("--set-dscp", "--set-dscp-class"), numbers: { "--set-dscp": upTo(63) } },
    placement: MANGLE,
  },
  ECN: {
    passing: [],
    asks: { oneOf: [["--ecn-tcp-remove", "--ecn-tcp-cwr", "--ecn-tcp-ece", "--ecn-ip-ect"]] },
    placement: MANGLE,
  },
  FLOWOFFLOAD: ENDING,
  FULLCONENAT: ENDING,
  HL: hops("hl"),
  HMARK: { passing: ["mark"] },
  IDLETIMER: PASSING,
  LED: PASSING,
  MIRROR: ENDING,
  NFLOG: {
    passing: [],
    asks: { numbers: { "--nflog-group": bits(16), "--nflog-range": bits(32), "--nflog-threshold": bits(16) } },
  },
  NFQUEUE: { asks: { numbers: { "--queue-num": bits(16), "--queue-balance": bits(16, ":") } } },
  QUEUE: ENDING,
  RATEEST: PASSING,
  SAME: ENDING,
  SECMARK: PASSING,
  // --map-mark
  SET: { passing: ["mark"] },
  SNPT: { asks: PREFIXES },
  SYNPROXY: { placement: { hooks: ["INPUT", "FORWARD"] } },
  TARPIT: ENDING,
  TCPMSS: {
    passing: [],
    asks: { ...choice("--set-mss", "--clamp-mss-to-pmtu"), numbers: { "--set-mss": bits(16) } },
  },
  TCPOPTSTRIP: {
    passing: [],
    asks: {
      other: (options) =>
        firstValue(options, "--strip-options")
          ?.split(",")
          .some((word) => word === "0" || word === "1")
          ? "expected TCP options other than 0 and 1"
          : undefined,
    },
    placement: MANGLE,
  },
  TEE: { passing: [], asks: { ...only("--gateway"), notInverted: ["--gateway"] } },
  TOS: { passing: [], asks: { oneOf: [["--set-tos", "--and-tos", "--or-tos", "--xor-tos"]] }, placement: MANGLE },
  TRACE: PASSING,
  TTL: hops("ttl"),
  ULOG: PASSING,
};

/** Which command of a node has printed a text: told by its content, since files have any name. */
import type { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";

export type HostCommand =
  | "ip -j -d addr"
  | "ip -j -d link"
  | "ip -j route show table all"
  | "ip -j rule"
  | "bridge -j -d link"
  | "bridge -j fdb"
  | "ip -j neigh"
  | "sysctl -a";

/** The command that printed the objects of a JSON list; undefined: none that is known here. `empty`: it had nothing to print. */
export function commandOfJson(entries: readonly Field[]): HostCommand | "empty" | undefined {
  const members = new Set<string>();
  let hasPortState = false;
  for (const { value } of entries) {
    if (!isObject(value)) return undefined;
    for (const key in value) members.add(key);
    hasPortState ||= typeof value["state"] === "string" && "mtu" in value;
  }
  const has = (...keys: readonly string[]): boolean => keys.every((key) => members.has(key));
  if (members.size === 0) return "empty";
  if (has("ifname", "addr_info")) return "ip -j -d addr";
  if (has("ifname", "mac")) return "bridge -j fdb";
  if (has("ifname") && hasPortState) return "bridge -j -d link";
  if (has("ifname", "mtu")) return "ip -j -d link";
  if (has("priority") && (has("src") || has("table"))) return "ip -j rule";
  if (has("dst") && (has("lladdr") || (has("state") && !has("flags")))) return "ip -j neigh";
  if (has("dst") && ["flags", "dev", "nexthops", "type"].some((key) => has(key))) return "ip -j route show table all";
  return undefined;
}

/** A line of `sysctl -a`, or of `grep . /proc/sys/net/...`. */
const SYSCTL_LINE = /^(?:\/proc\/sys\/)?(?:net|kernel|vm|fs)[./][\w./@~+-]+ ?[=:]/m;

export function isSysctl(text: string): boolean {
  return SYSCTL_LINE.test(text);
}

/** What a text is that no reader takes, and what to give instead. */
export interface StrangeText {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

const LINK = "[^\\s:]+: <[A-Z0-9_,-]*> mtu \\d+";

/** Texts that people print by nearly the right command, each with a line that tells it, the first that fits counting. */
const STRANGE: readonly (readonly [RegExp, string])[] = [
  [
    /^.*(?:command not found|: not found|unrecognized option|invalid option|Option "-\w+" is unknown|Object "\S+" is unknown|Cannot open netlink socket|Dump terminated|Permission denied|Operation not permitted).*$/m,
    "the command failed: expected its output",
  ],
  [
    new RegExp(`^\\d+: ${LINK} .*\\bmaster \\S+ state \\w+ priority .*$`, "m"),
    without("bridge link", "bridge -j -d link"),
  ],
  [new RegExp(`^\\d+: ${LINK}.*$(?=[^]*^\\s+inet6? )`, "m"), without("ip addr", "ip -j -d addr")],
  [/^\d+: \S+\s+inet6? .*$/m, without("ip -o addr", "ip -j -d addr")],
  [new RegExp(`^\\d+: ${LINK}.*$`, "m"), without("ip link", "ip -j -d addr")],
  [/^\d+:\s+(?:not )?from .*$/m, without("ip rule", "ip -j rule")],
  [/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2} dev .*$/m, without("bridge fdb", "bridge -j fdb")],
  [
    /^[0-9a-f.:]+ dev \S+ .*\b(?:REACHABLE|STALE|PERMANENT|FAILED|DELAY|PROBE|NOARP|INCOMPLETE).*$/m,
    without("ip neigh", "ip -j neigh"),
  ],
  [
    /^(?:(?:local|broadcast|anycast|multicast|unreachable|blackhole|prohibit|throw) )?(?:default|[0-9a-f.:]+(?:\/\d+)?) .*\b(?:via|dev|proto|metric|scope)\b.*$/m,
    without("ip route", "ip -j route show table all"),
  ],
  [
    /^(?:Kernel IP(?:v6)? routing table|Destination +Gateway +Genmask).*$/m,
    instead("route", "ip -j route show table all"),
  ],
  [/^\S+(?:: flags=\d+<| +Link encap:).*$/m, instead("ifconfig", "ip -j -d addr")],
  [/^bridge name\s+bridge id.*$/m, instead("brctl show", "bridge -j -d link")],
];

function without(command: string, wanted: string): string {
  return `this is ${command} without -j: expected the output of ${wanted}`;
}

function instead(command: string, wanted: string): string {
  return `this is ${command}: expected the output of ${wanted}`;
}

/** What `text`, which is neither JSON nor sysctl's nor rules, looks like; undefined: nothing that is known here. */
export function strangeTextOf(text: string): StrangeText | undefined {
  for (const [pattern, message] of STRANGE) {
    const found = pattern.exec(text);
    if (found !== null) return { message, start: found.index, end: found.index + found[0].length };
  }
  return undefined;
}

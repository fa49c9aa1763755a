/** Small pieces of IR for tests, among them one of every kind: a new kind does not compile until it is here.
 *  Long because it is a table: a sample for each kind of step and expression. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import {
  anyBit,
  concat,
  counting,
  DPORT,
  equal,
  L4PROTO,
  member,
  noBit,
  random,
  within,
} from "../../compiler/ir/build.ts";
import type {
  BaseChain,
  Chain,
  Expression,
  Match,
  Program,
  Rule,
  Statement,
  Step,
  Table,
} from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { parsePrefix, prefixRange } from "../../compiler/net/prefix.ts";

export function ipv4(text: string): number {
  const address = parseAddress(text);
  if (typeof address !== "number") throw new Error(`${text} is no IPv4 address`);
  return address;
}

export function ipv6(text: string): bigint {
  const address = parseAddress(text);
  if (typeof address !== "bigint") throw new Error(`${text} is no IPv6 address`);
  return address;
}

export function block(text: string): { from: number | bigint; to: number | bigint } {
  const prefix = parsePrefix(text);
  if ("kind" in prefix) throw new Error(`${text} is no prefix`);
  return prefixRange(prefix);
}

/** A packet of TCP that comes in from 10.0.0.1. */
export const PACKET: Packet = {
  protocol: 6,
  source: ipv4("10.0.0.1") as Address,
  destination: ipv4("10.0.0.2") as Address,
  sourcePort: 40000,
  destinationPort: 80,
  inInterface: "eth0",
  mark: 0,
};

export const SADDR: Expression = { kind: "ip", field: "saddr" };
export const DADDR: Expression = { kind: "ip", field: "daddr" };
export const STATE: Expression = { kind: "ct", key: "state" };
export const STATUS: Expression = { kind: "ct", key: "status" };

/** An expression of each kind that can be asked, with nft's spelling and a value of its type. */
export const EXPRESSIONS: {
  readonly [K in Exclude<Expression["kind"], "constant">]: readonly (readonly [
    Extract<Expression, { kind: K }>,
    nft: string,
    value: string,
  ])[];
} = {
  ip: [[{ kind: "ip", field: "saddr" }, "ip saddr", "10.0.0.1"]],
  ip6: [[{ kind: "ip6", field: "daddr" }, "ip6 daddr", "fd00::1"]],
  transport: [
    [{ kind: "transport", protocol: "th", field: "dport" }, "th dport", "80"],
    [{ kind: "transport", protocol: "sctp", field: "sport" }, "sctp sport", "80"],
  ],
  meta: [
    [{ kind: "meta", key: "mark" }, "meta mark", "0x00000001"],
    [{ kind: "meta", key: "oif" }, "oif", '"lo"'],
    [{ kind: "meta", key: "skuid" }, "meta skuid", "1000"],
    [{ kind: "meta", key: "pkttype" }, "meta pkttype", "broadcast"],
    [{ kind: "meta", key: "priority" }, "meta priority", "1:2"],
  ],
  ct: [
    [{ kind: "ct", key: "mark" }, "ct mark", "0x00000001"],
    [{ kind: "ct", key: "direction" }, "ct direction", "reply"],
    [{ kind: "ct", key: "original-protocol" }, "ct protocol", "tcp"],
    [{ kind: "ct", key: "original-proto-src" }, "ct original proto-src", "80"],
  ],
  fib: [[{ kind: "fib", of: "daddr", result: "type" }, "fib daddr type", "local"]],
  header: [
    [{ kind: "header", field: "ip ttl" }, "ip ttl", "64"],
    [{ kind: "header", field: "icmp type" }, "icmp type", "echo-request"],
    [{ kind: "header", field: "ip dscp" }, "ip dscp", "cs1"],
  ],
  numgen: [[{ kind: "numgen", mode: "inc", modulus: 3, offset: 16384 }, "numgen inc mod 3 offset 16384", "16385"]],
  bitwise: [
    [
      { kind: "bitwise", operand: { kind: "meta", key: "mark" }, mask: 0xff, xor: 0 },
      "meta mark & 0x000000ff",
      "== 0x00000010",
    ],
    [
      { kind: "bitwise", operand: { kind: "ip", field: "saddr" }, mask: 0xff, xor: 0 },
      "ip saddr & 0.0.0.255",
      "== 0.0.0.1",
    ],
  ],
  shift: [[{ kind: "shift", operand: { kind: "ct", key: "mark" }, by: -8 }, "ct mark >> 8", "== 0x00000001"]],
  combine: [
    [
      {
        kind: "combine",
        operator: "xor",
        left: { kind: "meta", key: "mark" },
        right: { kind: "ct", key: "mark" },
      },
      "meta mark ^ ct mark",
      "== 0x00000001",
    ],
  ],
  concat: [
    [
      {
        kind: "concat",
        parts: [
          { kind: "ip", field: "saddr" },
          { kind: "meta", key: "l4proto" },
        ],
      },
      "ip saddr . meta l4proto",
      "{ 10.0.0.1 . tcp }",
    ],
  ],
  lookup: [
    [{ kind: "lookup", key: { kind: "ip", field: "daddr" }, map: "identities" }, "ip daddr map @identities", "1:2"],
  ],
  opaque: [[{ kind: "opaque", text: "rt classid" }, "rt classid", "1"]],
};

/** A match of each kind, with the spelling of each format; undefined where the format has none. */
export const MATCHES: {
  readonly [K in Match["kind"]]: readonly (readonly [
    Extract<Match, { kind: K }>,
    nft: string,
    iptables: string | undefined,
  ])[];
} = {
  compare: [
    [equal(L4PROTO, 6), "meta l4proto tcp", "-p tcp"],
    [equal(DADDR, ipv4("10.96.0.1")), "ip daddr 10.96.0.1", "-d 10.96.0.1/32"],
    [anyBit(STATE, 8), "ct state new", "-m conntrack --ctstate NEW"],
    [anyBit(STATE, 6), "ct state established,related", "-m conntrack --ctstate RELATED,ESTABLISHED"],
    [noBit(STATUS, 32), "ct status ! dnat", "-m conntrack ! --ctstate DNAT"],
    [equal({ kind: "fib", of: "saddr", result: "type" }, 2), "fib saddr type local", "-m addrtype --src-type LOCAL"],
    [equal({ kind: "meta", key: "iifname" }, "eth0"), 'iifname "eth0"', "-i eth0"],
    [
      { kind: "compare", left: { kind: "meta", key: "iifname" }, operator: "!=", right: "eth0" },
      'iifname != "eth0"',
      "! -i eth0",
    ],
    [equal({ kind: "meta", key: "mark" }, 0x4000), "meta mark 0x00004000", "-m mark --mark 0x4000"],
    [
      {
        kind: "compare",
        left: { kind: "bitwise", operand: { kind: "meta", key: "mark" }, mask: 0x4000, xor: 0 },
        operator: "==",
        right: 0x4000,
      },
      "meta mark & 0x00004000 == 0x00004000",
      "-m mark --mark 0x4000/0x4000",
    ],
    [
      equal({ kind: "ct", key: "original-daddr" }, ipv4("10.0.0.1")),
      "ct original ip daddr 10.0.0.1",
      "-m conntrack --ctorigdst 10.0.0.1",
    ],
    [
      equal({ kind: "ct", key: "original-proto-dst" }, 80),
      "ct original proto-dst 80",
      "-m conntrack --ctorigdstport 80",
    ],
    [equal(counting(3), 2), "numgen inc mod 3 2", "-m statistic --mode nth --every 3 --packet 2"],
    [{ kind: "compare", left: DPORT, operator: "<", right: 1024 }, "th dport < 1024", undefined],
  ],
  within: [
    [within(SADDR, [block("10.0.0.0/8")]), "ip saddr 10.0.0.0/8", "-s 10.0.0.0/8"],
    [within(SADDR, [block("10.0.0.0/8")], true), "ip saddr != 10.0.0.0/8", "! -s 10.0.0.0/8"],
    [
      within(DADDR, [{ from: ipv4("10.0.0.1"), to: ipv4("10.0.0.9") }]),
      "ip daddr 10.0.0.1-10.0.0.9",
      "-m iprange --dst-range 10.0.0.1-10.0.0.9",
    ],
    [within(SADDR, [block("10.0.0.0/8"), block("172.16.0.0/12")]), "ip saddr { 10.0.0.0/8, 172.16.0.0/12 }", undefined],
  ],
  "name-prefix": [
    [
      { kind: "name-prefix", left: { kind: "meta", key: "iifname" }, negated: false, prefix: "veth" },
      'iifname "veth*"',
      "-i veth+",
    ],
    [
      { kind: "name-prefix", left: { kind: "meta", key: "oifname" }, negated: true, prefix: "veth" },
      'oifname != "veth*"',
      "! -o veth+",
    ],
  ],
  member: [
    [member(concat(SADDR, DADDR), "pairs"), "ip saddr . ip daddr @pairs", undefined],
    [member(SADDR, "blocked", true), "ip saddr != @blocked", undefined],
    [
      member(
        concat(SADDR, DPORT),
        {
          key: ["ipv4_addr", "inet_service"],
          elements: [
            { key: [ipv4("10.0.0.1"), 80] },
            { key: [block("10.1.0.0/16"), { from: 81, to: 89 }], comment: "web" },
          ],
        },
        true,
      ),
      'ip saddr . th dport != { 10.0.0.1 . 80, 10.1.0.0/16 . 81-89 comment "web" }',
      undefined,
    ],
    [
      member(SADDR, "seen"),
      "ip saddr @seen",
      "-m recent --rcheck --seconds 60 --reap --name KPC-seen --mask 255.255.255.255 --rsource",
    ],
  ],
  chance: [
    [
      { kind: "chance", numerator: 2 ** 30 },
      "meta random & 2147483647 < 1073741824",
      "-m statistic --mode random --probability 0.50000000000",
    ],
  ],
  opaque: [
    [{ kind: "opaque", text: "meta cpu 1", negated: false }, "meta cpu 1", undefined],
    [{ kind: "opaque", text: "meta cpu 1", negated: true }, "! meta cpu 1", undefined],
  ],
};

/** A statement of each kind, likewise. */
export const STATEMENTS: {
  readonly [K in Statement["kind"]]: readonly (readonly [
    Extract<Statement, { kind: K }>,
    nft: string,
    iptables: string | undefined,
  ])[];
} = {
  verdict: [
    [{ kind: "verdict", verdict: { kind: "accept" } }, "accept", "-j ACCEPT"],
    [{ kind: "verdict", verdict: { kind: "return" } }, "return", "-j RETURN"],
    [{ kind: "verdict", verdict: { kind: "continue" } }, "continue", undefined],
    [{ kind: "verdict", verdict: { kind: "jump", chain: "other" } }, "jump other", "-j KPC-other"],
    [{ kind: "verdict", verdict: { kind: "goto", chain: "other" } }, "goto other", "-g KPC-other"],
  ],
  vmap: [
    [
      { kind: "vmap", key: concat(DADDR, L4PROTO, DPORT), map: "services" },
      "ip daddr . meta l4proto . th dport vmap @services",
      undefined,
    ],
    [
      {
        kind: "vmap",
        key: L4PROTO,
        map: {
          key: ["inet_proto"],
          data: "verdict",
          elements: [
            { key: [6], value: { kind: "jump", chain: "other" } },
            { key: [17], value: { kind: "drop" } },
          ],
        },
      },
      "meta l4proto vmap { tcp : jump other, udp : drop }",
      undefined,
    ],
  ],
  dnat: [
    [
      { kind: "dnat", to: { kind: "literal", addresses: point(ipv4("10.0.0.1")), ports: point(80) }, random: "none" },
      "dnat to 10.0.0.1:80",
      "-j DNAT --to-destination 10.0.0.1:80",
    ],
    [
      { kind: "dnat", to: { kind: "map", key: concat(DADDR, random(3, 16384)), map: "endpoints" }, random: "none" },
      "dnat ip to ip daddr . numgen random mod 3 offset 16384 map @endpoints",
      undefined,
    ],
    [
      {
        kind: "dnat",
        to: {
          kind: "map",
          key: random(2),
          map: {
            key: ["integer"],
            data: ["ipv4_addr", "inet_service"],
            elements: [
              { key: [0], value: [ipv4("10.0.0.1"), 80] },
              { key: [1], value: [ipv4("10.0.0.2"), 8080] },
            ],
          },
        },
        random: "none",
      },
      "dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 8080 }",
      undefined,
    ],
    [
      { kind: "dnat", to: { kind: "literal", ports: point(8080) }, random: "none" },
      "dnat to :8080",
      "-j DNAT --to-destination :8080",
    ],
  ],
  snat: [
    [
      { kind: "snat", to: { kind: "literal", addresses: point(ipv4("10.0.0.1")) }, random: "fully-random" },
      "snat to 10.0.0.1 fully-random",
      "-j SNAT --to-source 10.0.0.1 --random-fully",
    ],
  ],
  masquerade: [
    [{ kind: "masquerade", random: "fully-random" }, "masquerade fully-random", "-j MASQUERADE --random-fully"],
    [
      { kind: "masquerade", ports: { from: 1024, to: 2048 }, random: "none" },
      "masquerade to :1024-2048",
      "-j MASQUERADE --to-ports 1024-2048",
    ],
  ],
  redirect: [
    [{ kind: "redirect", ports: point(3128), random: "none" }, "redirect to :3128", "-j REDIRECT --to-ports 3128"],
  ],
  reject: [
    [{ kind: "reject", with: "port-unreachable" }, "reject", "-j REJECT --reject-with icmp-port-unreachable"],
    [{ kind: "reject", with: "tcp-reset" }, "reject with tcp reset", "-j REJECT --reject-with tcp-reset"],
    [
      { kind: "reject", with: "admin-prohibited" },
      "reject with icmp admin-prohibited",
      "-j REJECT --reject-with icmp-admin-prohibited",
    ],
  ],
  set: [
    [
      { kind: "set", field: { kind: "meta", key: "mark" }, value: { kind: "constant", type: "mark", value: 0x4000 } },
      "meta mark set 0x00004000",
      "-j MARK --set-xmark 0x4000/0xffffffff",
    ],
    [
      {
        kind: "set",
        field: { kind: "meta", key: "priority" },
        value: { kind: "lookup", key: DADDR, map: "identities" },
      },
      "meta priority set ip daddr map @identities",
      undefined,
    ],
    [
      {
        kind: "set",
        field: { kind: "meta", key: "mark" },
        value: {
          kind: "lookup",
          key: DADDR,
          map: { key: ["ipv4_addr"], data: ["mark"], elements: [{ key: [ipv4("10.0.0.1")], value: [1] }] },
        },
      },
      "meta mark set ip daddr map { 10.0.0.1 : 0x00000001 }",
      undefined,
    ],
  ],
  remember: [
    [
      { kind: "remember", operation: "update", set: "seen", key: SADDR },
      "update @seen { ip saddr }",
      "-m recent --set --name KPC-seen --mask 255.255.255.255 --rsource",
    ],
    [
      { kind: "remember", operation: "add", set: "seen", key: SADDR, timeoutSeconds: 90 },
      "add @seen { ip saddr timeout 1m30s }",
      "-m recent --set --name KPC-seen --mask 255.255.255.255 --rsource",
    ],
  ],
  counter: [[{ kind: "counter" }, "counter", undefined]],
  "opaque-statement": [
    [{ kind: "opaque-statement", text: 'log prefix "x"', terminal: false }, 'log prefix "x"', undefined],
  ],
};

function point(value: number): { from: number; to: number } {
  return { from: value, to: value };
}

export function ruleOf(...steps: Step[]): Rule {
  return { steps };
}

export function baseChain(
  hook: BaseChain["hook"],
  type: BaseChain["type"],
  rules: readonly Rule[],
  priority = 0,
): BaseChain {
  return { kind: "base", name: `${type}-${hook}`, type, hook, priority, policy: "accept", rules };
}

export function regularChain(name: string, ...rules: Rule[]): Chain {
  return { kind: "regular", name, rules };
}

/** A program of one `ip` table. */
export function programOf(parts: Partial<Pick<Table, "chains" | "sets" | "maps">>): Program {
  return { ruleset: { tables: [{ family: "ip", name: "t", sets: [], maps: [], chains: [], ...parts }] }, routes: [] };
}

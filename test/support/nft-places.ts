/** Statements of nft, and the places where rules can stand: which of both go together is for the kernel to say. */
import type { BaseChain, Hook, TableFamily } from "../../compiler/ir/types.ts";

export interface NftPlace {
  readonly family: TableFamily;
  readonly type: BaseChain["type"];
  readonly hook: Hook;
}

const HOOKS: readonly Hook[] = ["ingress", "egress", "prerouting", "input", "forward", "output", "postrouting"];
export const FAMILIES: readonly TableFamily[] = ["ip", "ip6", "inet", "bridge", "arp", "netdev"];
const TYPES: readonly BaseChain["type"][] = ["filter", "nat", "route"];

/** All that can be written, whether there is such a base chain or not. */
export const ALL_PLACES: readonly NftPlace[] = FAMILIES.flatMap((family) =>
  TYPES.flatMap((type) => HOOKS.map((hook) => ({ family, type, hook }))),
);

/** `ADDRESS` stands for one of the table's family. */
export const STATEMENTS: readonly string[] = [
  "masquerade",
  "redirect",
  "dnat to ADDRESS",
  "snat to ADDRESS",
  "dnat ip to 10.0.0.1",
  "reject",
  "reject with tcp reset",
  "reject with icmpx admin-prohibited",
  "meta l4proto tcp tproxy to :80",
  "meta l4proto tcp tproxy ip to 10.0.0.1:80",
  "synproxy mss 1460 wscale 7",
  "flow add @f",
  "queue num 1",
  "notrack",
  "dup to ADDRESS",
  'fwd to "lo"',
  'log prefix "a"',
  "limit rate 1/second",
  "ct count 1",
  "meter m { ip saddr limit rate 1/second }",
  "update @s { ip saddr ct count 1 }",
  "update @s { ip saddr }",
  "ct state new",
  "ct mark set 1",
  "ct zone set 1",
  "ct event set new",
  'ct helper set "h"',
  'ct timeout set "t"',
  "meta mark set ct mark",
  "socket transparent 1",
  "socket mark 1",
  'osf name "Linux"',
  "fib daddr type local",
  "fib daddr . iif type local",
  "fib daddr . oif type local",
  "fib saddr . iif oif 1",
  'fib saddr . mark oifname "a"',
  "fib saddr . iif oif . meta mark { 1 . 1 }",
  "fib daddr . iif type vmap { local : drop }",
  "ipsec in reqid 1",
  "ipsec out reqid 1",
  "meta ipsec exists",
  "rt classid 1",
  "rt ipsec exists",
  "rt mtu 1",
  "tcp option maxseg size set rt mtu",
  "tcp option maxseg size set 1400",
  "meta mark set rt mtu",
  "meta pkttype set host",
  "meta pkttype host",
  "meta sdif 1",
  'meta sdifname "a"',
  'meta ibrname "a"',
  "meta nfproto ipv4",
  "meta iif 1",
  "meta oif 1",
  'oifname "a"',
  "meta skuid 1",
  "meta cgroup 1",
  "meta mark set 1",
  "meta priority set 1",
  "numgen random mod 2 vmap { 0 : drop }",
  "drop",
];

/** The commands that make a base chain at a place, with what statements name. */
export function baseCommands({ family, type, hook }: NftPlace, table: string, priority = "0"): string[] {
  const name = `${family} ${table}`;
  const device = hook === "ingress" || hook === "egress" ? " device lo" : "";
  return [`add table ${name}`, `add chain ${name} c { type ${type} hook ${hook}${device} priority ${priority}; }`];
}

/** The commands that add a rule of `statement` to the chain. */
export function ruleCommands({ family }: NftPlace, table: string, statement: string): string[] {
  const name = `${family} ${table}`;
  const objects: readonly (readonly [pattern: RegExp, command: string])[] = [
    [/ @f$/, `add flowtable ${name} f { hook ingress priority 0; devices = { lo }; }`],
    [/ @s /, `add set ${name} s { type ipv4_addr; size 9; flags dynamic; }`],
    [/"h"$/, `add ct helper ${name} h { type "ftp" protocol tcp; }`],
    [/"t"$/, `add ct timeout ${name} t { protocol tcp; policy = { established : 100 }; }`],
  ];
  const address = family === "ip6" ? "fd00::1" : family === "netdev" ? '"lo"' : "10.0.0.1";
  return [
    ...objects.flatMap(([pattern, command]) => (pattern.test(statement) ? [command] : [])),
    `add rule ${name} c ${statement.replace("ADDRESS", address)}`,
  ];
}

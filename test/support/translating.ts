/** Rules of nft that translate at all hooks at which the kernel can, and others before and behind them. */
import fc from "fast-check";

const MATCHES = [
  "",
  "ip saddr 10.180.0.0/16",
  "ip saddr != 10.180.0.0/16",
  "ip saddr 192.168.0.0/16",
  "ip daddr 192.168.0.2",
  "ip daddr 198.51.100.0/24",
  "ct status dnat",
  "ct status snat",
  "ct state new",
  "ct state established",
  "ct direction reply",
  "ct original ip daddr 192.168.0.2",
  "meta mark & 0x3 == 0x1",
  "fib daddr type local",
  "tcp sport 1024-65535",
  'iifname "cni0"',
  "numgen random mod 2 0",
] as const;

/** At hooks where packets have an interface to go out by. */
const OUT = ['oifname "eth0"', 'oifname != "eth0"'] as const;

const EFFECTS = [
  "drop",
  "accept",
  "meta mark set 0x1",
  "meta mark set meta mark or 0x2",
  "ct mark set meta mark",
  "meta mark set ct mark",
  "notrack",
  "counter",
] as const;

const DESTINATIONS = [
  "dnat to 10.180.0.9",
  "tcp dport 80 dnat to 10.180.0.9:8080",
  "udp dport 53 dnat to 10.180.0.8-10.180.0.9",
  "meta l4proto tcp dnat to numgen random mod 2 map { 0 : 10.180.0.8 . 80, 1 : 192.168.0.2 . 8080 }",
  "ip daddr 198.51.100.0/24 dnat prefix to 10.180.1.0/24",
  "meta l4proto udp redirect to :1053-1060",
  "tcp dport 443 redirect",
  "ip daddr 192.168.0.2 dnat to 192.168.0.2",
] as const;

const SOURCES = [
  "masquerade",
  "meta l4proto tcp masquerade to :1024-2000",
  "masquerade fully-random",
  "snat to 192.168.0.77",
  "meta l4proto udp snat to 192.168.0.77:5000",
  "meta l4proto tcp snat to 192.168.0.70-192.168.0.77:40000-50000",
  "ip saddr 10.180.0.0/16 snat prefix to 172.20.0.0/16",
] as const;

/** Base chains, and what their rules may do. */
const CHAINS = [
  ["filter", "prerouting", -300, EFFECTS],
  ["filter", "prerouting", -150, EFFECTS],
  ["nat", "prerouting", -100, DESTINATIONS],
  ["filter", "prerouting", 0, EFFECTS],
  ["filter", "input", 0, EFFECTS],
  ["nat", "input", 100, SOURCES.filter((text) => !text.includes("masquerade"))],
  ["filter", "input", 200, EFFECTS],
  ["filter", "forward", 0, EFFECTS],
  ["filter", "output", -300, EFFECTS],
  ["route", "output", -150, EFFECTS],
  ["nat", "output", -100, DESTINATIONS],
  ["filter", "output", 0, EFFECTS],
  ["filter", "postrouting", -150, EFFECTS],
  ["nat", "postrouting", 100, SOURCES],
  ["filter", "postrouting", 200, EFFECTS],
] as const;

const HAS_OUT: ReadonlySet<string> = new Set(["forward", "output", "postrouting"]);

const chains = CHAINS.map(([type, hook, priority, all]) => {
  // A connection that is kept out of tracking is so from the raw table on.
  const effects = all.filter((text) => text !== "notrack" || priority === -300);
  const matches = HAS_OUT.has(hook) ? [...MATCHES, ...OUT] : MATCHES;
  const rule = fc.tuple(fc.constantFrom(...matches), fc.constantFrom(...effects)).map(([match, effect]) =>
    // nft takes no two transport protocols in one rule.
    match.startsWith("tcp") && /udp/.test(effect) ? effect : `${match} ${effect}`,
  );
  return fc.array(rule, { maxLength: 2 }).map(
    (rules) => `\tchain ${hook}_${priority + 300} {
\t\ttype ${type} hook ${hook} priority ${priority}; policy accept;
${rules.map((text) => `\t\t${text}\n`).join("")}\t}
`,
  );
});

export const translatingNft: fc.Arbitrary<string> = fc
  .tuple(...chains)
  .map((texts) => `table ip t {\n${texts.join("")}}\n`);

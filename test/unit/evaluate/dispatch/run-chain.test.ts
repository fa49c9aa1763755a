/** What becomes of packets behind the rules of a chain. */
import { dispatches, each, SIX } from "../../../support/dispatches.ts";

dispatches([
  [
    "a way past other rules",
    `ip saddr 10.1.0.0/16 goto d; ${each(SIX, "ip saddr 10.#.0.0/16 drop")}`,
    "chain d { ip daddr 10.0.0.9 drop; }",
    4,
    10,
  ],
  [
    "six that are masqueraded",
    "accept",
    `chain z { type nat hook postrouting priority 100; ${each(SIX, "ip saddr 10.#.0.0/16 masquerade")}; }`,
    4,
    16,
  ],
  [
    "six that are sent on, and asked where",
    each(SIX, "ip daddr 10.244.0.# tcp dport 80 drop"),
    `chain n { type nat hook prerouting priority -100; ${each(SIX, "ip daddr 10.96.0.# tcp dport 80 dnat to 10.244.0.#")}; }`,
    11,
    15,
  ],
  [
    "two ways by chance, of which each accepts",
    "numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; drop",
    "chain d { accept; } chain e { accept; }",
    6,
    2,
  ],
  [
    "a mark that six ask for, and nobody behind them",
    `tcp dport 80 meta mark set 7; ${each(SIX, "ip saddr 10.0.0.# meta mark 7 accept")}; tcp dport 81 drop`,
    "",
    9,
    8,
  ],
  [
    "six that mark, and are asked for it at another hook than some packets come to",
    "meta mark 3 drop",
    `chain p { type filter hook prerouting priority 0; ${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; }`,
    16,
    10,
  ],
]);

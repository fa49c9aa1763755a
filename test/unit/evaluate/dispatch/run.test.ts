/** Which rules of a run packets meet: by its field, or by another one. */
import { dispatches, each, SIX } from "../../../support/dispatches.ts";

dispatches([
  ["ports of a protocol that packets may not have", each(SIX, "udp dport 8# drop"), "", 2, 2],
  ["six by where connections were sent", each(SIX, "ct original ip daddr 10.#.0.0/16 drop"), "", 2, 14],
  [
    "a chain that asks for a source that the kernel has chosen",
    "accept",
    `chain d { ip saddr 192.0.2.1 drop; } chain z { type filter hook postrouting priority 200; jump d; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    14,
    10,
  ],
  [
    "six that ask for a source that the kernel has chosen",
    "accept",
    `chain z { type filter hook postrouting priority 200; ${each(SIX, "ip saddr 192.0.2.1 meta mark # drop")}; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    8,
    14,
  ],
  [
    "six by ports that ask for a source that the kernel has chosen",
    "accept",
    `chain z { type filter hook postrouting priority 200; ${each(SIX, "ip saddr 192.0.2.1 tcp dport # drop")}; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    8,
    15,
  ],
  [
    "one destination of six sources",
    each(SIX, "ip saddr 10.#.0.0/16 ip daddr 10.0.0.# drop"),
    "chain n { type nat hook prerouting priority -100; ip daddr 10.96.0.10 dnat to 10.0.0.5; }",
    6,
    32,
  ],
  [
    "six destinations of a source that the kernel has chosen",
    "accept",
    `chain z { type filter hook postrouting priority 200; ${each(SIX, "ip daddr 10.0.0.# ip saddr 192.0.2.1# drop")}; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    20,
    54,
  ],
]);

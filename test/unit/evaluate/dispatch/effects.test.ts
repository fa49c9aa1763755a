/** Chains that are passed by where they do nothing. */
import { dispatches } from "../../../support/dispatches.ts";

dispatches([
  ["a chain that does nothing to most", "jump d; tcp dport 80 drop", "chain d { ip daddr 10.0.0.9 accept; }", 6, 4],
  [
    "a chain that does something to packets of two kinds",
    "jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.9 accept; ip daddr 10.0.0.10 ip saddr 10.0.0.1 accept; }",
    10,
    7,
  ],
  [
    "a chain that does something to all",
    "jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.9 accept; ip saddr 10.0.0.1 accept; }",
    8,
    5,
  ],
  [
    "a chain below a chain",
    "ip daddr 10.0.0.0/24 jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.0/28 jump e; } chain e { ip daddr 10.0.0.9 accept; ip daddr 10.0.1.0/24 accept; }",
    10,
    4,
  ],
  [
    "a chain that asks nothing before another",
    "jump d; tcp dport 80 drop",
    "chain d { jump e; } chain e { ip daddr 10.0.0.9 accept; }",
    8,
    4,
  ],
  [
    "a chain that asks nothing before others, of which each asks for one field",
    "ip daddr 10.0.0.8 jump d; tcp dport 80 drop",
    "chain d { jump e; jump e; } chain e { ip daddr 10.0.0.9 accept; }",
    4,
    4,
  ],
  [
    "a chain that does nothing to some of the packets that come together",
    "ip daddr 10.0.0.8 tcp dport 80 drop; jump d; tcp dport 81 drop",
    "chain d { ip daddr 10.0.0.9 accept; ip daddr 10.0.0.9 tcp dport 82 drop; }",
    12,
    6,
  ],
  [
    "a chain that does nothing without one of two values",
    "ip daddr 10.0.0.8 jump d; tcp dport 81 drop",
    "chain d { ip daddr 10.0.0.9 tcp dport 80 accept; ip daddr 10.0.0.9 tcp dport 82 drop; }",
    4,
    4,
  ],
  [
    "a chain below a chain that asks for another field",
    "ip daddr 10.0.0.8 jump d; tcp dport 81 drop",
    "chain d { ip daddr 10.0.0.9 jump e; ip daddr 10.0.0.10 drop; } chain e { tcp dport 80 accept; }",
    4,
    4,
  ],
  [
    "a chain that asks for a field that packets do not have",
    "jump d; drop",
    "chain d { udp dport 80 accept; udp dport 81 accept; }",
    4,
    4,
  ],
  ["a chain with a rule that does nothing", "jump d; drop", "chain d { ip daddr 10.0.0.9; tcp dport 80; }", 4, 4],
  ["a chain without rules", "jump d; drop", "chain d { }", 4, 4],
  [
    "a chain below a chain that does nothing to those that come",
    "ip daddr 10.0.0.0/29 jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.0/28 jump e; } chain e { ip daddr 10.0.0.9 accept; }",
    4,
    4,
  ],
]);

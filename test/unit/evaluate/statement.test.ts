/** What statements do to packets, many at once and one by one. */
import { expect, test } from "vitest";
import { fatesAlone, fatesTogether, type ManyPackets } from "../../support/many-packets.ts";
import { mustReadNft } from "../../support/read.ts";

type Row = readonly [rules: string, fields: string, fates: readonly string[], packets?: Partial<ManyPackets>];

function testRows(rows: readonly Row[], textOf: (rules: string) => string): void {
  test.each<[...Row]>(rows.map((row) => [...row]))("%s: %s: %j", (rules, fields, fates, packets = {}) => {
    const program = mustReadNft(textOf(rules));
    expect(fatesTogether(program, { fields, ...packets })).toEqual(fates);
    expect(fatesAlone(program, { fields, ...packets })).toEqual(fates);
  });
}

const REJECT = "reject with port-unreachable";
const MAPS = `map verdicts { type inet_service : verdict; elements = { 80 : drop, 81 : drop, 82 : jump d, 83 : return } }
map marks { type inet_service : mark; elements = { 80 : 7, 81 : 7, 82 : 8 } }`;

testRows(
  [
    [
      "tcp dport vmap @verdicts; reject",
      "dport 79-84",
      [`79: ${REJECT}`, "80-81: drop", "82-83: pass", `84: ${REJECT}`],
    ],
    ["udp dport vmap @verdicts; reject", "dport 80", [`80: ${REJECT}`]],
    ["udp dport vmap @verdicts; reject", "dport 80", ["80: drop"], { members: { protocol: 17 } }],
    [
      "numgen random mod 4 vmap { 0 : drop, 1 : accept, 2 : drop }; reject",
      "dport 80",
      [`80: drop (50 %), or pass (25 %), or ${REJECT} (25 %)`],
    ],
    [
      "rt classid vmap { 1 : drop, 2 : accept }; reject",
      "dport 80",
      [
        `80: drop if not rt classid == 2 and rt classid == 1 | pass if rt classid == 2 | ${REJECT} if not rt classid == 1 and not rt classid == 2`,
      ],
    ],
    [
      "meta mark set tcp dport map @marks; meta mark 7 drop; meta mark 0 reject",
      "dport 79-82",
      [`79: ${REJECT}`, "80-81: drop", "82: pass"],
    ],
    ["meta mark set numgen random mod 2; meta mark 1 drop", "dport 80", ["80: drop (50 %), or pass (50 %)"]],
    [
      "meta mark set rt classid map { 1 : 7, 2 : 8 }; meta mark 0 reject",
      "dport 80",
      ["80: pass if not meta mark == 0 | reject with port-unreachable if meta mark == 0"],
    ],
    ["meta mark set jhash ip saddr mod 3; meta mark set 7; meta mark 7 drop", "dport 80", ["80: drop"]],
    [
      "meta mark set jhash ip saddr mod 3; ct mark set jhash ip daddr mod 3; meta mark set 7; ct mark 1 drop",
      "dport 80",
      ["80: drop if ct mark == 1 | pass if not ct mark == 1"],
    ],
    ["meta priority set 0:5; meta priority 0:5 drop", "dport 80", ["80: drop"]],
    ["meta priority set 0:5; meta mark 0 drop", "dport 80", ["80: drop"]],
    ["meta mark set 5; meta priority none drop", "dport 80", ["80: drop"]],
    ["ct mark set 5; meta mark 0 drop", "dport 80", ["80: drop"]],
    ["meta mark set 5; ct mark 0 drop", "dport 80", ["80: drop"]],
    ["meta nftrace set 1; drop", "dport 80", ["80: drop"]],
    ["ct mark set meta mark; ct mark 5 drop; ct mark 4 reject", "mark 3-5", ["3: pass", `4: ${REJECT}`, "5: drop"]],
    ["accept; drop", "dport 80", ["80: pass"]],
    ["jump a; drop", "dport 79-80", ["79: drop", "80: pass"]],
    ["goto a; drop", "dport 79-80", ["79-80: pass"]],
    ["tcp dport 80 continue; drop", "dport 79-80", ["79-80: drop"]],
    [
      "tcp dport 80 queue; drop",
      "dport 79-80",
      ["79: drop", '80: drop if not queue | pass, taken by "queue" if queue'],
    ],
    [
      "counter log; limit rate 1/second drop",
      "dport 80",
      ["80: drop if limit rate 1/second | pass if not limit rate 1/second"],
    ],
    ["notrack; ct state untracked drop", "dport 80", ["80: pass"]],
    ["notrack; ct state untracked drop", "dport 80", ["80: drop"], { members: { ctState: "invalid" } }],
    [
      "meta mark set jhash ip saddr mod 3; ct mark set jhash ip daddr mod 3; meta mark 1 drop",
      "dport 80",
      ["80: drop if meta mark == 1 | pass if not meta mark == 1"],
    ],
  ],
  (rules) => `table ip t { ${MAPS}
chain a { tcp dport 80 accept; }
chain d { accept; }
chain f { type filter hook forward priority 0; ${rules}; } }`,
);

testRows(
  [
    ["meta pkttype set host; meta mark 0 drop", "dport 80", ["80: drop"]],
    ["meta pkttype set broadcast; meta priority none drop", "dport 80", ["80: drop"]],
  ],
  (rules) => `table ip t { chain c { type filter hook prerouting priority 0; ${rules}; } }`,
);

/** A set for session affinity says how long a client stays with its endpoint. */
testRows(
  [
    ["update @clients { ip saddr } dnat to 10.1.0.1", "dport 80", ["80: to 10.1.0.1:80, remembered for 10 s"]],
    [
      "update @clients { ip saddr timeout 30s } dnat to 10.1.0.1",
      "dport 80",
      ["80: to 10.1.0.1:80, remembered for 30 s"],
    ],
    ["add @ever { ip saddr } dnat to 10.1.0.1", "dport 80", ["80: to 10.1.0.1:80"]],
    ["add @ever { ip saddr timeout 30s } dnat to 10.1.0.1", "dport 80", ["80: to 10.1.0.1:80, remembered for 30 s"]],
    ["delete @clients { ip saddr } dnat to 10.1.0.1", "dport 80", ["80: to 10.1.0.1:80"]],
    [
      "tcp dport 80 update @clients { ip saddr }; dnat to 10.1.0.1",
      "dport 79-80",
      ["79: to 10.1.0.1:79", "80: to 10.1.0.1:80, remembered for 10 s"],
    ],
  ],
  (rules) => `table ip kpc {
set clients { type ipv4_addr; flags dynamic,timeout; timeout 10s; }
set ever { type ipv4_addr; flags dynamic,timeout; }
chain n { type nat hook prerouting priority -100; ${rules}; } }`,
);

/** What statements do to packets, many at once and one by one. */
import { expect, test } from "vitest";
import { PLAIN } from "../../../compiler/evaluate/chain.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import type { Runner } from "../../../compiler/evaluate/frame.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { Unsupported } from "../../../compiler/ir/unsupported.ts";
import { fatesAlone, fatesTogether, type ManyPackets, packetsOf, TO_SERVICE } from "../../support/many-packets.ts";
import { forwardIptables, mustReadNft } from "../../support/read.ts";

type Row = readonly [rules: string, fields: string, fates: readonly string[], packets?: Partial<ManyPackets>];

function testRows(rows: readonly Row[], textOf: (rules: string) => string): void {
  test.each<[...Row]>(rows.map((row) => [...row]))("%s: %s: %j", (rules, fields, fates, packets = {}) => {
    const program = mustReadNft(textOf(rules));
    expect(fatesTogether(program, { fields, ...packets })).toEqual(fates);
    expect(fatesAlone(program, { fields, ...packets })).toEqual(fates);
  });
}

const REJECT = "reject with port-unreachable";
const EARLIER = "remembered earlier: ip saddr in @filled";
const THERE = "not forgotten: ip saddr in @filled";
const MAPS = `map filled { type ipv4_addr : mark; flags dynamic; elements = { 10.244.0.5 : 7 }; }
map verdicts { type inet_service : verdict; elements = { 80 : drop, 81 : drop, 82 : jump d, 83 : return } }
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
      [`80: pass if not meta mark == 0 and rt classid 1,2 | ${REJECT} if meta mark == 0, or not rt classid 1,2`],
    ],
    // A rule ends where what it writes has no value (NFT_BREAK).
    [
      "meta mark set rt classid map { 1 : 7, 2 : 8 } accept; drop",
      "dport 80",
      ["80: drop if not rt classid 1,2 | pass if rt classid 1,2"],
    ],
    [
      "meta mark set rt classid . tcp dport map { 1 . 80 : 7 } accept; drop",
      "dport 79-80",
      ["79: drop", "80: drop if not rt classid == 1 | pass if rt classid == 1"],
    ],
    ["meta mark set rt classid map { 1 : 7, * : 8 } accept; drop", "dport 80", ["80: pass"]],
    ["meta mark set jhash ip saddr mod 3 accept; drop", "dport 80", ["80: pass"]],
    [
      "meta mark set ip saddr map @filled accept; add @filled { ip daddr : 1 }; drop",
      "saddr 10.244.0.4-10.244.0.5",
      [
        `10.244.0.4: drop if not ${EARLIER} | pass if ${EARLIER}`,
        `10.244.0.5: drop if not ${THERE} | pass if ${THERE}`,
      ],
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
    ["jump b; drop", "dport 80", ["80: drop"]],
    ["jump e; drop", "dport 80", ["80: drop"]],
    ["tcp dport 80 continue; drop", "dport 79-80", ["79-80: drop"]],
    // A verdict ends the chain: its policy has no say.
    ["policy drop; reject", "dport 80", [`80: ${REJECT}`]],
    ["policy drop; accept", "dport 80", ["80: pass"]],
    ["policy drop; queue", "dport 80", ['80: drop if not queue | pass, taken by "queue" if queue']],
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
    [
      'xt target "MARK"; meta mark 0 drop',
      "dport 80",
      [
        `80: drop if meta mark == 0 and not xt target "MARK" | pass if not meta mark == 0 and not xt target "MARK" | pass, taken by "xt target "MARK"" if xt target "MARK"`,
      ],
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
chain b { return; }
chain d { accept; }
chain e { goto b; }
chain f { type filter hook forward priority 0; ${rules}; } }`,
);

testRows(
  [
    [
      "meta mark set socket mark accept; drop",
      "dport 80",
      ["80: drop if not socket mark has a value | pass if socket mark has a value"],
    ],
    ["meta pkttype set host; meta mark 0 drop", "dport 80", ["80: drop"]],
    ["meta pkttype set broadcast; meta priority none drop", "dport 80", ["80: drop"]],
  ],
  (rules) => `table ip t { chain c { type filter hook prerouting priority 0; ${rules}; } }`,
);

/** A chain at the priority of connection tracking comes behind it. */
testRows(
  [
    ["notrack; ct state untracked drop", "dport 80", ["80: pass"]],
    ["ct state new drop", "dport 80", ["80: drop"]],
  ],
  (rules) => `table ip t { chain c { type filter hook prerouting priority -200; ${rules}; } }`,
);

test("each statement that may have taken a packet is told", () => {
  const program = mustReadNft(`table ip t { chain f { type filter hook forward priority 0; queue to 1; }
chain g { type filter hook forward priority 1; queue to 2; } }`);
  for (const fates of [fatesTogether, fatesAlone])
    expect(fates(program, { fields: "dport 80" }).join()).toContain(
      'pass, taken by "queue to 1", taken by "queue to 2" if queue to 1 and queue to 2',
    );
});

/** Of many packets at once: what they have in common is a number, or bits of one field. */
test.each<[rules: string, fields: string, unsupported: string]>([
  ["meta mark set ip saddr", "saddr 10.0.0.1-10.0.0.2", "meta mark set to an address or a port"],
  ["ct mark set tcp dport", "dport 79-80", "ct mark set to an address or a port"],
  ["meta priority set meta mark", "mark 3-5", "a priority set to a mark"],
])("%s of %s is not supported", (rules, fields, unsupported) => {
  const program = mustReadNft(`table ip t { chain f { type filter hook forward priority 0; ${rules}; drop; } }`);
  expect(() => fatesTogether(program, { fields })).toThrow(new Unsupported(unsupported));
  expect(fatesAlone(program, { fields })[0]).toMatch(/: drop$/);
});

/** How often a chain is run in which packets to two endpoints come by a map. */
test.each<[map: string, fields: string, runs: number]>([
  ["{ 80 : jump d, 81 : jump d }", "dport 80-82", 1],
  ["{ 80 : jump d, 81 : goto d }", "dport 80-82", 2],
  ["{ 80 : jump d, 81 : jump d }", "dport 82", 0],
])("packets that find the same verdict go on together: %s of %s", (map, fields, runs) => {
  let count = 0;
  const program = mustReadNft(`table ip t { chain d { counter; }
chain n { type nat hook prerouting priority -100; dnat to numgen random mod 2 map { 0 : 10.1.0.1, 1 : 10.1.0.2 }; }
chain f { type filter hook forward priority 0; tcp dport vmap ${map}; } }`);
  const counting: Runner = {
    ...PLAIN,
    run: (chain, state, frame) => {
      if (chain.name === "d") count++;
      return PLAIN.run(chain, state, frame);
    },
  };
  const results = new Evaluator(program, counting).follow(packetsOf({ fields }), environmentOf([]));
  expect(count).toBe(runs);
  expect(results.map(({ probability }) => probability)).toEqual(results.map(() => 0.5));
  expect(fatesTogether(program, { fields })).toEqual(fatesAlone(program, { fields }));
});

test("a mark behind a target of iptables that writes it is not known", () => {
  const program = forwardIptables("-j HMARK --hmark-tuple src --hmark-mod 2 --hmark-rnd 1", "-m mark --mark 0 -j DROP");
  for (const fates of [fatesTogether, fatesAlone])
    expect(fates(program, { fields: "dport 80" })).toEqual(["80: drop if meta mark == 0 | pass if not meta mark == 0"]);
});

test.each<[rules: string, verdict: string]>([
  ["accept", "accept"],
  ["tcp dport vmap { 80 : accept }", "accept"],
  ["jump d", "accept"],
  ["return", "pass"],
  ["drop", "drop"],
])("of one packet it is told whether a rule accepted it: %s: %s", (rules, verdict) => {
  const program = mustReadNft(
    `table ip t { chain d { accept; } chain f { type filter hook forward priority 0; ${rules}; } }`,
  );
  const outcomes = new Evaluator(program).evaluateWhole(TO_SERVICE, environmentOf([]));
  expect(outcomes.map((outcome) => outcome.verdict)).toEqual([verdict]);
});

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
    [
      "update @clients { ip saddr } add @ever { ip saddr } dnat to 10.1.0.1",
      "dport 80",
      ["80: to 10.1.0.1:80, remembered for 10 s"],
    ],
    // A packet without the key comes to the next rule.
    [
      "update @ports { tcp dport } dnat to 10.1.0.1; dnat to 10.1.0.2",
      "dport 80",
      ["80: to 10.1.0.2:80"],
      { members: { protocol: 17 } },
    ],
    ["delete @clients { ip saddr } dnat to 10.1.0.1", "dport 80", ["80: to 10.1.0.1:80"]],
    [
      "tcp dport 80 update @clients { ip saddr }; dnat to 10.1.0.1",
      "dport 79-80",
      ["79: to 10.1.0.1:79", "80: to 10.1.0.1:80, remembered for 10 s"],
    ],
  ],
  (rules) => `table ip kpc {
set clients { type ipv4_addr; flags dynamic,timeout; timeout 10s; }
set ports { type inet_service; flags dynamic,timeout; timeout 10s; }
set ever { type ipv4_addr; flags dynamic,timeout; }
chain n { type nat hook prerouting priority -100; ${rules}; } }`,
);

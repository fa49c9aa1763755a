/** Whether a rule goes on behind what it writes, the kernel says: not where that has no value. */
import { expect, test } from "vitest";
import { askRule } from "../support/certain.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { mustReadNft } from "../support/read.ts";
import { address } from "../support/service-port.ts";

/** Of UDP from the node to itself: whether the rule goes on, and what kpc says of it. */
const ROWS: readonly (readonly [goesOn: "yes" | "no", said: "yes" | "no" | "no or yes", value: string])[] = [
  ["yes", "yes", "udp dport map { 80 : 7 }"],
  ["no", "no", "udp dport map { 81 : 7 }"],
  ["yes", "yes", "udp dport map { 81 : 7, * : 8 }"],
  ["yes", "no or yes", "ip ttl map { 64 : 7 }"],
  ["no", "no or yes", "ip ttl map { 63 : 7 }"],
  ["yes", "yes", "ip ttl map { 63 : 7, * : 8 }"],
  ["no", "no", "ip ttl . udp dport map { 64 . 81 : 7 }"],
  ["no", "no or yes", "ip saddr map @filled"],
  ["no", "no or yes", "tcp option maxseg size map { 1400 : 7 }"],
  ["yes", "no or yes", "udp length map { 9 : 7 }"],
  ["yes", "no or yes", "socket mark"],
  ["yes", "no or yes", "socket mark and 0xf"],
  ["yes", "yes", "meta cpu"],
  ["yes", "yes", "meta length"],
  ["yes", "yes", "meta random and 0xf"],
  ["yes", "yes", "meta secmark"],
  ["yes", "no or yes", "meta cgroup"],
  ["yes", "yes", "symhash mod 3 offset 2"],
  ["yes", "yes", "jhash ip saddr mod 3 seed 0x7"],
  ["yes", "yes", "jhash ip saddr mod 3"],
];

const FILLED = "map filled {\ntype ipv4_addr : mark\nsize 16\nflags dynamic\n}\n";
const textOf = (rules: string): string =>
  `table ip t {\n${FILLED}chain c {\ntype filter hook output priority 0\nip daddr 127.0.0.1 meta l4proto udp jump d\nadd @filled { ip saddr : 1 }\n}\nchain d {\n${rules}\n}\n}\n`;

test.skipIf(kernelMissing !== undefined)("rules end where what they write has no value", async () => {
  const rules = ROWS.map(([, , value], i) => `meta mark set ${value} counter comment "r${i}"`);
  const send = `perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); send(S, "x", 0, sockaddr_in(80, inet_aton("127.0.0.1"))) or die $!'`;
  await withFiles([textOf(rules.join("\n"))], async ([path = ""]) => {
    const { status, output } = await inNamespace(
      `set -e\nip link set lo up\nnft -f ${path}\n${send}\nnft list ruleset`,
    );
    expect(status, output).toBe(0);
    const counted = new Set([...output.matchAll(/counter packets [1-9].*comment "r(\d+)"/g)].map(([, i]) => Number(i)));
    expect(ROWS.map(([, said, value], i) => [counted.has(i) ? "yes" : "no", said, value])).toEqual(ROWS);
  });
});

test("what kpc says of them", () => {
  const answers = ROWS.map(([goesOn, , value]) => {
    const said = askRule(mustReadNft(textOf(`meta mark set ${value} drop`)), {
      protocol: 17,
      destination: address("127.0.0.1"),
    });
    return [goesOn, said, value];
  });
  expect(answers).toEqual(ROWS);
});

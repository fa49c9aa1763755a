/** Tests for fragments: which packets are whole where they are asked, and what holds for those. */
import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { equal } from "../../../compiler/ir/build.ts";
import { baseChain, PACKET, programOf, ruleOf } from "../../support/ir.ts";
import { fateOf, IPV6 } from "../../support/one-packet.ts";
import { address } from "../../support/service-port.ts";

const chain = (hook: string, priority: number, rules: string): string =>
  `chain c-${hook} { type filter hook ${hook} priority ${priority}; ${rules} }`;
/** Connection tracking puts packets together where any rule asks for it. */
const TRACKED = chain("postrouting", 100, "ct state invalid drop");
const UNKNOWN = "drop or kept";

test.each<[what: string, chains: string[], becomes: string]>([
  ["behind tracking packets are whole", [chain("prerouting", -150, "ip frag-off & 0x1fff != 0 drop"), TRACKED], "kept"],
  [
    "before defragmentation they may be fragments",
    [chain("prerouting", -450, "ip frag-off & 0x1fff != 0 drop"), TRACKED],
    UNKNOWN,
  ],
  ["at its priority, too", [chain("prerouting", -400, "ip frag-off & 0x1fff != 0 drop"), TRACKED], UNKNOWN],
  ["right behind it they are whole", [chain("prerouting", -399, "ip frag-off & 0x1fff != 0 drop"), TRACKED], "kept"],
  ["without tracking they may be fragments", [chain("forward", 0, "ip frag-off & 0x1fff != 0 drop")], UNKNOWN],
  [
    "at a later hook every priority is behind it",
    [chain("forward", -450, "ip frag-off & 0x1fff != 0 drop"), TRACKED],
    "kept",
  ],
  ["a whole packet has offset 0", [chain("forward", 0, "ip frag-off & 0x1fff 0 drop"), TRACKED], "drop"],
  ["and no more fragments", [chain("forward", 0, "ip frag-off & 0x3fff != 0 drop"), TRACKED], "kept"],
  [
    "whether it may be fragmented is not known",
    [chain("forward", 0, "ip frag-off & 0x4000 != 0 drop"), TRACKED],
    UNKNOWN,
  ],
  ["less than any offset", [chain("forward", 0, "ip frag-off & 0x1fff < 1 drop"), TRACKED], "drop"],
  ["not less than none", [chain("forward", 0, "ip frag-off & 0x1fff < 0 drop"), TRACKED], "kept"],
  ["at most none", [chain("forward", 0, "ip frag-off & 0x1fff <= 0 drop"), TRACKED], "drop"],
  ["not more than none", [chain("forward", 0, "ip frag-off & 0x1fff > 0 drop"), TRACKED], "kept"],
  ["at least none", [chain("forward", 0, "ip frag-off & 0x1fff >= 0 drop"), TRACKED], "drop"],
  ["whether it is at most a flag is not known", [chain("forward", 0, "ip frag-off <= 0x4000 drop"), TRACKED], UNKNOWN],
  ["nor whether it has the reserved bit", [chain("forward", 0, "ip frag-off & 0x8000 != 0 drop"), TRACKED], UNKNOWN],
  ["nor whether it has both", [chain("forward", 0, "ip frag-off & 0xc000 0xc000 drop"), TRACKED], UNKNOWN],
  ["whether it is none is not known", [chain("forward", 0, "ip frag-off 0 drop"), TRACKED], UNKNOWN],
  ["nor whether it is one of them", [chain("forward", 0, "ip frag-off 0x4000 drop"), TRACKED], UNKNOWN],
  ["nor the other one", [chain("forward", 0, "ip frag-off 0x8000 drop"), TRACKED], UNKNOWN],
  ["nor whether it is more than none", [chain("forward", 0, "ip frag-off > 0 drop"), TRACKED], UNKNOWN],
  ["at most all is all", [chain("forward", 0, "ip frag-off <= 0xc000 drop"), TRACKED], "drop"],
  ["not at least one", [chain("forward", 0, "ip frag-off & 0x1fff >= 1 drop"), TRACKED], "kept"],
])("%s", (_, chains, becomes) => {
  expect(fateOf(chains.join("\n"), {}).split(" or ").sort().join(" or ")).toBe(becomes);
});

/** As iptables asks, and texts that are no numbers. */
test.each<[wanted: string, text: string, negated: boolean]>([
  ["kept", "-f", false],
  ["drop", "-f", true],
  [UNKNOWN, "ip frag-off & xyz 1", false],
  [UNKNOWN, "ip frag-off & 0x1fff 1xyz", false],
  [UNKNOWN, "ip frag-off & 0x1fff 1 2", false],
])("%s: %s, negated: %s", (wanted, text, negated) => {
  const asked = ruleOf({ kind: "opaque", text, negated }, { kind: "verdict", verdict: { kind: "drop" } });
  const tracked = ruleOf(equal({ kind: "ct", key: "state" }, 1), { kind: "counter" });
  const program = programOf({ chains: [baseChain("forward", "filter", [asked, tracked])] });
  const verdicts = new Evaluator(program).evaluateWhole(PACKET, environmentOf([])).map(({ verdict }) => verdict);
  const fates = verdicts.map((verdict) => (verdict === "drop" ? "drop" : "kept"));
  expect(fates.sort().join(" or ")).toBe(wanted);
});

const V6_TRACKED = chain("postrouting", 100, "ct state invalid drop");

test.each<[what: string, rule: string, becomes: string]>([
  ["a whole packet has no header of fragments", "exthdr frag exists drop", "kept"],
  ["so it is missing", "exthdr frag missing drop", "drop"],
  ["no field of the header holds", "frag more-fragments 1 drop", "kept"],
  ["negated neither", "frag frag-off != 0 drop", "kept"],
  ["of another header nothing is known", "exthdr hbh missing drop", UNKNOWN],
])("of IPv6: %s", (_, rule, becomes) => {
  const fate = fateOf([chain("forward", 0, rule), V6_TRACKED].join("\n"), IPV6);
  expect(fate.split(" or ").sort().join(" or ")).toBe(becomes);
});

test("what is delivered by IPv4 is whole without tracking, by IPv6 it need not be", () => {
  const at = (rule: string): string => chain("input", 0, rule);
  const local = { destination: address("192.0.2.1") };
  expect(fateOf(at("ip frag-off & 0x1fff != 0 drop"), local)).toBe("kept");
  const own6 = { ...IPV6, destination: address("2001:db8::1") };
  expect(fateOf(at("exthdr frag exists drop"), own6).split(" or ").sort().join(" or ")).toBe(UNKNOWN);
});

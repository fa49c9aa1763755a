/** Tests for fragments: which packets are whole where they are asked, and what holds for those. */
import { expect, test } from "vitest";
import { fateOf } from "../../support/one-packet.ts";

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
  ["not at least one", [chain("forward", 0, "ip frag-off & 0x1fff >= 1 drop"), TRACKED], "kept"],
])("%s", (_, chains, becomes) => {
  expect(fateOf(chains.join("\n"), {}).split(" or ").sort().join(" or ")).toBe(becomes);
});

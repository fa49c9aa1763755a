/** The kernel writes the marks that arithmetic gives: the same rules whose evaluation `long/marks.test.ts` holds against it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { anyBits, applyRules, asIptables, asNft, type MarkRule, type Marks, markRules } from "../support/marks.ts";
import { runs } from "../support/runs.ts";

interface Trial {
  readonly came: Marks;
  readonly rules: readonly MarkRule[];
}

const BITS = Array.from({ length: 32 }, (_, i) => (1 << i) >>> 0);
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Rules that give a packet of trial `i`, to UDP port 1000 + i, its marks, change them, and count each bit. */
const DIALECTS = {
  nft: {
    restore: "nft -f",
    list: "nft list table ip t",
    print: asNft,
    text: (trials: readonly Trial[]) =>
      `table ip t {\n${trials
        .map(({ came, rules }, i) =>
          [
            `chain c${i} {`,
            `meta mark set ${hex(came.mark)} ct mark set ${hex(came.ctmark)}`,
            ...rules.map(asNft),
            ...["meta mark", "ct mark"].flatMap((field) =>
              BITS.map((bit) => `${field} & ${hex(bit)} == ${hex(bit)} counter`),
            ),
            "}",
          ].join("\n"),
        )
        .join("\n")}\nchain out { type filter hook output priority mangle;\n${trials
        .map((_, i) => `udp dport ${1000 + i} jump c${i}`)
        .join("\n")}\n}\n}\n`,
  },
  ...Object.fromEntries(
    ["nft", "legacy"].map((backend) => [
      `iptables-${backend}`,
      {
        restore: `iptables-${backend}-restore <`,
        list: `iptables-${backend}-save -c -t mangle`,
        print: asIptables,
        text: (trials: readonly Trial[]) =>
          [
            "*mangle",
            ...trials.map((_, i) => `:c${i} - [0:0]`),
            ...trials.flatMap(({ came, rules }, i) => [
              `-A OUTPUT -p udp --dport ${1000 + i} -j c${i}`,
              `-A c${i} -j MARK --set-mark ${hex(came.mark)}`,
              `-A c${i} -j CONNMARK --set-mark ${hex(came.ctmark)}`,
              ...rules.map((rule) => `-A c${i} ${asIptables(rule)}`),
              ...["mark", "connmark"].flatMap((match) =>
                BITS.map((bit) => `-A c${i} -m ${match} --mark ${hex(bit)}/${hex(bit)}`),
              ),
            ]),
            "COMMIT",
            "",
          ].join("\n"),
      },
    ]),
  ),
};

/** The marks of each trial, from the rules that counted a packet. */
function readMarks(listing: string, count: number): Marks[] {
  const found = Array.from({ length: count }, () => ({ mark: 0, ctmark: 0 }));
  let chain = -1;
  for (const line of listing.split("\n")) {
    const own = /^\tchain c(\d+)|-A c(\d+) /.exec(line);
    if (own !== null) chain = Number(own[1] ?? own[2]);
    const counted = /^\[[1-9]\d*:\d+\] .*-m (mark|connmark) --mark 0x([0-9a-f]+)\/0x\2$/.exec(line);
    // The first bit of all is listed as a block of one bit.
    const listed =
      /(meta|ct) mark & 0x([0-9a-f]+) == 0x\2 counter packets [1-9]/.exec(line) ??
      /(meta|ct) mark 0x([0-9a-f]+)\/1 counter packets [1-9]/.exec(line);
    const [, which = "", bit = "0"] = counted ?? listed ?? [];
    const marks = found[chain];
    if (which === "" || marks === undefined) continue;
    if (which === "mark" || which === "meta") marks.mark += Number.parseInt(bit, 16);
    else marks.ctmark += Number.parseInt(bit, 16);
  }
  return found;
}

describe.skipIf(kernelMissing !== undefined)("marks in the kernel", () => {
  test.concurrent.each(Object.entries(DIALECTS))("%s", async (_, { restore, list, print, text }) => {
    const trial = fc
      .record({ came: fc.record({ mark: anyBits, ctmark: anyBits }), rules: markRules(anyBits, 5) })
      // Without tests: what a rule does is asked, not whether.
      .map(({ came, rules }) => ({
        came,
        rules: rules.map(({ change }) => ({ tests: [], change })).filter((rule) => print(rule) !== undefined),
      }));
    const trials = fc.sample(trial, runs(80));
    const send = `perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); send(S, "x", 0, sockaddr_in(1000 + $_, INADDR_LOOPBACK)) for 0 .. ${trials.length - 1}'`;
    await withFiles([text(trials)], async ([path = ""]) => {
      const { status, output } = await inNamespace(`set -e; ip link set lo up; ${restore} ${path}; ${send}; ${list}`);
      expect(status, output.slice(0, 500)).toBe(0);
      const seen = readMarks(output, trials.length);
      const wanted = trials.map(({ came, rules }) => applyRules(rules, came));
      expect(trials.map((each, i) => ({ each, marks: seen[i] }))).toEqual(
        trials.map((each, i) => ({ each, marks: wanted[i] })),
      );
    });
  });
});

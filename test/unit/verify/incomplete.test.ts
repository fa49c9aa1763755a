/** Packets to Services that have too many outcomes to find them all: nothing is claimed of them. */
import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import type { ExploreLimits } from "../../../compiler/evaluate/unknown/explore.ts";
import { stringify } from "../../../compiler/ir/normal-form.ts";
import { Culprits } from "../../../compiler/verify/culprits.ts";
import { isServiceTraffic, onlyServiceTraffic } from "../../../compiler/verify/others.ts";
import { serviceRulesOf } from "../../../compiler/verify/service-rules.ts";
import { frontendsIn } from "../../../compiler/verify/services/frontends.ts";
import { ServiceNames } from "../../../compiler/verify/services/service-names.ts";
import { mustCompile } from "../../support/compile.ts";
import { mustReadIptables } from "../../support/read.ts";
import { webCluster } from "../../support/tables.ts";

const { program, node } = mustCompile(webCluster(["10.244.1.7"]));
const { addresses } = node;
const { nameOf } = new ServiceNames(frontendsIn(program), addresses);

const others = mustReadIptables(
  [
    ...["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -m set --match-set office src -j DROP"],
    ...["-A FORWARD -s 192.0.2.0/24 -j DROP", "COMMIT", ""],
  ].join("\n"),
  "ip",
);
const rules = serviceRulesOf(
  { ruleset: { tables: [...others.ruleset.tables, ...program.ruleset.tables] }, routes: [] },
  [],
);
const OPTIONS = { addresses, families: ["IPv4"], firstOnly: true, unmarked: true } as const;
const all = compare(rules.own, rules.whole, OPTIONS);

/** Nothing is found of what hangs on matches that are not understood. */
const NONE: ExploreLimits = { outcomes: 0, each: 1, all: 0 };

describe("packets of which not all outcomes were found", () => {
  test("are not compared where none of these shows a difference", () => {
    const whole = onlyServiceTraffic(all, rules, nameOf, addresses);
    const part = onlyServiceTraffic(all, rules, nameOf, addresses, NONE);
    expect(whole.notCompared).toEqual([]);
    expect(part.comparison.regions.length).toBeLessThan(whole.comparison.regions.length);
    const told = part.comparison.regions.length + part.notCompared.length;
    expect(told).toBeGreaterThanOrEqual(whole.comparison.regions.length);
  });

  test("have no culprit, and no rule is without an effect on them", () => {
    const { comparison } = onlyServiceTraffic(all, rules, nameOf, addresses);
    const region = comparison.regions.find(({ left }) => left.verdict === "dnat");
    if (region === undefined) throw new Error("no region of the Service");
    const known = new Culprits(rules, addresses);
    expect(known.of(region)?.isSmallest).toBe(true);
    expect(known.isUnsure).toBe(false);
    const unknown = new Culprits(rules, addresses, NONE);
    expect(unknown.of(region)).toBeUndefined();
    expect(unknown.isUnsure).toBe(true);
  });
});

test("only traffic to Services is looked at where nothing else is asked about", () => {
  const keys = (regions: typeof all.regions) => regions.map(({ trafficKind, box }) => stringify([trafficKind, box]));
  const asked = compare(rules.own, rules.whole, { ...OPTIONS, only: isServiceTraffic(nameOf) });
  expect(asked.differing).toBe(asked.regions.length);
  expect(asked.differing).toBeLessThan(all.differing);
  const [few, many] = [asked, all].map((each) => onlyServiceTraffic(each, rules, nameOf, addresses).comparison.regions);
  expect(keys(few ?? [])).toEqual(keys(many ?? []));
  expect(few?.length).toBeGreaterThan(0);
});

test("a comparison that keeps no regions finds no outcomes", () => {
  let asked = 0;
  const giveUp = (): undefined => void asked++;
  const { differing } = compare(rules.own, rules.whole, { ...OPTIONS, keep: 0, giveUp });
  const few = asked;
  compare(rules.own, rules.whole, { ...OPTIONS, giveUp });
  expect(differing).toBe(all.differing);
  expect(asked - few - few).toBe(all.regions.length);
});

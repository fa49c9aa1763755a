/** Rules that a single packet just missed, where it is not sure whether their other matches hold. */
import { expect, test } from "vitest";
import { PLAIN } from "../../../compiler/evaluate/chain.ts";
import type { Frame } from "../../../compiler/evaluate/frame.ts";
import { Hooks } from "../../../compiler/evaluate/hooks.ts";
import { missed } from "../../../compiler/evaluate/missed.ts";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import { planRule } from "../../../compiler/evaluate/plan.ts";
import { startState } from "../../../compiler/evaluate/state.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";

/** Of a packet from 10.0.0.1 that goes to 10.0.0.8 or to 10.0.0.9 by chance. */
test.each<[isMissed: boolean, rule: string]>([
  [true, "ip saddr 10.0.0.2 masquerade"],
  [true, "ip saddr 10.0.0.2 ip daddr 10.0.0.8 masquerade"],
  [true, "ip saddr 10.0.0.2 ip daddr 10.0.0.9 masquerade"],
  [false, "ip saddr 10.0.0.2 ip daddr 10.0.0.7 masquerade"],
  [true, "ip saddr 10.0.0.2 oifname eth1 masquerade"],
  [true, "ip saddr 10.0.0.2 meta length 100 masquerade"],
])("that it is %s that it has missed the rule: %s", (isMissed, text) => {
  const program = mustReadNft(`table ip t { chain c { type nat hook postrouting priority 100; ${text}; } }`);
  const [stage] = new Hooks(program).at("IPv4", "postrouting");
  const [entry = expect.unreachable()] = stage?.orders[0]?.entries ?? [];
  const { chain: base, index: table } = entry;
  const [rule = expect.unreachable()] = base.rules;
  const frame: Frame = {
    ...{ table, hook: "postrouting", chain: "c", depth: 0, base, caller: undefined, runner: PLAIN },
    behind: { entries: [entry], next: 1, later: [] },
  };
  const { shared, branches } = startState(alone(PACKET), environmentOf([]), true);
  const ways = ["10.0.0.8", "10.0.0.9"].flatMap((to) =>
    branches.map((branch) => ({ ...branch, probability: 0.5, destination: address(to) })),
  );
  const found = missed(planRule(rule), { shared: { ...shared, hook: "postrouting" }, branches: ways }, frame);
  expect([found?.rule, found?.bearing.source]).toEqual(isMissed ? [rule, true] : [undefined, undefined]);
});

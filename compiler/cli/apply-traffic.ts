/** What a change of kpc's tables means for packets: the comparison of `kpc diff`, on the Services that the change concerns. */
import { isWhole } from "../compare/answer.ts";
import { compare } from "../compare/compare.ts";
import type { Table } from "../ir/types.ts";
import { answerTo } from "../library/answers.ts";
import { type ComparedSide, differenceOf } from "../library/difference.ts";
import { type Address, FAMILIES } from "../net/address.ts";
import type { EndpointNames } from "../verify/services/endpoint-names.ts";
import { frontendsIn } from "../verify/services/frontends.ts";
import { concernedBy, type TablesPlan } from "../verify/services/plan.ts";
import { timeLimit } from "./time-limit.ts";

export interface TrafficFlags {
  readonly limit?: number;
  /** Seconds. */
  readonly time: number;
}

/** More Service ports are not compared. */
const MOST_SERVICES = 2000;

/** Steps of evaluation. */
const BUDGET = 100_000_000;

/** A few lines. */
export function describeTraffic(
  before: readonly Table[],
  after: {
    readonly tables: readonly Table[];
    readonly addresses: readonly Address[];
    readonly pods: EndpointNames;
  },
  plan: TablesPlan,
  { limit, time }: TrafficFlags,
): string[] {
  if (before.length === 0)
    return ["Traffic: Services are translated from now on; before, this node has no table of kpc"];
  if (after.tables.length === 0) return ["Traffic: kpc translates no Service any more"];
  if (time === 0) return [];
  // Other rules may mean something else for each Service.
  const isOfAll = plan.structure.length > 0;
  const concerned = isOfAll ? servicesIn(after.tables) : plan.services.length;
  if (concerned > MOST_SERVICES)
    return [`Traffic: not compared: more than ${MOST_SERVICES} Service ports are concerned (kpc diff compares them)`];
  const sideOf = (name: string, tables: readonly Table[]): ComparedSide => ({
    name,
    program: { ruleset: { tables: isOfAll ? tables : concernedBy(plan, tables) }, routes: [] },
    addresses: after.addresses,
    diagnosed: [],
    given: [],
    pods: after.pods,
    isRules: false,
  });
  const limits = { rows: limit ?? 20, examples: 0, data: 0 };
  const { question, shown } = differenceOf(
    sideOf("the kernel", before),
    sideOf("the inputs", after.tables),
    FAMILIES,
    limits,
    (left, right, about) => compare(left, right, { ...about, budget: BUDGET, giveUp: timeLimit(time) }),
  );
  const [{ comparison }] = question.parts as [(typeof question.parts)[number]];
  const answer = answerTo(question);
  const open = isWhole(answer)
    ? []
    : [...answer.gaps, ...new Set(answer.open.map(({ reason }) => reason))].map((what) => `  not compared: ${what}`);
  if (answer.differing === 0) return ["Traffic: no packet to a Service meets anything else", ...open];
  const rows = shown.text([comparison.regions], 0).filter((line) => line !== "");
  return [`Traffic: ${rows[0] ?? ""}`, ...rows.slice(1), ...open];
}

function servicesIn(tables: readonly Table[]): number {
  return new Set(frontendsIn({ ruleset: { tables }, routes: [] }).map(({ service }) => service)).size;
}

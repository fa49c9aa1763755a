/** Running expectations on engines. */
import type { Compiled } from "../compile.ts";
import type { Origin } from "../diagnostics.ts";
import type { Engine } from "../engines/types.ts";
import type { Mode } from "../lower/settings.ts";
import { describeExpectation, describeOutcome, findMismatch } from "./check.ts";
import { packetOf } from "./packet.ts";
import type { Case } from "./types.ts";

/** One flow in one mode on one engine. */
export interface FlowResult {
  readonly case: string;
  readonly flow: string;
  readonly mode: Mode;
  readonly engine: string;
  readonly status: "pass" | "fail" | "skip";
  readonly expected: string;
  readonly actual: string;
  /** What differs, or why it was skipped. */
  readonly reason?: string;
  /** The expectation. */
  readonly origin: Origin;
}

/** The results of all flows of `testCase`, whose world `compiled` is, on `engine`. An engine that cannot run here skips
 *  them all, with its reason. */
export async function runCase(testCase: Case, mode: Mode, compiled: Compiled, engine: Engine): Promise<FlowResult[]> {
  const reason = engine.unavailable();
  const outcomes = reason === undefined ? await engine.run(compiled, testCase.flows.map(packetOf)) : [];
  return testCase.flows.map((flow, i): FlowResult => {
    const base = {
      case: testCase.name,
      flow: flow.name,
      mode,
      engine: engine.name,
      expected: describeExpectation(flow.expect),
      origin: flow.node.member("expect"),
    };
    if (reason !== undefined) return { ...base, status: "skip", actual: "", reason };
    const [outcome, other] = outcomes[i] ?? [];
    if (outcome === undefined)
      return { ...base, status: "fail", actual: "no outcome", reason: "the engine gave no outcome" };
    const actual = describeOutcome(outcome);
    const mismatch =
      other === undefined
        ? findMismatch(flow.expect, outcome)
        : "the outcome depends on matches that are not understood";
    return mismatch === undefined
      ? { ...base, status: "pass", actual }
      : { ...base, status: "fail", actual, reason: mismatch };
  });
}

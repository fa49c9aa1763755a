/** Running expectations on engines. */
import type { Compiled } from "../compile.ts";
import type { Diagnostic, Origin } from "../diagnostics.ts";
import type { Packet } from "../evaluate/packet.ts";
import type { Mode } from "../node/settings.ts";
import { describeExpectation, describeOutcome, findMismatch } from "./check.ts";
import type { Engine } from "./engines/types.ts";
import { packetOf } from "./packet.ts";
import type { Case, Flow } from "./types.ts";

/** One flow in one mode on one engine. */
export interface FlowResult {
  readonly case: string;
  readonly flow: string;
  /** Undefined: the outcome is the same in all modes. */
  readonly mode?: Mode;
  readonly engine: string;
  readonly status: "pass" | "fail" | "skip";
  readonly expected: string;
  readonly actual: string;
  /** What differs, or why it was skipped. */
  readonly reason?: string;
  /** Of a flow through a cluster that fails: all that becomes of its packets, each with its chance. */
  readonly got?: readonly string[];
  /** The command that follows the packets of a failing flow again. */
  readonly trace?: string;
  /** The expectation, or the end of the flow that is not there. */
  readonly origin: Origin;
}

/** The results of all flows of `testCase`, whose world `compiled` is, on `engine`. An engine that cannot run here skips
 *  them all, with its reason; a flow that names what is not in the world fails. */
export async function runCase(testCase: Case, mode: Mode, compiled: Compiled, engine: Engine): Promise<FlowResult[]> {
  const reason = engine.unavailable();
  const asked = testCase.flows.map((flow) => questionOf(flow, compiled));
  const packets = asked.flatMap(({ packet }) => packet ?? []);
  const answers = reason === undefined ? await engine.run(compiled, packets) : [];
  const outcomes = new Map(packets.map((packet, i) => [packet, answers[i] ?? []]));
  return asked.map(({ flow, packet, finding }): FlowResult => {
    const base = {
      case: testCase.name,
      flow: flow.name,
      mode,
      engine: engine.name,
      expected: describeExpectation(flow.expect),
      origin: finding?.origin ?? flow.node.member("expect"),
    };
    if (packet === undefined) return { ...base, status: "fail", actual: "no packet", reason: finding?.message ?? "" };
    if (reason !== undefined) return { ...base, status: "skip", actual: "", reason };
    const [outcome, other] = outcomes.get(packet) ?? [];
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

interface Question {
  readonly flow: Flow;
  readonly packet: Packet | undefined;
  /** Why there is no packet. */
  readonly finding: Diagnostic | undefined;
}

function questionOf(flow: Flow, { specs }: Compiled): Question {
  const findings: Diagnostic[] = [];
  const packet = packetOf(flow, specs, (diagnostic) => findings.push(diagnostic));
  return { flow, packet, finding: findings[0] };
}

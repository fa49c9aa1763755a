/** Running expectations for a cluster: each flow is a walk. */
import type { Described } from "../../described.ts";
import type { Diagnostic, Report } from "../../diagnostics.ts";
import { familyOf, parseAddress } from "../../net/address.ts";
import type { Mode } from "../../node/settings.ts";
import { resolveAsked } from "../../trace/asked.ts";
import type { ResolvedRequest } from "../../trace/http/request.ts";
import type { TraceText } from "../../trace/parse.ts";
import { addressesOf, EndNames } from "../../trace/walk/ends.ts";
import { WalkNames } from "../../trace/walk/walk-names.ts";
import type { Walk, WalkFlow } from "../../walk/types.ts";
import type { FlowResult } from "../run.ts";
import { describeWalk, findWalkMismatch } from "./check.ts";
import { endOfAddress, type ReplayInput, replayCommand } from "./replay.ts";
import type { ClusterCase, ClusterFlow } from "./types.ts";
import { type CaseNetwork, checkVia, describeWanted, receiversOf } from "./wanted.ts";

/** The engine that follows packets through a cluster. */
export const WALKING_ENGINE = "ir";

/** The engine that sends packets through one that it builds. */
export const LAB_ENGINE = "lab";

/** A flow of a case in its network. */
export type PlannedFlow =
  /** `judge`: whether a walk of the flow is as expected. `skip`: the result of an engine that cannot send the flow. */
  | {
      readonly flow: WalkFlow;
      readonly request: ResolvedRequest | undefined;
      readonly failure?: undefined;
      readonly judge: (walk: Walk) => FlowResult;
      readonly skip: (reason: string) => FlowResult;
    }
  /** It names what is not there. */
  | { readonly flow?: undefined; readonly request?: undefined; readonly failure: FlowResult };

/** The results of all flows of `testCase`, whose network `described` is. A flow that names what is not there fails. */
export function runClusterCase(
  testCase: ClusterCase,
  mode: Mode,
  described: Described,
  replay: ReplayInput,
): FlowResult[] {
  const planned = planClusterCase(testCase, mode, described, { engine: WALKING_ENGINE, replay });
  return planned.map((each) => each.failure ?? each.judge(described.walker.walk(each.flow)));
}

/** The flows of `testCase`, whose network `described` is, in its order. */
export function planClusterCase(
  testCase: ClusterCase,
  mode: Mode,
  { input, layout }: Omit<Described, "walker">,
  { engine, replay }: { readonly engine: string; readonly replay: ReplayInput },
): PlannedFlow[] {
  const { specs } = input;
  const names = new EndNames(specs, layout);
  const network: CaseNetwork = { specs, layout, names };
  const walkNames = new WalkNames(specs, layout.network);
  return testCase.flows.map((flow): PlannedFlow => {
    const findings: Diagnostic[] = [];
    const report: Report = (finding) => void findings.push(finding);
    const own = inFamily(flow, network, report);
    const asked = findings.length === 0 ? resolveAsked(own.asked, { ...input, layout }, report) : undefined;
    const receivers = receiversOf(flow.expect, network, report);
    checkVia(flow.expect, network, report);
    const base = { ...baseOf(testCase, flow, mode, engine), expected: describeWanted(flow.expect) };
    const [finding] = findings;
    if (asked === undefined || finding !== undefined) {
      const { message: reason = "", origin = flow.node } = finding ?? {};
      return { failure: { ...base, status: "fail", actual: "no packet", reason, origin } };
    }
    const { hosts } = layout.network;
    const { flow: walkFlow, request } = asked;
    const telling = { names: walkNames, protocol: walkFlow.protocol, hosts, isVerbose: false };
    const judge = (walk: Walk): FlowResult => {
      const got = describeWalk(walk, telling, flow.expect);
      const mismatch = findWalkMismatch(walk, flow.expect, receivers, { network, telling, origin: base.origin });
      if (mismatch === undefined) return { ...base, status: "pass", actual: got.join("; ") };
      const { packet } = own.asked;
      const protocol = packet === undefined ? "" : `${packet.protocol} `;
      const trace = replayCommand(`${protocol}${own.from} > ${own.to}`, own.headers, mode, replay);
      const { message, origin } = mismatch;
      return { ...base, status: "fail", actual: got.join("; "), got, reason: message, origin, trace };
    };
    const skip = (reason: string): FlowResult => ({ ...base, status: "skip", actual: "", reason });
    return { flow: walkFlow, request, judge, skip };
  });
}

/** The results of an engine that does not follow packets through a cluster, or cannot: each flow is skipped. */
export function skipClusterCase(
  testCase: ClusterCase,
  mode: Mode,
  engine: string,
  reason = `expectations for a cluster are answered by the engines ${WALKING_ENGINE} and ${LAB_ENGINE} only: this one answers for a single node`,
): FlowResult[] {
  return testCase.flows.map((flow) => ({
    ...baseOf(testCase, flow, mode, engine),
    status: "skip",
    expected: describeWanted(flow.expect),
    actual: "",
    reason,
  }));
}

function baseOf(
  { name }: ClusterCase,
  flow: ClusterFlow,
  mode: Mode,
  engine: string,
): Pick<FlowResult, "case" | "flow" | "mode" | "engine" | "origin"> {
  return { case: name, flow: flow.name, mode, engine, origin: flow.node.member("expect") };
}

/** The flow with its sender's address of the family that it names. Reports `unknown-object` where it has none. */
function inFamily(flow: ClusterFlow, { names }: CaseNetwork, report: Report): ClusterFlow {
  const { family, asked } = flow;
  const sender = asked.packet?.from ?? asked.request?.from;
  if (family === undefined || sender === undefined) return flow;
  const { name, port, origin } = sender;
  const given = parseAddress(name);
  const { target } = given === undefined ? names.find(name) : {};
  const host = target?.kind === "service" ? undefined : target?.host;
  // A name that nobody has is told by those who look for it next.
  if (given === undefined && host === undefined) return flow;
  const all = host === undefined ? [] : addressesOf(host);
  const address = (given === undefined ? all : [given]).find((each) => familyOf(each) === family);
  if (address !== undefined) {
    const from = endOfAddress(address, port);
    const ownSender = { ...sender, name: endName(from, port) };
    const own: TraceText =
      asked.packet === undefined
        ? { request: { ...asked.request, from: ownSender } }
        : { packet: { ...asked.packet, from: ownSender } };
    return { ...flow, from, asked: own };
  }
  report({ severity: "error", code: "unknown-object", message: `${name} has no ${family} address`, origin });
  return flow;
}

/** The name of an end, without brackets and port. */
function endName(text: string, port: string | undefined): string {
  const whole = port === undefined ? text : text.slice(0, -port.length - 1);
  return whole.replace(/^\[|\]$/g, "");
}

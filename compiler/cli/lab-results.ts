/** Flows of a lab as results, which text, JSON and JUnit are made of. */
import { type ComparedSighting, disagreementIn } from "../../runtime/lab/compare-walk.ts";
import type { LabDifference } from "../../runtime/lab/difference.ts";
import { isAsPredicted, type LabFlow } from "../../runtime/lab/run.ts";
import type { LabAttempt } from "../../runtime/lab/session.ts";
import type { Origin } from "../diagnostics.ts";
import type { Tuple } from "../evaluate/connection.ts";
import { LAB_ENGINE } from "../expectations/cluster/run.ts";
import type { FlowResult } from "../expectations/run.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { printAddress } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { Mode } from "../node/settings.ts";
import { endText } from "../trace/walk/end-text.ts";
import type { WalkNames } from "../trace/walk/walk-names.ts";
import { resultToJson } from "./test-results.ts";

/** What flows are told with. */
export interface LabTelling {
  readonly names: WalkNames;
  readonly hosts: ReadonlyMap<string, Host>;
  /** Each branch in full. */
  readonly isAll: boolean;
}

/** A flow that was asked for. */
export interface LabRunFlow {
  readonly result: FlowResult;
  /** Undefined: it names what is not there. */
  readonly made: LabFlow | undefined;
  /** Where it is not as predicted. */
  readonly difference: LabDifference | undefined;
  readonly telling: LabTelling;
}

/** The result of a flow of the command line, of which nothing is expected but what was predicted. */
export function resultOfFlow(text: string, origin: Origin, mode: Mode, made: LabFlow): FlowResult {
  const other = made.attempts.find(({ comparison }) => comparison?.isEqual !== true);
  const count = `${made.attempts.length} ${made.attempts.length === 1 ? "attempt" : "attempts"}`;
  const base = {
    case: "kpc lab run",
    flow: text,
    mode,
    engine: LAB_ENGINE,
    expected: "as predicted",
    origin,
  };
  if (isAsPredicted(made) || other === undefined)
    return { ...base, status: "pass", actual: `as predicted in ${count}` };
  const reason = other.comparison === undefined ? "nothing was predicted" : (disagreementIn(other.comparison) ?? "");
  return { ...base, status: "fail", actual: "not as predicted", reason };
}

/** As plain data. */
export function labFlowToData({ result, made, difference, telling }: LabRunFlow): object {
  const { file: _file, line: _line, column: _column, ...told } = { ...resultToJson(result) } as Record<string, unknown>;
  return {
    ...told,
    asPredicted: made !== undefined && isAsPredicted(made),
    ...(made === undefined ? {} : flowData(made)),
    attempts: (made?.attempts ?? []).map((attempt) => attemptData(attempt, telling)),
    difference: difference === undefined ? null : differenceData(difference),
  };
}

function differenceData({ host, counters, rules }: LabDifference): object {
  const rows = rules?.rows.map(({ predicted, observed }) => ({
    predicted: predicted ?? null,
    observed: observed ?? null,
  }));
  return {
    ...{ host, counters: Object.fromEntries(counters) },
    rules: rules === undefined ? null : { host: rules.host, packet: rules.kind, steps: rows },
  };
}

function flowData({ flow, request, attempts }: LabFlow): object {
  const { protocol, from, destination, destinationPort } = flow;
  return {
    protocol: PROTOCOL_NAMES.get(protocol) ?? protocol,
    from,
    destination: printAddress(destination),
    destinationPort,
    ...(request === undefined
      ? {}
      : {
          request: {
            method: request.method,
            host: request.host ?? null,
            target: request.target,
            ...(request.headers && { headers: request.headers }),
          },
        }),
    proxies: [...new Map(attempts.flatMap(({ proxies }) => [...proxies]))].map(([host, { name, version }]) => ({
      ...{ host, program: name, version: version ?? null },
    })),
  };
}

function attemptData({ walk, comparison, observed, unwatched }: LabAttempt, { names, hosts }: LabTelling): object {
  const context = { names, hosts, protocol: walk.flow.protocol, isVerbose: false };
  const { answer } = observed;
  return {
    asPredicted: comparison?.isEqual === true,
    sourcePort: walk.flow.sourcePort,
    branch:
      comparison === undefined
        ? null
        : {
            probability: comparison.branch.probability,
            host: comparison.branch.there.end.host,
            end: endText(comparison.branch.there.end, context),
            reply: comparison.branch.back === undefined ? null : endText(comparison.branch.back.end, context),
          },
    answer:
      answer.kind === "served"
        ? {
            ...{ kind: answer.kind, seenAs: printAddress(answer.address), port: answer.port },
            ...(answer.forwardedFor === undefined ? {} : { forwardedFor: printAddress(answer.forwardedFor) }),
          }
        : answer,
    wrongEnd: comparison?.wrongEnd ?? null,
    unwatchedHosts: unwatched.length,
    places: (comparison?.rows ?? []).map(placeData),
  };
}

function placeData({ leg, predicted, observed, isEqual }: ComparedSighting): object {
  const place = predicted ?? observed;
  return {
    leg,
    host: place?.host,
    interface: place?.interface,
    direction: place?.direction,
    equal: isEqual,
    predicted: predicted === undefined ? null : packetData(predicted),
    observed: observed === undefined ? null : packetData(observed.packet),
  };
}

function packetData({ tuple, ttl }: { readonly tuple: Tuple; readonly ttl: number }): object {
  const { source, sourcePort, destination, destinationPort } = tuple;
  return { source: printAddress(source), sourcePort, destination: printAddress(destination), destinationPort, ttl };
}

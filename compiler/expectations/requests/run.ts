/** Running expectations for HTTP requests on engines. */
import type { Compiled } from "../../compile.ts";
import type { Diagnostic } from "../../diagnostics.ts";
import { unreachable } from "../../invariant.ts";
import { endpointTargets } from "../../ir/route-targets.ts";
import type { NamedText } from "../../ir/routes.ts";
import { parseAddress, printAddress, printAddressPort } from "../../net/address.ts";
import { loadObjects } from "../../specs/load.ts";
import type { OwnEnd, RequestEnd, RequestEngine, RequestOutcome } from "../engines/requests.ts";
import type { FlowResult } from "../run.ts";
import type { ExpectedEnd, ExpectedHeader, InvalidIngress, RequestCase, RequestExpectation } from "./types.ts";

/** The results of all requests of `testCase`, whose world `compiled` is, on `engine`. An engine that cannot run here skips them, with its
 *  reason. */
export async function runRequestCase(
  testCase: RequestCase,
  compiled: Compiled,
  engine: RequestEngine,
): Promise<FlowResult[]> {
  const reason = engine.unavailable();
  const { requests } = testCase;
  const outcomes =
    reason === undefined && requests.length > 0
      ? await engine.run(
          compiled,
          requests.map(({ request }) => request),
        )
      : [];
  const backends = new BackendNames(compiled);
  return requests.map(({ name, expect, field }, i): FlowResult => {
    const base = {
      case: testCase.name,
      flow: name,
      engine: engine.name,
      expected: describeExpected(expect),
      origin: field.member("expect"),
    };
    const outcome = outcomes[i];
    if (outcome === undefined) return { ...base, status: "skip", actual: "", reason: reason ?? "no outcome" };
    const actual = describe(outcome, backends);
    const mismatch = findMismatch(expect, outcome, backends);
    return mismatch === undefined
      ? { ...base, status: "pass", actual }
      : { ...base, status: "fail", actual, reason: `expected ${mismatch}, got ${actual}` };
  });
}

/** Results for Ingresses that must be refused, which every engine leaves to those who read manifests. */
export function runInvalid(testCase: RequestCase, engine: string): FlowResult[] {
  return testCase.invalid.flatMap((each) => judgeInvalid(testCase.name, each, engine));
}

function judgeInvalid(name: string, { ingress, errors }: InvalidIngress, engine: string): FlowResult[] {
  const found: Diagnostic[] = [];
  loadObjects([ingress], (diagnostic) => void found.push(diagnostic));
  const said = found.filter(({ severity }) => severity === "error").map(({ message }) => message);
  const isAbout = (message: string, { path, message: part }: InvalidIngress["errors"][number]): boolean =>
    message.startsWith(`${path}: `) && message.includes(part, path.length + 2);
  const flow = "an invalid Ingress";
  const base = { case: name, flow, engine };
  const others = said.filter((message) => !errors.some((error) => isAbout(message, error)));
  const actual = said.length === 0 ? "no error" : said.join("; ");
  return [
    ...errors.map((error): FlowResult => {
      const expected = `${error.path}: ${error.message}`;
      const result = { ...base, flow: `${flow}: ${error.path}`, expected, actual, origin: error.field };
      if (said.some((message) => isAbout(message, error))) return { ...result, status: "pass" };
      return { ...result, status: "fail", reason: `expected the error ${expected}, got ${actual}` };
    }),
    ...others.map(
      (message): FlowResult => ({
        ...base,
        status: "fail",
        expected: "no other error",
        actual: message,
        reason: `expected no other error, got ${message}`,
        origin: ingress,
      }),
    ),
  ];
}

/** Which Service port a backend is, and which backends an endpoint belongs to. */
class BackendNames {
  private readonly ports = new Map<string, number>();
  private readonly byEndpoint = new Map<string, Set<string>>();

  constructor({ specs, program }: Compiled) {
    for (const { meta, ports } of specs.services)
      for (const { name, port } of ports) this.ports.set(`${meta.namespace}/${meta.name}:${name}`, port);
    for (const target of endpointTargets(program)) {
      const { endpoints, external } = target;
      const ends = [
        ...endpoints.map(({ address, port }) => `${printAddress(address)} ${port}`),
        ...(external === undefined ? [] : [`${canonicalHost(external.host)} ${external.port}`]),
      ];
      for (const key of ends) {
        const names = this.byEndpoint.get(key) ?? new Set();
        this.byEndpoint.set(key, names.add(this.numbered(target.backend)));
      }
    }
  }

  /** `namespace/service:port` with the number of the port. */
  numbered(backend: string): string {
    const port = this.ports.get(backend);
    return port === undefined ? backend : `${backend.slice(0, backend.lastIndexOf(":"))}:${port}`;
  }

  /** The backends that an end can be. */
  of(end: RequestEnd): readonly string[] {
    if (end.kind === "backend") return [this.numbered(end.backend)];
    if (end.kind !== "endpoint") return [];
    return [...(this.byEndpoint.get(`${end.address} ${end.port}`) ?? [])];
  }
}

/** An address in its one spelling, or a name. */
function canonicalHost(host: string): string {
  const address = parseAddress(host);
  return address === undefined ? host : printAddress(address);
}

/** What was expected and is not so; undefined: all is as expected. */
function findMismatch(
  expect: RequestExpectation,
  { end, certificate, forwarded, answerHeaders = [] }: RequestOutcome,
  backends: BackendNames,
): string | undefined {
  if (!isAsExpected(expect.end, end, backends)) return describeEnd(expect.end);
  const wanted = expect.certificate === "default" ? DEFAULT_CERTIFICATE : expect.certificate;
  if (wanted !== undefined && wanted !== certificate) return `certificate ${expect.certificate}`;
  const { host, path, headers = [] } = expect.forwarded ?? {};
  if (host !== undefined && host !== forwarded?.host) return `host ${host} at the end, not ${forwarded?.host}`;
  if (path !== undefined && path !== forwarded?.target) return `path ${path} at the end, not ${forwarded?.target}`;
  return (
    headerMismatch(headers, forwarded?.headers ?? [], "at the end") ??
    headerMismatch(expect.answered, answerHeaders, "in the answer")
  );
}

function headerMismatch(
  wanted: readonly ExpectedHeader[],
  found: readonly NamedText[],
  where: string,
): string | undefined {
  for (const { name, value } of wanted) {
    const values = found.filter((each) => each.name === name).map((each) => each.value);
    const actual = values.length === 0 ? null : values.join(", ");
    if (actual !== value) return `header ${name}: ${value ?? "(none)"} ${where}, not ${actual ?? "(none)"}`;
  }
  return undefined;
}

/** The Secret with the default certificate of cases that give their objects in place. */
export const DEFAULT_CERTIFICATE = "kpc-test/default";

function isAsExpected(expected: ExpectedEnd, end: RequestEnd, backends: BackendNames): boolean {
  switch (expected.kind) {
    case "service":
      return backends.of(end).includes(`${expected.service}:${expected.port}`);
    case "status":
      return end.kind === "status" && end.status === expected.status;
    case "redirect":
      return end.kind === "redirect" && end.status === expected.status && end.location === expected.location;
    case "shares":
      return end.kind === "shares"
        ? sharesText(end.shares, (each) => describeActual(each, backends)) === sharesText(expected.shares, describeEnd)
        : // An engine that sends requests meets one of them.
          expected.shares.some((share) => isAsExpected(share.end, end, backends));
    case "refused":
      // A proxy that has no certificate at all does not listen for https.
      return end.kind === "refused" || end.kind === "closed";
    case "closed":
      return end.kind === "closed";
    default:
      return unreachable(expected);
  }
}

function describeExpected({ end, certificate, forwarded, answered }: RequestExpectation): string {
  const changed = forwarded === undefined && answered.length === 0 ? "" : ", as it is changed";
  return `${describeEnd(end)}${certificate === undefined ? "" : `, certificate ${certificate}`}${changed}`;
}

/** `3 of 4 shop/v1:80, 1 of 4 503`: sorted, with the weights reduced. */
function sharesText<T>(
  shares: readonly { readonly weight: number; readonly end: T }[],
  describeShare: (end: T) => string,
): string {
  const weights = new Map<string, number>();
  for (const { weight, end } of shares) {
    const name = describeShare(end);
    weights.set(name, (weights.get(name) ?? 0) + weight);
  }
  const sum = [...weights.values()].reduce((total, weight) => total + weight, 0);
  const divisor = [...weights.values()].reduce(greatestCommonDivisor, sum);
  return [...weights]
    .map(([name, weight]) => `${weight / divisor} of ${sum / divisor} ${name}`)
    .sort()
    .join(", ");
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function describeEnd(end: ExpectedEnd): string {
  switch (end.kind) {
    case "service":
      return `${end.service}:${end.port}`;
    case "shares":
      return sharesText(end.shares, describeEnd);
    case "status":
    case "redirect":
    case "refused":
    case "closed":
      return describeOwn(end);
    default:
      return unreachable(end);
  }
}

function describeOwn(end: OwnEnd): string {
  switch (end.kind) {
    case "status":
      return String(end.status);
    case "redirect":
      return `${end.status} to ${end.location}`;
    case "refused":
      return "a refused handshake";
    case "closed":
      return "a closed port";
    default:
      return unreachable(end);
  }
}

function describe({ end, certificate }: RequestOutcome, backends: BackendNames): string {
  const shown = certificate === undefined ? "" : `, certificate ${certificate}`;
  return `${describeActual(end, backends)}${shown}`;
}

function describeActual(end: RequestEnd, backends: BackendNames): string {
  switch (end.kind) {
    case "backend":
      return backends.numbered(end.backend);
    case "endpoint": {
      const address = parseAddress(end.address);
      const place = address === undefined ? `${end.address}:${end.port}` : printAddressPort(address, end.port);
      return `${backends.of(end).join(" or ") || "no backend"} at ${place}`;
    }
    case "shares":
      return sharesText(end.shares, (each) => describeActual(each, backends));
    case "status":
    case "redirect":
    case "refused":
    case "closed":
      return describeOwn(end);
    default:
      return unreachable(end);
  }
}

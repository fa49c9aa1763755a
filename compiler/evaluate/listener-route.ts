/** What the listeners of Gateways do with an HTTP request. */
import type {
  ListenerHost,
  ListeningPort,
  NamedText,
  RequestConditions,
  RequestRule,
  RequestTarget,
} from "../ir/routes.ts";
import type { Program } from "../ir/types.ts";
import { decideRoute, type HttpRequest, hostName, type RouteDecision, takesPath } from "./http-route.ts";

/** What a request met at a listener, in the rules of Ingresses, or at a closed port. */
export type RequestDecision = ListenerDecision | IngressDecision;

/** In the rules of Ingresses. */
interface IngressDecision extends Omit<RouteDecision, "matching"> {
  readonly listener?: undefined;
  readonly matching: readonly RequestRule[];
  /** Neither a Gateway nor an Ingress is served at the port. */
  readonly isClosed?: true;
}

export interface ListenerDecision {
  readonly isClosed?: undefined;
  readonly listener: ListeningPort;
  /** The rules that its host leads to; undefined: no host takes it. */
  readonly rules: ListenerHost | undefined;
  /** Of those the paths that take the request, the first of which does. */
  readonly matching: readonly RequestRule[];
  readonly target: RequestTarget;
}

/** A port of the proxy that a request comes to. */
export interface PortRequest extends HttpRequest {
  readonly port: number;
}

/** What the proxy does with `request`: the listener of its port decides, if a Gateway has one there, else the Ingresses.
 */
export function decideRequest(
  { routes, listeners = [] }: Pick<Program, "routes" | "listeners">,
  request: PortRequest,
): RequestDecision {
  const listener = listeners.find(({ port }) => port === request.port);
  if (listener !== undefined) return decideAtListener(listener, request);
  const decision = decideRoute({ routes }, request);
  return listeners.length > 0 && routes.length === 0 ? { ...decision, isClosed: true } : decision;
}

/** What the listener at one port does. The most specific host that takes the request decides, then the first of its paths: a request
 *  that none of them takes is answered with 404, also where a less specific host has a path for it. */
export function decideAtListener(listener: ListeningPort, request: HttpRequest): ListenerDecision {
  const name = hostName(request.host);
  const rules = listener.hosts.find(({ host }) => takesHost(host, name));
  const asked = askedOf(request);
  const matching = rules?.paths.filter((rule) => takesRequest(rule, asked)) ?? [];
  const reason = rules === undefined ? "no listener for this host" : "no rule takes the request";
  return { listener, rules, matching, target: matching[0]?.target ?? { kind: "status", status: 404, reason } };
}

/** Whether `host` of a listener takes requests for `name`, which is in lower case. */
export function takesHost(host: string | undefined, name: string | undefined): boolean {
  if (host === undefined) return true;
  if (name === undefined) return false;
  return host.startsWith("*.") ? name.length >= host.length && name.endsWith(host.slice(1)) : host === name;
}

/** What conditions look at. */
interface Asked {
  readonly path: string;
  readonly method: string;
  readonly headers: readonly NamedText[];
  readonly parameters: readonly NamedText[];
}

function askedOf({ host, target, method = "GET", headers = [] }: HttpRequest): Asked {
  const { path, query } = splitTarget(target);
  const parameters = query === undefined || query === "" ? [] : query.split("&").map(parameterOf);
  return {
    path,
    method,
    headers: [
      ...(host === undefined ? [] : [{ name: "host", value: host }]),
      ...headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
    ],
    parameters,
  };
}

/** The path and the query (without `?`; undefined: there is none) of a request target. */
export function splitTarget(target: string): { readonly path: string; readonly query: string | undefined } {
  const whole = target.replace(/#.*$/s, "");
  const mark = whole.indexOf("?");
  return mark < 0 ? { path: whole, query: undefined } : { path: whole.slice(0, mark), query: whole.slice(mark + 1) };
}

function parameterOf(text: string): NamedText {
  const equals = text.indexOf("=");
  return equals < 0 ? { name: text, value: "" } : { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function takesRequest(rule: RequestRule, asked: Asked): boolean {
  return takesPath(rule, asked.path) && holds(rule.conditions ?? {}, asked);
}

function holds({ method, headers = [], parameters = [] }: RequestConditions, asked: Asked): boolean {
  const isFirst = (among: readonly NamedText[], { name, value }: NamedText): boolean =>
    among.find((each) => each.name === name)?.value === value;
  return (
    (method === undefined || method === asked.method) &&
    headers.every((header) => isFirst(asked.headers, header)) &&
    parameters.every((parameter) => isFirst(asked.parameters, parameter))
  );
}

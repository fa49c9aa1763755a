/** What requests meet at listeners of Gateways. */
import type {
  ListenerHost,
  ListeningPort,
  NamedText,
  PathReplacement,
  RequestConditions,
  RequestRule,
  RequestTarget,
  RouteFilter,
  RouteRedirect,
  RouteShare,
  ShadowedRule,
} from "../../ir/routes.ts";
import { readEndpoints } from "./read-routes.ts";
import { readTlsTable } from "./read-tls.ts";
import {
  byKind,
  fail,
  type JsonPlace,
  list,
  literal,
  object,
  oneOf,
  optional,
  type Reader,
  text,
  whole,
} from "./shape.ts";

const readNamed = object<NamedText>({ name: text, value: text });

const readReplacement = object<PathReplacement>({
  part: oneOf<PathReplacement["part"]>({ all: 1, prefix: 1 }),
  path: text,
});

type HeaderFilter = Extract<RouteFilter, { readonly set: unknown }>;
type Rewrite = Extract<RouteFilter, { readonly kind: "rewrite" }>;

const readHeaders = object<HeaderFilter>({
  kind: oneOf<HeaderFilter["kind"]>({ "request-headers": 1, "response-headers": 1 }),
  set: list(readNamed),
  add: list(readNamed),
  remove: list(text),
});

const readRewrite = object<Rewrite>({
  kind: literal("rewrite"),
  host: optional(text),
  path: optional(readReplacement),
});

function readFilter(json: JsonPlace): RouteFilter {
  const { value } = json;
  const isRewrite = typeof value === "object" && value !== null && "kind" in value && value.kind === "rewrite";
  return isRewrite ? readRewrite(json) : readHeaders(json);
}

/** One of `numbers`. */
function numberOf<T extends number>(...numbers: readonly T[]): Reader<T> {
  return (json) => numbers.find((number) => number === json.value) ?? fail(json, numbers.join(" or "));
}

type Status = Extract<RequestTarget, { readonly kind: "status" }>;

const readStatus = object<{ readonly kind: "status"; readonly status: Status["status"]; readonly reason: string }>({
  kind: literal("status"),
  status: numberOf(404, 500, 503),
  reason: text,
}) as Reader<Status>;

const readShareTarget: Reader<RouteShare["target"]> = byKind<RouteShare["target"]>({
  endpoints: readEndpoints,
  status: readStatus,
});

function readWeight(json: JsonPlace): number {
  const weight = whole()(json);
  return weight > 0 ? weight : fail(json, "a weight above 0");
}

const readTarget = byKind<RequestTarget>({
  endpoints: readEndpoints,
  status: readStatus,
  shares: object<Extract<RequestTarget, { readonly kind: "shares" }>>({
    kind: literal("shares"),
    shares: list(
      object<RouteShare>({ weight: readWeight, target: readShareTarget, filters: optional(list(readFilter)) }),
    ),
  }),
  redirect: object<RouteRedirect>({
    kind: literal("redirect"),
    scheme: oneOf<RouteRedirect["scheme"]>({ http: 1, https: 1 }),
    host: optional(text),
    port: optional(whole()),
    path: optional(readReplacement),
    status: numberOf(301, 302, 303, 307, 308),
  }),
});

const readConditions = object<RequestConditions>({
  method: optional(text),
  headers: optional(list(readNamed)),
  parameters: optional(list(readNamed)),
});

const readRule = object<Omit<RequestRule, "origin">>({
  match: oneOf<RequestRule["match"]>({ exact: 1, prefix: 1 }),
  path: text,
  conditions: optional(readConditions),
  target: readTarget,
  filters: optional(list(readFilter)),
  shadowed: optional(list(object<Omit<ShadowedRule, "origin">>({ target: readTarget }))),
});

export const readListeningPort = object<ListeningPort>({
  port: whole(),
  protocol: oneOf<ListeningPort["protocol"]>({ http: 1, https: 1 }),
  hosts: list(object<Omit<ListenerHost, "origin">>({ host: optional(text), paths: list(readRule) })),
  tls: optional(readTlsTable),
});

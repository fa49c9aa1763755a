/** Whether a request meets the conditions of a rule. */
import type { NamedText, RequestConditions } from "../../compiler/ir/routes.ts";

/** What conditions look at, as it came. */
export interface ConditionalRequest {
  readonly method: string;
  /** The Host header; undefined: there is none. */
  readonly host: string | undefined;
  /** Behind the question mark; undefined: there is none. */
  readonly query: string | undefined;
  readonly headers: Iterable<readonly [name: string, value: string]>;
}

/** Whether all conditions hold. Names of headers are compared without case; the first header and the first parameter of a name count. */
export function areMet(conditions: RequestConditions | undefined, request: ConditionalRequest): boolean {
  if (conditions === undefined) return true;
  const { method, headers = [], parameters = [] } = conditions;
  return (
    (method === undefined || method === request.method) &&
    headers.every(({ name, value }) => headerOf(request, name) === value) &&
    parameters.every((parameter) => isFirst(parameter, request.query))
  );
}

function headerOf({ host, headers }: ConditionalRequest, wanted: string): string | undefined {
  if (wanted === "host") return host;
  for (const [name, value] of headers) if (name.length === wanted.length && name.toLowerCase() === wanted) return value;
  return undefined;
}

/** One without an equals sign has an empty value. */
function isFirst({ name, value }: NamedText, query: string | undefined): boolean {
  if (query === undefined || query === "" || name.includes("=")) return false;
  for (let at = 0; at <= query.length; ) {
    const found = query.indexOf("&", at);
    const end = found < 0 ? query.length : found;
    if (query.startsWith(name, at)) {
      const behind = at + name.length;
      if (behind === end) return value === "";
      if (query[behind] === "=" && behind < end) return query.slice(behind + 1, end) === value;
    }
    at = end + 1;
  }
  return false;
}

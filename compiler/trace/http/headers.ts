/** Headers that people give a request. */
import type { NamedText } from "../../ir/routes.ts";
import type { RequestText } from "../parse.ts";

/** `Name: value`; undefined: it is none. */
export function parseHeader(text: string): NamedText | undefined {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~]*?)[ \t]*$/.exec(text) ?? [];
  return name === undefined || value === undefined ? undefined : { name, value };
}

/** A header `Host`, the first one, apart from the others. */
export function withoutHost(headers: readonly NamedText[]): {
  readonly host: string | undefined;
  readonly others: readonly NamedText[];
} {
  const isHost = ({ name }: NamedText): boolean => name.toLowerCase() === "host";
  return { host: headers.find(isHost)?.value, others: headers.filter((header) => !isHost(header)) };
}

/** The request with more headers. `Host` among them counts in place of what the text says. */
export function withHeaders(request: RequestText, headers: readonly NamedText[]): RequestText {
  const { host = request.host, others } = withoutHost(headers);
  return { ...request, host, headers: [...request.headers, ...others] };
}

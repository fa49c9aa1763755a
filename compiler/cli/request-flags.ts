/** Flags that say what a request has besides its URL. */
import type { NamedText } from "../ir/routes.ts";
import { parseHeader, withHeaders } from "../trace/http/headers.ts";
import type { TraceText } from "../trace/parse.ts";
import { Trouble } from "./trouble.ts";

/** The headers of `-H`, as they are sent. Throws `Trouble` for what is none. */
export function headersOf(flags: readonly string[]): NamedText[] {
  return flags.map((text) => {
    const header = parseHeader(text);
    if (header === undefined) throw new Trouble(`-H ${JSON.stringify(text)}: expected a header, such as 'Version: 2'`);
    return header;
  });
}

/** What is asked, with the headers of `-H`. Throws `Trouble` where there are some, and a packet is asked for. */
export function withHeaderFlags(asked: TraceText, flags: readonly string[] = []): TraceText {
  const headers = headersOf(flags);
  if (headers.length === 0) return asked;
  if (asked.request === undefined) throw new Trouble("-H is for HTTP requests, and this is a packet: leave it out");
  return { request: withHeaders(asked.request, headers) };
}

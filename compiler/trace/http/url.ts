/** From a URL to the request that a client makes of it. */
import type { Report, Source } from "../../diagnostics.ts";
import type { HttpRequest } from "../../evaluate/http-route.ts";
import { parseAddress } from "../../net/address.ts";

/** A request, and the URL without what does not matter. */
export interface UrlRequest {
  readonly request: HttpRequest;
  readonly scheme: "http" | "https";
  /** As the Host header has it. */
  readonly authority: string;
}

/**
 * The request for a URL such as `https://shop.example.com/api?x`, whose scheme may be left out. What stands behind `#` is not sent; all else is sent
 * as it stands. Reports `packet-syntax`.
 */
export function parseUrl(source: Source, report: Report): UrlRequest | undefined {
  const { text } = source;
  const [, scheme = "http", authority = "", rest = ""] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/.exec(text) ?? [];
  const fail = (message: string): undefined => {
    const origin = { span: () => ({ source, start: 0, end: Math.max(1, text.length) }) };
    report({ severity: "error", code: "packet-syntax", message, origin });
  };
  const lower = scheme.toLowerCase();
  if (lower !== "http" && lower !== "https") return fail(`expected http or https, not ${scheme}`);
  if (!/^(?:[A-Za-z0-9._*-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?$/.test(authority))
    return fail("expected a host, such as http://shop.example.com/api");
  const odd = /[^!-~]/.exec(rest)?.[0];
  if (odd !== undefined)
    return fail(`no request has ${JSON.stringify(odd)} in its path: write it as ${encodeURIComponent(odd)}`);
  return { request: { host: authority, target: rest.startsWith("/") ? rest : `/${rest}` }, scheme: lower, authority };
}

/** The name that a client sends in the TLS handshake (SNI): the host of `authority` without port and dot at the end; none for addresses. */
export function serverNameOf(authority: string): string | undefined {
  if (authority.startsWith("[")) return undefined;
  const name = authority.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
  return name === "" || parseAddress(name) !== undefined ? undefined : name;
}

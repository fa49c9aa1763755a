/** From a URL to the request that a client makes of it. */
import type { Report, Source } from "../../diagnostics.ts";
import type { HttpRequest } from "../../evaluate/http-route.ts";
import { familyOf, parseAddress } from "../../net/address.ts";
import { parsePort } from "../../net/port.ts";

/** Offsets in a text: half-open. */
export interface UrlPlace {
  readonly start: number;
  readonly end: number;
}

/** A request, and the URL without what does not matter. */
export interface UrlRequest {
  readonly request: HttpRequest;
  readonly scheme: "http" | "https";
  /** As the URL has it, with the port if there is one. */
  readonly authority: string;
  /** The name or address in that, without brackets. */
  readonly name: string;
  /** That of the scheme where the URL has none. */
  readonly port: number;
}

/**
 * The request for a URL such as `https://shop.example.com/api?x`, whose scheme may be left out. What stands behind `#` is not sent; all else is sent
 * as it stands. `place`: where the URL is in `source`, if it is not all of it. Reports `packet-syntax`.
 */
export function parseUrl(source: Source, report: Report, place?: UrlPlace): UrlRequest | undefined {
  const { start, end } = place ?? { start: 0, end: source.text.length };
  const text = source.text.slice(start, end);
  const [, scheme = "http", authority = "", rest = ""] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/.exec(text) ?? [];
  const fail = (message: string): undefined => {
    const origin = { span: () => ({ source, start, end: Math.max(start + 1, end) }) };
    report({ severity: "error", code: "packet-syntax", message, origin });
  };
  const lower = scheme.toLowerCase();
  if (lower !== "http" && lower !== "https") return fail(`expected http or https, not ${scheme}`);
  const wrong = whyNoAuthority(authority);
  if (wrong !== undefined) return fail(wrong);
  const [, name = "", portText] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const port = portText === undefined ? DEFAULT_PORTS[lower] : parsePort(portText);
  if (port === undefined) return fail(`expected a port from 1 to 65535, found ${portText}`);
  const odd = /[^!-~]/.exec(rest)?.[0];
  if (odd !== undefined)
    return fail(`no request has ${JSON.stringify(odd)} in its path: write it as ${encodeURIComponent(odd)}`);
  const target = rest.startsWith("/") ? rest : `/${rest}`;
  const bare = name.replace(/^\[|\]$/g, "");
  return { request: { host: authority, target }, scheme: lower, authority, name: bare, port };
}

/** Why no request has this host, with or without a port; undefined: it may have it. */
function whyNoAuthority(authority: string): string | undefined {
  if (authority.includes("@")) return `expected a host without user and password: ${authority.replace(/^.*@/, "")}`;
  const [, bracketed] = /^\[(.*)\](?::\d+)?$/.exec(authority) ?? [];
  if (bracketed !== undefined && !isIpv6(bracketed)) return `expected an IPv6 address in brackets, found ${bracketed}`;
  if (bracketed !== undefined || /^[A-Za-z0-9._-]+(?::\d+)?$/.test(authority)) return undefined;
  if (authority === "*") return "expected a URL: a request for * is about the whole proxy, and no rule takes it";
  if (authority.includes("*")) return "expected a host, not a pattern: write a name that the pattern takes";
  const ascii = /[^\0-\x7f]/.test(authority) ? asciiHost(authority) : undefined;
  return ascii === undefined
    ? "expected a host, such as http://shop.example.com/api"
    : `expected a host in ASCII, as requests have it: ${ascii}`;
}

function isIpv6(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && familyOf(address) === "IPv6";
}

/** A name with other letters than ASCII, in the form that DNS and HTTP have (RFC 5891); undefined: it is none. */
function asciiHost(authority: string): string | undefined {
  try {
    return new URL(`http://${authority}`).host;
  } catch (error) {
    if (error instanceof TypeError) return undefined; // no host by the URL standard
    throw error;
  }
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** The name that a client sends in the TLS handshake (SNI): the host of `authority` without port and dot at the end; none for addresses. */
export function serverNameOf(authority: string): string | undefined {
  if (authority.startsWith("[")) return undefined;
  const name = authority.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
  return name === "" || parseAddress(name) !== undefined ? undefined : name;
}

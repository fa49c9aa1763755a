/** What the ingress proxy answers before it looks at the paths of Ingresses. */
import type { CertificateDecision } from "../../evaluate/certificate.ts";
import { hostName, type RouteDecision } from "../../evaluate/http-route.ts";
import { isUnsafePath } from "../../evaluate/path-safety.ts";
import { redirectRows } from "../../formats/haproxy/redirects.ts";
import type { TlsTable } from "../../ir/types.ts";
import type { HaproxySettings } from "../../proxy-settings.ts";
import type { UrlRequest } from "./url.ts";

/** What a proxy answers before it looks at paths; no status: there is no answer. */
export interface EarlyAnswer {
  readonly status: number | undefined;
  /** A clause. */
  readonly reason: string;
}

/** What decides about it besides the request. */
export interface EarlyInput {
  readonly decision: Pick<RouteDecision, "rules">;
  /** Of the TLS handshake; undefined: the request is not encrypted. */
  readonly shown: CertificateDecision | undefined;
  readonly tls: TlsTable | undefined;
  readonly settings: HaproxySettings | undefined;
}

/** In the order of kpc's HAProxy: no certificate for the name in the handshake, an unsafe path, a redirect to https. Undefined: the proxy looks at
 *  the path. */
export function earlyAnswer(
  { request, scheme }: Pick<UrlRequest, "request" | "scheme">,
  { decision: { rules }, shown, tls, settings: { pathSafety, httpsRedirect = false } = {} }: EarlyInput,
): EarlyAnswer | undefined {
  if (shown !== undefined && shown.certificate === undefined)
    return { status: undefined, reason: "the TLS handshake fails: the proxy has no certificate" };
  const [path = ""] = request.target.split("?", 1);
  if (pathSafety === "reject" && isUnsafePath(path))
    return { status: 400, reason: "servers understand the path in different ways (--path-safety reject)" };
  const name = hostName(request.host);
  if (scheme === "https" || rules === undefined || name === undefined || !/^[a-z0-9._-]+$/.test(name)) return undefined;
  const redirected = redirectRows([rules], tls, httpsRedirect, () => undefined);
  if (redirected.size === 0) return undefined;
  return { status: 308, reason: `redirected to https://${name}${request.target}` };
}

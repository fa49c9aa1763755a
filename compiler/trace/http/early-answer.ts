/** What the ingress proxy answers before it looks at paths. */
import type { CertificateDecision } from "../../evaluate/certificate.ts";
import { hostName } from "../../evaluate/http-route.ts";
import type { RequestDecision } from "../../evaluate/listener-route.ts";
import { isUnsafePath } from "../../evaluate/path-safety.ts";
import { redirectRows } from "../../formats/haproxy/redirects.ts";
import type { TlsTable } from "../../ir/routes.ts";
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
  readonly decision: RequestDecision;
  /** Of the TLS handshake; undefined: the request is not encrypted. */
  readonly shown: CertificateDecision | undefined;
  readonly tls: TlsTable | undefined;
  readonly settings: HaproxySettings | undefined;
}

/** In the order of kpc's HAProxy: a closed port, a port of the other protocol, no certificate for the name in the handshake, an unsafe path, a redirect to https. Undefined: the proxy looks at
 *  the path. */
export function earlyAnswer(
  { request, scheme, port }: Pick<UrlRequest, "request" | "scheme" | "port">,
  { decision, shown, tls, settings: { pathSafety, httpsRedirect = false } = {} }: EarlyInput,
): EarlyAnswer | undefined {
  if (decision.isClosed) return { status: undefined, reason: `no Gateway or Ingress is served at port ${port}` };
  const protocol = decision.listener?.protocol ?? scheme;
  if (protocol !== scheme) return MISMATCHES[protocol];
  if (shown !== undefined && shown.certificate === undefined)
    return { status: undefined, reason: "the TLS handshake fails: the proxy has no certificate" };
  const [path = ""] = request.target.split("?", 1);
  if (pathSafety === "reject" && isUnsafePath(path))
    return { status: 400, reason: "servers understand the path in different ways (--path-safety reject)" };
  const name = hostName(request.host);
  if (decision.listener !== undefined) return undefined;
  const { rules } = decision;
  if (scheme === "https" || rules === undefined || name === undefined || !/^[a-z0-9._-]+$/.test(name)) return undefined;
  const redirected = redirectRows([rules], tls, httpsRedirect, () => undefined);
  if (redirected.size === 0) return undefined;
  return { status: 308, reason: `redirected to https://${name}${request.target}` };
}

/** At a port of a Gateway, by its protocol: client and proxy do not understand each other's first bytes. */
const MISMATCHES = {
  http: { status: undefined, reason: "the port takes HTTP, and the TLS handshake fails" },
  https: { status: undefined, reason: "the port takes HTTPS, and the request is not encrypted" },
} as const;

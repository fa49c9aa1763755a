/** `kpc whatis URL`: which rule of an Ingress serves it. */

import { compileSpecs } from "../compile.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { type CertificateDecision, decideCertificate } from "../evaluate/certificate.ts";
import { decideRoute, hostName, type RouteDecision } from "../evaluate/http-route.ts";
import { isUnsafePath } from "../evaluate/path-safety.ts";
import { redirectRows } from "../formats/haproxy/redirects.ts";
import type { Program } from "../ir/types.ts";
import type { HaproxySettings } from "../proxy-settings.ts";
import { type EarlyAnswer, refusedHandshake, renderRoute, routeToJson } from "../trace/http/told.ts";
import { parseUrl, serverNameOf, type UrlRequest } from "../trace/http/url.ts";
import { AddressNames } from "../trace/names.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { type CommonFlags, EXIT, exitCodeOf, inputsOf, optionsOf, print, showDiagnostics } from "./session.ts";

export interface WhatisFlags extends CommonFlags {
  readonly output: "text" | "json";
}

/** Exit code 1 where the proxy answers itself, as with 404. */
export async function whatisCommand(text: string, names: readonly string[], flags: WhatisFlags): Promise<number> {
  const questions: Diagnostic[] = [];
  const url = parseUrl({ name: "url", text }, (diagnostic) => void questions.push(diagnostic));
  if (url === undefined) {
    showDiagnostics(questions, flags);
    return EXIT.trouble;
  }
  const { load, config } = inputsOf(names, flags);
  const { diagnostics, compiled } = compileSpecs(load, config, optionsOf(flags));
  showDiagnostics(aboutIngresses(diagnostics), flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const { program, specs, node } = compiled;
  const decision = decideRoute(program, url.request);
  const shown = url.scheme === "https" ? decideCertificate(program, serverNameOf(url.authority)) : undefined;
  const tell = flags.output === "json" ? routeToJson : renderRoute;
  const early = earlyAnswer(url, program, decision, shown, config.haproxy);
  await print(tell(url, decision, new AddressNames(specs, node), shown, early));
  return early !== undefined || decision.target.kind === "status" ? EXIT.finding : EXIT.fine;
}

/** What the proxy does before it asks which path takes the request; undefined: nothing. */
function earlyAnswer(
  { request, scheme }: UrlRequest,
  { tls }: Program,
  { rules }: RouteDecision,
  shown: CertificateDecision | undefined,
  { pathSafety, httpsRedirect = false }: HaproxySettings = {},
): EarlyAnswer | undefined {
  const refused = refusedHandshake(shown);
  if (refused !== undefined) return refused;
  const [path = ""] = request.target.split("?", 1);
  if (pathSafety === "reject" && isUnsafePath(path))
    return { status: 400, reason: "servers understand the path in different ways (--path-safety reject)" };
  const name = hostName(request.host);
  if (scheme === "https" || rules === undefined || name === undefined || !/^[a-z0-9._-]+$/.test(name)) return undefined;
  const redirected = redirectRows([rules], tls, httpsRedirect, () => undefined);
  if (redirected.size === 0) return undefined;
  return { status: 308, reason: `redirected to https://${name}${request.target}` };
}

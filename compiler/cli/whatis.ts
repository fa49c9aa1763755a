/** `kpc whatis URL`: which rule of an Ingress or an HTTPRoute serves it. Addresses and chains are for whatis-rules.ts. */

import { compileSpecs } from "../compile.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { decideCertificate } from "../evaluate/certificate.ts";
import type { HttpRequest } from "../evaluate/http-route.ts";
import { decideRequest } from "../evaluate/listener-route.ts";
import { parseAddress } from "../net/address.ts";
import { earlyAnswer } from "../trace/http/early-answer.ts";
import { withoutHost } from "../trace/http/headers.ts";
import { withNearRule } from "../trace/http/near-rule.ts";
import { renderRoute, routeToJson } from "../trace/http/told.ts";
import { parseUrl, serverNameOf, type UrlRequest } from "../trace/http/url.ts";
import { AddressNames } from "../trace/names.ts";
import { aboutIngresses } from "./ingress-input.ts";
import type { NodeTablesFlags } from "./node-tables.ts";
import { headersOf } from "./request-flags.ts";
import { EXIT, exitCodeOf, inputsOf, optionsOf, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface WhatisFlags extends NodeTablesFlags {
  readonly output: "text" | "json";
  readonly method: string;
  readonly header?: readonly string[];
}

/** Exit code 1 where the proxy answers itself, as with 404. Throws `Trouble` for what no request has. */
export async function whatisCommand(text: string, names: readonly string[], flags: WhatisFlags): Promise<number> {
  if (isInRules(text)) {
    if (flags.output === "json") throw new Trouble("-o json is for URLs: kpc list -o json prints frontends");
    return await (await import("./whatis-rules.ts")).whatisInRules(text, names, flags);
  }
  if (flags.live) throw new Trouble("--live is for addresses and chains: no rule of the kernel knows URLs");
  const questions: Diagnostic[] = [];
  const parsed = parseUrl({ name: "url", text }, (diagnostic) => void questions.push(diagnostic));
  if (parsed === undefined) {
    showDiagnostics(questions, flags);
    return EXIT.trouble;
  }
  const url = { ...parsed, request: requestOf(parsed, flags) };
  const { load, config } = inputsOf(names, flags);
  const { diagnostics, compiled } = compileSpecs(load, config, optionsOf(flags));
  showDiagnostics(aboutIngresses(diagnostics), flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const { program, specs, node } = compiled;
  const { scheme, port, authority } = url;
  const decision = withNearRule(decideRequest(program, { ...url.request, port }), program.routes, url.request);
  const shown =
    scheme === "https" && !decision.isClosed
      ? decideCertificate(decision.listener ?? program, serverNameOf(authority))
      : undefined;
  const tell = flags.output === "json" ? routeToJson : renderRoute;
  const early = earlyAnswer(url, { decision, shown, tls: program.tls, settings: config.haproxy });
  await print(tell(url, decision, new AddressNames(specs, node), shown, early));
  const { kind } = decision.target;
  return early !== undefined || kind === "status" || kind === "redirect" ? EXIT.finding : EXIT.fine;
}

/** Whether this is an address, ADDRESS:PORT, or a word that could be the name of a chain: no URL without its scheme. */
function isInRules(text: string): boolean {
  return (
    /^(?:[0-9.]+|\[[^\]]*\])(?::[^/]*)?$/.test(text) ||
    parseAddress(text) !== undefined ||
    /^[A-Za-z][\w-]*$/.test(text)
  );
}

/** The request of the URL, with what the flags say. A header `Host` counts in place of the URL's. */
function requestOf({ request }: UrlRequest, { method, header = [] }: WhatisFlags): HttpRequest {
  if (!/^[A-Z]+$/.test(method)) throw new Trouble(`-X ${method}: expected a method of HTTP, such as POST`);
  const { host = request.host, others } = withoutHost(headersOf(header));
  return { ...request, host, method, headers: others };
}

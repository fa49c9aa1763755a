/** `kpc whatis URL`: which rule of an Ingress serves it. */

import { compileSpecs } from "../compile.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { decideCertificate } from "../evaluate/certificate.ts";
import { decideRoute } from "../evaluate/http-route.ts";
import { earlyAnswer } from "../trace/http/early-answer.ts";
import { withNearRule } from "../trace/http/near-rule.ts";
import { renderRoute, routeToJson } from "../trace/http/told.ts";
import { parseUrl, serverNameOf } from "../trace/http/url.ts";
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
  const decision = withNearRule(decideRoute(program, url.request), program.routes, url.request);
  const shown = url.scheme === "https" ? decideCertificate(program, serverNameOf(url.authority)) : undefined;
  const tell = flags.output === "json" ? routeToJson : renderRoute;
  const early = earlyAnswer(url, { decision, shown, tls: program.tls, settings: config.haproxy });
  await print(tell(url, decision, new AddressNames(specs, node), shown, early));
  return early !== undefined || decision.target.kind === "status" ? EXIT.finding : EXIT.fine;
}

/** `kpc check --like CONTROLLER`: what another controller would do otherwise with the Ingresses of the input. */
import { resolveInput } from "../compile.ts";
import { CONTROLLER_STRINGS, type ControllerName } from "../controllers/controllers.ts";
import { findDeviations, findIgnoredAnnotations, findUnreadableRegexes } from "../controllers/findings.ts";
import { controlledIngresses } from "../controllers/ingresses.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import { type CommonFlags, optionsOf } from "./session.ts";

/** `config` with which kpc serves the Ingresses of `controller`: those of its class, if the input has such a class. */
export function servingLike(controller: ControllerName, config: Config, load: (report: Report) => Specs): Config {
  const name = CONTROLLER_STRINGS[controller];
  const { ingressClasses } = load(() => undefined);
  const isThere = ingressClasses.some((each) => each.controller === name);
  return config.ingressController === undefined && isThere ? { ...config, ingressController: name } : config;
}

/** The differences, and the annotations that nobody carries over; none where the input has errors. */
export function findLike(
  controller: ControllerName,
  load: (report: Report) => Specs,
  config: Config,
  flags: CommonFlags,
): readonly Diagnostic[] {
  const { resolved } = resolveInput(load, config, optionsOf(flags), () => []);
  if (resolved === undefined) return [];
  const ingresses = controlledIngresses(resolved.cluster.ingresses, resolved.specs);
  const ofNginx =
    controller === "ingress-nginx" ? [...findUnreadableRegexes(ingresses), ...findIgnoredAnnotations(ingresses)] : [];
  return [...findDeviations(controller, ingresses), ...ofNginx];
}

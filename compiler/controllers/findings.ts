/** What another controller would do otherwise, each with a URL that shows it. */
import type { Diagnostic } from "../diagnostics.ts";
import { behaviourWith, type ControllerName, DEVIATIONS, KPC } from "./controllers.ts";
import { ControllerModel, PREFIX, unreadableRegexes } from "./model.ts";
import { type ProbeUrl, probesFor } from "./probes.ts";
import { type ControlledAnswer, type ControlledIngress, type Deviation, FOLLOWED } from "./types.ts";

/**
 * A warning for each way in which `controller` serves some URL otherwise than kpc does, with one of the shortest such URLs. Reports `controller-differs`, and for
 * annotations that neither kpc nor this comparison follows `annotation-ignored`.
 */
export function findDeviations(controller: ControllerName, ingresses: readonly ControlledIngress[]): Diagnostic[] {
  const deviations = DEVIATIONS[controller];
  const all = probesFor(ingresses);
  const own = new ControllerModel(ingresses, KPC);
  const other = new ControllerModel(ingresses, behaviourWith(deviations));
  const answersOf = (model: ControllerModel, asked: readonly ProbeUrl[]): ControlledAnswer[] =>
    asked.map(({ host, path }) => model.route(host, path));
  const probes = all.filter(({ host, path }) => own.route(host, path).text !== other.route(host, path).text);
  const compared: Compared = { probes, mine: answersOf(own, probes), theirs: answersOf(other, probes) };
  const findings: Diagnostic[] = [];
  for (const deviation of deviations.filter((each) => concerns(each, ingresses))) {
    const base = deviation.beyond === undefined ? [] : [deviation.beyond];
    const without =
      base.length === 0 ? compared.mine : answersOf(new ControllerModel(ingresses, behaviourWith(base)), probes);
    const withIt = answersOf(new ControllerModel(ingresses, behaviourWith([...base, deviation])), probes);
    const shown = probes.flatMap((_, i) => (withIt[i]?.text === without[i]?.text ? [] : [i]));
    findings.push(...findingOf(controller, deviation.does, shown, compared));
  }
  if (findings.length > 0) return findings;
  return findingOf(controller, "does several things otherwise at once", [...probes.keys()], compared);
}

/** Whether it can make a difference: nobody follows an annotation that no Ingress has. */
function concerns({ change, beyond }: Deviation, ingresses: readonly ControlledIngress[]): boolean {
  if (beyond !== undefined && !concerns(beyond, ingresses)) return false;
  const follows = [...(change.follows ?? [])];
  if (follows.length === 0) return true;
  return follows.some((name) => {
    if (name === "ssl-redirect") return ingresses.some(({ tlsHosts }) => tlsHosts.length > 0);
    const names = name === "use-regex" ? [name, "rewrite-target"] : [name];
    return ingresses.some(({ annotations }) => names.some((each) => annotations.has(PREFIX + each)));
  });
}

interface Compared {
  readonly probes: readonly ProbeUrl[];
  readonly mine: readonly ControlledAnswer[];
  readonly theirs: readonly ControlledAnswer[];
}

/** A finding about the first of the differing URLs, with the first of other hosts as notes; none where there is no such URL. */
function findingOf(
  controller: ControllerName,
  does: string,
  [first, ...others]: readonly number[],
  { probes, mine, theirs }: Compared,
): Diagnostic[] {
  const probe = first === undefined ? undefined : probes[first];
  const [yours, kpc] = first === undefined ? [] : [theirs[first], mine[first]];
  if (probe === undefined || yours === undefined || kpc === undefined) return [];
  const byHost = new Map<string, ProbeUrl>();
  for (const i of others) {
    const other = probes[i];
    if (other !== undefined && other.host !== probe.host && !byHost.has(other.host)) byHost.set(other.host, other);
  }
  const more = [...byHost.values()];
  const rest = more.length > MOST_NOTES ? [{ message: `and ${more.length - MOST_NOTES} more hosts` }] : [];
  const origin = yours.origin ?? kpc.origin;
  return [
    {
      severity: "warning",
      code: "controller-differs",
      message: `${urlOf(probe)} ${yours.text} with ${controller}, and ${kpc.text} with kpc: ${controller} ${does}`,
      ...(origin && { origin }),
      notes: [
        ...(kpc.origin === undefined || kpc.origin === origin
          ? []
          : [{ message: "kpc goes by this", origin: kpc.origin }]),
        ...more.slice(0, MOST_NOTES).map((each) => ({ message: `also ${urlOf(each)}` })),
        ...rest,
      ],
    },
  ];
}

const MOST_NOTES = 3;

function urlOf({ host, path }: ProbeUrl): string {
  return `http://${host}${path}`;
}

/** Settings of the annotations that are followed. */
const DETAILS =
  /^canary-(?:by-header(?:-value|-pattern)?|by-cookie|weight(?:-total)?)$|^(?:permanent|temporal)-redirect-code$/;

/** Annotations of ingress-nginx that are not carried over, each name once. */
export function findIgnoredAnnotations(ingresses: readonly ControlledIngress[]): Diagnostic[] {
  const places = new Map<string, ControlledIngress[]>();
  for (const ingress of ingresses)
    for (const key of ingress.annotations.keys()) {
      if (!key.startsWith(PREFIX)) continue;
      const name = key.slice(PREFIX.length);
      if (FOLLOWED.some((each) => each === name) || DETAILS.test(name)) continue;
      places.set(key, [...(places.get(key) ?? []), ingress]);
    }
  return [...places].map(([key, [first, ...others]]) => {
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    const origin = first?.placeOf(key);
    return {
      severity: "warning",
      code: "annotation-ignored",
      message: `annotation ${key} of Ingress ${first?.name}${more} is not carried over: kpc does nothing about it`,
      ...(origin && { origin }),
    };
  });
}

/** Paths that kpc cannot follow as regular expressions. */
export function findUnreadableRegexes(ingresses: readonly ControlledIngress[]): Diagnostic[] {
  return unreadableRegexes(ingresses).map(({ path, origin }) => ({
    severity: "warning",
    code: "controller-differs",
    message: `kpc does not understand ${JSON.stringify(path)} as a regular expression, so it does not know what ingress-nginx sends there`,
    origin,
  }));
}

/** One Service by itself, decoded and joined by the stages that read whole clusters. */
import type { Diagnostic } from "../diagnostics.ts";
import { LIST_CAPACITY } from "../lower/endpoints.ts";
import { resolveServicePorts } from "../model/resolve.ts";
import type { Cluster } from "../model/types.ts";
import { loadSpecs } from "../specs/load.ts";
import type { Specs } from "../specs/types.ts";
import { jsonOfBrief } from "./brief-objects.ts";
import { decodeBrief } from "./decode-brief.ts";

/** What the objects of one Service come to, before other Services have a say. */
export interface DecodedService {
  readonly servicePorts: Cluster["servicePorts"];
  /** Milliseconds since 1970. */
  readonly created: number | undefined;
}

/** `texts`: of a Service and of its slices, brief or JSON. Gives undefined where one of them has an error. */
export function decodeService(
  texts: readonly string[],
  report: (finding: Diagnostic) => void,
): DecodedService | undefined {
  return decodeBrief(texts) ?? decodeJson(texts.map(jsonOfBrief), report);
}

function decodeJson(texts: readonly string[], report: (finding: Diagnostic) => void): DecodedService | undefined {
  let isSound = true;
  const noticing = (finding: Diagnostic): void => {
    if (finding.severity === "error") isSound = false;
    report(finding);
  };
  const specs = specsOf(texts, noticing);
  const [service] = specs.services;
  if (service === undefined || !isSound) return undefined;
  const servicePorts = resolveServicePorts(specs, noticing);
  for (const { candidates, origin } of [...servicePorts.IPv4, ...servicePorts.IPv6])
    if (candidates.length > LIST_CAPACITY) {
      const message = `a Service port has ${candidates.length} endpoints: kpc's rules take ${LIST_CAPACITY}`;
      noticing({ severity: "error", code: "too-many-items", message, origin });
    }
  return isSound ? { servicePorts, created: service.meta.creationTimestamp } : undefined;
}

/** The objects in `texts`. */
export function specsOf(texts: readonly string[], report: (finding: Diagnostic) => void): Specs {
  return loadSpecs(
    texts.map((text) => ({ name: "API server", text })),
    report,
  );
}

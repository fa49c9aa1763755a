/** Ports of health checks, which the iptables mode lets in (README.md, section 8.1). */
import { commented, member, rule, verdict } from "../ir/build.ts";
import type { Rule } from "../ir/types.ts";
import type { ServicePortView } from "../node/view.ts";
import type { Contribution } from "./contribution.ts";
import { dportOf, PORT_COMPONENT } from "./keys.ts";
import { declareSet, type Fragment, type TableShape } from "./shape.ts";

const PORTS = "health-check-node-ports";

export const healthChecks: Fragment = {
  sets: ({ settings }) =>
    settings.mode === "iptables" ? [declareSet(PORTS, "TCP ports of health checks", [PORT_COMPONENT])] : [],
};

/** Several ports of a Service share its health check. */
export function contributeHealthCheck(service: ServicePortView, to: Contribution): void {
  const { namespace, name, healthCheckNodePort: port, origin } = service;
  if (port === undefined) return;
  to.features.add("health-checks");
  to.share(PORTS, port, { key: [port], comment: `${namespace}/${name}`, origin });
}

export function healthCheckRules({ features }: TableShape): Rule[] {
  if (!features.has("health-checks")) return [];
  return [commented("health checks", rule(member(dportOf("tcp"), PORTS), verdict({ kind: "accept" })))];
}

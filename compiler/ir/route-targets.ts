/** Where routes of a program lead. */
import type { RequestTarget, RouteTarget } from "./routes.ts";
import type { Program } from "./types.ts";

/** Each place where a rule of an Ingress or of a Gateway leads to endpoints, in the order of the program; equal ones more than once. */
export function endpointTargets({
  routes,
  listeners = [],
}: Pick<Program, "routes" | "listeners">): Extract<RouteTarget, { readonly kind: "endpoints" }>[] {
  const targets: RequestTarget[] = [
    ...routes.flatMap(({ paths, fallback }) => [...paths.map(({ target }) => target), fallback]),
    ...listeners.flatMap(({ hosts }) => hosts.flatMap(({ paths }) => paths.map(({ target }) => target))),
  ];
  return targets
    .flatMap((target) => (target.kind === "shares" ? target.shares.map((share) => share.target) : [target]))
    .filter((target) => target.kind === "endpoints");
}

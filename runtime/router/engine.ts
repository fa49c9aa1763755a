/** The router as an engine of `kpc test`. */
import {
  changesOf,
  type EndShare,
  type RequestEnd,
  type RequestEngine,
  type RequestOutcome,
} from "../../compiler/expectations/engines/requests.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import { createRouter, type Routing } from "./index.ts";

export const routerEngine: RequestEngine = {
  name: "router",
  unavailable: () => undefined,
  run: async ({ program: { routes, tls, listeners } }, requests) => {
    const router = createRouter(encodeRoutes(routes, { tls, listeners }));
    return requests.map((request): RequestOutcome => {
      const { scheme, port, serverName = "", host, target, method, headers } = request;
      const routing = router.route({
        host,
        path: target,
        port,
        method,
        headers: headers.map(({ name, value }) => [name, value] as const),
        ...(scheme === "https" ? { sni: serverName } : {}),
      });
      const { certificate } = routing;
      const protocol = listeners?.find((each) => each.port === port)?.protocol ?? scheme;
      const end = endOf(routing);
      if (end.kind === "closed") return { end, certificate: undefined };
      if (protocol !== scheme || (scheme === "https" && certificate === undefined))
        return { end: { kind: "refused" }, certificate: undefined };
      const isOne = end.kind === "backend";
      return {
        end,
        certificate,
        ...(isOne ? changesOf(routing.filters ?? [], routing.rule?.path ?? "/", request) : {}),
      };
    });
  },
  close: async () => undefined,
};

function endOf({ backend, status, shares, redirect }: Routing): RequestEnd {
  if (shares !== undefined)
    return { kind: "shares", shares: shares.map((share) => ({ weight: share.weight, end: shareEnd(share) })) };
  if (redirect !== undefined) return { kind: "redirect", ...redirect };
  return backend === undefined && status === undefined ? { kind: "closed" } : shareEnd({ backend, status });
}

function shareEnd({ backend, status }: Pick<Routing, "backend" | "status">): EndShare["end"] {
  return backend === undefined ? { kind: "status", status: status ?? 404 } : { kind: "backend", backend };
}

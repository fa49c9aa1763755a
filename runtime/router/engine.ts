/** The router as an engine of `kpc test`. */
import type { RequestEngine } from "../../compiler/engines/requests.ts";
import { EngineTrouble } from "../../compiler/engines/types.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import { createRouter } from "./index.ts";

export const routerEngine: RequestEngine = {
  name: "router",
  unavailable: () => undefined,
  run: async ({ program: { routes, tls, listeners } }, requests) => {
    if (listeners !== undefined) throw new EngineTrouble("the router does not carry listeners of Gateways");
    const router = createRouter(encodeRoutes(routes, { tls }));
    return requests.map(({ scheme, serverName = "", host, target }) => {
      const { backend, status, certificate } = router.route({
        host,
        path: target,
        ...(scheme === "https" ? { sni: serverName } : {}),
      });
      if (scheme === "https" && certificate === undefined) return { end: { kind: "refused" }, certificate };
      if (backend !== undefined) return { end: { kind: "backend", backend }, certificate };
      return { end: { kind: "status", status: status ?? 404 }, certificate };
    });
  },
  close: async () => undefined,
};

/** Any routes, and any requests: HAProxy does with each what the table says, and the router finds the same. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluateRoute } from "../../compiler/evaluate/http-route.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { createRouter } from "../../runtime/router/index.ts";
import { HaproxyWorld, haproxyMissing } from "../support/haproxy.ts";
import { ROUTES, requestsFor } from "../support/http-routes.ts";

const WORLDS = 25;
const REQUESTS = 800;

describe.skipIf(haproxyMissing !== undefined)("HAProxy, the router and the table of routes agree", () => {
  let haproxy: HaproxyWorld;
  beforeAll(() => {
    haproxy = new HaproxyWorld();
  });
  afterAll(() => haproxy.close());

  test(`about ${WORLDS * REQUESTS} requests to ${WORLDS} random tables`, async () => {
    let served = 0;
    for (let seed = 1; seed <= WORLDS; seed++) {
      const [routes = []] = fc.sample(ROUTES, { seed, numRuns: 1 });
      const requests = fc.sample(requestsFor(routes), { seed, numRuns: REQUESTS });
      const router = createRouter(encodeRoutes(routes));
      const { files, unsupported } = printHaproxy(routes);
      expect(unsupported).toEqual([]);
      const { said, answers } = await haproxy.ask(files, requests);
      expect([seed, said]).toEqual([seed, []]);
      for (const [i, request] of requests.entries()) {
        const target = evaluateRoute({ routes }, request);
        const wanted =
          target.kind === "status"
            ? { status: target.status }
            : { status: 200, server: target.endpoints.map(({ address }) => printAddress(address))[0] };
        const { status: told, server } = answers[i] ?? { status: 0 };
        const seen = server === undefined ? { status: told } : { status: told, server };
        const { status = 200, endpoints } = router.route({ host: request.host, path: request.target });
        const routed = status === 200 ? { status, server: endpoints[0]?.address } : { status };
        expect([seed, request, seen, routed]).toEqual([seed, request, wanted, wanted]);
        if (target.kind === "endpoints") served++;
      }
    }
    expect(served).toBeGreaterThan((WORLDS * REQUESTS) / 3);
  });
});

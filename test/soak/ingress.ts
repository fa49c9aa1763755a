/**
 * HTTP requests on three judges: the routes of a program, the router with their table, and a HAProxy with their files.
 *
 *   npm run soak:ingress -- [--requests 1000000] [--each 4000] [--minutes 60] [--seed N]
 *
 * Random tables of routes, with `--each` requests for each: hosts and paths near those of the table, with dots, encoded slashes, empty elements,
 * and long ones. And random listeners of Gateways, with conditions, shares, redirects and filters. HAProxy runs in a network namespace; the server behind it says at which endpoint a request came. The soak ends with the first of
 * both bounds, after a whole table.
 *
 * Needs haproxy, iproute2, and root or user namespaces. Exit code 1 when anything disagrees: the table's seed, the request and what each judge
 * says are printed.
 */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { evaluateRoute } from "../../compiler/evaluate/http-route.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { ProxyWorld, whyNoProxy } from "../../runtime/haproxy/proxy-world.ts";
import { createRouter } from "../../runtime/router/index.ts";
import { HOSTILE_LISTENERS } from "../support/hostile-listeners.ts";
import { ROUTES, requestsFor } from "../support/http-routes.ts";
import { endsOf, placeOf, portRequestsFor, routedEnds, seenOf } from "../support/listener-requests.ts";
import { LISTENERS } from "../support/listeners.ts";
import { sayNowAndThen } from "../support/soak-workers.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "1000000" },
    each: { type: "string", default: "4000" },
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
const reason = whyNoProxy();
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exit(1);
}

const wanted = Number(values.requests);
const each = Number(values.each);
const first = Number(values.seed);
const end = performance.now() + Number(values.minutes) * 60_000;
const world = new ProxyWorld();
let tables = 0;
let done = 0;
let served = 0;
let wrong = 0;
const say = sayNowAndThen(() => `${tables} tables, ${done} requests, ${wrong} differences`);

while (done < wanted && performance.now() < end && wrong < 20) {
  const seed = first + tables++;
  await soakRoutes(seed);
  await soakListeners(seed);
  say();
}
await world.close();
console.log(
  `seed ${first}: ${tables} tables, ${done} requests, ${served} of them served by a backend: ${wrong} differences`,
);
process.exitCode = wrong > 0 || served < done / 5 ? 1 : 0;

/** A table of Ingresses. */
async function soakRoutes(seed: number): Promise<void> {
  const [routes = []] = fc.sample(ROUTES, { seed, numRuns: 1 });
  const requests = fc.sample(requestsFor(routes), { seed, numRuns: each });
  const router = createRouter(encodeRoutes(routes));
  const asked = requests.map(({ host, target }) => ({
    method: "GET",
    scheme: "http" as const,
    serverName: undefined,
    port: 80,
    headers: [],
    host,
    target,
  }));
  const outcomes = await world.ask(printHaproxy(routes).files, [8080], asked);
  for (const [i, request] of requests.entries()) {
    const target = evaluateRoute({ routes }, request);
    const said = {
      routes:
        target.kind === "status"
          ? String(target.status)
          : target.endpoints.map(({ address }) => printAddress(address)).join(),
      router: routed(router.route({ host: request.host, path: request.target })),
      haproxy: String(outcomes[i]?.address ?? outcomes[i]?.status),
    };
    if (target.kind === "endpoints") served++;
    if (said.routes === said.router && said.routes === said.haproxy) continue;
    wrong++;
    console.log(`WRONG: seed ${seed}: ${JSON.stringify(request)}: ${JSON.stringify(said)}`);
  }
  done += requests.length;
}

/** Listeners of Gateways with a quarter as many requests, and what backends and clients see. */
async function soakListeners(seed: number): Promise<void> {
  const [listeners = []] = fc.sample(seed % 2 === 0 ? LISTENERS : HOSTILE_LISTENERS, { seed, numRuns: 1 });
  const requests = fc.sample(portRequestsFor(listeners), { seed, numRuns: Math.ceil(each / 4) });
  const router = createRouter(encodeRoutes([], { listeners }));
  const outcomes = await world.ask(printHaproxy([], { listeners }).files, [8080], requests);
  for (const [i, request] of requests.entries()) {
    const ends = endsOf(listeners, request).map((each) => each.end);
    const seen = outcomes[i] && seenOf(outcomes[i]);
    const routed = routedEnds(router, request);
    if (seen?.address !== undefined) served++;
    const isSeen = ends.some((wanted) => JSON.stringify(wanted) === JSON.stringify(seen));
    if (isSeen && routed.join() === ends.map(placeOf).join()) continue;
    wrong++;
    const said = { listeners: ends, router: routed, haproxy: seen };
    console.log(`WRONG: seed ${seed}: ${JSON.stringify(request)}: ${JSON.stringify(said)}`);
  }
  done += requests.length;
}

function routed({ status, endpoints }: ReturnType<ReturnType<typeof createRouter>["route"]>): string {
  return status === undefined ? endpoints.map(({ address }) => address).join() : String(status);
}

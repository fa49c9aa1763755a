/** The router finds what the reference finds at listeners of Gateways, and takes no damaged text of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decideRequest } from "../../compiler/evaluate/listener-route.ts";
import { locationOf } from "../../compiler/evaluate/request-changes.ts";
import type { AskedRequest } from "../../compiler/expectations/engines/requests.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import type { HostRoutes, ListeningPort, RequestTarget } from "../../compiler/ir/routes.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { createRouter, type Routing, TableError } from "../../runtime/router/index.ts";
import { ROUTES } from "../support/http-routes.ts";
import { portRequestsFor } from "../support/listener-requests.ts";
import { LISTENERS } from "../support/listeners.ts";
import { runs } from "../support/runs.ts";

/** What the reference says, in the form of the router. */
function decided(routes: readonly HostRoutes[], listeners: readonly ListeningPort[], request: AskedRequest): object {
  const decision = decideRequest({ routes, listeners }, request);
  if (decision.isClosed) return { backend: undefined, endpoints: [], status: undefined, rule: undefined };
  const { rules, matching, target } = decision;
  const [first] = matching;
  const filters = first?.filters ?? [];
  const rule = first && { host: rules?.host, match: first.match, path: first.path, origin: undefined };
  switch (target.kind) {
    case "endpoints":
    case "status":
      return { ...endOf(target), ...(filters.length === 0 ? {} : { filters }), rule };
    case "shares": {
      const shares = target.shares.map((share) => {
        const all = [...filters, ...(share.filters ?? [])];
        return { weight: share.weight, ...endOf(share.target), ...(all.length === 0 ? {} : { filters: all }) };
      });
      return { backend: undefined, endpoints: [], status: undefined, shares, rule };
    }
    case "redirect": {
      const redirect = { status: target.status, location: locationOf(target, first?.path ?? "/", request) };
      return {
        backend: undefined,
        endpoints: [],
        status: undefined,
        redirect,
        ...(filters.length === 0 ? {} : { filters }),
        rule,
      };
    }
  }
}

function endOf(target: Extract<RequestTarget, { readonly kind: "endpoints" | "status" }>): object {
  if (target.kind === "status") return { backend: undefined, endpoints: [], status: target.status };
  const endpoints = target.endpoints.map(({ address, port }) => ({ address: printAddress(address), port }));
  return { backend: target.backend, endpoints, status: undefined };
}

function askedOf(router: ReturnType<typeof createRouter>, request: AskedRequest): Routing {
  const { host, target, port, method, headers } = request;
  return router.route({
    host,
    path: target,
    port,
    method,
    headers: headers.map(({ name, value }) => [name, value] as const),
  });
}

test("the router finds what the reference finds", () => {
  let served = 0;
  let asked = 0;
  const world = fc.tuple(LISTENERS, fc.oneof(fc.constant<HostRoutes[]>([]), ROUTES)).chain(([listeners, routes]) =>
    fc.record({
      listeners: fc.constant(listeners),
      routes: fc.constant(routes),
      requests: fc.array(portRequestsFor(listeners), { minLength: 20, maxLength: 60 }),
      elsewhere: fc.constantFrom(80, 81, 8080),
    }),
  );
  fc.assert(
    fc.property(world, ({ listeners, routes, requests, elsewhere }) => {
      const router = createRouter(encodeRoutes(routes, { listeners }));
      for (const each of requests)
        for (const request of [each, { ...each, port: elsewhere }]) {
          const { why, certificate: _, ...found } = askedOf(router, request);
          const rule = found.rule && { ...found.rule, origin: undefined };
          expect([request, { ...found, rule }]).toEqual([request, decided(routes, listeners, request)]);
          expect(why).toMatch(/./);
          asked++;
          if (found.rule !== undefined) served++;
        }
    }),
    { numRuns: runs(800) },
  );
  expect(served).toBeGreaterThan(asked / 10);
});

test("a table whose text of listeners is another one is refused", () => {
  const [listeners = []] = fc.sample(LISTENERS, { seed: 3, numRuns: 1 });
  const [first] = listeners;
  const wrong: unknown[] = [
    { ...first, port: -1 },
    { ...first, protocol: "tcp" },
    {
      ...first,
      hosts: [{ paths: [{ match: "regex", path: "/", target: { kind: "status", status: 404, reason: "" } }] }],
    },
    {
      ...first,
      hosts: [
        {
          paths: [
            {
              match: "exact",
              path: "/",
              target: { kind: "shares", shares: [{ weight: 0, target: { kind: "status", status: 500, reason: "" } }] },
            },
          ],
        },
      ],
    },
    { ...first, more: 1 },
  ];
  for (const each of wrong) {
    const hosts = (each as ListeningPort).hosts ?? [];
    // The encoder writes what it is given; who reads the table checks it.
    const table = encodeRoutes([], { listeners: [{ ...(each as ListeningPort), hosts }] });
    expect(() => createRouter(table), JSON.stringify(each)).toThrow(TableError);
  }
});

test("requests with one outcome get the same object", () => {
  const target = { kind: "status", status: 500, reason: "no Service" } as const;
  const listeners: ListeningPort[] = [
    { port: 80, protocol: "http", hosts: [{ host: "*.a.example", paths: [{ match: "prefix", path: "/", target }] }] },
  ];
  const router = createRouter(encodeRoutes([], { listeners }));
  const route = (host: string, port?: number) =>
    router.route({ host, path: "/", ...(port === undefined ? {} : { port }) });
  expect(route("x.a.example")).toBe(route("X.y.a.example:80"));
  expect(route("x.a.example")).toMatchObject({
    status: 500,
    why: "a listener takes *.a.example, and / is the longest prefix of the path: 500, no Service",
  });
  expect(route("a.example").why).toBe("no listener at port 80 takes the host: 404");
  expect(route("a.example", 81)).toMatchObject({ status: undefined, why: "nothing listens at port 81" });
  expect(() => router.route({ host: "a", path: "/", port: "80" as never })).toThrow(TypeError);
  expect(() => router.route({ host: "a", path: "/", headers: 1 as never })).toThrow(TypeError);
});

/** The router does what the evaluator says, for any routes and requests, and takes no table that is not whole. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideCertificate } from "../../compiler/evaluate/certificate.ts";
import { decideRoute, type HttpRequest } from "../../compiler/evaluate/http-route.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import * as L from "../../compiler/formats/router/layout.ts";
import { checksumOf } from "../../compiler/formats/tables/bytes.ts";
import type { HostRoutes, RouteTarget } from "../../compiler/ir/routes.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { createRouter, type Routing, TableError } from "../../runtime/router/index.ts";
import { ROUTES, requestsFor } from "../support/http-routes.ts";
import { hostileRequestsFor, UNORDERED_ROUTES } from "../support/odd-routes.ts";
import { runs } from "../support/runs.ts";

/** What both say of a request, in one form. */
function decided(routes: readonly HostRoutes[], request: HttpRequest): object {
  const { rules, matching, target } = decideRoute({ routes }, request);
  const [first] = matching;
  return { ...targetOf(target), rule: first && { host: rules?.host, match: first.match, path: first.path } };
}

function targetOf(target: RouteTarget): object {
  if (target.kind === "status") return { backend: undefined, endpoints: [], status: target.status };
  const endpoints = target.endpoints.map(({ address, port }) => ({ address: printAddress(address), port }));
  return { backend: target.backend, endpoints, status: undefined };
}

function routed({ backend, endpoints, status, rule }: Routing): object {
  return { backend, endpoints, status, rule: rule && { host: rule.host, match: rule.match, path: rule.path } };
}

describe("the router finds what the evaluator finds", () => {
  const worldWith = (
    routes: fc.Arbitrary<HostRoutes[]>,
    requests: (routes: readonly HostRoutes[]) => fc.Arbitrary<HttpRequest>,
  ): fc.Arbitrary<{ readonly routes: HostRoutes[]; readonly asked: HttpRequest[] }> =>
    routes.chain((each) =>
      fc.record({ routes: fc.constant(each), asked: fc.array(requests(each), { minLength: 20, maxLength: 60 }) }),
    );

  test.each([
    ["routes as lowered", worldWith(ROUTES, requestsFor)],
    ["routes in any order, with any hosts and paths", worldWith(UNORDERED_ROUTES, hostileRequestsFor)],
  ])("%s", (_, world) => {
    let served = 0;
    let asked = 0;
    fc.assert(
      fc.property(world, (each) => {
        const router = createRouter(encodeRoutes(each.routes));
        for (const request of each.asked) {
          const routing = router.route({ host: request.host, path: request.target });
          expect([request, routed(routing)]).toEqual([request, decided(each.routes, request)]);
          asked++;
          if (routing.rule !== undefined) served++;
        }
      }),
      { numRuns: runs(2000) },
    );
    expect(served).toBeGreaterThan(asked / 10);
  });
});

test("the router shows the certificates that the evaluator shows", () => {
  const [a, b] = ["ns/a", "ns/b"].map((name) => ({ name, names: [], notBefore: 0, notAfter: 1 }));
  const name = fc.oneof(
    fc.constantFrom("", "a", "a.b", "b", "x.a.b", ".b", "a.", "*.b", "*"),
    fc.string({ maxLength: 4 }),
  );
  const host = fc.record({
    host: fc.oneof(
      name,
      name.map((each) => `*.${each}`),
    ),
    certificate: fc.constantFrom("ns/a", "ns/b"),
  });
  let shown = 0;
  fc.assert(
    fc.property(fc.array(host, { maxLength: 6 }), fc.boolean(), fc.array(name), (hosts, hasFallback, asked) => {
      const tls = {
        certificates: [a, b].flatMap((each) => each ?? []),
        hosts,
        ...(hasFallback ? { fallback: "ns/b" } : {}),
      };
      const router = createRouter(encodeRoutes([], { tls }));
      for (const sni of [
        ...asked,
        ...hosts.flatMap((each) => [each.host, each.host.toUpperCase(), each.host.replace("*", "x")]),
      ]) {
        const { certificate } = router.route({ path: "/", sni });
        expect([sni, certificate]).toEqual([sni, decideCertificate({ tls }, sni).certificate?.name]);
        if (certificate === "ns/a") shown++;
      }
    }),
    { numRuns: runs(1000) },
  );
  expect(shown).toBeGreaterThan(runs(500));
});

describe("a table of routes", () => {
  const [routes = []] = fc.sample(ROUTES, { numRuns: 1, seed: 9 });
  const table = encodeRoutes(routes, { source: "a test" });

  test("with any byte changed, or cut off, is refused", () => {
    const router = createRouter(table);
    expect(table.length).toBeGreaterThan(2000);
    for (let at = 0; at < table.length; at++) {
      const copy = table.slice();
      copy[at] = (copy[at] as number) ^ (1 << (at & 7));
      expect(() => router.replace(copy), `byte ${at}`).toThrow(TableError);
    }
    for (let length = 0; length < table.length; length++)
      expect(() => router.replace(table.subarray(0, length)), `${length} bytes`).toThrow(TableError);
    expect(router.source).toBe("a test");
  });

  test("with other words and a checksum that fits is refused, or leads nowhere else", () => {
    const found = { refused: 0, used: 0 };
    const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 4096 }));
    const place = fc.oneof(
      fc.integer({ min: L.R_CHECKSUM + 1, max: L.R_HEADER_WORDS - 1 }),
      fc.integer({ min: L.R_CHECKSUM + 1, max: table.length / 4 - 1 }),
    );
    const requests = fc.sample(requestsFor(routes), { numRuns: 50, seed: 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(place, word), { minLength: 1, maxLength: 3 }), (changes) => {
        const copy = table.slice();
        const view = new DataView(copy.buffer);
        for (const [at, value] of changes) view.setUint32(at * 4, value, true);
        view.setUint32(L.R_CHECKSUM * 4, checksumOf(copy, (L.R_CHECKSUM + 1) * 4), true);
        try {
          const router = createRouter(copy);
          for (const { host, target } of requests) expect(router.route({ host, path: target }).why).toMatch(/./);
          found.used++;
        } catch (error) {
          if (!(error instanceof TableError)) throw error;
          found.refused++;
        }
      }),
      { numRuns: runs(8000) },
    );
    expect(found.refused).toBeGreaterThan(runs(800));
    expect(found.used).toBeGreaterThan(runs(800));
  });
});

/** A URL that kpc says tells two sets of routes apart does so with a real HAProxy, and what is equal is so there. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareUrls } from "../../compiler/compare/urls/compare.ts";
import type { ServedUrl } from "../../compiler/compare/urls/types.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import type { HostRoutes } from "../../compiler/ir/routes.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { type HaproxyAnswer, HaproxyWorld, haproxyMissing } from "../support/haproxy.ts";
import { ROUTES } from "../support/http-routes.ts";
import { EVERYTHING } from "../support/runs.ts";

/** What HAProxy answers where `served` serves a URL. */
function expectedOf({ target }: ServedUrl): unknown {
  if (target.kind === "endpoints")
    return { status: 200, server: target.endpoints.map(({ address }) => printAddress(address))[0] };
  return { status: target.kind === "status" ? target.status : undefined };
}

function seen({ status, server }: HaproxyAnswer): unknown {
  return server === undefined ? { status } : { status, server };
}

/** `routes` without half of the paths of each host, and with another fallback where it has none. */
function changed(routes: readonly HostRoutes[], at: number): HostRoutes[] {
  return routes.map((rules) => {
    if (rules.paths.length > 0) return { ...rules, paths: rules.paths.filter((_, i) => (i + at) % 2 === 0) };
    return { ...rules, fallback: { kind: "status", status: 503, reason: "changed" } };
  });
}

const ROUNDS = EVERYTHING ? 10 : 1;

describe.skipIf(haproxyMissing !== undefined)("URLs that tell routes apart", () => {
  let haproxy: HaproxyWorld;
  beforeAll(() => {
    haproxy = new HaproxyWorld();
  });
  afterAll(() => haproxy.close());

  test(`are served by HAProxy as kpc says on both sides, in ${ROUNDS} rounds`, async () => {
    let asked = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const [left = []] = fc.sample(ROUTES, { seed, numRuns: 1 });
      const right = changed(left, seed);
      const [a, b] = [left, right].map((routes) => ({ routes, knowsEndpoints: true, rejectsUnsafe: false }));
      if (a === undefined || b === undefined) return expect.unreachable();
      const shown = compareUrls(a, b).differences.slice(0, 40);
      const requests = shown.map(({ example }) => {
        const slash = example.indexOf("/");
        return { host: example.slice(0, slash), target: example.slice(slash) };
      });
      for (const [routes, side] of [
        [left, "left"],
        [right, "right"],
      ] as const) {
        const { said, answers } = await haproxy.ask(printHaproxy(routes).files, requests);
        expect(said).toEqual([]);
        expect(shown.map(({ example }, i) => [example, answers[i] && seen(answers[i])])).toEqual(
          shown.map((each) => [each.example, expectedOf(each[side])]),
        );
      }
      asked += shown.length;
    }
    expect(asked).toBeGreaterThan(ROUNDS * 5);
  });
});

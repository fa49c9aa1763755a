/** HAProxy does with requests to listeners of Gateways what the reference says: who gets them, and what backend and client see. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import type { ListeningPort } from "../../compiler/ir/routes.ts";
import { ProxyWorld } from "../../runtime/haproxy/proxy-world.ts";
import { createRouter } from "../../runtime/router/index.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { HOSTILE_LISTENERS } from "../support/hostile-listeners.ts";
import { endsOf, placeOf, portRequestsFor, routedEnds, seenOf } from "../support/listener-requests.ts";
import { LISTENERS } from "../support/listeners.ts";
import { EVERYTHING } from "../support/runs.ts";

const WORLDS = EVERYTHING ? 10 : 1;
const REQUESTS = EVERYTHING ? 500 : 200;

describe.skipIf(haproxyMissing !== undefined)("listeners of Gateways in HAProxy", () => {
  let world: ProxyWorld;
  beforeAll(() => {
    world = new ProxyWorld();
  });
  afterAll(() => world.close());

  test.each([
    ["as lowered", LISTENERS],
    ["in any order, with hostile texts", HOSTILE_LISTENERS],
  ])(`${REQUESTS} requests each to ${WORLDS} random sets of listeners, %s`, async (_, arbitrary) => {
    let served = 0;
    for (let seed = 1; seed <= WORLDS; seed++) {
      const [listeners = []] = fc.sample(arbitrary, { seed, numRuns: 1 });
      const requests = fc.sample(portRequestsFor(listeners), { seed, numRuns: REQUESTS });
      const { files, unsupported } = printHaproxy([], { listeners });
      expect(unsupported).toEqual([]);
      const router = createRouter(encodeRoutes([], { listeners }));
      const outcomes = await world.ask(files, [8080], requests);
      for (const [i, request] of requests.entries()) {
        const seen = outcomes[i] && seenOf(outcomes[i]);
        const ends = endsOf(listeners, request).map(({ end }) => end);
        expect([seed, request, seen]).toEqual([seed, request, expect.toBeOneOf(ends)]);
        expect([seed, request, routedEnds(router, request)]).toEqual([seed, request, ends.map(placeOf)]);
        if (seen?.address !== undefined) served++;
      }
    }
    expect(served).toBeGreaterThan((WORLDS * REQUESTS) / 10);
  });

  test("shares get their parts of requests", async () => {
    const weights = [10, 30, 0.5, 59.5].map((percent) => percent * 10);
    const share = (weight: number, n: number) => ({
      weight,
      target: {
        kind: "endpoints" as const,
        backend: `ns/s-${n}:80`,
        endpoints: [{ address: (0x0a010001 + n) as never, port: 8080 }],
      },
    });
    const listeners: ListeningPort[] = [
      {
        port: 8080,
        protocol: "http",
        hosts: [{ paths: [{ match: "prefix", path: "/", target: { kind: "shares", shares: weights.map(share) } }] }],
      },
    ];
    const { files } = printHaproxy([], { listeners });
    const request = {
      method: "GET",
      scheme: "http" as const,
      port: 8080,
      serverName: undefined,
      host: "a",
      target: "/",
      headers: [],
    };
    const outcomes = await world.ask(
      files,
      [8080],
      Array.from({ length: 2000 }, () => request),
    );
    for (const [n, weight] of weights.entries()) {
      const got = outcomes.filter(({ address }) => address === `10.1.0.${n + 1}`).length;
      // Six standard deviations.
      const [mean, deviation] = [2 * weight, Math.sqrt((2 * weight * (1000 - weight)) / 1000)];
      expect(Math.abs(got - mean)).toBeLessThan(6 * deviation + 1);
    }
    expect(
      files
        .get("haproxy.cfg")
        ?.split("\n")
        .filter((line) => line.includes("rand(")),
    ).toEqual([
      expect.stringContaining("{ rand(1000) lt 100 }"),
      expect.stringContaining("{ rand(900) lt 300 }"),
      expect.stringContaining("{ rand(600) lt 5 }"),
    ]);
  });
});

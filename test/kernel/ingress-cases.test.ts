/** Cases of Gateways and Ingresses on all engines that answer requests: the routes, the router, and a HAProxy with the files that kpc prints. All of
 *  them in `npm run test:all`. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { casesIn } from "../../compiler/cli/test.ts";
import { compileRequestCase } from "../../compiler/cli/test-requests.ts";
import { irRequestEngine, type RequestEngine } from "../../compiler/expectations/engines/requests.ts";
import { runInvalid, runRequestCase } from "../../compiler/expectations/requests/run.ts";
import { HaproxyEngine } from "../../runtime/haproxy/engine.ts";
import { routerEngine } from "../../runtime/router/engine.ts";
import { some } from "../support/runs.ts";
import { readCases } from "../support/shared.ts";

const CASES = some(
  [...readCases("gateway"), ...readCases("ingress")].flatMap((source) =>
    [...casesIn(source)].map(({ testCase, path, diagnostics }) => {
      if (testCase === undefined || !("requests" in testCase)) throw new Error(`${path}: ${diagnostics[0]?.message}`);
      return { name: testCase.name, testCase, path };
    }),
  ),
  8,
);

/** All requests, and each error of an Ingress that is invalid. */
const EXPECTED = CASES.flatMap(({ testCase: { requests, invalid } }) => [
  ...requests,
  ...invalid.flatMap(({ errors }) => errors),
]).length;

describe.each<[string, () => RequestEngine]>([
  ["ir", () => irRequestEngine],
  ["router", () => routerEngine],
  ["haproxy", () => new HaproxyEngine()],
])("engine %s", (_, make) => {
  let engine: RequestEngine;
  let passed = 0;
  beforeAll(() => {
    engine = make();
  });
  afterAll(() => engine.close());

  test.each(CASES)("$name", async ({ testCase, path }) => {
    const { compiled, diagnostics } = compileRequestCase(testCase, path, {});
    if (compiled === undefined) throw new Error(diagnostics[0]?.message);
    const results = [...(await runRequestCase(testCase, compiled, engine)), ...runInvalid(testCase, engine.name)];
    expect(results.length).toBeGreaterThan(0);
    const reason = engine.unavailable();
    if (reason !== undefined && testCase.requests.length > 0) {
      console.warn(`skipped: engine ${engine.name}: ${reason}`);
      expect(new Set(results.map(({ status, reason: told }) => `${status} ${told}`))).toContain(`skip ${reason}`);
      return;
    }
    expect(results.filter(({ status }) => status !== "pass").map(({ flow, reason }) => `${flow}: ${reason}`)).toEqual(
      [],
    );
    passed += results.length;
  });

  test("answered all requests", () => {
    if (engine.unavailable() === undefined) expect(passed).toBe(EXPECTED);
  });
});

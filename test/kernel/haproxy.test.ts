/** HAProxy does with requests what the table of routes says: cases as data, and a proxy with the configuration that kpc prints. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { compileSpecs } from "../../compiler/compile.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import { evaluateRoute, type HttpRequest } from "../../compiler/evaluate/http-route.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import type { Program, RouteTarget } from "../../compiler/ir/types.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { loadObjects } from "../../compiler/specs/load.ts";
import { type HaproxyAnswer, HaproxyWorld, haproxyMissing } from "../support/haproxy.ts";
import { type IngressCase, worldOf } from "../support/ingress-cases.ts";
import { readCases } from "../support/shared.ts";

function compileWorld(name: string, world: IngressCase): Program {
  const [document] = readDocuments({ name, text: JSON.stringify(worldOf(world)) }, () => undefined);
  const nodes = document === undefined ? [] : Field.root(document).items();
  const { compiled } = compileSpecs((report) => loadObjects(nodes, report), {
    ingressController: world.controller ?? "example.com/kpc",
  });
  return compiled?.program ?? expect.unreachable(name);
}

/** What HAProxy does when it does what `target` says. */
function expectedOf(target: RouteTarget): unknown {
  if (target.kind === "status") return { status: target.status };
  return { status: 200, server: expect.toBeOneOf(target.endpoints.map(({ address }) => printAddress(address))) };
}

function seen({ status, server }: HaproxyAnswer): unknown {
  return server === undefined ? { status } : { status, server };
}

describe.skipIf(haproxyMissing !== undefined)("HAProxy serves requests as the routes say", () => {
  let haproxy: HaproxyWorld;
  beforeAll(() => {
    haproxy = new HaproxyWorld();
  });
  afterAll(() => haproxy.close());

  const cases = readCases("ingress").flatMap(({ name, text }) => {
    const world = parse(text) as IngressCase;
    return world.requests === undefined || world.externalNames === true ? [] : [{ name, world }];
  });

  test.each(cases)("$name", async ({ name, world }) => {
    const program = compileWorld(name, world);
    const requests: HttpRequest[] = (world.requests ?? []).map(({ host, path }) => ({ host, target: path }));
    const { said, answers } = await haproxy.ask(printHaproxy(program.routes).files, requests);
    expect(said).toEqual([]);
    expect(requests.map((request, i) => [request, answers[i] && seen(answers[i])])).toEqual(
      requests.map((request) => [request, expectedOf(evaluateRoute(program, request))]),
    );
  });
});

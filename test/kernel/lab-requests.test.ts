/** HTTP requests go through the ingress proxy of a lab, HAProxy with kpc's configuration, as predicted. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sessionInput } from "../../compiler/cli/lab-cases.ts";
import { labIngressOf, labRequestOf } from "../../compiler/cli/lab-ingress.ts";
import { labFlowToData, resultOfFlow } from "../../compiler/cli/lab-results.ts";
import { renderLabFlow } from "../../compiler/cli/lab-text.ts";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { required } from "../../compiler/invariant.ts";
import { jsonText } from "../../compiler/json-output.ts";
import { type AskedFlow, resolveAsked } from "../../compiler/trace/asked.ts";
import { parseTraceText } from "../../compiler/trace/parse.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import { compareWalk, disagreementIn } from "../../runtime/lab/compare-walk.ts";
import { type LabFlow, makeFlow } from "../../runtime/lab/run.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import { makeCertificate, tlsSecret } from "../support/certificates.ts";
import { inFolder, kpcProcess } from "../support/cli.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { accepts, type JsonSchema } from "../support/json-schema.ts";
import { EVERYTHING } from "../support/runs.ts";
import { describeSources, SHOP_CLUSTER, SHOP_MANIFESTS } from "../support/shop-example.ts";

const SCHEMA = JSON.parse(readFileSync("schemas/lab.schema.json", "utf8")) as JsonSchema;

const fail = ({ message }: Diagnostic): never => {
  throw new Error(message);
};

describe.skipIf(haproxyMissing !== undefined)("requests in a lab", () => {
  const described = describeSources([...SHOP_MANIFESTS, SHOP_CLUSTER]);
  const { input, layout } = described;
  let session: LabSession;
  beforeAll(async () => {
    const ingress = required(labIngressOf(described), "the shop has an ingress proxy");
    session = await LabSession.open(sessionInput(described), { ingress, isHttp: true });
  });
  afterAll(() => session.close());

  function resolved(text: string): AskedFlow {
    const parsed = parseTraceText({ name: "flow", text }, fail);
    return required(parsed && resolveAsked(parsed, { ...input, layout }, fail), text);
  }

  async function make(text: string): Promise<LabFlow> {
    const asked = resolved(text);
    return makeFlow(session, asked.flow, EVERYTHING ? undefined : 2, labRequestOf(asked));
  }

  const differences = ({ attempts }: LabFlow): unknown[] =>
    attempts.map(({ comparison }) => comparison && disagreementIn(comparison));

  test.each([
    ["GET http://shop.example.com/api/orders?id=1", /^pod\/shop\/api-/],
    ["web-1 > POST http://shop.example.com/cart", /^pod\/shop\/web-/],
    ["GET http://[2001:db8:50::50]/api Host: shop.example.com", /^pod\/shop\/api-/],
    ["node/node-1 > GET http://shop.example.com/", /^pod\/shop\/web-/],
  ] as const)("go on to a pod, which is told of the client: %s", async (text, pods) => {
    const made = await make(text);
    expect(differences(made)).toEqual(made.attempts.map(() => undefined));
    for (const { comparison, observed, proxies } of made.attempts) {
      const end = comparison?.branch.there.end;
      expect(end?.host).toMatch(pods);
      expect(observed.answer).toMatchObject({ kind: "served", forwardedFor: expect.anything() });
      expect([...proxies.values()].map(({ name }) => name)).toContain("haproxy");
    }
  });

  test("are answered by the proxy where no rule takes them, as are packets that are none", async () => {
    const [lost, none] = [await make("GET http://198.51.100.50/api"), await make("tcp internet > lb/ingress/proxy:80")];
    expect([...differences(lost), ...differences(none)].filter((each) => each !== undefined)).toEqual([]);
    expect(lost.attempts[0]?.observed.answer).toEqual({ kind: "status", status: 404 });
    expect(none.attempts[0]?.observed.answer).toEqual({ kind: "status", status: 400 });
  });

  test("are told of as text and as data", async () => {
    const text = "GET http://shop.example.com/api";
    const made = await make(text);
    const names = new WalkNames(input.specs, layout.network);
    const telling = { names, hosts: layout.network.hosts, isAll: false };
    const origin = { span: () => ({ source: { name: "flow", text }, start: 0, end: 3 }) };
    const each = { result: resultOfFlow(text, origin, "nftables", made), made, difference: undefined, telling };
    const told = renderLabFlow(each);
    expect(told).toMatch(/^GET http:\/\/shop\.example\.com\/api\ntcp outside\/client > 198\.51\.100\.50:80 \(.*\)\n/);
    expect(told).toMatch(/^pod\/ingress\/proxy-1 is HAProxy \d/m);
    expect(told).toMatch(
      /^= .*: pod\/shop\/api-\d: .* X-Forwarded-For: 198\.51\.100\.10 \(outside\/client\), answered/m,
    );
    const data = { flows: [labFlowToData(each)], summary: { passed: 1, failed: 0, skipped: 0 } };
    expect(accepts(SCHEMA, JSON.parse(jsonText("LabRun", data)))).toBe(true);
    expect(data.flows[0]).toMatchObject({ request: { method: "GET", host: "shop.example.com", target: "/api" } });
  });

  test.runIf(EVERYTHING)("of expectations are sent, but over TLS where nobody has a certificate", () => {
    const path = "examples/shop/requests.yaml";
    expect(kpcProcess(["test", "--engine", "lab", path]).stdout).toContain("12 passed, 0 failed, 0 skipped");
    const text = readFileSync(path, "utf8")
      .replaceAll("request: GET http:", "request: GET https:")
      .replaceAll(/(manifests|ingress|kpc\.yaml|cluster\.yaml)(?=[\n,\]])/g, (name) => resolve("examples/shop", name));
    const { stdout, code } = inFolder({ "case.yaml": text }, (folder) =>
      kpcProcess(["lab", "run", "case.yaml", "-q"], { folder }),
    );
    expect(stdout).toContain("=> skipped: HAProxy has no certificate in the lab, and does not listen for https");
    expect(stdout).toMatch(/^12 flows: 0 as predicted and expected, 0 not, 12 skipped$/m);
    expect(code).toBe(0);
  });

  test("are not as predicted when the proxy does something else", async () => {
    const { attempts } = await make("GET http://shop.example.com/api");
    const { walk, observed } = required(attempts[0], "a flow is made at least once");
    const { answer } = observed;
    if (answer.kind !== "served") throw new Error("a pod has answered");
    const { forwardedFor: _, ...untold } = answer;
    expect(compareWalk(walk, { ...observed, answer: untold })?.wrongEnd).toBe(
      "X-Forwarded-For: 198.51.100.10 was predicted, the server has got no X-Forwarded-For",
    );
    expect(compareWalk(walk, { ...observed, answer: { kind: "status", status: 503 } })?.wrongEnd).toMatch(
      /was predicted, the client has the HTTP status 503 from a proxy$/,
    );
  });
});

describe.skipIf(haproxyMissing !== undefined)("requests in a lab whose proxy has a certificate and settings", () => {
  const secret = {
    name: "cert.json",
    text: JSON.stringify(tlsSecret("shop/cert", makeCertificate({ names: ["shop.example.com"] }))),
  };
  const edits = [
    [
      "  rules:\n    - host: shop",
      "  tls: [{ hosts: [shop.example.com], secretName: cert }]\n  rules:\n    - host: shop",
    ],
    [
      "loadBalancers:\n",
      'loadBalancers:\n  - { service: ingress/proxy, kind: proxy, nodes: healthy, addresses: [192.168.50.60, "fd00:50::60"] }\n',
    ],
  ] as const;
  const sources = [...SHOP_MANIFESTS, SHOP_CLUSTER, secret].map(({ name, text }) => ({
    name,
    text: edits.reduce((before, [from, to]) => before.replace(from, to), text),
  }));
  const settings = {
    httpsRedirect: true,
    pathSafety: "reject",
    proxyProtocol: true,
    metrics: "127.0.0.1:8404",
  } as const;
  const described = describeSources(sources, { haproxy: settings });
  const { input, layout } = described;
  let session: LabSession;
  beforeAll(async () => {
    const ingress = required(labIngressOf(described), "the shop has an ingress proxy");
    session = await LabSession.open(sessionInput(described), { ingress, isHttp: true });
  });
  afterAll(() => session.close());

  test.each([
    ["GET https://shop.example.com/api", { kind: "served", forwardedFor: expect.anything() }],
    ["GET http://shop.example.com/api?x", { kind: "status", status: 308 }],
    ["GET https://shop.example.com/a/%2e%2e/b", { kind: "status", status: 400 }],
    ["GET https://other.example.com/", { kind: "handshake" }],
    ["GET https://shop.example.com/ Host: other.example.com", { kind: "status", status: 404 }],
    ["GET https://shop.example.com:80/", { kind: "handshake" }],
    ["GET http://shop.example.com:443/", { kind: "error", number: 104 }],
    ["web-1 > GET http://10.96.0.50/ Host: shop.example.com", { kind: "error", number: 104 }],
  ])("go as predicted: %s", async (text, answer) => {
    const parsed = parseTraceText({ name: "flow", text }, fail);
    const asked = required(parsed && resolveAsked(parsed, { ...input, layout }, fail), text);
    const { attempts } = await makeFlow(session, asked.flow, 1, labRequestOf(asked));
    expect(attempts.map(({ comparison }) => comparison && disagreementIn(comparison))).toEqual([undefined]);
    expect(attempts[0]?.observed.answer).toMatchObject(answer);
  });
});

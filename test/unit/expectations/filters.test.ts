/** Expectations of what filters of a Gateway's rule change: each wrong one fails, by its name. */
import { expect, test } from "vitest";
import { compileSpecs } from "../../../compiler/compile.ts";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { Field } from "../../../compiler/documents/field.ts";
import { irRequestEngine } from "../../../compiler/expectations/engines/requests.ts";
import { decodeRequestCase } from "../../../compiler/expectations/requests/decode.ts";
import { runRequestCase } from "../../../compiler/expectations/requests/run.ts";
import { loadObjects } from "../../../compiler/specs/load.ts";

const OBJECTS = `
  - {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw}, spec: {gatewayClassName: a, listeners: [{name: a, port: 80, protocol: HTTP}]}}
  - apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: r}
    spec:
      parentRefs: [{name: gw}]
      rules:
        - filters:
            - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: "1"}], add: [{name: b, value: "2"}], remove: [c]}}
            - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: d, value: "3"}]}}
            - {type: URLRewrite, urlRewrite: {hostname: in.test, path: {type: ReplaceFullPath, replaceFullPath: /x}}}
          backendRefs: [{name: web, port: 80}]
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}}
  - {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, endpoints: [{addresses: [10.1.0.1]}], ports: [{port: 80}]}
`;

/** Why the expectation fails; undefined: it holds. */
async function failure(members: string): Promise<string | undefined> {
  const text = `objects:${OBJECTS}requests: [{path: /a, host: b.test, headers: {b: "0", c: x}, expect: {service: web, port: 80, ${members}}}]`;
  const report = ({ message, severity }: { readonly message: string; readonly severity: string }): void => {
    if (severity === "error") throw new Error(message);
  };
  const [document] = readDocuments({ name: "case.yaml", text }, report);
  const root = Field.root(document ?? expect.unreachable());
  const testCase = decodeRequestCase({ report, root, subject: "case.yaml" }, root);
  const { compiled } = compileSpecs((tell) => loadObjects(testCase.objects, tell), {});
  const [result] = await runRequestCase(testCase, compiled ?? expect.unreachable(), irRequestEngine);
  return result?.reason;
}

test("what filters change is as expected", async () => {
  const forwarded = 'forwarded: {host: in.test, path: /x, headers: {A: "1", b: "0, 2", c: null}}';
  expect(await failure(`${forwarded}, answered: {headers: {d: "3", e: null}}`)).toBeUndefined();
});

test.each([
  ["forwarded: {host: b.test}", "expected host b.test at the end, not in.test"],
  ["forwarded: {path: /a}", "expected path /a at the end, not /x"],
  ['forwarded: {headers: {a: "2"}}', "expected header a: 2 at the end, not 1"],
  ['forwarded: {headers: {b: "2"}}', "expected header b: 2 at the end, not 0, 2"],
  ["forwarded: {headers: {c: x}}", "expected header c: x at the end, not (none)"],
  ["answered: {headers: {d: null}}", "expected header d: (none) in the answer, not 3"],
])("%s fails", async (members, reason) => {
  expect(await failure(members)).toContain(reason);
});

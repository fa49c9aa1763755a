/** What is wrong with a document of kind Expectations, and where. */
import { describe, expect, test } from "vitest";
import { LOST_ENDS } from "../../../compiler/expectations/cluster/types.ts";
import { decodeText, expectationsDocument } from "../../support/cluster-case.ts";

const findingsOf = (members: string): readonly string[] => decodeText(expectationsDocument(members)).findings;

/** Line 4 of a document whose flow begins in column 9. */
const ofFlow = (flow: string): readonly string[] => findingsOf(`files: [shop]\nflows: [${flow}]`);

const ofExpect = (members: string): readonly string[] =>
  ofFlow(`{from: pod/a/b, to: svc/a/c:80, expect: {${members}}}`);

test("a document without members misses files and flows", () => {
  expect(findingsOf("name: a")).toEqual(["1:1: error: files: Required value", "1:1: error: flows: Required value"]);
});

test("it is of kind Expectations", () => {
  const text = "apiVersion: v1\nkind: Expectation\nfiles: []\nflows: []\n";
  expect(decodeText(text).findings).toEqual([
    '1:13: error: apiVersion: Unsupported value: "v1": supported values: "kpc.dev/v1alpha1"',
    '2:7: error: kind: Unsupported value: "Expectation": supported values: "Expectations"',
  ]);
});

test.each([
  ["flow: []", '5:1: error: unknown field "flow", did you mean "flows"?'],
  ["modes: [nftable]", '5:9: error: modes[0]: Unsupported value: "nftable": supported values: "nftables", "iptables"'],
  ["modes: []", "5:8: error: modes: Invalid value: []: must name at least one mode: nftables, iptables"],
  ["config: {}", "5:9: error: config: Invalid value: expected string, found object"],
  ["config: kpc.yaml\nproxy: {}", "6:8: error: proxy: Forbidden: config names the settings already"],
  ["proxy: {clusterCIDRs: []}", '5:9: error: unknown field "proxy.clusterCIDRs", did you mean "clusterCIDR"?'],
  ["cluster: 1", "5:10: error: cluster: Invalid value: expected object, found number 1"],
  ["cluster: {kind: Cluster}", "5:10: error: cluster.apiVersion: Required value: expected kpc.dev/v1alpha1"],
  ['name: ""\ncluster: ""', '6:10: error: cluster: Invalid value: "": must be the path of a file or folder'],
])("%j", (members, finding) => {
  expect(findingsOf(`files: [shop]\nflows: []\n${members}`)).toContain(finding);
});

test.each([
  ["{from: pod/a/b}", ["flows[0].to: Required value", "flows[0].expect: Required value"]],
  ["{from: a, to: b, port: 80, expect: {delivered: 1}}", ['unknown field "flows[0].port"']],
  ["{from: a, to: b, expects: {delivered: 1}}", ['unknown field "flows[0].expects", did you mean "expect"?']],
  ["{from: a, to: b, protocol: http, expect: {delivered: 1}}", ['flows[0].protocol: Unsupported value: "http"']],
  ["{from: a, to: b, families: [v6], expect: {delivered: 1}}", ['flows[0].families[0]: Unsupported value: "v6"']],
  ["{from: a, to: b, families: [], expect: {delivered: 1}}", ["must name at least one family: IPv4, IPv6"]],
  ["{from: a b, to: c, expect: {delivered: 1}}", ["flows[0].from: Invalid value"]],
  ["{from: a, to: 'b > c', expect: {delivered: 1}}", ["flows[0].to: Invalid value"]],
  [
    "{from: a, request: GET http://b/, to: c, expect: {delivered: 1}}",
    ["flows[0].to: Forbidden: the URL of the request says it"],
  ],
  ["{from: a, request: GET http://b/, protocol: tcp, expect: {status: 404}}", ["flows[0].protocol: Forbidden"]],
  [
    "{from: a, request: get http://b/, expect: {status: 404}}",
    ["flows[0].request: Invalid value", "expected a method of HTTP"],
  ],
  ["{from: a b, request: GET http://b/, expect: {status: 404}}", ["flows[0].from: Invalid value"]],
  ["{from: a, request: 'b:80', expect: {delivered: 1}}", ["flows[0].request: Invalid value"]],
  ["{from: tcp a, request: 'b:80', expect: {delivered: 1}}", ["flows[0].from: Invalid value", "expected"]],
  ["{request: GET http://b/, expect: {delivered: 1}}", ["flows[0].from: Required value"]],
  ["{from: a, to: 'b:80', expect: {status: 404}}", ["flows[0].expect.status: Forbidden: only requests have it"]],
  ["{from: a, request: GET http://b/, expect: {status: 99}}", ["must be a status of HTTP, such as 404"]],
  [
    "{from: a, request: GET http://b/, expect: {status: 404, delivered: b}}",
    ["flows[0].expect.status: Forbidden: the proxy does not answer"],
  ],
  ["{from: a, request: GET http://b/, expect: {status: 404, ends: loop}}", ["flows[0].expect.ends: Forbidden"]],
  ["{from: a, request: GET http://b/, expect: {status: 404, seenAs: client}}", ["flows[0].expect.seenAs: Forbidden"]],
  ["{from: a, to: 'b:80 iif eth0', expect: {delivered: 1}}", ["must be an end of the flow, and nothing behind it"]],
])("flow %s", (flow, parts) => {
  const found = ofFlow(flow).join("\n");
  for (const part of parts) expect(found).toContain(part);
});

test.each([
  ["", "flows[0].expect: Invalid value: {}: must say something: delivered, seenAs, reply, via, ends, probability"],
  ["deliverd: 1", 'unknown field "flows[0].expect.deliverd", did you mean "delivered"?'],
  ["delivered: 0", "must be how many get the packet, at least 1 (false: nobody)"],
  ["delivered: 1.5", "must be how many get the packet"],
  ["delivered: true", "expected list of pods, labels, number or false, found boolean true"],
  ["delivered: []", "must name who gets the packet (false: nobody)"],
  ["delivered: {}", "must have at least one label"],
  ["delivered: {app: 1}", "flows[0].expect.delivered.app: Invalid value: expected string, found number 1"],
  ['delivered: ["web-1:http"]', "must be who gets the packet, such as web-1, pod/shop/web-1 or web-1:8080"],
  ["seenAs: nod", "must be client, node, gateway or an IP address, did you mean node?"],
  ["reply: got", "flows[0].expect.reply: Unsupported value"],
  ["via: n1", "flows[0].expect.via: Invalid value: expected array"],
  ["ends: delivered", `supported values: ${LOST_ENDS.map((end) => `"${end}"`).join(", ")}`],
  ["probability: 0", "must be the chance of each receiver: above 0 and at most 1, or a text such as 1 in 3"],
  ["probability: 3 in 2", "must be the chance of each receiver"],
  ["probability: often", "must be the chance of each receiver"],
  ["delivered: 1, ends: dropped", "flows[0].expect.ends: Forbidden: a packet that is delivered does not end so"],
  ["delivered: false, seenAs: node", "flows[0].expect.seenAs: Forbidden: nobody gets the packet"],
  ["ends: dropped, reply: delivered", "flows[0].expect.reply: Forbidden: nobody gets the packet"],
])("expect {%s}", (members, message) => {
  const found = ofExpect(members);
  expect(found.join("\n")).toContain(message);
  expect(found.every((finding) => finding.startsWith("4:"))).toBe(true);
});

describe("what is right", () => {
  test("has no findings, and a flow for each family", () => {
    const { testCase, findings } = decodeText(
      expectationsDocument(
        "files: [shop]\nmodes: [iptables]\nflows: [{name: a, families: [IPv4, IPv6], protocol: icmp, from: web-1, to: node-1, expect: {delivered: 1}}]",
      ),
    );
    expect(findings).toEqual([]);
    expect(testCase).toMatchObject({ name: "case.yaml", modes: ["iptables"] });
    expect(testCase.flows.map(({ name, family }) => [name, family])).toEqual([
      ["a (IPv4)", "IPv4"],
      ["a (IPv6)", "IPv6"],
    ]);
  });

  test("modes are both where none is named, and a flow is named by its ends", () => {
    const { testCase } = decodeText(
      expectationsDocument("files: [shop]\nflows: [{from: web-1, to: svc/api, expect: {delivered: 1}}]"),
    );
    expect(testCase.modes).toEqual(["nftables", "iptables"]);
    expect(testCase.flows[0]).toMatchObject({ name: "web-1 > svc/api", family: undefined });
  });
});

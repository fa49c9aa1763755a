import { describe, expect, test } from "vitest";
import { compileSpecs } from "../../../compiler/compile.ts";
import { DECIDING_FIELDS } from "../../../compiler/specs/deciding-fields.ts";
import { API_VERSIONS, type KnownKind } from "../../../compiler/specs/kinds.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { expectFindings, load } from "./findings.ts";

const service = (spec: string, metadata = ""): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: web${metadata}}\nspec: {clusterIP: None, ${spec}}\n`;

describe("a field that the API does not have", () => {
  test.each<[wanted: string[], spec: string]>([
    // nothing like it, or like a field that decides nothing: perhaps newer than kpc
    [['4:25 warning unknown-field unknown field "spec.meshPolicy"'], "meshPolicy: x"],
    [
      ['4:25 warning unknown-field unknown field "spec.loadBalancerIPs", did you mean "loadBalancerIP"?'],
      "loadBalancerIPs: []",
    ],
    // goes on from a known name
    [
      [
        '4:25 warning unknown-field unknown field "spec.internalTrafficPolicyRules", did you mean "internalTrafficPolicy"?',
      ],
      "internalTrafficPolicyRules: []",
    ],
    // a slip
    [['4:25 error unknown-field unknown field "spec.slector", did you mean "selector"?'], "slector: {}"],
    [['4:25 error unknown-field unknown field "spec.Selector", did you mean "selector"?'], "Selector: {}"],
    [
      ['4:43 error unknown-field unknown field "spec.slector", did you mean "selector"?'],
      "selector: {a: b}, slector: {}".replace("{a: b}", "null  "),
    ],
    [
      ['4:25 error unknown-field unknown field "spec.externalTraffic", did you mean "externalTrafficPolicy"?'],
      "externalTraffic: Local",
    ],
    // in the wrong place
    [
      ['4:25 error unknown-field unknown field "spec.targetPort", did you mean "spec.ports.targetPort"?'],
      "targetPort: 80",
    ],
    [['4:25 warning unknown-field unknown field "spec.name"'], "name: web"],
  ])("%j: %s", (wanted, spec) => {
    expectFindings(service(spec), wanted);
  });

  test("is newer than kpc when an API server has stored it beside the field that it is like", () => {
    const pod = (uid: string, status: string): string =>
      `apiVersion: v1\nkind: Pod\nmetadata: {name: p${uid}}\nspec: {containers: []}\nstatus: {${status}}\n`;
    expectFindings(pod(", uid: u", "podIP: 10.0.0.1, podIPz: []"), [
      '5:27 warning unknown-field unknown field "status.podIPz", did you mean "podIP"?',
    ]);
    expectFindings(pod("", "podIP: 10.0.0.1, podIPz: []"), [
      '5:27 error unknown-field unknown field "status.podIPz", did you mean "podIP"?',
    ]);
    expectFindings(pod(", uid: u", "podIPz: []"), [
      '5:10 error unknown-field unknown field "status.podIPz", did you mean "podIP"?',
    ]);
  });

  test("leaves the object as it is, unless it is an error; --strict makes it one", () => {
    expect(load(service("colour: red")).specs.services).toHaveLength(1);
    expect(load(service("slector: {}")).specs.services).toHaveLength(0);
    const text = service("colour: red");
    const strict = (on: boolean) =>
      compileSpecs((report) => loadSpecs([{ name: "a", text }], report), { nodeName: "n" }, { strict: on });
    const severity = (on: boolean) => strict(on).diagnostics.find(({ code }) => code === "unknown-field")?.severity;
    expect([severity(false), strict(false).compiled === undefined]).toEqual(["warning", false]);
    expect([severity(true), strict(true).compiled === undefined]).toEqual(["error", true]);
  });

  test("of many only the first are named, and an error among the others is one", () => {
    const many = Array.from({ length: 30 }, (_, i) => `meshField${i}Q: 1`).join(", ");
    expect(load(service(many)).findings.at(-1)).toBe("4:7 warning unknown-field spec: 10 more unknown fields");
    expect(load(service(`${many}, slector: {}`)).findings.at(-1)).toBe(
      "4:7 error unknown-field spec: 11 more unknown fields",
    );
  });
});

/** An object of `kind` with `value` at `path`, in arrays where the API has them. */
function objectWith(kind: KnownKind, path: readonly string[], value: unknown): object {
  const metadata = kind === "KubeProxyConfiguration" ? {} : { metadata: { name: "a" } };
  const object = { apiVersion: API_VERSIONS[kind][0], kind, ...metadata };
  const build = (steps: readonly string[]): unknown => {
    const [step, ...rest] = steps;
    if (step === undefined) return value;
    const inner = { [step]: build(rest) };
    return inner;
  };
  const [first = "", ...rest] = path;
  return { ...object, [first]: first === "metadata" ? { name: "a", ...(build(rest) as object) } : build(rest) };
}

const TERMS = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";

const LISTS: ReadonlySet<string> = new Set([
  TERMS,
  `${TERMS}.matchExpressions`,
  `${TERMS}.matchFields`,
  "spec.ports",
  "spec.tls",
  "status.loadBalancer.ingress",
  "endpoints",
  "endpoints.hints.forNodes",
  "endpoints.hints.forZones",
  "ports",
  "subsets",
  "subsets.addresses",
  "subsets.notReadyAddresses",
  "subsets.ports",
  "spec.containers",
  "spec.initContainers",
  "spec.containers.ports",
  "spec.initContainers.ports",
  "status.conditions",
  "status.podIPs",
  "status.addresses",
  "spec.rules",
  "spec.rules.http.paths",
]);

/** `value` with the objects in the place of lists put into lists. */
function withLists(value: unknown, path = ""): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).map(([key, member]) => [
    key,
    withLists(member, path === "" ? key : `${path}.${key}`),
  ]);
  const object: unknown = Object.fromEntries(members);
  return LISTS.has(path) ? [object] : object;
}

describe.each(Object.entries(DECIDING_FIELDS) as [KnownKind, readonly string[]][])(
  "each deciding field of %s",
  (kind, fields) => {
    test.each(fields.map((field) => [field] as const))("%s: a slip is an error", (field) => {
      const path = field.split(".");
      const name = path.at(-1) ?? "";
      const slip = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
      const object = withLists(objectWith(kind, [...path.slice(0, -1), slip], "x"));
      const { findings } = load(JSON.stringify(object));
      expect(findings.filter((finding) => finding.includes("unknown-field"))).toEqual([
        expect.stringMatching(new RegExp(` error unknown-field unknown field ".*${slip}", did you mean "${name}"`)),
      ]);
    });
  },
);

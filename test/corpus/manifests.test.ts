import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Diagnostic, printPlace } from "../../compiler/diagnostics.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import { loadObjects, loadSpecs } from "../../compiler/specs/load.ts";
import { readCases } from "../support/shared.ts";
import { load, printFinding } from "../unit/specs/findings.ts";

const CORPUS = new URL("../../../shared/corpus/k8s/", import.meta.url);

/** The YAML files of a folder beside the project; none when it is not there. */
function filesIn(folder: URL): readonly { readonly name: string; readonly text: string }[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return names.map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") }));
}

const manifests = filesIn(CORPUS);
const flowCases = readCases("flow");
const missing = (folder: URL): string => (existsSync(folder) ? "" : ` (skipped: there is no ${folder.pathname})`);

/** Everything that is to be said about real manifests; the API's own test data has values that are none, and is apart. */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  "calico-static-routes.yaml": [
    '22:13 warning invalid-value status.loadBalancer.ingress[0].ip: Invalid value: "80.15.0.1/32"',
    '24:13 warning invalid-value status.loadBalancer.ingress[1].ip: Invalid value: "90.15.0.1/32"',
  ],
  "ingress-simple-istio.yaml": [12, 19, 26, 33, 40, 47].map(
    (line, index) => `${line}:9 error missing-field spec.rules[0].http.paths[${index}].pathType: Required value`,
  ),
  "ingress-tls-istio.yaml": ["11:9 error missing-field spec.rules[0].http.paths[0].pathType: Required value"],
  "kube-proxy-overall.yaml": [
    "35:15 warning node-port-range spec.ports[0].nodePort: Invalid value: 3001",
    "30:16 warning deprecated spec.externalIPs is deprecated",
    "53:15 warning node-port-range spec.ports[0].nodePort: Invalid value: 3003",
    "63:16 warning deprecated spec.externalIPs is deprecated",
    "88:15 warning node-port-range spec.ports[0].nodePort: Invalid value: 3002",
    "78:24 warning forbidden-field spec.healthCheckNodePort: Invalid value: 30000: may only be set when",
  ],
  "kube-router-services.yaml": [
    "18:5 warning deprecated spec.externalIPs is deprecated",
    "121:5 warning deprecated spec.externalIPs is deprecated",
  ],
  "rke2-loadbalancer.yaml": ["32:2 warning deprecated spec.externalIPs is deprecated"],
};

describe.skipIf(manifests.length === 0)(`real manifests${missing(CORPUS)}`, () => {
  test.each(manifests.filter(({ name }) => !name.startsWith("api-")))("$name", ({ name, text }) => {
    const { specs, findings } = load(text);
    const wanted = WANTED[name] ?? [];
    expect(findings.map((finding, index) => finding.slice(0, wanted[index]?.length))).toEqual(wanted);
    if (!wanted.some((finding) => finding.includes(" error ")))
      expect(specs.services.length + specs.ingresses.length).toBeGreaterThan(0);
  });

  test.each(manifests.filter(({ name }) => name.startsWith("api-")))("$name has no unknown field", ({ text }) => {
    expect(load(text).findings.filter((finding) => / (unknown-field|wrong-type) /.test(finding))).toEqual([]);
  });
});

describe("objects of flow cases", () => {
  test.each(flowCases)("$name", (source) => {
    const errors: string[] = [];
    const report = (finding: Diagnostic): void => {
      if (finding.severity === "error") errors.push(printFinding(finding));
    };
    const documents = [...readDocuments(source, report)];
    loadObjects(
      documents.flatMap((document) => Field.root(document).get("objects")?.items() ?? []),
      report,
    );
    expect(errors).toEqual([]);
  });
});

describe("a text with mistakes", () => {
  const small = [
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: 80\n    targetPort: http\n",
    '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]}',
    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: &m\n    name: a\n- *m\n",
  ];
  const texts = [...manifests.map(({ text }) => text).filter((text) => text.length < 20_000), ...small];
  const piece = fc.oneof(
    fc.constantFrom(
      ..."\t \n\r-:{}[]\"'#&*!|>%@`,?~",
      "---\n",
      "- ",
      ": ",
      "\\u0000",
      "\0",
      "\ufeff",
      "\ufffd",
      "1e999",
      "null",
      "<<: ",
      "&a ",
      "*a",
    ),
    fc.string({ maxLength: 5 }),
    fc.constantFrom(...texts).chain((text) => fc.nat(text.length).map((at) => text.slice(at, at + 40))),
  );
  const edits = fc.array(fc.record({ at: fc.nat(), removed: fc.nat(30), inserted: piece }), {
    minLength: 1,
    maxLength: 6,
  });

  /** Reads `text`, and asks for the place of every finding. */
  function readAll(text: string): void {
    const found: Diagnostic[] = [];
    loadSpecs([{ name: "a.yaml", text }], (finding) => found.push(finding));
    for (const { message, origin, notes = [] } of found) {
      expect(message).not.toMatch(/[\n\r]/);
      for (const place of [origin, ...notes.map((note) => note.origin)]) {
        const span = place?.span();
        if (span === undefined) continue;
        expect(printPlace(span)).toMatch(/^a\.yaml:\d+:\d+$/);
        expect([span.start >= 0, span.start <= span.end, span.start <= text.length]).toEqual([true, true, true]);
      }
    }
  }

  test("is never thrown at", () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), edits, (text, changes) => {
        const changed = changes.reduce((before, { at, removed, inserted }) => {
          const offset = at % (before.length + 1);
          return before.slice(0, offset) + inserted + before.slice(offset + removed);
        }, text);
        readAll(changed);
      }),
      { numRuns: 300 },
    );
  });

  test("nor is one that is no manifest at all", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), readAll), { numRuns: 500 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => readAll(pieces.join(""))),
      { numRuns: 1000 },
    );
  });

  test("nor any JSON value in the place of another", () => {
    const anything = fc.jsonValue({ maxDepth: 4 });
    const kinds = [
      "v1/Service",
      "v1/Endpoints",
      "v1/Pod",
      "v1/Node",
      "v1/List",
      "v1/ServiceList",
      "discovery.k8s.io/v1/EndpointSlice",
      "networking.k8s.io/v1/Ingress",
      "networking.k8s.io/v1/IngressClass",
    ];
    const member = fc.constantFrom(
      "metadata",
      "spec",
      "status",
      "items",
      "endpoints",
      "ports",
      "addressType",
      "subsets",
      "rules",
      "name",
      "labels",
      "clusterIP",
      "clusterIPs",
      "loadBalancer",
      "ingress",
    );
    const object = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        anything,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(member, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.dictionary(member, object, { maxKeys: 5 }), (type, members) => {
        const slash = type.lastIndexOf("/");
        readAll(JSON.stringify({ apiVersion: type.slice(0, slash), kind: type.slice(slash + 1), ...members }));
      }),
      { numRuns: 2000 },
    );
  });
});

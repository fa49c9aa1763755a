import { describe, expect, test } from "vitest";
import { expectFindings, findingsOf, load } from "../specs/findings.ts";

const SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None}\n";

describe("texts that are no text", () => {
  test.each([
    ["1:2 error not-text expected YAML or JSON text, found character U+0000", "a\0b"],
    ["1:1 error not-text expected YAML or JSON text, found character U+0007", "\x07"],
    ["2:1 error not-text expected YAML or JSON text, found character U+001B", "# \n\x1b[0m"],
    [
      "1:1 error not-text expected YAML or JSON text, found character U+FFFD, which stands for bytes that are not UTF-8",
      "\ufffd",
    ],
    [
      "1:8 error not-text expected YAML or JSON text, found character U+FFFD, which stands for bytes that are not UTF-8",
      '{"a": "\ufffd"}',
    ],
    ["1:2 error not-text expected YAML or JSON text, found character U+0000", "{\0}"],
  ])("%s", (wanted, text) => {
    expectFindings(text, [wanted]);
  });

  test("DEL and C1 characters are text, as kubectl writes them in JSON", () => {
    expect(findingsOf('{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "\x7f\x9b"}}')).toEqual([]);
  });
});

describe("texts without a document", () => {
  test.each(["", " ", "\n\n", "# comment", "---", "---\n---\n", "~", "null\n", "...\n", "\ufeff", "{}\n".slice(3)])(
    "%j",
    (text) => {
      expectFindings(text, ["1:1 warning empty-input expected Kubernetes objects, found no document"]);
    },
  );

  test("an empty document beside others, or an empty List, is no finding", () => {
    expect(findingsOf(`---\n${SERVICE}---\n# nothing\n---\n`)).toEqual([]);
    expect(findingsOf("apiVersion: v1\nkind: List\nitems: []\n")).toEqual([]);
    expect(findingsOf('{"apiVersion": "v1", "kind": "ServiceList", "items": null}')).toEqual([]);
  });

  test("what is wrong is said once: a broken text is not called empty", () => {
    expect(findingsOf("a: [")).toHaveLength(1);
    expect(findingsOf("\0")).toHaveLength(1);
  });
});

describe("a Service in other dresses", () => {
  const JSON_TEXT = JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { clusterIP: "None" },
  });

  test.each([
    ["YAML", SERVICE],
    ["CRLF", SERVICE.replaceAll("\n", "\r\n")],
    ["byte order mark", `\ufeff${SERVICE}`],
    ["byte order mark and marker", `\ufeff---\n${SERVICE}`],
    ["files joined, each with a byte order mark", `\ufeff---\n# empty\n\ufeff---\n${SERVICE}`],
    ["comments", `# a\n---\n# b\n${SERVICE}# c\n...\n# d\n`],
    ["directive", `%YAML 1.2\n---\n${SERVICE}`],
    ["JSON", JSON_TEXT],
    ["JSON with byte order mark", `\ufeff${JSON_TEXT}`],
    ["JSON with spaces around", ` \n\t${JSON_TEXT}\r\n`],
    [
      "KYAML",
      '---\n{\n  apiVersion: "v1",\n  kind: "Service",\n  metadata: {\n    name: "web",\n  },\n  spec: {\n    clusterIP: "None",\n  },\n}\n',
    ],
    [
      "flow style with comments",
      '{apiVersion: v1, # one\n kind: Service, metadata: {name: web}, "spec": {clusterIP: None}}',
    ],
    [
      "anchors and merge keys",
      "apiVersion: v1\nkind: Service\nmetadata: &m {name: web, labels: {<<: &l {a: b}}}\nspec: {clusterIP: None, selector: *l}",
    ],
  ])("%s", (_, text) => {
    const { specs, findings } = load(text);
    expect(findings).toEqual([]);
    expect(specs.services).toMatchObject([{ meta: { name: "web" }, headless: true }]);
  });
});

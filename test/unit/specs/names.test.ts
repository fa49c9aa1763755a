import { describe, expect, test } from "vitest";
import {
  controlCharacterProblems,
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  domainNameProblems,
  domainPrefixedPathProblems,
  hostnameProblems,
  labelValueProblems,
  objectNameProblems,
  portNameProblems,
  qualifiedNameProblems,
} from "../../../compiler/specs/names.ts";

const a = (count: number) => "a".repeat(count);

describe.each([
  [
    dns1123LabelProblems,
    ["a", "0", "a-b", "1-2", a(63)],
    ["", "-", "a-", "-a", "A", "a_b", "a.b", "a b", "a\n", "ä", a(64)],
  ],
  [dns1035LabelProblems, ["a", "a-1", a(63)], ["", "1", "1a", "a-", "A", "a.b", a(64)]],
  [
    dns1123SubdomainProblems,
    ["a", "a.b", "1.2", "a-b.c", `${a(63)}.${a(189)}`],
    ["", ".", "a.", ".a", "a..b", "a.-b", "A.b", "a_b", "a\n", a(254)],
  ],
  [hostnameProblems, ["*.a", "*.a.b"], ["*", "*.", "a.*", "**.a", "*a.b", "*.*.a", "*.A", `*.${a(252)}`]],
  [domainNameProblems, ["a.b", "a.b.", "a.b.c"], ["", "a", "a.", "a..b", "a_b.c", `${a(64)}.b`]],
  [
    qualifiedNameProblems,
    ["a", "A_b.C-1", "a.b/c", "a/B", a(63), `${a(253)}/b`],
    ["", "/", "a/", "/a", "a/b/c", "A/b", "-a", "a-", "a b", "a\n", a(64), `${a(254)}/b`],
  ],
  [labelValueProblems, ["", "a", "A_b.C-1", a(63)], ["-", "a-", "a/b", "a b", "a\n", a(64)]],
  [portNameProblems, ["a", "http", "1a", "a-b", a(15)], ["", "80", "-a", "a-", "a--b", "A", "a_b", "a.b", a(16)]],
  [
    domainPrefixedPathProblems,
    ["a/b", "a.b/c/d", "k8s.io/ingress-nginx"],
    ["", "a", "a/", "/a", "A/b", "a/b c", "a/b?"],
  ],
  [objectNameProblems, ["a", "A b", "a.b"], [".", "..", "a/b", "a%b", "a\x00"]],
  [controlCharacterProblems, ["", "a b", "ä", "\u00a0"], ["\0", "\n", "\x1b[0m", "\x7f", "\x9b", "\u2028"]],
] as const)("%O", (problems, good, bad) => {
  test.each(good)("takes %j", (text) => {
    expect(problems(text)).toEqual([]);
  });
  test.each(bad)("refuses %j", (text) => {
    expect(problems(text)).not.toEqual([]);
  });
  test("takes no time with long texts", () => {
    for (const text of [a(1e6), "a.".repeat(5e5), "-".repeat(1e6), `${"a-".repeat(126)}!`, `${"a.".repeat(126)}!`])
      problems(text);
  });
});

test.each([
  ["must not contain dots", dns1123LabelProblems("a.b")],
  ["must be no more than 63 bytes", dns1123LabelProblems(a(64))],
  [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    dns1123LabelProblems("A"),
  ],
  [
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    dns1035LabelProblems("1"),
  ],
  [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    dns1123SubdomainProblems("A"),
  ],
  [
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    labelValueProblems("-"),
  ],
  [
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    qualifiedNameProblems("-"),
  ],
])("the API server says: %s", (wanted, problems) => {
  expect(problems).toEqual([wanted]);
});

import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

describe("what an Ingress becomes", () => {
  const decode = (text: string) => load(`apiVersion: networking.k8s.io/v1\nkind: Ingress\n${text}`).specs.ingresses[0];
  const backend = "backend: {service: {name: web, port: {number: 80}}}";

  test.each([
    [
      {
        rules: [
          {
            host: "*.a.com",
            paths: [{ path: "/x", pathType: "Prefix", backend: { kind: "service", name: "web", port: 80 } }],
          },
        ],
      },
      `metadata: {name: a}\nspec: {rules: [{host: "*.a.com", http: {paths: [{path: /x, pathType: Prefix, ${backend}}]}}]}`,
    ],
    [
      { rules: [{ host: undefined, paths: [{ path: "/" }] }] },
      `metadata: {name: a}\nspec: {rules: [{http: {paths: [{pathType: ImplementationSpecific, ${backend}}]}}]}`,
    ],
    [{ rules: [{ host: "a.com", paths: undefined }] }, "metadata: {name: a}\nspec: {rules: [{host: a.com}]}"],
    [
      { defaultBackend: { kind: "service", name: "web", port: "http" } },
      "metadata: {name: a}\nspec: {defaultBackend: {service: {name: web, port: {name: http}}}}",
    ],
    [
      { defaultBackend: { kind: "resource", name: "icons" } },
      "metadata: {name: a}\nspec: {defaultBackend: {resource: {kind: Bucket, name: icons}}}",
    ],
    [{ className: undefined }, "metadata: {name: a}\nspec: {rules: [{}]}"],
    [{ className: "" }, 'metadata: {name: a}\nspec: {ingressClassName: "", rules: [{}]}'],
    [{ className: "new" }, "metadata: {name: a}\nspec: {ingressClassName: new, rules: [{}]}"],
    [{ className: "old" }, "metadata: {name: a, annotations: {kubernetes.io/ingress.class: old}}\nspec: {rules: [{}]}"],
    [
      { className: "old" },
      "metadata: {name: a, annotations: {kubernetes.io/ingress.class: old}}\nspec: {ingressClassName: new, rules: [{}]}",
    ],
    [
      {
        tls: [
          { hosts: ["a.com"], secretName: "cert" },
          { hosts: [], secretName: undefined },
        ],
      },
      "metadata: {name: a}\nspec: {rules: [{}], tls: [{hosts: [a.com], secretName: cert}, {}]}",
    ],
  ])("%j: %s", (wanted, text) => {
    expect(decode(text)).toMatchObject(wanted);
  });
});

describe("spec of an Ingress", () => {
  test.each<[wanted: string[], text: string]>([
    [["4:7 error missing-field spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"], "{}"],
    [["1:1 error missing-field spec: Required value: either `defaultBackend` or `rules` must be specified"], "null"],
    [
      ["4:7 error missing-field spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"],
      "{rules: []}",
    ],
    [[], "{rules: [{}]}"],
    [
      ['4:8 error unknown-field unknown field "spec.ingressClass", did you mean "ingressClassName"?'],
      "{ingressClass: x, rules: [{}]}",
    ],
    [
      ['4:26 error invalid-value spec.ingressClassName: Invalid value: "a b": a lowercase…'],
      '{ingressClassName: "a b", rules: [{}]}',
    ],
    [[], '{tls: [{hosts: [a.com, "*.b.com"], secretName: cert}, {}], rules: [{}]}'],
    [
      ['4:23 error invalid-value spec.tls[0].hosts[0]: Invalid value: "*": a wildcard…'],
      '{tls: [{hosts: ["*"]}], rules: [{}]}',
    ],
    [
      [
        '4:23 error invalid-value spec.tls[0].hosts[0]: Invalid value: "A.com": a lowercase…',
        '4:43 error invalid-value spec.tls[0].secretName: Invalid value: "A b": a lowercase…',
      ],
      '{tls: [{hosts: [A.com], secretName: "A b"}], rules: [{}]}',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: ${text}`, wanted);
  });
});

describe("backends", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{service: {name: web, port: {name: http}}}"],
    [[], "{service: {name: web, port: {number: 80}}}"],
    [
      ["4:24 error invalid-value spec.defaultBackend: Invalid value: {}: resource or service backend is required"],
      "{}",
    ],
    [
      [
        '4:25 warning unknown-field unknown field "spec.defaultBackend.serviceName", did you mean "service"?',
        '4:43 warning unknown-field unknown field "spec.defaultBackend.servicePort", did you mean "service"?',
        '4:24 error invalid-value spec.defaultBackend: Invalid value: {"serviceName":"web","servicePort":80}: resource or service backend is required',
      ],
      "{serviceName: web, servicePort: 80}",
    ],
    [
      ["4:24 error missing-field spec.defaultBackend: Required value: port name or number is required"],
      "{service: {name: web}}",
    ],
    [
      ["4:24 error missing-field spec.defaultBackend: Required value: port name or number is required"],
      "{service: {name: web, port: {}}}",
    ],
    [
      [
        '4:24 error invalid-value spec.defaultBackend: Invalid value: {"service":{"name":"web","port":{"name":"http","number":80}}}: cannot set both port name & port number',
      ],
      "{service: {name: web, port: {name: http, number: 80}}}",
    ],
    [
      [
        '4:41 error invalid-value spec.defaultBackend.service.name: Invalid value: "Web": a lowercase…',
        "4:61 error invalid-value spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive",
      ],
      "{service: {name: Web, port: {number: 70000}}}",
    ],
    [["4:34 error missing-field spec.defaultBackend.service.name: Required value"], "{service: {port: {name: http}}}"],
    [
      [
        '4:59 error invalid-value spec.defaultBackend.service.port.name: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        '4:59 error invalid-value spec.defaultBackend.service.port.name: Invalid value: "HTTP": must contain at least one letter (a-z)',
      ],
      "{service: {name: web, port: {name: HTTP}}}",
    ],
    [
      [
        '4:61 error wrong-type spec.defaultBackend.service.port.number: Invalid value: expected integer, found string "80"',
      ],
      '{service: {name: web, port: {number: "80"}}}',
    ],
    [
      [
        '4:24 error invalid-value spec.defaultBackend: Invalid value: {"service":{"name":"web","port":{"number":80}},"resource":{"kind":"Bucket","n...: cannot set both resource and service backends',
      ],
      "{service: {name: web, port: {number: 80}}, resource: {kind: Bucket, name: a}}",
    ],
    [[], "{resource: {apiGroup: k8s.example.com, kind: Bucket, name: a}}"],
    [
      [
        "4:35 error missing-field spec.defaultBackend.resource.kind: Required value",
        "4:35 error missing-field spec.defaultBackend.resource.name: Required value",
      ],
      "{resource: {}}",
    ],
    [
      [
        '4:46 error invalid-value spec.defaultBackend.resource.apiGroup: Invalid value: "A": a lowercase…',
        `4:55 error invalid-value spec.defaultBackend.resource.kind: Invalid value: "a/b": may not contain '/'`,
        `4:68 error invalid-value spec.defaultBackend.resource.name: Invalid value: "..": may not be '..'`,
      ],
      '{resource: {apiGroup: A, kind: "a/b", name: ".."}}',
    ],
    [
      [
        '4:51 error invalid-value spec.defaultBackend.resource.name: Invalid value: "a\\u0007": must not contain control characters',
      ],
      '{resource: {kind: K, name: "a\\u0007"}}',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {defaultBackend: ${text}}`,
      wanted,
    );
  });
});

describe("hosts", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "a.example.com"],
    [[], '"*.example.com"'],
    [[], '""'],
    [['4:23 error invalid-value spec.rules[0].host: Invalid value: "*": a wildcard…'], '"*"'],
    [['4:23 error invalid-value spec.rules[0].host: Invalid value: "a.*.com": a wildcard…'], '"a.*.com"'],
    [['4:23 error invalid-value spec.rules[0].host: Invalid value: "A.com": a lowercase…'], "A.com"],
    [
      ['4:23 error invalid-value spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'],
      "1.2.3.4",
    ],
    [['4:23 error invalid-value spec.rules[0].host: Invalid value: "a.com:80": a lowercase…'], '"a.com:80"'],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: [{host: ${text}}]}`,
      wanted,
    );
  });
});

describe("paths", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "path: /, pathType: Prefix"],
    [[], "path: /foo/, pathType: Exact"],
    [[], "pathType: ImplementationSpecific"],
    [[], 'path: "/.*\\\\.php$", pathType: ImplementationSpecific'],
    [
      ["4:32 error missing-field spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
      "path: /",
    ],
    [
      [
        '4:105 error invalid-value spec.rules[0].http.paths[0].pathType: Unsupported value: "prefix": supported values: "Exact", "ImplementationSpecific", "Prefix"',
      ],
      "path: /, pathType: prefix",
    ],
    [
      ["4:32 error missing-field spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
      'path: /, pathType: ""',
    ],
    [
      ["4:32 error missing-field spec.rules[0].http.paths[0].path: Required value: must be an absolute path"],
      "pathType: Prefix",
    ],
    [
      ['4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "foo": must be an absolute path'],
      "path: foo, pathType: Exact",
    ],
    [
      ['4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "foo": must be an absolute path'],
      "path: foo, pathType: ImplementationSpecific",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a//b": must not contain '//'`],
      "path: /a//b, pathType: Prefix",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a/./b": must not contain '/./'`],
      "path: /a/./b, pathType: Prefix",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a/../b": must not contain '/../'`],
      "path: /a/../b, pathType: Prefix",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a%2fb": must not contain '%2f'`],
      "path: /a%2fb, pathType: Prefix",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a%2Fb": must not contain '%2F'`],
      "path: /a%2Fb, pathType: Prefix",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a/..": cannot end with '/..'`],
      "path: /a/.., pathType: Prefix",
    ],
    [
      [`4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a/.": cannot end with '/.'`],
      "path: /a/., pathType: Prefix",
    ],
    [
      [
        '4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a\\nb": must not contain control characters',
      ],
      'path: "/a\\nb", pathType: Prefix',
    ],
    [
      [
        '4:92 error invalid-value spec.rules[0].http.paths[0].path: Invalid value: "/a\\u0000": must not contain control characters',
      ],
      'path: "/a\\u0000", pathType: ImplementationSpecific',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: [{http: {paths: [{backend: {service: {name: web, port: {number: 80}}}, ${text}}]}}]}`,
      wanted,
    );
  });
});

describe("rules", () => {
  test.each<[wanted: string[], text: string]>([
    [["4:23 error missing-field spec.rules[0].http.paths: Required value"], "{http: {}}"],
    [["4:23 error missing-field spec.rules[0].http.paths: Required value"], "{http: {paths: []}}"],
    [
      [
        "4:32 error missing-field spec.rules[0].http.paths[0].backend: Required value: resource or service backend is required",
      ],
      "{http: {paths: [{path: /, pathType: Prefix}]}}",
    ],
    [
      ['4:30 error unknown-field unknown field "spec.rules[0].paths", did you mean "spec.rules.http.paths"?'],
      "{host: a.com, paths: []}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: [${text}]}`,
      wanted,
    );
  });
});

describe("class and status", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "metadata: {name: web, annotations: {kubernetes.io/ingress.class: nginx}}"],
    [
      [
        '4:66 warning invalid-value metadata.annotations[kubernetes.io/ingress.class]: Invalid value: "traefik": must match `ingressClassName` when both are specified',
      ],
      "metadata: {name: web, annotations: {kubernetes.io/ingress.class: traefik}}",
    ],
    [
      [
        '4:66 error invalid-value metadata.annotations[kubernetes.io/ingress.class]: Invalid value: "nginx\\u0001": must not contain control characters',
        '4:66 warning invalid-value metadata.annotations[kubernetes.io/ingress.class]: Invalid value: "nginx\\u0001": must match `ingressClassName` when both are specified',
      ],
      'metadata: {name: web, annotations: {kubernetes.io/ingress.class: "nginx\\u0001"}}',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: {ingressClassName: nginx, rules: [{}]}\n${text}`,
      wanted,
    );
  });
});

describe("patterns in paths that are taken literally", () => {
  const at = (path: string, pathType: string): string =>
    `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n  rules:\n  - http: {paths: [{pathType: ${pathType}, path: ${JSON.stringify(path)}, backend: {service: {name: a, port: {number: 80}}}}]}\n`;
  const only = "only ImplementationSpecific may take patterns, with a controller that knows them";

  test.each([
    ["/*", "Prefix", 'wildcard literally: "/" matches all that is below it'],
    ["/api/*", "Prefix", 'wildcard literally: "/api" matches all that is below it'],
    ["/api/*", "Exact", `wildcard literally: ${only}`],
    ["/*/api", "Prefix", `wildcard literally: ${only}`],
    ["/bot(/|$)(.*)", "Prefix", `regular expression literally: ${only}`],
    ["/api/v[12]", "Exact", `regular expression literally: ${only}`],
    ["/api/.*", "Prefix", `regular expression literally: ${only}`],
    ["/api$", "Exact", `regular expression literally: ${only}`],
    ["/\\d", "Exact", `regular expression literally: ${only}`],
  ])("%s, %s", (path, pathType, wanted) => {
    const { findings } = load(at(path, pathType));
    expect(findings).toEqual([
      expect.stringMatching(/^6:\d+ warning pattern-in-path spec\.rules\[0\]\.http\.paths\[0\]\.path: Invalid value: /),
    ]);
    expect(findings[0]).toContain(`pathType ${pathType} takes the ${wanted}`);
  });

  test.each([
    ["/*", "ImplementationSpecific"],
    ["/bot(/|$)(.*)", "ImplementationSpecific"],
    ["/", "Prefix"],
    ["/wiki/Kernel_(Linux)", "Exact"],
    ["/a.b/c+d/~e/f;g=h,i/$id/@j", "Prefix"],
  ])("%s, %s is fine", (path, pathType) => {
    expect(load(at(path, pathType)).findings).toEqual([]);
  });
});

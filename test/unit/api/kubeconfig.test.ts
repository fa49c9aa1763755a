import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { PLAIN, renderDiagnostic } from "../../../compiler/documents/render.ts";
import type { AccessDescription } from "../../../runtime/api/access-description.ts";
import { inClusterAccess } from "../../../runtime/api/access-description.ts";
import { readKubeconfig } from "../../../runtime/api/kubeconfig.ts";
import { runs } from "../../support/runs.ts";

interface Members {
  readonly [key: string]: unknown;
}

function kubeconfig(cluster: Members, user: Members = {}, more: Members = {}): string {
  return JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "here",
      contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...cluster } }],
      users: [{ name: "u", user }],
      ...more,
    },
    null,
    2,
  );
}

function read(text: string, context?: string): { access: AccessDescription | undefined; findings: string[] } {
  const diagnostics: Diagnostic[] = [];
  const source = { name: "/etc/kpc/config", text };
  const options = context === undefined ? {} : { context };
  const access = readKubeconfig(source, (diagnostic) => diagnostics.push(diagnostic), options);
  return { access, findings: diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, PLAIN)) };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const file = (path: string): object => ({ kind: "file", path });

describe("a kubeconfig", () => {
  test.each<readonly [string, Members, Members, Partial<AccessDescription>]>([
    ["an address", {}, {}, { server: new URL("https://10.0.0.1:6443"), login: { kind: "none" }, isInsecure: false }],
    ["a path below an address", { server: "https://r/k8s/c-1" }, {}, { server: new URL("https://r/k8s/c-1") }],
    [
      "a CA file beside it",
      { "certificate-authority": "ca.crt" },
      {},
      { ca: { kind: "file", path: "/etc/kpc/ca.crt" } },
    ],
    [
      "a CA file elsewhere",
      { "certificate-authority": "/pki/ca.crt" },
      {},
      { ca: { kind: "file", path: "/pki/ca.crt" } },
    ],
    [
      "a CA as data, which wins",
      { "certificate-authority": "ca.crt", "certificate-authority-data": base64("PEM") },
      {},
      { ca: { kind: "bytes", bytes: Buffer.from("PEM") } },
    ],
    ["no CA", { "insecure-skip-tls-verify": true }, {}, { isInsecure: true, ca: undefined }],
    ["another name of the server", { "tls-server-name": "api" }, {}, { tlsServerName: "api" }],
    [
      "a certificate and its key",
      {},
      { "client-certificate": "c.crt", "client-key-data": base64("KEY") },
      { cert: { kind: "file", path: "/etc/kpc/c.crt" }, key: { kind: "bytes", bytes: Buffer.from("KEY") } },
    ],
    [
      "a token",
      {},
      { token: "t0ken" },
      { login: { kind: "token", token: { kind: "bytes", bytes: Buffer.from("t0ken") } } },
    ],
    [
      "a token file, which wins",
      {},
      { token: "t0ken", tokenFile: "token" },
      { login: { kind: "token", token: { kind: "file", path: "/etc/kpc/token" } } },
    ],
    ["a password", {}, { username: "a", password: "b" }, { login: { kind: "password", username: "a", password: "b" } }],
    [
      "somebody else",
      {},
      { as: "jane", "as-uid": "7", "as-groups": ["dev", "ops"] },
      { headers: { "impersonate-user": "jane", "impersonate-uid": "7", "impersonate-group": ["dev", "ops"] } },
    ],
    [
      "a program beside it",
      {},
      {
        exec: {
          apiVersion: "client.authentication.k8s.io/v1",
          command: "./login",
          args: ["--cluster", "c"],
          env: [{ name: "REGION", value: "eu" }],
          interactiveMode: "Never",
          provideClusterInfo: true,
          installHint: "install it",
        },
      },
      {
        login: {
          kind: "exec",
          apiVersion: "client.authentication.k8s.io/v1",
          command: "/etc/kpc/login",
          args: ["--cluster", "c"],
          env: { REGION: "eu" },
          providesClusterInfo: true,
          installHint: "install it",
        },
      },
    ],
    [
      "a program of the path",
      {},
      { exec: { apiVersion: "client.authentication.k8s.io/v1beta1", command: "login" } },
      {
        login: {
          kind: "exec",
          apiVersion: "client.authentication.k8s.io/v1beta1",
          command: "login",
          args: [],
          env: {},
          providesClusterInfo: false,
          installHint: undefined,
        },
      },
    ],
  ])("with %s", (_, cluster, user, expected) => {
    const { access, findings } = read(kubeconfig(cluster, user));
    expect(findings).toEqual([]);
    expect(access).toMatchObject(expected);
  });

  test("of another context than the current one", () => {
    const contexts = [
      { name: "here", context: { cluster: "c", user: "u" } },
      { name: "there", context: { cluster: "d" } },
    ];
    const clusters = [{ name: "d", cluster: { server: "https://10.0.0.2" } }];
    const text = kubeconfig({}, {}, { contexts, clusters });
    expect(read(text, "there").access).toMatchObject({ server: new URL("https://10.0.0.2"), login: { kind: "none" } });
    expect(read(text).findings.join("")).toMatch(
      /contexts\[0\].context.cluster: Unsupported value: "c": supported values: "d"/,
    );
  });
});

describe("a kubeconfig that is wrong", () => {
  test.each<readonly [string, string, RegExp]>([
    ["empty", "", /expected a kubeconfig .*, found no document/],
    ["a list", "[]", /expected object, found array/],
    ["another kind", "kind: Pod", /1:7: error: expected a kubeconfig/],
    ["two documents", "kind: Config\n---\nkind: Config", /expected one document/],
    ["no context", "kind: Config", /current-context: Required value/],
    [
      "a context that is not there",
      "current-context: x\ncontexts: [{name: other}]",
      /1:18: error: \[current-context\]: Unsupported value: "x".*"other"/,
    ],
    ["a context where there is none", "current-context: x", /contexts: Required value: there is no context "x"/],
    ["a user where there is none", kubeconfig({}, {}, { users: [] }), /users: Required value: there is no user "u"/],
    ["no server", kubeconfig({ server: "" }), /clusters\[0\].cluster.server: Required value/],
    [
      "a server without a scheme",
      kubeconfig({ server: "10.0.0.1:6443" }),
      /server: Invalid value: expected an address such as/,
    ],
    [
      "a server with a password",
      kubeconfig({ server: "https://a:SECRET@b" }),
      /server: Invalid value: expected an address/,
    ],
    ["a proxy", kubeconfig({ "proxy-url": "http://a:SECRET@p" }), /proxy-url\]: Forbidden: kpc does not reach/],
    [
      "a CA and no check",
      kubeconfig({ "insecure-skip-tls-verify": true, "certificate-authority": "x" }),
      /insecure-skip-tls-verify\]: Forbidden: certificates are either checked or not/,
    ],
    ["a key without a certificate", kubeconfig({}, { "client-key": "x" }), /client-certificate-data: Required value/],
    ["a certificate without a key", kubeconfig({}, { "client-certificate": "x" }), /client-key-data: Required value/],
    [
      "data that is no base64",
      kubeconfig({}, { "client-key-data": "SECRET!" }),
      /client-key-data\]: Invalid value: expected base64/,
    ],
    [
      "a token of another type",
      kubeconfig({}, { token: 123456 }),
      /token: Invalid value: expected string, found number/,
    ],
    [
      "an auth provider",
      kubeconfig({}, { "auth-provider": { name: "oidc" } }),
      /auth-provider\]: Forbidden: Kubernetes 1.26/,
    ],
    [
      "an old program",
      kubeconfig({}, { exec: { apiVersion: "client.authentication.k8s.io/v1alpha1", command: "x" } }),
      /exec.apiVersion: Unsupported value: "client.authentication.k8s.io\/v1alpha1": supported values/,
    ],
    [
      "a program that asks",
      kubeconfig(
        {},
        { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "x", interactiveMode: "Always" } },
      ),
      /interactiveMode: Forbidden: nobody is there to answer/,
    ],
    [
      "a program without a name",
      kubeconfig({}, { exec: { apiVersion: "client.authentication.k8s.io/v1" } }),
      /exec.command: Required/,
    ],
    ["extras", kubeconfig({}, { "as-user-extra": { a: ["b"] } }), /as-user-extra\]: Forbidden/],
  ])("%s", (_, text, expected) => {
    const { access, findings } = read(text);
    expect(access).toBeUndefined();
    expect(findings.join("\n")).toMatch(expected);
    expect(findings.join("\n")).not.toMatch(/SECRET|123456/);
  });
});

/** A kubeconfig as people write it, with everything that is secret. */
const SECRETS = `apiVersion: v1
kind: Config
current-context: here
contexts:
- name: here
  context: {cluster: c, user: u}
clusters:
- name: c
  cluster:
    server: https://10.0.0.1
    proxy-url: http://user:SECRETSECRET@proxy
users:
- name: u
  user:
    token: SECRETSECRET.SECRET-SECRET_SECRET
    password: "SECRETSECRET"
    client-key-data: SECRETSECRETSECRETSECRETSECRETSECRET
    client-certificate-data: |
      SECRETSECRETSECRET+SECRET/SECRETSECRET
      SECRETSECRETSECRET==
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: login
      args:
      - --token=SECRETSECRET
      - SECRETSECRET
      env:
      - name: TOKEN
        value: SECRETSECRET
`;

test("no finding about a kubeconfig shows a secret, whatever is wrong with the file", () => {
  expect(SECRETS.match(/SECRET/g)?.length).toBeGreaterThan(20);
  const insert = fc.constantFrom(
    "[",
    "{",
    "\t",
    ": ",
    "- ",
    '"',
    "'",
    "|",
    "&a ",
    "*a ",
    "\n",
    "!!int ",
    "123",
    "\u0000",
    "#",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(SECRETS.length), insert), { minLength: 1, maxLength: 3 }), (changes) => {
      let text = SECRETS;
      // What breaks a secret in two would be shown as two halves of it: the words stay whole.
      for (const [at, what] of changes) {
        const place = text.slice(0, at).replace(/[^\s:]*$/, "").length;
        text = text.slice(0, place) + what + text.slice(place);
      }
      expect(read(text).findings.join("\n")).not.toMatch(/SECRETSECRET/);
    }),
    { numRuns: runs(4000) },
  );
});

describe("a Pod", () => {
  test("finds the API server in its environment", () => {
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    expect(inClusterAccess(env, "/sa")).toMatchObject({
      server: new URL("https://[fd00::1]:443"),
      ca: file("/sa/ca.crt"),
      login: { kind: "token", token: file("/sa/token") },
    });
  });

  test.each([
    {},
    { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    { KUBERNETES_SERVICE_HOST: "a b", KUBERNETES_SERVICE_PORT: "1" },
  ])("%j is none", (env) => {
    expect(inClusterAccess(env)).toBeUndefined();
  });
});

test("a context that was asked for and is not there: those that are, are named", () => {
  const contexts = ["here", "there"].map((name) => ({ name, context: { cluster: "c", user: "u" } }));
  const { access, findings } = read(kubeconfig({}, {}, { contexts }), "nowhere");
  expect(access).toBeUndefined();
  expect(findings.join("")).toContain(
    'contexts: Required value: there is no context "nowhere"; there are: "here", "there"',
  );
});

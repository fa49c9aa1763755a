/** Credentials against a fake API server: files that change, tokens that end, certificates, programs. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAccess } from "../../../runtime/api/access.ts";
import type { AccessDescription, ExecLogin, Login } from "../../../runtime/api/access-description.ts";
import { ApiClient } from "../../../runtime/api/client.ts";
import { SERVICES } from "../../../runtime/api/kinds.ts";
import { ApiTrouble } from "../../../runtime/api/trouble.ts";
import { FakeApiServer } from "../../support/api-server/fake-api-server.ts";
import { FollowedKind } from "../../support/api-server/followed.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";
import { makeCertificate } from "../../support/certificates.ts";

let folder = "";
let fake: FakeApiServer;
let clock: TestClock;
const signal = new AbortController().signal;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kpc-access-"));
  fake = await FakeApiServer.start();
  clock = new TestClock();
});

afterEach(async () => {
  await fake.stop();
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function describeAccess(login: Login, more: Partial<AccessDescription> = {}): AccessDescription {
  const none = {
    tlsServerName: undefined,
    isInsecure: false,
    ca: undefined,
    cert: undefined,
    key: undefined,
    headers: {},
  };
  return { server: new URL(fake.url), ...none, login, ...more };
}

function clientWith(login: Login, more: Partial<AccessDescription> = {}): ApiClient {
  return new ApiClient(openAccess(describeAccess(login, more), clock), clock);
}

async function list(client: ApiClient): Promise<string> {
  try {
    await client.list(SERVICES.path, {}, signal, () => {});
    return "ok";
  } catch (error) {
    if (!(error instanceof ApiTrouble)) throw error;
    return `${error.reason}: ${error.message}`;
  }
}

const sent = (): (string | undefined)[] => fake.requests.map(({ headers }) => headers.authorization);
const tokenFile = (path: string): Login => ({ kind: "token", token: { kind: "file", path } });

describe("a token", () => {
  test("in a file is read again when the file changes", async () => {
    const path = write("token", "one\n");
    const client = clientWith(tokenFile(path));
    await list(client);
    await list(client);
    rmSync(path);
    write("token", "two");
    await list(client);
    expect(sent()).toEqual(["Bearer one", "Bearer one", "Bearer two"]);
  });

  test("that has ended is read again and sent once more; a second refusal is one", async () => {
    const client = clientWith(tokenFile(write("token", "old")));
    fake.tokens = new Set(["new"]);
    expect(await list(client)).toBe("unauthorized: /api/v1/services: status 401: Unauthorized");
    fake.tokens = new Set(["old"]);
    expect(await list(client)).toBe("ok");
    expect(sent()).toEqual(["Bearer old", "Bearer old", "Bearer old"]);
    expect(client.requests).toEqual([
      { method: "GET", code: "401", host: new URL(fake.url).host, count: 2 },
      { method: "GET", code: "200", host: new URL(fake.url).host, count: 1 },
    ]);
  });

  test("that ends while a watch runs costs the watch nothing", async () => {
    const path = write("token", "old");
    fake.tokens = new Set(["old"]);
    fake.store.put(SERVICES.path, { metadata: { namespace: "shop", name: "a" } });
    const it = new FollowedKind(openAccess(describeAccess(tokenFile(path)), clock), SERVICES, clock);
    await it.hears("synced");
    rmSync(path);
    write("token", "new");
    fake.tokens = new Set(["new"]);
    fake.endWatches();
    await fake.watching();
    expect(it.told).toEqual(["put shop/a 1001", "synced"]);
    await it.stop();
  });

  test.each([
    [
      "a file that is not there",
      { kind: "file", path: "/nowhere/token" },
      "credentials: cannot read /nowhere/token: ENOENT",
    ],
    [
      "characters of other headers",
      { kind: "bytes", bytes: Buffer.from("a\r\nx: SECRET") },
      "credentials: the token has characters that no token has",
    ],
  ] as const)("with %s is trouble", async (_, token, expected) => {
    expect(await list(clientWith({ kind: "token", token }))).toBe(expected);
    expect(fake.requests).toEqual([]);
  });
});

test("a password, and who is impersonated, go along", async () => {
  const headers = { "impersonate-user": "jane", "impersonate-group": ["dev", "ops"] };
  await list(clientWith({ kind: "password", username: "a", password: "b" }, { headers }));
  expect(fake.requests[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from("a:b").toString("base64")}`,
    "impersonate-user": "jane",
    "impersonate-group": "dev, ops",
  });
});

describe("certificates", () => {
  const [first, second] = [makeCertificate({ names: ["one"] }), makeCertificate({ names: ["one"] })];
  const pem = ({ certificate, key }: typeof first): { cert: string; key: string } => ({ cert: certificate, key });

  test("that the CA has not signed are not believed, unless nobody checks them", async () => {
    await fake.stop();
    fake = await FakeApiServer.start(pem(first));
    const ca = { kind: "bytes", bytes: Buffer.from(second.certificate) } as const;
    expect(await list(clientWith({ kind: "none" }, { ca, tlsServerName: "one" }))).toMatch(
      /^unreachable: 127.0.0.1:\d+: .*self/,
    );
    expect(await list(clientWith({ kind: "none" }, { isInsecure: true }))).toBe("ok");
  });

  test("count for the name that is asked for", async () => {
    await fake.stop();
    fake = await FakeApiServer.start(pem(first));
    const ca = { kind: "bytes", bytes: Buffer.from(first.certificate) } as const;
    expect(await list(clientWith({ kind: "none" }, { ca, tlsServerName: "one" }))).toBe("ok");
    expect(await list(clientWith({ kind: "none" }, { ca, tlsServerName: "two" }))).toMatch(/^unreachable: .*altnames/);
  });

  test("that change on both sides are read again", async () => {
    await fake.stop();
    fake = await FakeApiServer.start(pem(first));
    const path = write("ca.crt", first.certificate);
    const client = clientWith({ kind: "none" }, { ca: { kind: "file", path }, tlsServerName: "one" });
    expect(await list(client)).toBe("ok");
    fake.presentCertificate(pem(second));
    expect(await list(client)).toMatch(/^unreachable/);
    rmSync(path);
    write("ca.crt", second.certificate);
    expect(await list(client)).toBe("ok");
  });
});

describe("a program", () => {
  const V1 = "client.authentication.k8s.io/v1";

  /** A program that writes down what it is told and prints `output`; `more` shell commands before. */
  function program(output: unknown, more = ""): string {
    write("output", typeof output === "string" ? output : JSON.stringify(output));
    const text = `#!/bin/sh\ncd ${folder}\necho "$KUBERNETES_EXEC_INFO $REGION $*" >> told\n${more}\ncat output\n`;
    const path = write("login", text);
    chmodSync(path, 0o755);
    return path;
  }

  function exec(command: string, more: Partial<ExecLogin> = {}): Login {
    const none = { args: [], env: {}, providesClusterInfo: false, installHint: undefined };
    return { kind: "exec", apiVersion: V1, command, ...none, ...more };
  }

  const credential = (status: object): object => ({ kind: "ExecCredential", apiVersion: V1, status });
  const told = async (): Promise<string[]> => {
    const { readFileSync } = await import("node:fs");
    return readFileSync(join(folder, "told"), "utf8").trim().split("\n");
  };

  test("gives a token, is told of the cluster, and is not asked again", async () => {
    const login = exec(program(credential({ token: "t" })), {
      args: ["a", "b"],
      env: { REGION: "eu" },
      providesClusterInfo: true,
    });
    const client = clientWith(login, { ca: { kind: "bytes", bytes: Buffer.from("CA") }, tlsServerName: "api" });
    await list(client);
    await list(client);
    expect(sent()).toEqual(["Bearer t", "Bearer t"]);
    const cluster = { server: `${fake.url}/`, "tls-server-name": "api", "certificate-authority-data": "Q0E=" };
    const info = { kind: "ExecCredential", apiVersion: V1, spec: { interactive: false, cluster } };
    expect(await told()).toEqual([`${JSON.stringify(info)} eu a b`]);
  });

  test("is asked again a minute before the end, and when the server refuses what it gave", async () => {
    const expirationTimestamp = new Date(clock.wallTime() + 600_000).toISOString();
    const client = clientWith(exec(program(credential({ token: "t", expirationTimestamp }))));
    await list(client);
    clock.advance(539_999);
    await list(client);
    expect(await told()).toHaveLength(1);
    clock.advance(1);
    await list(client);
    expect(await told()).toHaveLength(2);
    const other = clientWith(exec(program(credential({ token: "u" }))));
    fake.tokens = new Set();
    expect(await list(other)).toMatch(/^unauthorized/);
    expect(await told()).toHaveLength(4);
  });

  test("runs once for who asks at the same time", async () => {
    const client = clientWith(exec(program(credential({ token: "t" }))));
    await Promise.all([list(client), list(client), list(client)]);
    expect(await told()).toHaveLength(1);
  });

  test.each<readonly [string, unknown, string, RegExp]>([
    ["prints no JSON", "SECRET", "", /its output is not JSON/],
    ["prints something else", { kind: "Status", token: "SECRET" }, "", /its output is no ExecCredential of client/],
    [
      "prints another version",
      { ...credential({ token: "SECRET" }), apiVersion: "x" },
      "",
      /its output is no ExecCredential/,
    ],
    ["prints nothing to come in with", credential({}), "", /neither a token nor a certificate/],
    ["prints a number", credential({ token: 1 }), "", /status.token is not a string/],
    ["prints half a pair", credential({ clientKeyData: "SECRET" }), "", /a certificate and its key come together/],
    [
      "prints no time",
      credential({ token: "SECRET", expirationTimestamp: "SECRET" }),
      "",
      /expirationTimestamp is not a time/,
    ],
    ["fails", credential({ token: "SECRET" }), "echo SECRET >&2; exit 3", /it ended with 3/],
    ["is killed", credential({ token: "SECRET" }), "kill -9 $$", /it ended with SIGKILL/],
    ["prints without end", credential({ token: "SECRET" }), "exec yes", /it prints more than 1048576 bytes/],
  ])("that %s is trouble", async (_, output, more, expected) => {
    const said = await list(clientWith(exec(program(output, more))));
    expect(said).toMatch(/^credentials: credentials from \S+login: /);
    expect(said).toMatch(expected);
    expect(said).not.toMatch(/SECRET/);
    expect(fake.requests).toEqual([]);
  });

  test("that is not there is trouble, with how to install it", async () => {
    const login = exec("/nowhere/login", { installHint: "see https://example.com" });
    expect(await list(clientWith(login))).toBe(
      "credentials: credentials from /nowhere/login: it cannot be started (ENOENT): see https://example.com",
    );
  });
});

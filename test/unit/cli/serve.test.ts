/** `kpc serve`: who gets the page and the files, and who does not. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isOwnName } from "../../../runtime/page/page-server.ts";
import { kpcProcess } from "../../support/cli.ts";

const KPC = new URL("../../../dist/bin/kpc.cjs", import.meta.url).pathname;

interface Response {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function get(address: URL, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Response> {
  return new Promise((resolve, reject) => {
    request(address, { headers, method }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    })
      .on("error", reject)
      .end();
  });
}

/** The status of the answer to a request whose head is `lines`. */
async function statusOf({ hostname, port }: URL, lines: readonly string[]): Promise<number> {
  const socket = connect(Number(port), hostname);
  socket.end(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.toString())?.[1]);
}

describe("kpc serve", () => {
  let folder: string;
  let kpc: ChildProcess;
  let address: URL;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "kpc-serve-"));
    writeFileSync(join(folder, "a.yaml"), "kind: Service\n");
    kpc = spawn(process.execPath, [KPC, "serve", folder], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(kpc.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    address = new URL(line.toString().trim());
  });

  afterAll(() => {
    kpc.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  test("gives the page on loopback, under a policy that lets it ask nobody else", async () => {
    expect(address.hostname).toBe("127.0.0.1");
    const { status, headers, body } = await get(address);
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'sha256-");
    expect(headers["content-security-policy"]).toContain("connect-src 'self'");
    expect(headers["content-security-policy"]).not.toContain("unsafe-inline");
    expect(body).toContain('id="served"');
    expect(body).not.toContain("http-equiv");
  });

  test("gives the files", async () => {
    const { body } = await get(new URL("files", address));
    expect(JSON.parse(body)).toEqual([{ name: join(folder, "a.yaml"), text: "kind: Service\n" }]);
  });

  test("gives nothing without the token", async () => {
    // The last letter of a token may be any.
    const nearly = address.pathname.replace(/.(?=\/$)/, (last) => (last === "x" ? "y" : "x"));
    for (const path of ["/", "/files", "/wrong/files", `${nearly}files`])
      expect((await get(new URL(path, address))).status).toBe(404);
  });

  test("gives nothing under another name: somebody's DNS may lead it here", async () => {
    for (const host of ["evil.example", `evil.example:${address.port}`, "127.0.0.1", "[::1]"])
      expect((await get(address, { host })).status).toBe(403);
    expect((await get(address, { host: `localhost:${address.port}` })).status).toBe(200);
  });

  test("takes nothing", async () => {
    for (const method of ["POST", "HEAD", "OPTIONS"]) {
      const { status, headers } = await get(address, {}, method);
      expect({ status, allow: headers["allow"] }).toEqual({ status: 405, allow: "GET" });
    }
  });

  test("gives nothing but the page and its files, whatever the path", async () => {
    const own = address.pathname;
    for (const path of ["../files", "files/../files", "..%2ffiles", "a.yaml", "files/", "/files", "files?x", "%66iles"])
      expect({
        path,
        status: await statusOf(address, [`GET ${own}${path} HTTP/1.1`, `Host: ${address.host}`]),
      }).toEqual({
        path,
        status: 404,
      });
  });

  test("gives nothing to requests that a browser does not make", async () => {
    const path = `${address.pathname}files`;
    const rows: readonly (readonly [lines: readonly string[], status: number])[] = [
      [[`GET ${path} HTTP/1.0`], 403],
      [[`GET ${path} HTTP/1.1`], 400],
      [[`GET ${path} HTTP/1.1`, "Host: evil.example", `Host: ${address.host}`], 403],
      [[`GET http://${address.host}${path} HTTP/1.1`, `Host: ${address.host}`], 404],
      [[`GET ${path} HTTP/1.1`, `Host: ${address.host}.`], 403],
      [[`GET ${path} HTTP/1.1`, `Host: ${address.host}`], 200],
    ];
    for (const [lines, status] of rows)
      expect({ lines, status: await statusOf(address, lines) }).toEqual({ lines, status });
  });

  test("leads to the page from its address without the slash", async () => {
    const { status, headers } = await get(new URL(address.pathname.slice(0, -1), address));
    expect({ status, location: headers["location"] }).toEqual({ status: 308, location: address.pathname });
  });

  test("says that its port is taken", () => {
    const { code, stderr } = kpcProcess(["serve", folder, "--port", address.port]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`cannot listen on 127.0.0.1:${address.port}: listen EADDRINUSE`),
    });
  });

  test("tells of changes, and gives the files as they are then", async () => {
    const heard = new Promise<string>((resolve, reject) => {
      request(new URL("changes", address), (response) => {
        response.setEncoding("utf8").on("data", (text: string) => {
          if (text.startsWith("data")) resolve(text);
        });
        // The server has this listener now.
        writeFileSync(join(folder, "b.yaml"), "kind: Pod\n");
      })
        .on("error", reject)
        .end();
    });
    expect(await heard).toBe("data: changed\n\n");
    const { body } = await get(new URL("files", address));
    expect(JSON.parse(body)).toHaveLength(2);
  });

  test("ends with a signal", async () => {
    kpc.kill("SIGTERM");
    expect(await once(kpc, "exit")).toEqual([0, null]);
  });
});

test("a server goes on while its folder vanishes and comes again, with links that lead nowhere or in circles", async () => {
  const outer = mkdtempSync(join(tmpdir(), "kpc-serve-"));
  const folder = join(outer, "files");
  const make = (): void => {
    mkdirSync(folder);
    for (const link of ["a", "b", "c"]) symlinkSync(".", join(folder, link));
    symlinkSync("itself", join(folder, "itself"));
    symlinkSync("nowhere", join(folder, "link"));
    writeFileSync(join(folder, "a.yaml"), "kind: Service\n");
  };
  make();
  const kpc = spawn(process.execPath, [KPC, "serve", "-R", folder], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    const [line] = (await once(kpc.stdout, "data")) as [Buffer];
    const files = new URL("files", line.toString().trim());
    expect(JSON.parse((await get(files)).body)).toHaveLength(1);
    rmSync(folder, { recursive: true });
    const [said] = (await once(kpc.stderr, "data")) as [Buffer];
    expect(said.toString()).toBe(`kpc: cannot read ${folder}: there is no such file\n`);
    expect(JSON.parse((await get(files)).body)).toHaveLength(1);
    make();
    writeFileSync(join(folder, "b.yaml"), "kind: Pod\n");
    while (JSON.parse((await get(files)).body).length < 2) await setTimeout(50);
  } finally {
    kpc.kill("SIGKILL");
    rmSync(outer, { recursive: true });
  }
});

test.each([
  ["127.0.0.1:8080", 8080, true],
  ["localhost:8080", 8080, true],
  ["localhost", 8080, false],
  ["localhost:80", 8080, false],
  ["127.0.0.1", 80, true],
  ["localhost", 80, true],
  ["evil.example", 80, false],
  [undefined, 80, false],
] as const)("%s is this server at port %i: %s", (host, port, wanted) => {
  expect(isOwnName(host, port)).toBe(wanted);
});

test("files that a browser could not hold are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "kpc-serve-"));
  const file = join(folder, "large.yaml");
  writeFileSync(file, "");
  truncateSync(file, 101e6);
  const { code, stderr } = kpcProcess(["serve", file]);
  rmSync(folder, { recursive: true });
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "kpc: the files have 101 MB: expected at most 100 MB for a page\n",
  });
});

test("standard input, files that are not there and ports that are none are refused", () => {
  const said = (...args: readonly string[]): string => kpcProcess(["serve", ...args]).stderr;
  expect(said("-")).toContain("expected files or folders, found -");
  expect(said("nowhere.yaml")).toContain("nowhere.yaml");
  expect(said("--port", "x")).toContain("expected a whole number");
  expect(said("--port", "65536")).toContain("127.0.0.1:65536");
});

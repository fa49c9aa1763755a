/** `kpc serve`: who gets the page and the files, and who does not. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
    for (const path of ["/", "/files", "/wrong/files", `${address.pathname.slice(0, -2)}x/files`])
      expect((await get(new URL(path, address))).status).toBe(404);
  });

  test("gives nothing under another name: somebody's DNS may lead it here", async () => {
    for (const host of ["evil.example", `evil.example:${address.port}`, "127.0.0.1", "[::1]"])
      expect((await get(address, { host })).status).toBe(403);
    expect((await get(address, { host: `localhost:${address.port}` })).status).toBe(200);
  });

  test("takes nothing", async () => {
    expect((await get(address, {}, "POST")).status).toBe(405);
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

test("standard input, files that are not there and ports that are none are refused", () => {
  const said = (...args: readonly string[]): string => kpcProcess(["serve", ...args]).stderr;
  expect(said("-")).toContain("expected files or folders, found -");
  expect(said("nowhere.yaml")).toContain("nowhere.yaml");
  expect(said("--port", "x")).toContain("expected a whole number");
  expect(said("--port", "65536")).toContain("127.0.0.1:65536");
});

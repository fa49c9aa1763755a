/** Runs the built kpc. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The Service `shop/api`, as a file has it. */
export const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec:
  clusterIP: 10.96.0.10
  ports: [{name: http, port: 80}]
`;

interface KpcOptions {
  readonly folder?: string;
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built `kpc` in `folder`, with `input` on its standard input: in a process that runs many commands, one after the other. */
export function kpc(
  args: readonly string[],
  { folder = process.cwd(), input = "", env = {} }: KpcOptions = {},
): CliResult {
  server ??= startServer();
  const request = { args, folder, input: Buffer.from(input).toString("base64"), env };
  writeAll(server.requests, Buffer.from(`${JSON.stringify(request)}\n`));
  return JSON.parse(readLine(server.responses)) as CliResult;
}

/** Likewise, in a process of its own. */
export function kpcProcess(args: readonly string[], { folder, input = "", env = {} }: KpcOptions = {}): CliResult {
  const script = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: folder,
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  });
  return { code: status, stdout, stderr };
}

/** The bytes that `kpc` prints in a process of its own; throws where it fails. */
export function kpcBytes(args: readonly string[]): Buffer {
  const script = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;
  return execFileSync(process.execPath, [script, ...args], { maxBuffer: 1 << 28 });
}

interface Server {
  readonly requests: number;
  readonly responses: number;
}

let server: Server | undefined;

/** The process that cli-server.mjs describes. It ends when this one does: then nobody holds the other end of its requests. */
function startServer(): Server {
  const folder = mkdtempSync(join(tmpdir(), "kpc-server-"));
  const [requests, responses] = [join(folder, "requests"), join(folder, "responses")] as const;
  execFileSync("mkfifo", [requests, responses]);
  const script = new URL("cli-server.mjs", import.meta.url).pathname;
  spawn(process.execPath, [script, requests, responses], { stdio: ["ignore", "pipe", "inherit"] }).unref();
  const opened = { requests: openSync(requests, "w"), responses: openSync(responses, "r") };
  rmSync(folder, { recursive: true });
  return opened;
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function readLine(file: number): string {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(1 << 16);
    const count = readSync(file, part);
    if (count === 0) throw new Error(`kpc ended: ${Buffer.concat(parts).toString("utf8")}`);
    parts.push(part.subarray(0, count));
    if (part[count - 1] === 10) return Buffer.concat(parts).toString("utf8");
  }
}

/** Calls `use` with a folder that holds `files`, and removes it. */
export function inFolder<T>(files: Readonly<Record<string, string | Buffer>>, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "kpc-cli-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

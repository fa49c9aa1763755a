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
  return JSON.parse(answerOf(server, `${JSON.stringify(request)}\n`)) as CliResult;
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

/** Open files: two FIFOs, and what the process has printed to its standard error. */
interface Server {
  readonly requests: number;
  readonly responses: number;
  readonly stderr: number;
}

let server: Server | undefined;

/** Runs the server. Where it ends before it has opened the FIFOs, the shell opens them: who waits for their other ends would wait for ever. */
const RUN_SERVER = 'requests=$0 responses=$1; shift; "$@" "$requests" "$responses"; : < "$requests"; : > "$responses"';

/** The process that cli-server.mjs describes. It ends when this one does: then nobody holds the other end of its requests. */
export function startServer(script = new URL("cli-server.mjs", import.meta.url).pathname): Server {
  const folder = mkdtempSync(join(tmpdir(), "kpc-server-"));
  const [requests, responses] = [join(folder, "requests"), join(folder, "responses")] as const;
  execFileSync("mkfifo", [requests, responses]);
  const stderr = openSync(join(folder, "stderr"), "w+");
  const flags = ["--max-semi-space-size=64", "--always-sparkplug"];
  const command = [process.execPath, ...flags, script];
  spawn("sh", ["-c", RUN_SERVER, requests, responses, ...command], { stdio: ["ignore", "pipe", stderr] }).unref();
  const opened = { requests: openSync(requests, "w"), responses: openSync(responses, "r"), stderr };
  rmSync(folder, { recursive: true });
  return opened;
}

/** The line that the server answers with; throws with what it printed to its standard error where it has ended. */
export function answerOf({ requests, responses, stderr }: Server, request: string): string {
  try {
    writeAll(requests, Buffer.from(request));
    return readLine(responses);
  } catch (cause) {
    const printed = Buffer.alloc(1 << 16);
    const text = printed.toString("utf8", 0, readSync(stderr, printed, 0, printed.length, 0));
    throw new Error(`the process that runs kpc has ended: ${text}`, { cause });
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function readLine(file: number): string {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(1 << 16);
    const count = readSync(file, part);
    if (count === 0) throw new Error(`no answer, but ${JSON.stringify(Buffer.concat(parts).toString("utf8"))}`);
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

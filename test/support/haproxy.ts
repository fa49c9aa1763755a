/** A real HAProxy with configurations of ours, in a network namespace. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HttpRequest } from "../../compiler/evaluate/http-route.ts";
import { required } from "../../compiler/invariant.ts";
import { missingTool, namespaceCommand, toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { kernelMissing } from "./kernel.ts";

/** Why there is no HAProxy here; undefined: there is. */
export const haproxyMissing = kernelMissing ?? missingOf(missingTool(["haproxy"]));
if (haproxyMissing !== undefined) console.warn(`skipped: tests of HAProxy: ${haproxyMissing}`);

function missingOf(tool: string | undefined): string | undefined {
  return tool === undefined ? undefined : `${tool} is not installed`;
}

/** A request; over TLS with a name for the handshake, or other bytes to another port. */
export interface HaproxyRequest extends HttpRequest {
  readonly sni?: string;
  readonly raw?: string;
  readonly port?: number;
}

export interface HaproxyAnswer {
  readonly status: number;
  /** The address of the server that got the request; undefined: HAProxy answered itself. */
  readonly server?: string;
  /** What the server is told of the client. */
  readonly client?: string;
  /** Common name of the certificate, over TLS. */
  readonly certificate?: string;
  /** JSON of the headers that the server got of the proxy. */
  readonly headers?: string;
  readonly location?: string;
  /** All of it. */
  readonly text?: string;
  /** What HAProxy chose of HTTP/2 and HTTP/1.1. */
  readonly protocol?: string;
  readonly cookie?: string;
}

/** One HAProxy after the other, each with `files`. */
export class HaproxyWorld {
  private readonly child;
  private readonly lines;

  constructor() {
    const script = new URL("haproxy-world.mjs", import.meta.url).pathname;
    const [program, ...args] = namespaceCommand([process.execPath, script]);
    this.child = spawn(program, args, { env: toolEnvironment(), stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** What HAProxy says of its configuration, and its answers to `requests`. */
  async ask(
    files: ReadonlyMap<string, string>,
    requests: readonly HaproxyRequest[],
  ): Promise<{
    readonly said: readonly string[];
    readonly answers: readonly HaproxyAnswer[];
    /** What it printed while it ran: the access log. */
    readonly printed: string;
  }> {
    const folder = mkdtempSync(join(tmpdir(), "kpc-haproxy-"));
    try {
      for (const [name, text] of files) writeFileSync(join(folder, name), text);
      const asked = requests.map(({ target, ...others }) => ({ path: target, ...others }));
      this.child.stdin.write(`${JSON.stringify({ folder, requests: asked })}\n`);
      const { value } = await this.lines.next();
      return JSON.parse(required(value as string | undefined, "the world of HAProxy ended"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  close(): void {
    this.child.stdin.end();
  }
}

/** A real HAProxy with configurations of ours, in a network namespace. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HttpRequest } from "../../compiler/evaluate/http-route.ts";
import { required } from "../../compiler/invariant.ts";
import { missingTool, namespaceCommand, TOOL_ENVIRONMENT } from "../../runtime/kernel/namespace.ts";
import { kernelMissing } from "./kernel.ts";

/** Why there is no HAProxy here; undefined: there is. */
export const haproxyMissing = kernelMissing ?? missingOf(missingTool(["haproxy"]));
if (haproxyMissing !== undefined) console.warn(`skipped: tests of HAProxy: ${haproxyMissing}`);

function missingOf(tool: string | undefined): string | undefined {
  return tool === undefined ? undefined : `${tool} is not installed`;
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
  readonly cookie?: string;
}

/** One HAProxy after the other, each with `files`. */
export class HaproxyWorld {
  private readonly child;
  private readonly lines;

  constructor() {
    const script = new URL("haproxy-world.mjs", import.meta.url).pathname;
    const [program, ...args] = namespaceCommand([process.execPath, script]);
    this.child = spawn(program, args, { env: TOOL_ENVIRONMENT, stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** What HAProxy says of its configuration, and its answers to `requests`. */
  async ask(
    files: ReadonlyMap<string, string>,
    requests: readonly (HttpRequest & { readonly sni?: string })[],
  ): Promise<{ readonly said: readonly string[]; readonly answers: readonly HaproxyAnswer[] }> {
    const folder = mkdtempSync(join(tmpdir(), "kpc-haproxy-"));
    try {
      for (const [name, text] of files) writeFileSync(join(folder, name), text);
      const asked = requests.map(({ host, target, sni }) => ({ host, path: target, sni }));
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

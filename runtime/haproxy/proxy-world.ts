/** A real HAProxy in a network namespace, with servers at all addresses behind it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AskedRequest } from "../../compiler/expectations/engines/requests.ts";
import { EngineTrouble } from "../../compiler/expectations/engines/types.ts";
import type { NamedText } from "../../compiler/ir/routes.ts";
import { complaintInNamespace, missingTool, namespaceCommand, toolEnvironment } from "../kernel/namespace.ts";

/** What became of a request. */
export interface ProxyOutcome {
  /** 0: the TLS handshake was refused; -1: nothing listens at the port. */
  readonly status: number;
  /** Who got the request; undefined: HAProxy answered itself. */
  readonly address?: string;
  readonly port?: number;
  /** What it got: names of headers and their values in turn. Undefined where the answer has no body. */
  readonly seen?: { readonly method: string; readonly target: string; readonly headers: readonly string[] };
  /** Of the answer; names in lower case. */
  readonly headers?: readonly NamedText[];
  /** The certificate that was shown: DER as base64. */
  readonly certificate?: string;
}

/** Why HAProxy cannot run here; undefined when it can. */
export function whyNoProxy(): string | undefined {
  const missing = missingTool(["unshare", "setpriv"]) ?? (missingTool(["ip"]) && "ip");
  if (missing !== undefined) return `${missing} is not installed`;
  if (missingHaproxy()) return "haproxy is not installed";
  const complaint = complaintInNamespace("ip link set lo up && ip link add proxy type veth peer name servers");
  return complaint === undefined ? undefined : `network namespaces cannot be made here: ${complaint}`;
}

function missingHaproxy(): boolean {
  return missingTool(["haproxy"]) !== undefined;
}

/** One HAProxy after the other. Close it: its namespaces live as long as the process. */
export class ProxyWorld {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    const script = new URL("haproxy-world.mjs", import.meta.url).pathname;
    const [program, ...args] = namespaceCommand([process.execPath, script]);
    const child = spawn(program, args, { env: toolEnvironment(), stdio: ["pipe", "pipe", "inherit"] });
    this.child = child;
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** The outcomes of `requests` with a HAProxy that has `files`, of which one is haproxy.cfg. `ports`: those of the endpoints. `names`: the IPv4
   *  address of each name that HAProxy can look up. Throws `EngineTrouble` with what HAProxy says against its configuration. */
  async ask(
    files: ReadonlyMap<string, string>,
    ports: readonly number[],
    requests: readonly AskedRequest[],
    names: ReadonlyMap<string, string> = new Map(),
  ): Promise<readonly ProxyOutcome[]> {
    const folder = mkdtempSync(join(tmpdir(), "kpc-haproxy-"));
    try {
      for (const [name, text] of files) writeFileSync(join(folder, name), text, { mode: 0o600 });
      this.child.stdin?.write(`${JSON.stringify({ folder, ports, names: [...names], requests })}\n`);
      const { value, done } = await this.lines.next();
      if (done === true) throw new EngineTrouble("the namespace of HAProxy has ended");
      const { said, outcomes } = JSON.parse(value) as {
        readonly said: readonly string[];
        readonly outcomes: readonly ProxyOutcome[];
      };
      if (said.length > 0) throw new EngineTrouble(said.join("; "));
      return outcomes;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin?.end();
    await ended;
  }
}

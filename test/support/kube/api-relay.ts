/** Brings the API server into network namespaces: by a socket in a folder, which all of them see. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { RealApiServer } from "./real-api-server.ts";

/** Where the API server is in a namespace in which `relayScript` runs. */
export const RELAYED_URL = "https://127.0.0.1:6443";

export class ApiRelay {
  readonly path: string;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(path: string, server: Server) {
    this.path = path;
    this.server = server;
  }

  static async start(api: RealApiServer): Promise<ApiRelay> {
    const path = join(api.folder, "api.sock");
    const server = createServer();
    const relay = new ApiRelay(path, server);
    const port = Number(new URL(api.url).port);
    server.on("connection", (socket) => relay.join(socket, connect(port, "127.0.0.1")));
    server.listen(path);
    await once(server, "listening");
    return relay;
  }

  /** A shell command that listens in a namespace and leads here. It runs until the namespace ends. */
  get relayScript(): string {
    const { port } = new URL(RELAYED_URL);
    const program = `require("net").createServer((socket) => {
      const other = require("net").connect(${JSON.stringify(this.path)});
      for (const [a, b] of [[socket, other], [other, socket]]) a.on("error", () => b.destroy()).pipe(b);
    }).listen(${port}, "127.0.0.1")`;
    return `'${process.execPath}' -e '${program}' > /dev/null 2>&1 &`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(socket: Socket, other: Socket): void {
    const pairs = [
      [socket, other],
      [other, socket],
    ] as const;
    for (const [from, to] of pairs) {
      this.sockets.add(from);
      from.on("error", () => to.destroy()).on("close", () => this.sockets.delete(from));
      from.pipe(to);
    }
  }
}

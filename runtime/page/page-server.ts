/** A page on loopback, for one person: whoever does not know its token sees nothing. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What is served below the token. */
export interface ServedPage {
  /** The page as HTML. */
  readonly page: string;
  /** The `Content-Security-Policy` of the page. */
  readonly policy: string;
  /** The files that it shows, as JSON, as they are now. */
  readonly files: () => string;
}

/** A server that runs. */
export class PageServer {
  /** Where the page is: with the token. */
  readonly address: string;
  private readonly server: Server;
  private readonly listeners: Set<ServerResponse>;

  private constructor(server: Server, address: string, listeners: Set<ServerResponse>) {
    this.server = server;
    this.address = address;
    this.listeners = listeners;
  }

  /** Listens on 127.0.0.1, at `port` or at a port of the kernel's choice. Throws the error of `listen`. */
  static async start(served: ServedPage, port = 0): Promise<PageServer> {
    const token = process.getBuiltinModule("node:crypto").randomBytes(18).toString("base64url");
    const listeners = new Set<ServerResponse>();
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const { port: own } = server.address() as AddressInfo;
    server.on("request", (request, response) => answer(request, response, { ...served, token, port: own, listeners }));
    return new PageServer(server, `http://127.0.0.1:${own}/${token}/`, listeners);
  }

  /** Tells pages that the files have changed. */
  tellChange(): void {
    for (const listener of this.listeners) listener.write("data: changed\n\n");
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, "close");
  }
}

interface Answering extends ServedPage {
  readonly token: string;
  readonly port: number;
  readonly listeners: Set<ServerResponse>;
}

interface Reply {
  readonly status: number;
  readonly type: "text/html" | "text/plain" | "application/json";
  readonly body: string;
  /** Where it is instead. */
  readonly location?: string;
}

const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

function answer(request: IncomingMessage, response: ServerResponse, answering: Answering): void {
  const { policy, listeners } = answering;
  const reply = replyTo(request, answering);
  if (reply === "changes") {
    response.writeHead(200, { ...HEADERS, "Content-Type": "text/event-stream" }).write(":\n\n");
    listeners.add(response);
    response.on("close", () => listeners.delete(response));
    return;
  }
  const { status, type, body, location } = reply;
  const own = {
    ...(type === "text/html" ? { "Content-Security-Policy": policy } : {}),
    ...(location === undefined ? {} : { Location: location }),
    ...(status === 405 ? { Allow: "GET" } : {}),
  };
  response.writeHead(status, { ...HEADERS, "Content-Type": `${type}; charset=utf-8`, ...own }).end(body);
}

function replyTo({ method, url = "", headers }: IncomingMessage, answering: Answering): Reply | "changes" {
  const { page, files, token, port } = answering;
  const refuse = (status: number, text: string): Reply => ({ status, type: "text/plain", body: `${text}\n` });
  // A page of somebody else, whose name leads to 127.0.0.1, sends that name.
  if (!isOwnName(headers.host, port)) return refuse(403, "this server answers to 127.0.0.1 only");
  const [, given = "", ...path] = url.split("/");
  if (!isEqual(given, token)) return refuse(404, "the address needs the token that kpc serve printed");
  if (method !== "GET") return refuse(405, "expected GET");
  // What the page asks for is beside it: below its address with the slash.
  if (path.length === 0) return { ...refuse(308, "the page is below this address"), location: `/${token}/` };
  switch (path.join("/")) {
    case "":
      return { status: 200, type: "text/html", body: page };
    case "files":
      return { status: 200, type: "application/json", body: files() };
    case "changes":
      return "changes";
    default:
      return refuse(404, "there is no such page");
  }
}

/** Whether `host`, as a request names it, is this server at `port`. */
export function isOwnName(host: string | undefined, port: number): boolean {
  // Browsers leave out the port of http.
  const names = ["127.0.0.1", "localhost"].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  return host !== undefined && names.includes(host);
}

/** Takes as long for each wrong text of the right length. */
function isEqual(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && process.getBuiltinModule("node:crypto").timingSafeEqual(a, b);
}

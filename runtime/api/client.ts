/** Requests to the Kubernetes API over HTTP/1.1, one connection each. */
import type * as http from "node:http";
import type * as https from "node:https";
import type { Socket } from "node:net";
import type * as zlib from "node:zlib";
import type { Clock } from "./clock.ts";
import type { ApiAccess, ApiCredentials } from "./credentials.ts";
import { ListCutter, parseObject } from "./json-cutter.ts";
import { ApiTrouble, troubleOfStatus } from "./trouble.ts";

const HTTP: typeof http = process.getBuiltinModule("node:http");

/** Milliseconds until the head of an answer is there. */
const HEAD_MS = 60_000;
/** Milliseconds without a byte after which a connection that should speak is dead. Bookmarks come about each minute. */
export const SILENCE_MS = 150_000;
/** Milliseconds after which TCP asks a silent peer whether it is there. */
const KEEP_ALIVE_MS = 10_000;
/** Bytes of an answer that is not 200 of which kpc reads the message. */
const MAX_STATUS_BYTES = 64 * 1024;

/** What is said to an API server beside its address. Undefined values are left out. */
export type ApiQuery = Readonly<Record<string, string | undefined>>;

/** Requests by what became of them: `rest_client_requests_total`. */
export interface RequestCount {
  readonly method: string;
  /** The status, or "error" where there was none. */
  readonly code: string;
  readonly host: string;
  count: number;
}

/** An answer whose status is 200 to 299. */
export interface ApiAnswer {
  /** Ends with ApiTrouble `cut-off` or `silent` where the connection does not end as it should. */
  readonly body: AsyncIterable<Buffer>;
  /** Whether the server zips it. */
  readonly isZipped: boolean;
  /** Milliseconds of the clock at the last byte. */
  lastByteAt(): number;
  /** Ends the connection. */
  destroy(): void;
}

interface Request {
  readonly method: "GET" | "POST" | "PATCH";
  readonly path: string;
  readonly query?: ApiQuery | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly content?: string | undefined;
  readonly signal: AbortSignal;
}

export class ApiClient {
  private readonly access: ApiAccess;
  private readonly clock: Clock;
  private agent: { readonly of: ApiCredentials; readonly agent: http.Agent } | undefined;
  private readonly counts = new Map<string, RequestCount>();

  constructor(access: ApiAccess, clock: Clock) {
    this.access = access;
    this.clock = clock;
  }

  /** Of all requests so far. */
  get requests(): readonly Readonly<RequestCount>[] {
    return [...this.counts.values()];
  }

  /** The answer to GET, while it arrives. Servers zip a list, also one that a watch brings, and no other watch. Rejects with ApiTrouble. */
  stream(path: string, query: ApiQuery, signal: AbortSignal): Promise<ApiAnswer> {
    return this.send({ method: "GET", path, query, headers: { "accept-encoding": "gzip" }, signal });
  }

  /** A list: each item as it arrives, then what stands around them. `onHead` gets what stands before them. Rejects with ApiTrouble. */
  async list(
    path: string,
    query: ApiQuery,
    signal: AbortSignal,
    onItem: (item: Readonly<Record<string, unknown>>) => void,
    onHead: (head: unknown) => void = () => {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.stream(path, query, signal);
    try {
      const list = new ListCutter(onHead);
      for await (const chunk of answer.body) for (const item of list.cut(chunk)) onItem(parseObject(item));
      return list.end();
    } finally {
      answer.destroy();
    }
  }

  /** One object. Rejects with ApiTrouble. */
  async get(path: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    return readObject(await this.send({ method: "GET", path, signal }));
  }

  /** Makes (`POST`) or changes (`PATCH`, a merge) an object; the server's object. Rejects with ApiTrouble. */
  async write(
    method: "POST" | "PATCH",
    path: string,
    object: unknown,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const type = method === "POST" ? "application/json" : "application/merge-patch+json";
    const headers = { "content-type": type };
    return readObject(await this.send({ method, path, headers, content: JSON.stringify(object), signal }));
  }

  /** Credentials are read again, and the request is sent once more, where the server does not know them. */
  private async send(request: Request): Promise<ApiAnswer> {
    try {
      return await this.sendOnce(request, await this.access.current());
    } catch (error) {
      if (!(error instanceof ApiTrouble && error.reason === "unauthorized")) throw error;
      return this.sendOnce(request, await this.access.renewed());
    }
  }

  private async sendOnce(request: Request, credentials: ApiCredentials): Promise<ApiAnswer> {
    const { method } = request;
    try {
      const response = await this.respond(request, credentials);
      const status = response.statusCode ?? 0;
      this.count(method, String(status));
      if (status >= 200 && status < 300) return this.answerOf(response, request);
      throw await this.troubleOf(response, request);
    } catch (error) {
      if (error instanceof ApiTrouble) throw error;
      this.count(method, "error");
      throw new ApiTrouble(
        "unreachable",
        `${this.access.server.host}: ${error instanceof Error ? wordsOf(error) : error}`,
      );
    }
  }

  private count(method: string, code: string): void {
    const key = `${method} ${code}`;
    const known = this.counts.get(key);
    if (known === undefined) this.counts.set(key, { method, code, host: this.access.server.host, count: 1 });
    else known.count++;
  }

  private respond(request: Request, credentials: ApiCredentials): Promise<http.IncomingMessage> {
    const { server } = this.access;
    const url = new URL(server);
    url.pathname = `${server.pathname.replace(/\/$/, "")}${request.path}`;
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) url.searchParams.append(name, value);
    const isSecure = url.protocol === "https:";
    const { request: start } = isSecure ? (process.getBuiltinModule("node:https") as typeof https) : HTTP;
    const headers = {
      accept: "application/json",
      "user-agent": "kpc",
      ...credentials.headers,
      ...request.headers,
      ...(request.content === undefined ? {} : { "content-length": String(Buffer.byteLength(request.content)) }),
    };
    return new Promise((resolve, reject) => {
      const sent = start(url, {
        method: request.method,
        headers,
        agent: this.agentFor(credentials, isSecure),
        signal: request.signal,
      });
      const callOff = this.clock.after(HEAD_MS, () =>
        sent.destroy(new ApiTrouble("silent", `${server.host}: no answer within ${HEAD_MS / 1000} seconds`)),
      );
      sent.on("socket", (socket: Socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      sent.on("response", (response) => {
        callOff();
        resolve(response);
      });
      sent.on("error", (error) => {
        callOff();
        reject(error);
      });
      sent.end(request.content);
    });
  }

  /** One for each set of certificates. A connection serves one request, so that none is found dead by the next. */
  private agentFor(credentials: ApiCredentials, isSecure: boolean): http.Agent {
    if (this.agent?.of === credentials) return this.agent.agent;
    const agent = isSecure
      ? new (process.getBuiltinModule("node:https") as typeof https).Agent({ keepAlive: false, ...credentials.tls })
      : new HTTP.Agent({ keepAlive: false });
    this.agent = { of: credentials, agent };
    return agent;
  }

  private answerOf(response: http.IncomingMessage, request: Request): ApiAnswer {
    const type = response.headers["content-type"] ?? "";
    if (!/^application\/json\b/.test(type)) {
      response.destroy();
      const found = type === "" ? "no content type" : JSON.stringify(type);
      throw new ApiTrouble("malformed", `${request.path}: expected content type application/json, found ${found}`);
    }
    let lastByteAt = this.clock.now();
    const body = this.bytesOf(response, () => {
      lastByteAt = this.clock.now();
    });
    const isZipped = isZippedBody(response);
    return { body, isZipped, lastByteAt: () => lastByteAt, destroy: () => response.destroy() };
  }

  /** The bytes of a body, unzipped. The silence that ends it is that of the connection. */
  private async *bytesOf(response: http.IncomingMessage, heard: () => void): AsyncGenerator<Buffer> {
    let lastByteAt = this.clock.now();
    let callOff = (): void => {};
    const watch = (milliseconds: number): void => {
      callOff = this.clock.after(milliseconds, () => {
        const silent = this.clock.now() - lastByteAt;
        if (silent < SILENCE_MS) return watch(SILENCE_MS - silent);
        response.destroy(new ApiTrouble("silent", `no byte for ${SILENCE_MS / 1000} seconds`));
      });
    };
    watch(SILENCE_MS);
    response.on("data", () => {
      lastByteAt = this.clock.now();
      heard();
    });
    try {
      if (isZippedBody(response)) yield* this.unzipped(response);
      else yield* response as AsyncIterable<Buffer>;
      if (!response.complete) throw new ApiTrouble("cut-off", "the connection ended within the answer");
    } catch (error) {
      if (error instanceof ApiTrouble) throw error;
      throw new ApiTrouble("cut-off", error instanceof Error ? wordsOf(error) : String(error));
    } finally {
      callOff();
      response.destroy();
    }
  }

  private async *unzipped(response: http.IncomingMessage): AsyncGenerator<Buffer> {
    const { createGunzip }: typeof zlib = process.getBuiltinModule("node:zlib");
    const gunzip = createGunzip({ chunkSize: UNZIPPED_BYTES });
    response.on("error", (error) => gunzip.destroy(error));
    response.on("close", () => {
      if (!response.complete) gunzip.destroy(new ApiTrouble("cut-off", "the connection ended within the answer"));
    });
    feed(response, gunzip).catch((error: Error) => gunzip.destroy(error));
    yield* gunzip as AsyncIterable<Buffer>;
  }

  private async troubleOf(response: http.IncomingMessage, request: Request): Promise<ApiTrouble> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of this.bytesOf(response, () => {})) {
        pieces.push(chunk);
        bytes += chunk.length;
        if (bytes > MAX_STATUS_BYTES) break;
      }
    } catch {
      // The status alone is enough.
    }
    let body: unknown;
    try {
      body = JSON.parse(Buffer.concat(pieces).toString());
    } catch {
      // What is not a Status says nothing that kpc could use.
    }
    return troubleOfStatus(request.path, response.statusCode ?? 0, body, response.headers["retry-after"]);
  }
}

function isZippedBody({ headers }: http.IncomingMessage): boolean {
  return headers["content-encoding"] === "gzip";
}

/** Each piece is unzipped by another thread, and to ask for it costs more than the work: a server sends a piece for each object of a list, and what arrives
 *  while one is unzipped, and a moment after that, is the next one. */
async function feed(zipped: AsyncIterable<Buffer>, gunzip: zlib.Gunzip): Promise<void> {
  for await (const piece of zipped) {
    await new Promise<void>((resolve, reject) => {
      gunzip.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
  }
  gunzip.end();
}

/** No change waits for it: what is zipped is a list. */
const GATHER_MS = 1;

/** Of a piece. */
const UNZIPPED_BYTES = 64 * 1024;

/** Bytes of an object that is asked for by its name. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

async function readObject(answer: ApiAnswer): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new ApiTrouble("too-large", `the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    pieces.push(chunk);
  }
  return parseObject(Buffer.concat(pieces));
}

function wordsOf(error: Error & { readonly code?: string }): string {
  if (error.message === "") return error.code ?? error.name;
  return error.message;
}

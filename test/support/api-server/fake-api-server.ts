/**
 * An API server that can be told to misbehave: lists and watches from a store, writes, tokens, TLS. What it says in order is what the
 * real one says: the contract tests hold both to it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { AccessDescription } from "../../../runtime/api/access-description.ts";
import { type Misbehaviour, type Outlet, outletFor, zippedLines, zippedOutlet } from "./misbehaviour.ts";
import {
  keyOf,
  ObjectStore,
  type Selector,
  type StoreChange,
  type StoredObject,
  selectedChange,
  selectorOf,
} from "./object-store.ts";
import { getObject, writeObject } from "./one-object.ts";
import { formOf, KINDS, placeOf, type RequestForm, type RequestPlace } from "./places.ts";
import { accessWithToken } from "./raw-request.ts";
import { Refused, refuse, statusObject, tooLarge } from "./refused.ts";
import { TestClock } from "./test-clock.ts";

/** Answers of at least so many bytes are zipped for who asks for it. */
const ZIPPED_FROM = 128 * 1024;

export interface SeenRequest {
  readonly form: RequestForm;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  /** The status of the answer, once it has ended. */
  status: number | undefined;
  /** Whether it is a watch that has begun. */
  isOpen: boolean;
}

interface OpenWatch {
  readonly path: string;
  readonly outlet: Outlet;
  readonly destroy: () => void;
  /** Nothing is told in it any more. */
  readonly forget: () => void;
}

function endOf({ outlet, forget }: OpenWatch): void {
  forget();
  outlet.end();
}

interface Planned {
  readonly forms: readonly RequestForm[];
  readonly path: string | undefined;
  readonly misbehaviour: Misbehaviour;
  left: number;
}

export class FakeApiServer {
  readonly store = new ObjectStore();
  readonly requests: SeenRequest[] = [];
  /** By which watches end that were asked for with `timeoutSeconds`. */
  readonly clock = new TestClock();
  /** Whether watches can bring a list first. */
  streamsLists = true;
  /** Whether such watches are zipped for who asks for it. */
  zipsStreams = true;
  /** The only tokens that come in; undefined: everybody. */
  tokens: ReadonlySet<string> | undefined;
  /** What becomes of all requests while the server is away: connections are cut, or nothing is said. */
  away: "cut" | "silent" | undefined;
  /** Paths that are answered with 404. */
  readonly absent = new Set<string>();

  private readonly server: Server | SecureServer;
  private readonly watches = new Set<OpenWatch>();
  private readonly waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];
  private readonly planned: Planned[] = [];
  /** By path and selectors. */
  private readonly zipped = new Map<string, { readonly version: number; readonly bytes: Buffer }>();
  /** The snapshots of lists in pieces, by version. */
  private readonly snapshots = new Map<string, { readonly items: StoredObject[]; readonly version: number }>();

  private constructor(tls: { readonly cert: string; readonly key: string } | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.answer(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else refuse(response, error instanceof Refused ? error : new Refused(500, String(error)));
      });
    };
    this.server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  }

  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<FakeApiServer> {
    const fake = new FakeApiServer(tls);
    await new Promise<void>((resolve) => fake.server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `${this.server instanceof SecureServerClass ? "https" : "http"}://127.0.0.1:${port}`;
  }

  /** For who has `token`. */
  access(token: string): AccessDescription {
    return accessWithToken(this.url, token);
  }

  /** Resolves when a watch is open that is not the list that it brings, or `count` of them since the start. */
  watching(count = 1): Promise<void> {
    return this.until(() => this.requests.filter(({ form, isOpen }) => form === "watch" && isOpen).length >= count);
  }

  /** Resolves when `count` requests have come. */
  asked(count: number): Promise<void> {
    return this.until(() => this.requests.length >= count);
  }

  private until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ holds, resolve }));
  }

  private notice(): void {
    for (const { holds, resolve } of this.waiting) if (holds()) resolve();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The certificate of connections from now on. */
  presentCertificate(tls: { readonly cert: string; readonly key: string }): void {
    if (this.server instanceof SecureServerClass) this.server.setSecureContext(tls);
  }

  /** Misbehaves at the next `times` requests of these forms, or at the next of any. */
  misbehave(
    forms: RequestForm | readonly RequestForm[],
    misbehaviour: Misbehaviour,
    { times = 1, path }: { readonly times?: number; readonly path?: string } = {},
  ): void {
    this.planned.push({ forms: [forms].flat() as RequestForm[], path, misbehaviour, left: times });
  }

  /** Says `text` in each open watch of `path`. */
  say(path: string, text: string | Buffer): void {
    for (const watch of this.watches) if (watch.path === path) watch.outlet.write(text);
  }

  /** Tells the version to each open watch. */
  bookmark(path: string, annotations?: Readonly<Record<string, string>>): void {
    for (const watch of this.watches) if (watch.path === path) watch.outlet.write(this.bookmarkLine(path, annotations));
  }

  /** Ends all open watches as it should be. */
  endWatches(): void {
    for (const watch of this.watches) endOf(watch);
  }

  /** Ends the connections of all open watches. */
  cutWatches(): void {
    for (const { destroy, forget } of this.watches) {
      forget();
      destroy();
    }
  }

  /** Zips the list that a watch of this question brings, for all who ask it until something changes. A real server zips for each of them, on
   *  processors of its own. */
  async keepZipped(path: string, labels: string | null, fields: string | null): Promise<void> {
    const { version } = this.store;
    const bytes = await zippedLines(this.listedLines(path, selectorOf(labels, fields)));
    this.zipped.set(`${path} ${labels} ${fields}`, { version, bytes });
  }

  /** What a watch says first that brings a list. */
  private *listedLines(path: string, selects: Selector): Generator<string> {
    const head = headOf(path);
    for (const object of [...this.store.kind(path).objects.values()].sort(byKey))
      if (selects(object)) yield eventLine("ADDED", { ...head, ...object });
    yield this.bookmarkLine(path, { "k8s.io/initial-events-end": "true" });
  }

  private bookmarkLine(path: string, annotations?: Readonly<Record<string, string>>): string {
    const metadata = {
      resourceVersion: String(this.store.version),
      ...(annotations === undefined ? {} : { annotations }),
    };
    return eventLine("BOOKMARK", { ...headOf(path), metadata });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const query = Object.fromEntries(url.searchParams);
    const place = placeOf(url.pathname);
    const form = formOf(request, query, place?.name);
    const seen: SeenRequest = {
      form,
      path: url.pathname,
      query,
      headers: request.headers,
      status: undefined,
      isOpen: false,
    };
    this.requests.push(seen);
    this.notice();
    response.on("finish", () => {
      seen.status = response.statusCode;
    });
    if (this.away === "cut") return void request.socket.destroy();
    if (this.away === "silent") return;
    const misbehaviour = this.misbehaviourFor(form, url.pathname);
    if (misbehaviour?.kind === "reset") return void request.socket.destroy();
    if (misbehaviour?.kind === "silence" && misbehaviour.bytes < 0) return;
    if (misbehaviour?.kind === "status")
      throw new Refused(misbehaviour.code, misbehaviour.message, misbehaviour.reason, misbehaviour);
    if (misbehaviour?.kind === "answer") {
      response.writeHead(misbehaviour.code, { "content-type": "application/json", ...misbehaviour.headers });
      return void response.end(misbehaviour.text);
    }
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (this.tokens !== undefined && !this.tokens.has(token)) throw new Refused(401, "Unauthorized", "Unauthorized");
    if (place === undefined || this.absent.has(place.path))
      throw new Refused(404, "the server could not find the requested resource", "NotFound");
    if (form === "write") return writeObject(this.store, request, response, place);
    if (place.name !== undefined) return getObject(this.store, response, place);
    const selects = selectorOf(query["labelSelector"] ?? null, query["fieldSelector"] ?? null);
    const inPlace: Selector = (object) =>
      (place.namespace === undefined || object.metadata.namespace === place.namespace) && selects(object);
    const bytes = outletFor(misbehaviour, request, response);
    const isZipped = this.zipsStreams && asksForGzip(request);
    const outlet = form === "stream" && isZipped && this.streamsLists ? zippedOutlet(bytes) : bytes;
    if (form === "list") return this.list(request, response, place, query, inPlace, misbehaviour, outlet);
    this.watch(request, response, place, seen, inPlace, misbehaviour, outlet);
  }

  private misbehaviourFor(form: RequestForm, path: string): Misbehaviour | undefined {
    const found = this.planned.find(
      (each) => each.left > 0 && each.forms.includes(form) && (each.path === undefined || each.path === path),
    );
    if (found !== undefined) found.left--;
    return found?.misbehaviour;
  }

  private list(
    request: IncomingMessage,
    response: ServerResponse,
    { path }: RequestPlace,
    query: Readonly<Record<string, string>>,
    selects: Selector,
    misbehaviour: Misbehaviour | undefined,
    outlet: Outlet,
  ): void {
    const asked = Number(query["resourceVersion"] ?? 0);
    if (asked > this.store.version) throw tooLarge(asked, this.store.version);
    const all = {
      items: [...this.store.kind(path).objects.values()].sort(byKey).filter(selects),
      version: this.store.version,
    };
    let { items, version } = all;
    let start = 0;
    const [apiVersion, kind] = KINDS[path] ?? ["v1", "Object"];
    const limit = Number(query["limit"] ?? 0);
    if (query["continue"] !== undefined) {
      const [snapshot = "", from] = Buffer.from(query["continue"], "base64url").toString().split(" ");
      const known = this.snapshots.get(snapshot);
      if (known === undefined || known.version < this.store.oldest)
        throw new Refused(410, "The provided continue parameter is too old", "Expired");
      ({ items, version } = known);
      start = Number(from);
    }
    if (misbehaviour?.kind === "old list") version = misbehaviour.version;
    let token = "";
    // As from the watch cache: it does not cut lists in pieces.
    if (limit > 0 && query["resourceVersion"] === undefined && items.length > start + limit) {
      this.snapshots.set(String(version), { items, version });
      token = Buffer.from(`${version} ${start + limit}`).toString("base64url");
      items = items.slice(start, start + limit);
    } else items = items.slice(start);
    // Items of a list have no kind of their own.
    const bare = items.map(({ apiVersion: _, kind: __, ...rest }) => rest);
    const metadata = { resourceVersion: String(version), ...(token === "" ? {} : { continue: token }) };
    const text = `${JSON.stringify({ kind: `${kind}List`, apiVersion, metadata, items: bare })}\n`;
    const isZipped = text.length >= ZIPPED_FROM && asksForGzip(request);
    response.writeHead(200, {
      "content-type": "application/json",
      ...(isZipped ? { "content-encoding": "gzip" } : {}),
    });
    outlet.write(isZipped ? gzipSync(text, { level: 1 }) : text);
    outlet.end();
  }

  private watch(
    request: IncomingMessage,
    response: ServerResponse,
    { path }: RequestPlace,
    seen: SeenRequest,
    selects: Selector,
    misbehaviour: Misbehaviour | undefined,
    outlet: Outlet,
  ): void {
    const { query } = seen;
    const isStream = query["sendInitialEvents"] === "true";
    if (isStream && !this.streamsLists)
      throw new Refused(
        422,
        'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
        "Invalid",
      );
    const from = Number(query["resourceVersion"] ?? (isStream ? 0 : this.store.version));
    const isZipped = isStream && this.zipsStreams && asksForGzip(request);
    response.writeHead(200, {
      "content-type": "application/json",
      ...(isZipped ? { "content-encoding": "gzip" } : {}),
    });
    response.flushHeaders();
    const error = misbehaviour?.kind === "error event" ? misbehaviour : this.errorOf(from, isStream);
    if (error !== undefined) {
      outlet.write(`${JSON.stringify({ type: "ERROR", object: statusObject(error) })}\n`);
      outlet.end();
      return;
    }
    const store = this.store.kind(path);
    const watch: OpenWatch = {
      path,
      outlet,
      destroy: () => response.destroy(),
      forget: () => {
        store.listeners.delete(onChange);
        this.watches.delete(watch);
      },
    };
    if (isStream) {
      const kept = isZipped
        ? this.zipped.get(`${path} ${query["labelSelector"] ?? null} ${query["fieldSelector"] ?? null}`)
        : undefined;
      if (kept?.version === this.store.version) response.write(kept.bytes);
      else for (const line of this.listedLines(path, selects)) outlet.write(line);
    }
    const onChange = (change: StoreChange): void => {
      const selected = selectedChange(change, selects);
      if (selected !== undefined) outlet.write(eventLine(selected.type, { ...headOf(path), ...selected.object }));
    };
    if (!isStream) for (const change of store.history) if (change.version > from) onChange(change);
    store.listeners.add(onChange);
    this.watches.add(watch);
    seen.isOpen = true;
    this.notice();
    const seconds = Number(query["timeoutSeconds"] ?? 0);
    const callOff = seconds > 0 ? this.clock.after(seconds * 1000, () => endOf(watch)) : (): void => {};
    response.on("close", () => {
      callOff();
      watch.forget();
    });
  }

  /** Why a watch cannot begin at version `from`. */
  private errorOf(from: number, isStream: boolean): Refused | undefined {
    const { version, oldest } = this.store;
    if (from > version && isStream) return tooLarge(from, version);
    if (from === 0 || from >= oldest || isStream) return undefined;
    return new Refused(410, `too old resource version: ${from} (${oldest})`, "Expired");
  }
}

const SecureServerClass = createSecureServer().constructor as new () => SecureServer;

function asksForGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
}

function headOf(path: string): { readonly apiVersion: string; readonly kind: string } {
  const [apiVersion, kind] = KINDS[path] ?? ["v1", "Object"];
  return { apiVersion, kind };
}

function eventLine(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function byKey(a: StoredObject, b: StoredObject): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

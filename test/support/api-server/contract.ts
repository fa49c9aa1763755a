/**
 * What API servers do, as cases: the fake one and the real one are held to the same.
 *
 * Each case has its own label, and sees nothing of the others. Lines are `ADDED a`, `BOOKMARK end` (of the list that comes first), `ERROR 410 Expired`.
 */
import { createGunzip } from "node:zlib";
import type { AccessDescription } from "../../../runtime/api/access-description.ts";
import { ObjectCutter, parseObject } from "../../../runtime/api/json-cutter.ts";
import { members } from "../../../runtime/api/trouble.ts";
import { call, open, type RawAnswer } from "./raw-request.ts";

/** An API server that is tried. */
export interface TriedServer {
  readonly access: AccessDescription;
  /** Makes it forget all versions before now. */
  readonly forget: () => Promise<void>;
  /** Lets a second pass for it. */
  readonly pass: () => void;
}

const SERVICES = "/api/v1/services";
const HERE = "/api/v1/namespaces/default/services";

/** A server as one case sees it. */
export class ContractCase {
  private readonly server: TriedServer;
  private readonly label: string;

  constructor(server: TriedServer, label: string) {
    this.server = server;
    this.label = label;
  }

  get access(): AccessDescription {
    return this.server.access;
  }

  call(method: string, path: string, more: Parameters<typeof call>[3] = {}): Promise<RawAnswer> {
    return call(this.server.access, method, path, more);
  }

  forget(): Promise<void> {
    return this.server.forget();
  }

  pass(): Promise<void> {
    return Promise.resolve(this.server.pass());
  }

  /** Makes the Service; its version. */
  async make(name: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const metadata = { name: `${this.label}-${name}`, namespace: "default", labels: { case: this.label, ...labels } };
    const spec = { ports: [{ port: 80, protocol: "TCP" }], clusterIP: "None" };
    return this.versionOf(
      await this.call("POST", HERE, { body: { apiVersion: "v1", kind: "Service", metadata, spec } }),
    );
  }

  /** Changes labels of the Service (null removes one); its version. */
  async relabel(name: string, labels: Readonly<Record<string, string | null>>): Promise<string> {
    return this.versionOf(
      await this.call("PATCH", `${HERE}/${this.label}-${name}`, { body: { metadata: { labels } } }),
    );
  }

  async remove(name: string): Promise<void> {
    await this.call("DELETE", `${HERE}/${this.label}-${name}`);
  }

  /** The name of the Service in the API. */
  named(name: string): string {
    return `${this.label}-${name}`;
  }

  private versionOf({ status, body }: RawAnswer): string {
    const { resourceVersion } = members(body?.["metadata"]);
    if (status >= 300 || typeof resourceVersion !== "string") throw new Error(`${status}: ${JSON.stringify(body)}`);
    return resourceVersion;
  }

  /** The path of all Services of the case, or of those that `selector` selects too. */
  path(query: Readonly<Record<string, string>> = {}, selector = ""): string {
    const labelSelector = `case=${this.label}${selector === "" ? "" : `,${selector}`}`;
    return `${SERVICES}?${new URLSearchParams({ labelSelector, ...query })}`;
  }

  list(
    query: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    return this.call("GET", this.path(query), { headers });
  }

  namesIn({ body }: RawAnswer): string[] {
    const { items } = members(body);
    return Array.isArray(items) ? items.map((item) => this.nameOf(item)) : ["no items"];
  }

  /** The first `count` events of a watch, or all until the server ends it. `meanwhile` is called once the watch is open and
   *  `behind` events are there: what a server lists first may be as it is a moment later. */
  async watch(
    query: Readonly<Record<string, string>>,
    count: number,
    {
      meanwhile = () => Promise.resolve(),
      behind = 0,
      selector = "",
    }: { readonly meanwhile?: () => Promise<unknown>; readonly behind?: number; readonly selector?: string } = {},
  ): Promise<readonly WatchLine[]> {
    const path = this.path({ watch: "true", ...query }, selector);
    const response = await open(this.server.access, "GET", path, { headers: { "accept-encoding": "gzip" } });
    const lines: WatchLine[] = [];
    if (response.statusCode !== 200) {
      response.destroy();
      return [{ text: `status ${response.statusCode}`, version: "" }];
    }
    let changes = behind === 0 ? meanwhile() : undefined;
    const cutter = new ObjectCutter();
    const bytes = response.headers["content-encoding"] === "gzip" ? response.pipe(createGunzip()) : response;
    for await (const chunk of bytes) {
      for (const line of cutter.cut(chunk as Buffer)) lines.push(this.lineOf(parseObject(line)));
      if (lines.length >= behind) changes ??= meanwhile();
      if (lines.length >= count) break;
    }
    await changes;
    response.destroy();
    return lines;
  }

  private lineOf({ type, object }: Readonly<Record<string, unknown>>): WatchLine {
    const { metadata, code, reason } = members(object);
    const { resourceVersion, annotations } = members(metadata);
    const isEnd = members(annotations)["k8s.io/initial-events-end"] === "true";
    const what =
      type === "ERROR" ? `${code} ${reason}` : type === "BOOKMARK" ? (isEnd ? "end" : "") : this.nameOf(object);
    return { text: `${type} ${what}`.trim(), version: typeof resourceVersion === "string" ? resourceVersion : "" };
  }

  private nameOf(object: unknown): string {
    return String(members(members(object)["metadata"])["name"]).replace(`${this.label}-`, "");
  }
}

interface WatchLine {
  readonly text: string;
  readonly version: string;
}

const texts = (lines: readonly WatchLine[]): string[] => lines.map(({ text }) => text);
const isRising = (lines: readonly WatchLine[]): boolean =>
  lines.every(({ version }, i) => i === 0 || Number(version) > Number(lines[i - 1]?.version));
const versionIn = ({ body }: RawAnswer): string => String(members(body?.["metadata"])["resourceVersion"]);
const STREAM = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" };

/** What a server does, and what is seen of it. */
export interface Contract {
  readonly name: string;
  readonly run: (it: ContractCase) => Promise<unknown>;
  readonly expected: unknown;
}

export const CONTRACTS: readonly Contract[] = [
  {
    name: "a watch can bring the list first, which a bookmark ends; changes follow",
    run: async (it) => {
      await it.make("a");
      await it.make("b");
      const meanwhile = async (): Promise<void> => {
        await it.relabel("a", { x: "1" });
        await it.remove("b");
      };
      const lines = await it.watch(STREAM, 5, { meanwhile, behind: 3 });
      return [texts(lines.slice(0, 2)).sort(), texts(lines.slice(2)), isRising(lines.slice(2))];
    },
    expected: [["ADDED a", "ADDED b"], ["BOOKMARK end", "MODIFIED a", "DELETED b"], true],
  },
  {
    name: "such a list of nothing is a bookmark",
    run: async (it) => texts(await it.watch(STREAM, 1)),
    expected: ["BOOKMARK end"],
  },
  {
    name: "a list is sorted, has a kind and a version; its items have no kind",
    run: async (it) => {
      await it.make("b");
      await it.make("a");
      const answer = await it.list({ resourceVersion: "0" });
      const { items } = members(answer.body);
      const kinds = Array.isArray(items) ? items.map((item) => members(item)["kind"]) : [];
      return [
        answer.body?.["kind"],
        answer.body?.["apiVersion"],
        it.namesIn(answer),
        kinds,
        /^\d+$/.test(versionIn(answer)),
      ];
    },
    expected: ["ServiceList", "v1", ["a", "b"], [undefined, undefined], true],
  },
  {
    name: "a watch from a list's version tells what came after it",
    run: async (it) => {
      await it.make("a");
      const resourceVersion = versionIn(await it.list());
      await it.make("b");
      await it.relabel("b", { x: "1" });
      await it.remove("b");
      const lines = await it.watch({ resourceVersion }, 3);
      return [texts(lines), isRising(lines)];
    },
    expected: [["ADDED b", "MODIFIED b", "DELETED b"], true],
  },
  {
    name: "an object that begins or ceases to be selected is added or deleted",
    run: async (it) => {
      const resourceVersion = await it.make("a");
      await it.relabel("a", { x: "1" });
      await it.relabel("a", { x: "2" });
      const last = await it.relabel("a", { x: null });
      const lines = await it.watch({ resourceVersion }, 3, { selector: "x" });
      return [texts(lines), lines.at(-1)?.version === last];
    },
    expected: [["ADDED a", "MODIFIED a", "DELETED a"], true],
  },
  {
    name: "a field selector tells headless Services from others",
    run: async (it) => {
      await it.make("a");
      const namesWith = async (fieldSelector: string): Promise<string[]> =>
        it.namesIn(await it.list({ fieldSelector }));
      return [await namesWith("spec.clusterIP=None"), await namesWith("spec.clusterIP!=None")];
    },
    expected: [["a"], []],
  },
  {
    name: "a name that is deleted and made again is another object, at a later version",
    run: async (it) => {
      const resourceVersion = await it.make("a");
      await it.remove("a");
      await it.make("a");
      const lines = await it.watch({ resourceVersion }, 2);
      return [texts(lines), isRising(lines)];
    },
    expected: [["DELETED a", "ADDED a"], true],
  },
  {
    name: "a watch ends by itself after timeoutSeconds",
    run: async (it) => texts(await it.watch({ ...STREAM, timeoutSeconds: "1" }, 9, { meanwhile: () => it.pass() })),
    expected: ["BOOKMARK end"],
  },
  {
    name: "a watch from a version that is gone is an error in the stream",
    run: async (it) => {
      const resourceVersion = await it.make("a");
      await it.relabel("a", { x: "1" });
      await it.forget();
      return texts(await it.watch({ resourceVersion }, 9));
    },
    expected: ["ERROR 410 Expired"],
  },
  {
    name: "a list that is not older than a version that is gone is a list all the same",
    run: async (it) => {
      const resourceVersion = await it.make("a");
      await it.relabel("a", { x: "1" });
      await it.forget();
      const plain = await it.list({ resourceVersion, resourceVersionMatch: "NotOlderThan" });
      return [it.namesIn(plain), texts(await it.watch({ ...STREAM, resourceVersion }, 2))];
    },
    expected: [["a"], ["ADDED a", "BOOKMARK end"]],
  },
  {
    name: "a list in pieces has a token, with which it goes on at the same version",
    run: async (it) => {
      for (const name of ["a", "b", "c"]) await it.make(name);
      const first = await it.list({ limit: "2" });
      await it.make("d");
      const token = String(members(first.body?.["metadata"])["continue"]);
      const second = await it.list({ limit: "2", continue: token });
      return [it.namesIn(first), it.namesIn(second), versionIn(first) === versionIn(second)];
    },
    expected: [["a", "b"], ["c"], true],
  },
  {
    name: "a token of a list that is gone is refused with 410",
    run: async (it) => {
      for (const name of ["a", "b", "c"]) await it.make(name);
      const first = await it.list({ limit: "2" });
      const token = String(members(first.body?.["metadata"])["continue"]);
      await it.make("d");
      await it.forget();
      const { status, body } = await it.list({ limit: "2", continue: token });
      return [status, body?.["reason"]];
    },
    expected: [410, "Expired"],
  },
  {
    name: "a version that is not there yet is refused as too large",
    run: async (it) => {
      const resourceVersion = String(Number(await it.make("a")) + 1_000_000);
      const { status, body } = await it.list({ resourceVersion, resourceVersionMatch: "NotOlderThan" });
      const { causes, retryAfterSeconds } = members(body?.["details"]);
      return [status, body?.["reason"], Array.isArray(causes) && members(causes[0])["reason"], retryAfterSeconds];
    },
    expected: [504, "Timeout", "ResourceVersionTooLarge", 1],
  },
  {
    name: "a large list is zipped for who asks for it",
    run: async (it) => {
      const annotations = { text: "x".repeat(140_000) };
      await it.make("a");
      const path = `${HERE}/${it.named("a")}`;
      await it.call("PATCH", path, { body: { metadata: { annotations } } });
      const zipped = await it.list({}, { "accept-encoding": "gzip" });
      const plain = await it.list();
      return [zipped.headers["content-encoding"], plain.headers["content-encoding"]];
    },
    expected: ["gzip", undefined],
  },
  {
    name: "a watch that brings the list is zipped for who asks for it, another one never is",
    run: async (it) => {
      const resourceVersion = await it.make("a");
      const queries = [STREAM, { resourceVersion }];
      const encodings = queries.map(async (query) => {
        const headers = { "accept-encoding": "gzip" };
        const response = await open(it.access, "GET", it.path({ watch: "true", ...query }), { headers });
        response.destroy();
        return response.headers["content-encoding"];
      });
      return Promise.all(encodings);
    },
    expected: ["gzip", undefined],
  },
  {
    name: "a kind that is not there is 404, an unknown token 401",
    run: async (it) => {
      const absent = await it.call("GET", "/apis/discovery.k8s.io/v1/nothings");
      const nobody = await it.call("GET", SERVICES, { headers: { authorization: "Bearer nobody" } });
      return [absent.status, nobody.status, nobody.body?.["reason"]];
    },
    expected: [404, 401, "Unauthorized"],
  },
  {
    name: "what is there cannot be made, what is not there cannot be deleted or changed",
    run: async (it) => {
      await it.make("a");
      const again = await it.make("a").catch((error: Error) => error.message.slice(0, 3));
      const gone = await it.call("DELETE", `${HERE}/${it.named("b")}`);
      const changed = await it.call("PATCH", `${HERE}/${it.named("b")}`, { body: {} });
      return [again, gone.status, changed.status];
    },
    expected: ["409", 404, 404],
  },
];

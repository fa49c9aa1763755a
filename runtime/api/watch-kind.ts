/**
 * Follows all objects of a kind: a list, then a watch, for ever.
 *
 * The list is streamed by the watch itself where the server does that; where it zips the list, another watch follows. A watch goes on from the last
 * version that it has told. Where that version is gone, a new list takes the place of what was known, and what it lacks is told as deleted. Nothing ends
 * the loop but `stop`.
 */
import { BackOff } from "./back-off.ts";
import type { ApiClient, ApiQuery } from "./client.ts";
import { type Clock, pause } from "./clock.ts";
import type { ApiObject, KindEvent, KindWatch, KindWatchState } from "./events.ts";
import { ObjectCutter, parseObject } from "./json-cutter.ts";
import type { WatchedKind } from "./kinds.ts";
import { KnownObjects } from "./known-objects.ts";
import { type ApiReason, ApiTrouble, members, troubleOfStatus } from "./trouble.ts";

/** Follows `watched`. `sink` is called for one event at a time. */
export function watchKind(
  { client, watched }: { readonly client: ApiClient; readonly watched: WatchedKind },
  sink: (event: KindEvent) => void,
  clock: Clock,
): KindWatch {
  return new WatchLoop(client, watched, sink, clock);
}

/** Seconds for which a watch is asked: at least this many, less than twice as many, so that not all end at once. */
const WATCH_SECONDS = 300;
/** Objects in a piece of a list that is read from etcd. */
const PIECE = "500";

/** Milliseconds within which a second lost version is a failure like others. */
const CALM_MS = 60_000;
/** Milliseconds before a kind that the API server does not have is asked for again. */
const ABSENT_MS = 300_000;

/** How to list: from which version on, and whether in pieces. */
interface ListPlan {
  /** "cached": what the server has at hand. "not-older": at least the last version seen. "newest": as etcd has it. */
  readonly version: "cached" | "not-older" | "newest";
  readonly inPieces: boolean;
}

class WatchLoop implements KindWatch {
  readonly done: Promise<void>;
  private readonly client: ApiClient;
  private readonly watched: WatchedKind;
  private readonly clock: Clock;
  private readonly backOff: BackOff;
  private readonly stopper = new AbortController();
  private readonly known: KnownObjects;
  private readonly sink: (event: KindEvent) => void;

  private phase: KindWatchState["phase"] = "listing";
  private heardAt: number | undefined;
  private isSynced = false;
  /** The last version that was told; undefined: none yet. */
  private version: string | undefined;
  /** Why a list is needed; undefined: a watch from `version` on will do. */
  private needsList: ApiReason | "start" | undefined = "start";
  private plan: ListPlan = { version: "cached", inPieces: false };
  /** When a watch last found its version gone. */
  private outdatedAt: number | undefined;
  private trouble: ApiTrouble | undefined;
  private readonly lists = new Map<ApiReason | "start", number>();
  private readonly troubles = new Map<ApiReason, number>();

  constructor(client: ApiClient, watched: WatchedKind, sink: (event: KindEvent) => void, clock: Clock) {
    this.client = client;
    this.watched = watched;
    this.sink = sink;
    this.clock = clock;
    this.backOff = new BackOff(clock);
    this.known = new KnownObjects(sink, (trouble) => this.note(trouble, 0));
    this.done = this.run();
  }

  get state(): KindWatchState {
    const { phase, isSynced, trouble, lists, troubles, heardAt } = this;
    const ageMilliseconds = heardAt === undefined ? undefined : this.clock.now() - heardAt;
    const { size: objects, events } = this.known;
    return { phase, isSynced, ageMilliseconds, objects, trouble, lists, troubles, events };
  }

  stop(): void {
    this.stopper.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopper;
    try {
      while (!signal.aborted) {
        const began = this.clock.now();
        try {
          if (this.needsList === undefined) await this.watch();
          else await this.list(this.needsList);
        } catch (error) {
          if (signal.aborted) return;
          if (!(error instanceof ApiTrouble)) throw error;
          this.backOff.lasted(this.clock.now() - began);
          await this.recover(error);
        }
      }
    } finally {
      this.phase = "stopped";
      this.stopper.abort();
    }
  }

  /** Decides what comes after a failure, and waits for it. */
  private async recover(trouble: ApiTrouble): Promise<void> {
    const isAtOnce = isOutdated(trouble) && this.planNewList(trouble.reason);
    const isAbsent = trouble.reason === "not-found" && this.watched.isOptional === true;
    if (isAbsent && !this.isSynced) {
      this.isSynced = true;
      this.sink({ kind: "synced", resourceVersion: "" });
    }
    const wait = isAtOnce ? 0 : this.backOff.next(isAbsent ? ABSENT_MS : trouble.retryAfterMilliseconds);
    this.note(trouble, wait);
    this.phase = "waiting";
    if (wait > 0) await pause(this.clock, wait, this.stopper.signal);
  }

  /** What was known is too old, or too new. True: the next list asks another question than the last one, and the last time that this
   *  happened is not just before. */
  private planNewList(reason: ApiReason): boolean {
    const wasListing = this.needsList !== undefined;
    const before = this.plan;
    this.needsList = reason;
    if (wasListing) {
      this.plan = nextPlan(before);
      return this.plan !== before;
    }
    this.plan = { version: "not-older", inPieces: false };
    const now = this.clock.now();
    const isFirst = this.outdatedAt === undefined || now - this.outdatedAt >= CALM_MS;
    this.outdatedAt = now;
    return isFirst;
  }

  private note(trouble: ApiTrouble, waitMilliseconds: number): void {
    this.trouble = trouble;
    this.troubles.set(trouble.reason, (this.troubles.get(trouble.reason) ?? 0) + 1);
    this.sink({ kind: "trouble", trouble, waitMilliseconds });
  }

  private get selectors(): ApiQuery {
    const { labelSelector, fieldSelector } = this.watched;
    return { labelSelector, fieldSelector };
  }

  /** A list of everything, streamed or not; then the watch that goes on from it, where it was streamed. */
  private async list(why: ApiReason | "start"): Promise<void> {
    this.phase = "listing";
    this.lists.set(why, (this.lists.get(why) ?? 0) + 1);
    if (this.plan.version !== "newest") {
      try {
        return await this.follow({
          sendInitialEvents: "true",
          resourceVersionMatch: "NotOlderThan",
          resourceVersion: this.plan.version === "not-older" ? this.version : undefined,
        });
      } catch (error) {
        if (!(error instanceof ApiTrouble && error.reason === "invalid")) throw error;
      }
    }
    await this.listPlainly();
  }

  private async listPlainly(): Promise<void> {
    const { version, inPieces } = this.plan;
    let query: ApiQuery = {
      resourceVersion: version === "cached" ? "0" : version === "not-older" ? this.version : undefined,
      resourceVersionMatch: version === "not-older" ? "NotOlderThan" : undefined,
      limit: inPieces ? PIECE : undefined,
    };
    this.known.beginList();
    for (;;) {
      const { metadata } = await this.client.list(
        this.watched.path,
        { ...this.selectors, ...query },
        this.stopper.signal,
        (item) => this.known.put(item),
        (head) => {
          this.heard();
          this.checkVersion(head);
        },
      );
      this.heard();
      const { resourceVersion, continue: token } = members(metadata);
      if (typeof token === "string" && token !== "") query = { continue: token, limit: PIECE };
      else return this.endList(resourceVersion);
    }
  }

  /** A list must not be older than what was told. Etcd that was restored is: then "newest" is asked for, and believed. */
  private checkVersion(head: unknown): void {
    const { resourceVersion } = members(members(head)["metadata"]);
    if (this.plan.version === "newest" || typeof resourceVersion !== "string") return;
    if (isOlder(resourceVersion, this.version))
      throw new ApiTrouble("went-back", `a list of version ${resourceVersion} came after version ${this.version}`);
  }

  private endList(version: unknown): void {
    if (typeof version !== "string" || version === "")
      throw new ApiTrouble("malformed", `${this.watched.path}: the list has no metadata.resourceVersion`);
    this.known.endList(version);
    this.version = version;
    this.needsList = undefined;
    this.plan = { version: "not-older", inPieces: false };
    this.isSynced = true;
    this.sink({ kind: "synced", resourceVersion: version });
  }

  private watch(): Promise<void> {
    this.phase = "watching";
    return this.follow({ resourceVersion: this.version });
  }

  /** A watch until the server ends it. With `sendInitialEvents`, a list comes first. */
  private async follow(query: ApiQuery): Promise<void> {
    let isListing = query["sendInitialEvents"] === "true";
    if (isListing) this.known.beginList();
    const began = this.clock.now();
    let told = 0;
    const seconds = Math.floor(WATCH_SECONDS * (1 + this.clock.random()));
    const answer = await this.client.stream(
      this.watched.path,
      { ...this.selectors, watch: "true", allowWatchBookmarks: "true", timeoutSeconds: String(seconds), ...query },
      this.stopper.signal,
    );
    this.heard();
    try {
      const lines = new ObjectCutter();
      for await (const chunk of answer.body) {
        this.heard();
        for (const line of lines.cut(chunk)) {
          told++;
          if (this.take(parseObject(line), isListing)) isListing = false;
        }
        // Else the server would zip each event by itself, and a thread here unzip it. What has arrived of one is told again.
        if (!isListing && answer.isZipped) return;
      }
      if (lines.isWithin) throw new ApiTrouble("cut-off", "the watch ended within an event");
    } finally {
      answer.destroy();
    }
    const lasted = this.clock.now() - began;
    this.backOff.lasted(lasted);
    if (isListing) throw new ApiTrouble("cut-off", "the watch ended within the list");
    // A server that ends each watch at once is not asked again at once.
    if (told === 0 && lasted < 1000) throw new ApiTrouble("cut-off", "the watch ended at once");
  }

  private heard(): void {
    this.heardAt = this.clock.now();
    this.trouble = undefined;
  }

  /** Takes one event of a watch; true: it was the end of the list that came first. */
  private take(event: ApiObject, isListing: boolean): boolean {
    const { type, object } = event;
    if (type === "ERROR") {
      const { code } = members(object);
      throw troubleOfStatus(this.watched.path, typeof code === "number" ? code : 0, object);
    }
    const { metadata } = members(object);
    const { resourceVersion, annotations } = members(metadata);
    if (type === "BOOKMARK") {
      if (typeof resourceVersion !== "string" || resourceVersion === "")
        throw new ApiTrouble("malformed", `${this.watched.path}: a bookmark has no resourceVersion`);
      if (isListing && members(annotations)["k8s.io/initial-events-end"] === "true") {
        this.endList(resourceVersion);
        this.phase = "watching";
        return true;
      }
      if (!isListing) this.version = resourceVersion;
      return false;
    }
    if (type === "ADDED" || type === "MODIFIED") this.known.put(members(object));
    else if (type === "DELETED") this.known.delete(members(object));
    else this.note(new ApiTrouble("malformed", `${this.watched.path}: an event of type ${JSON.stringify(type)}`), 0);
    if (!isListing && typeof resourceVersion === "string" && resourceVersion !== "") this.version = resourceVersion;
    return false;
  }
}

/** How to list after a list failed by its version. The same object: nothing else is left to try. */
function nextPlan(before: ListPlan): ListPlan {
  if (before.version !== "newest") return { version: "newest", inPieces: true };
  return before.inPieces ? { version: "newest", inPieces: false } : before;
}

function isOutdated({ reason }: ApiTrouble): boolean {
  return reason === "gone" || reason === "version-too-large" || reason === "went-back";
}

/** Whether `version` is a number that is smaller than `than`. Versions that are not numbers cannot be compared. */
function isOlder(version: string, than: string | undefined): boolean {
  if (than === undefined || !/^[1-9]\d*$/.test(version) || !/^[1-9]\d*$/.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

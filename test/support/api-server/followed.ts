/** A watch of a fake API server, with what it has told so far. */
import { ApiClient } from "../../../runtime/api/client.ts";
import type { Clock } from "../../../runtime/api/clock.ts";
import type { ApiAccess, ApiCredentials } from "../../../runtime/api/credentials.ts";
import type { KindEvent, KindWatch } from "../../../runtime/api/events.ts";
import type { WatchedKind } from "../../../runtime/api/kinds.ts";
import { watchKind } from "../../../runtime/api/watch-kind.ts";
import type { TestClock } from "./test-clock.ts";

/** Access without certificates. `credentials` is asked for each request. */
export function plainAccess(
  url: string,
  credentials: () => ApiCredentials = () => ({ headers: {}, tls: { rejectUnauthorized: true } }),
): ApiAccess {
  return {
    server: new URL(url),
    current: () => Promise.resolve(credentials()),
    renewed: () => Promise.resolve(credentials()),
  };
}

export class FollowedKind<Time extends Clock = TestClock> {
  readonly clock: Time;
  readonly client: ApiClient;
  readonly watch: KindWatch;
  /** `put shop/a 1001`, `delete shop/a 1002`, `synced`, `trouble gone 0`. */
  readonly told: string[] = [];
  /** The objects as they are now. */
  readonly objects = new Map<string, unknown>();
  private waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(access: ApiAccess, watched: WatchedKind, clock: Time) {
    this.clock = clock;
    this.client = new ApiClient(access, clock);
    this.watch = watchKind({ client: this.client, watched }, (event) => this.take(event), clock);
  }

  /** Resolves when `holds` does, which is asked after each event. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ holds, resolve }));
  }

  /** Resolves when `line` has been told `times` times. */
  hears(line: string, times = 1): Promise<void> {
    return this.until(() => this.told.filter((each) => each === line).length >= times);
  }

  async stop(): Promise<void> {
    this.watch.stop();
    await this.watch.done;
  }

  private take(event: KindEvent): void {
    this.told.push(lineOf(event));
    if (event.kind === "put") this.objects.set(event.key, event.object);
    if (event.kind === "delete") this.objects.delete(event.key);
    const ready = this.waiting.filter(({ holds }) => holds());
    this.waiting = this.waiting.filter((each) => !ready.includes(each));
    for (const { resolve } of ready) resolve();
  }
}

function lineOf(event: KindEvent): string {
  if (event.kind === "trouble") return `trouble ${event.trouble.reason} ${event.waitMilliseconds}`;
  return event.kind === "synced" ? "synced" : `${event.kind} ${event.key} ${event.resourceVersion}`;
}

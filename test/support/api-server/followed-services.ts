/** For tests: a fake API server for each, with Services, and a watch of them. */
import { afterEach, beforeEach } from "vitest";
import { SERVICES, type WatchedKind } from "../../../runtime/api/kinds.ts";
import { FakeApiServer } from "./fake-api-server.ts";
import { FollowedKind, plainAccess } from "./followed.ts";
import { TestClock } from "./test-clock.ts";

/** Where Services are. */
export const PATH = SERVICES.path;

/** What two lists of the same objects are told as: `a` and `b` at 1001 and 1002. */
export const FIRST = ["put shop/a 1001", "put shop/b 1002", "synced"];

export let fake: FakeApiServer;
let followed: FollowedKind | undefined;

/** A fake API server before each test of the file, whose watches bring the list and go on; it ends with the test, and so does the watch. */
export function withFakeServer(): void {
  beforeEach(async () => {
    fake = await FakeApiServer.start();
    fake.zipsStreams = false;
  });
  afterEach(async () => {
    await followed?.stop();
    followed = undefined;
    await fake.stop();
  });
}

/** Makes or changes the Service `shop/name`. */
export function put(name: string, more: object = {}, labels?: Readonly<Record<string, string>>): void {
  fake.store.put(PATH, { metadata: { namespace: "shop", name, ...(labels === undefined ? {} : { labels }) }, ...more });
}

export function remove(name: string): void {
  fake.store.delete(PATH, `shop/${name}`);
}

export function follow(watched: WatchedKind = SERVICES): FollowedKind {
  followed = new FollowedKind(plainAccess(fake.url), watched, new TestClock());
  return followed;
}

/** The versions from which was asked, with the form of the request. */
export function asked(): string[] {
  return fake.requests.map(({ form, query }) => `${form} ${query["resourceVersion"] ?? "-"}`);
}

/** A watch that has told `a` and `b`. */
export async function begun(): Promise<FollowedKind> {
  put("a");
  put("b");
  const it = follow();
  await it.hears("synced");
  return it;
}

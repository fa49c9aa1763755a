import { expect, test } from "vitest";
import { EventReporter, type ReportedEvent } from "../../../runtime/agent/reported-events.ts";
import { ApiTrouble } from "../../../runtime/api/trouble.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

const CHANGED: ReportedEvent = { type: "Warning", reason: "RulesChanged", action: "RepairRules", note: "rules" };
const taken = (i: number): ReportedEvent => ({
  type: "Warning",
  reason: "AddressTaken",
  action: "AssignAddress",
  note: `address ${i}`,
  service: `shop/s${i}`,
});

interface Sent {
  readonly path: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** A reporter whose `answers` are what the API server says to each try; undefined: it takes the event. */
function reporter(answers: readonly (ApiTrouble | "nothing" | undefined)[] = []): {
  readonly it: EventReporter;
  readonly clock: TestClock;
  readonly sent: Sent[];
  readonly log: string[];
} {
  const clock = new TestClock();
  const sent: Sent[] = [];
  const log: string[] = [];
  const send = (path: string, object: unknown, signal: AbortSignal): Promise<unknown> => {
    const answer = answers[sent.length];
    sent.push({ path, object: object as Sent["object"] });
    if (answer === "nothing")
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new ApiTrouble("unreachable", "aborted")));
      });
    return answer === undefined ? Promise.resolve() : Promise.reject(answer);
  };
  const it = new EventReporter({ nodeName: "node-a", clock, send, log: (line) => void log.push(line) });
  return { it, clock, sent, log };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("an event has what the API asks for, and names the Node or the Service", async () => {
  const { it, sent } = reporter();
  it.report(CHANGED);
  it.report({ ...taken(1), note: "x".repeat(2000) });
  await settled();
  const [ofNode, ofService] = sent;
  expect(ofNode).toEqual({
    path: "/apis/events.k8s.io/v1/namespaces/default/events",
    object: {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { namespace: "default", name: expect.stringMatching(/^node-a\.[0-9a-f]+$/) },
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingController: "kpc-agent",
      reportingInstance: "kpc-agent-node-a",
      type: "Warning",
      reason: "RulesChanged",
      action: "RepairRules",
      note: "rules",
      regarding: { apiVersion: "v1", kind: "Node", name: "node-a", uid: "node-a" },
    },
  });
  expect(ofService?.path).toBe("/apis/events.k8s.io/v1/namespaces/shop/events");
  expect(ofService?.object["regarding"]).toEqual({ apiVersion: "v1", kind: "Service", namespace: "shop", name: "s1" });
  expect(String(ofService?.object["note"]).length).toBe(1024);
});

test("the same event is sent once in ten minutes, and of many at once twenty", async () => {
  const { it, clock, sent } = reporter();
  for (let i = 0; i < 3; i++) it.report(CHANGED);
  await settled();
  expect(sent.length).toBe(1);
  for (let i = 0; i < 100; i++) it.report(taken(i));
  await settled();
  expect(sent.length).toBe(20);
  expect(Object.fromEntries(it.counts)).toEqual({ dropped: 81, sent: 20 });
  clock.advance(60_000);
  for (let i = 50; i < 100; i++) it.report(taken(i));
  await settled();
  expect(sent.length).toBe(22);
  clock.advance(600_000);
  it.report(CHANGED);
  await settled();
  expect(sent.length).toBe(23);
});

test("what the API server forbids is told once, and not asked for again", async () => {
  const forbidden = new ApiTrouble("forbidden", 'cannot create resource "events"');
  const { it, sent, log } = reporter([forbidden, forbidden]);
  it.report(taken(1));
  it.report(taken(2));
  await settled();
  expect(sent.length).toBe(2);
  expect(log).toEqual(['an event cannot be written: cannot create resource "events"']);
  expect(it.counts.get("failed")).toBe(2);
});

test("an API server that is away, or does not answer, is asked three times", async () => {
  const away = new ApiTrouble("unavailable", "away");
  const { it, clock, sent, log } = reporter([away, "nothing", away, undefined]);
  it.report(taken(1));
  it.report(taken(2));
  await settled();
  for (const wait of [2000, 10_000, 4000]) {
    clock.advance(wait);
    await settled();
  }
  expect(sent.map(({ object }) => object["note"])).toEqual(["address 1", "address 1", "address 1", "address 2"]);
  expect(log).toEqual(["an event cannot be written: away"]);
  expect(clock.pending).toBe(0);
});

test("one that has stopped sends nothing more", async () => {
  const { it, clock, sent } = reporter(["nothing"]);
  it.report(taken(1));
  it.report(taken(2));
  await settled();
  it.stop();
  it.report(taken(3));
  await settled();
  expect(sent.length).toBe(1);
  expect(clock.pending).toBe(0);
});

test("events of one reason, note or Service are others; the same one may come again after ten minutes", async () => {
  const { it, clock, sent } = reporter();
  const notes = async (): Promise<number> => {
    await settled();
    return sent.splice(0).length;
  };
  clock.advance(1000);
  for (const event of [taken(1), { ...taken(1), service: "shop/other" }, { ...taken(1), note: "other" }])
    it.report(event);
  it.report({ ...taken(1), reason: "Starting" });
  expect(await notes()).toBe(4);
  it.report({ ...taken(1), service: "a", note: "Startingc" });
  it.report({ ...taken(1), service: "aAddressTaken", reason: "Starting", note: "c" });
  expect(await notes()).toBe(2);
  clock.advance(599_999);
  it.report(taken(1));
  expect(await notes()).toBe(0);
  clock.advance(1);
  it.report(taken(1));
  expect(await notes()).toBe(1);
});

test("names are long enough to differ, and no longer than the API takes", async () => {
  const { it, sent } = reporter();
  it.report({ ...CHANGED, service: `shop/${"x".repeat(300)}` });
  it.report({ ...CHANGED, service: `shop/${"x".repeat(200)}` });
  it.report(taken(1));
  await settled();
  const at = Date.UTC(2026, 0, 1).toString(16);
  expect(sent.map(({ object }) => (object["metadata"] as { name: string }).name)).toEqual([
    `${"x".repeat(200)}.${at}0001`,
    `${"x".repeat(200)}.${at}0002`,
    `s1.${at}0003`,
  ]);
  for (let i = 4; i <= 17; i++) it.report(taken(i));
  await settled();
  expect(sent.at(-1)?.object["metadata"]).toMatchObject({ name: `s17.${at}0011` });
  const clock = new TestClock();
  const instances: unknown[] = [];
  const of = new EventReporter({
    nodeName: "n".repeat(250),
    clock,
    send: (_, object) => Promise.resolve(instances.push((object as Sent["object"])["reportingInstance"])),
    log: () => undefined,
  });
  of.report(CHANGED);
  await settled();
  expect(instances).toEqual([`kpc-agent-${"n".repeat(118)}`]);
});

test("tries are further and further apart, and what succeeds is complained of anew when it fails again", async () => {
  const away = new ApiTrouble("unavailable", "away");
  const { it, clock, sent, log } = reporter([away, away, away, undefined, away, away, away]);
  const at: number[] = [];
  for (let i = 1; i <= 3; i++) it.report(taken(i));
  for (let second = 0; second < 30; second++) {
    await settled();
    while (at.length < sent.length) at.push(second);
    clock.advance(1000);
  }
  expect(at).toEqual([0, 2, 6, 6, 6, 8, 12]);
  expect(log).toEqual(["an event cannot be written: away", "an event cannot be written: away"]);
});

test("one that has stopped says nothing of a last try that it has ended", async () => {
  const away = new ApiTrouble("unavailable", "away");
  const { it, clock, sent, log } = reporter([away, away, "nothing"]);
  it.report(taken(1));
  for (const wait of [2000, 4000]) {
    await settled();
    clock.advance(wait);
  }
  await settled();
  expect(sent.length).toBe(3);
  it.stop();
  await settled();
  expect([log, it.counts.get("failed")]).toEqual([[], undefined]);
});

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

import { expect, test } from "vitest";
import { type AgentHealth, healthAnswer } from "../../../runtime/agent/health.ts";

const NOW = Date.parse("2026-01-01T00:00:10Z");

const FINE: AgentHealth = {
  isStarted: true,
  oldestChangeMs: undefined,
  lastSyncAt: Date.parse("2026-01-01T00:00:00Z"),
  isNodeEligible: true,
  watches: new Map([["Service", { ageMilliseconds: 2000, isSynced: true, trouble: undefined }]]),
};

test.each<[what: string, health: Partial<AgentHealth>, healthz: number, livez: number, readyz: number]>([
  ["all is well", {}, 200, 200, 200],
  ["lists have not been told yet", { isStarted: false }, 503, 200, 503],
  ["a change waits for a while", { oldestChangeMs: 60_000 }, 200, 200, 200],
  ["a change waits too long", { oldestChangeMs: 60_001 }, 503, 503, 200],
  ["the Node is about to be deleted", { isNodeEligible: false }, 503, 200, 200],
  [
    "the API server is away: the rules stand",
    { watches: new Map([["Service", { ageMilliseconds: 3_600_000, isSynced: true, trouble: new Error("gone") }]]) },
    200,
    200,
    200,
  ],
])("%s", (_, health, healthz, livez, readyz) => {
  const status = (path: string): number | undefined => healthAnswer(path, { ...FINE, ...health }, NOW)?.status;
  expect([status("/healthz"), status("/livez"), status("/readyz"), status("/other")]).toEqual([
    healthz,
    livez,
    readyz,
    undefined,
  ]);
});

test("bodies are those of kube-proxy", () => {
  expect(JSON.parse(healthAnswer("/healthz", FINE, NOW)?.body ?? "")).toEqual({
    lastUpdated: "2026-01-01T00:00:00.000Z",
    currentTime: "2026-01-01T00:00:10.000Z",
    nodeEligible: true,
  });
  expect(JSON.parse(healthAnswer("/livez", FINE, NOW)?.body ?? "")).toEqual({
    lastUpdated: "2026-01-01T00:00:00.000Z",
    currentTime: "2026-01-01T00:00:10.000Z",
  });
  expect(healthAnswer("/readyz", { ...FINE, isStarted: false }, NOW)?.body).toBe("[-] rules\n[+] Service: 2 s ago\n");
});

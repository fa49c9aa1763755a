/** While a running HAProxy is changed step by step, each request is served as before or as after. */
import { expect, test } from "vitest";
import { type ProxyChange, proxyUpdate } from "../../compiler/formats/haproxy/changes.ts";
import { required } from "../../compiler/invariant.ts";
import { randomProxyStates } from "../support/ingress-updates.ts";
import { runs } from "../support/runs.ts";

type Rows = Map<string, Map<string, string>>;

const MAPS = ["hosts.map", "wildcards.map", "exact.map", "prefixes.map"];
const HOSTS = ["a.test", "b.test", "x.test", "c.b.test", "other.example"];
const PATHS = ["/", "/a", "/a/", "/a/b", "/a/b/x", "/c", "/c/x", "/d"];

function rowsOf(files: ReadonlyMap<string, string>): Rows {
  return new Map(
    MAPS.map((map) => {
      const lines = (files.get(map) ?? "").split("\n").filter((line) => line !== "");
      return [map, new Map(lines.map((line) => line.split(" ") as [string, string]))];
    }),
  );
}

/** The backend that HAProxy finds: what `LOOKUPS` of shape.ts say. */
function backendFor(rows: Rows, host: string, path: string): string | undefined {
  const id = rows.get("hosts.map")?.get(host) ?? rows.get("wildcards.map")?.get(host.replace(/^[^.]+/, "*")) ?? "*";
  const exact = rows.get("exact.map")?.get(`${id}${path}`);
  if (exact !== undefined) return exact;
  const asked = `${id}${path}/`;
  const found = [...(rows.get("prefixes.map") ?? [])].filter(([key]) => asked.startsWith(key));
  return found.sort(([a], [b]) => b.length - a.length)[0]?.[1];
}

function answersOf(rows: Rows): (string | undefined)[] {
  return HOSTS.flatMap((host) => PATHS.map((path) => backendFor(rows, host, path)));
}

function apply(rows: Rows, change: ProxyChange): boolean {
  if (!("key" in change)) return false;
  const map = required(rows.get(change.map), change.map);
  if (change.kind === "delete-row") map.delete(change.key);
  else map.set(change.key, change.value);
  return true;
}

test("each step of an update leaves answers of before or after", () => {
  const states = randomProxyStates(runs(2000), 9);
  let steps = 0;
  for (const [i, before] of states.slice(0, -1).entries()) {
    const after = required(states[i + 1], "a state");
    const update = proxyUpdate(before, after);
    if (update.kind === "reload") continue;
    const rows = rowsOf(before);
    const [first, last] = [answersOf(rows), answersOf(rowsOf(after))];
    for (const change of update.changes) {
      if (!apply(rows, change)) continue;
      steps++;
      const now = answersOf(rows);
      const mixed = now.findIndex((answer, at) => answer !== first[at] && answer !== last[at]);
      expect([i, change, mixed < 0 ? undefined : now[mixed]]).toEqual([i, change, undefined]);
    }
    expect(answersOf(rows)).toEqual(last);
  }
  expect(steps).toBeGreaterThan(states.length / 2);
});

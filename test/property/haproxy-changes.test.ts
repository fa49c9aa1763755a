/** While a running HAProxy is changed step by step, each request is served as before or as after. */
import { expect, test } from "vitest";
import { type ProxyChange, proxyUpdate } from "../../compiler/formats/haproxy/changes.ts";
import { required } from "../../compiler/invariant.ts";
import { randomProxyStates, serversOf } from "../support/ingress-updates.ts";
import { runs } from "../support/runs.ts";

/** A HAProxy: rows of its maps, and the servers of its backends that get requests. */
interface Proxy {
  readonly maps: Map<string, Map<string, string>>;
  readonly servers: Set<string>;
}

const MAPS = ["routes.map", "redirects.map", "backends.map"];
/** Host headers; those that are no names in lower case meet other rules of the frontend. */
const HOSTS = ["a.test", "A.test.:80", "b.test", "x.test", "c.b.test", "C.b.test", "other.example"];
const PATHS = ["/", "/a", "/a/", "/a/b", "/a/b/x", "/c", "/c/x", "/d"];

function proxyOf(files: ReadonlyMap<string, string>): Proxy {
  const maps = MAPS.map((map): [string, Map<string, string>] => {
    const lines = (files.get(map) ?? "").split("\n").filter((line) => line !== "");
    return [map, new Map(lines.map((line) => line.split(" ") as [string, string]))];
  });
  const servers = serversOf(files.get("haproxy.cfg") ?? "").map((row) => row.split(" ")[0] ?? "");
  return { maps: new Map(maps), servers: new Set(servers) };
}

/** `https`, or the name of a backend that HAProxy finds: what the rules of lookups.ts say. */
function nameFor({ maps }: Proxy, host: string, path: string): string | undefined {
  const longest = (map: string, key: string): string | undefined => {
    const rows = required(maps.get(map), map);
    for (let length = key.length; length > 0; length--) {
      const row = rows.get(key.slice(0, length));
      if (row !== undefined) return row;
    }
    return undefined;
  };
  const asItCame = longest("redirects.map", `${host}${path}/`) ?? longest("routes.map", `${host}${path}/?`);
  if (asItCame !== undefined) return asItCame;
  const name = host.replace(/:.*$/, "").toLowerCase().replace(/\.$/, "");
  const keys = [name, name.replace(/^[^.]+/, "*"), "*"].map((id) => `${id}${path}/?`);
  const key = keys.find((each) => longest("routes.map", each) !== undefined) ?? "";
  return longest("redirects.map", key) ?? longest("routes.map", key);
}

function namesOf(proxy: Proxy): (string | undefined)[] {
  return HOSTS.flatMap((host) => PATHS.map((path) => nameFor(proxy, host, path)));
}

/** The servers that requests for a name get: those of its spare backend, if it has one. */
function serversFor({ maps, servers }: Proxy, name: string | undefined): string[] {
  const backend = maps.get("backends.map")?.get(name ?? "") ?? name;
  return [...servers]
    .flatMap((server) => (server.startsWith(`${backend}/`) ? [server.replace(/^.*\//, "")] : []))
    .sort();
}

function rowsLeadTo({ maps }: Proxy, name: string | undefined): boolean {
  return [...(maps.get("routes.map")?.values() ?? [])].some((each) => each === name);
}

/** Servers of before or after, and at least those of both. */
function isBetween(now: readonly string[], before: readonly string[], after: readonly string[]): boolean {
  const isSome = now.length > 0 || before.length === 0 || after.length === 0;
  return (
    isSome &&
    now.every((each) => before.includes(each) || after.includes(each)) &&
    before.every((each) => now.includes(each) || !after.includes(each))
  );
}

function apply({ maps, servers }: Proxy, change: ProxyChange): void {
  if ("key" in change) {
    const map = required(maps.get(change.map), change.map);
    if (change.kind === "delete-row") map.delete(change.key);
    else map.set(change.key, change.value);
  } else if (change.kind === "add-server") servers.add(`${change.backend}/${change.server}`);
  else if (change.kind === "remove-server") servers.delete(`${change.backend}/${change.server}`);
}

test.each([0, 3])("each step of an update leaves answers of before or after, with %i spare backends", (spares) => {
  const states = randomProxyStates({ count: runs(2000), seed: 9, spares });
  let [steps, reloads, reused, redirected] = [0, 0, 0, 0];
  let files = required(states[0], "a state");
  const taken = new Set<string>();
  for (const [i, wanted] of states.slice(1).entries()) {
    const update = proxyUpdate(files, wanted);
    const proxy = proxyOf(files);
    const [before, after] = [proxyOf(files), proxyOf(wanted)];
    const [first, last] = [namesOf(before), namesOf(after)];
    files = update.files;
    if (update.kind === "reload") {
      reloads++;
      continue;
    }
    for (const change of update.changes) {
      apply(proxy, change);
      steps++;
      if (change.kind === "add-row" && change.map === "backends.map") {
        if (taken.has(change.value)) reused++;
        taken.add(change.value);
      }
      const now = namesOf(proxy);
      redirected += now.filter((name, at) => name === "https" && name !== first[at]).length;
      const mixed = now.findIndex((name, at) => {
        if (name !== first[at] && name !== last[at]) return true;
        const [had, gets] = [serversFor(before, name), serversFor(after, name)];
        // Where no row has the name, nothing says which servers it has.
        return !isBetween(
          serversFor(proxy, name),
          rowsLeadTo(before, name) ? had : gets,
          rowsLeadTo(after, name) ? gets : had,
        );
      });
      if (mixed >= 0)
        expect.fail(`update ${i}, after ${JSON.stringify(change)}: ${now[mixed]} is neither of before nor of after`);
    }
    // What is written is what runs, and what runs answers as it should.
    expect(proxyOf(files)).toEqual(proxy);
    expect(namesOf(proxy)).toEqual(last);
    for (const name of last) expect(serversFor(proxy, name)).toEqual(serversFor(after, name));
  }
  expect(steps).toBeGreaterThan(states.length / 2);
  expect(redirected).toBeGreaterThan(0);
  if (spares === 0) expect(reloads).toBeGreaterThan(0);
  else expect(reused).toBeGreaterThan(0);
});

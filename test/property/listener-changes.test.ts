/** While maps of listeners are changed step by step, each request is served as before or as after. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ProxyChange, proxyUpdate } from "../../compiler/formats/haproxy/changes.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import type { ListenerHost, ListeningPort, RequestRule, RequestTarget } from "../../compiler/ir/routes.ts";
import type { Ipv4 } from "../../compiler/net/address.ts";
import { EVERYTHING } from "../support/runs.ts";

const RUNS = EVERYTHING ? 800 : 60;

const BACKENDS = ["a", "b", "c"].map(
  (name, i): RequestTarget => ({
    kind: "endpoints",
    backend: `ns/${name}:80`,
    endpoints: [{ address: (0x0a010001 + i) as Ipv4, port: 8080 }],
  }),
);

const RULES = fc.uniqueArray(
  fc.record({
    match: fc.constantFrom("exact" as const, "prefix" as const),
    path: fc.constantFrom("/", "/a", "/a/b", "/c"),
    target: fc.constantFrom(...BACKENDS),
  }),
  { maxLength: 5, selector: ({ match, path }) => `${match} ${path}` },
);

/** All backends, and wildcards of each depth, are always there: what changes is in the maps. */
const KEPT: readonly ListenerHost[] = [
  { host: "kept", paths: BACKENDS.map((target, i): RequestRule => ({ match: "prefix", path: `/${i}`, target })) },
  { host: "*.b.kept", paths: [] },
  { host: "*.kept", paths: [] },
];

const rankOf = ({ host }: ListenerHost): number =>
  host === undefined ? 0 : host.startsWith("*.") ? host.length : 1000;

const STATE: fc.Arbitrary<ListeningPort[]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a.test", "x.b.test", "*.test", "*.b.test", undefined), RULES), {
    selector: ([host]) => host,
    maxLength: 5,
  })
  .map((hosts) => [
    {
      port: 8080,
      protocol: "http",
      hosts: [...hosts.map(([host, paths]) => ({ ...(host === undefined ? {} : { host }), paths })), ...KEPT].sort(
        (a, b) => rankOf(b) - rankOf(a),
      ),
    },
  ]);

type Maps = ReadonlyMap<string, Map<string, string>>;

function mapsOf(files: ReadonlyMap<string, string>): Maps {
  const maps = [...files].filter(([name]) => name.endsWith("-8080.map"));
  const rowsIn = (text: string): [string, string][] =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" ") as [string, string]);
  return new Map(maps.map(([name, text]) => [name, new Map(rowsIn(text))]));
}

/** The backend that HAProxy finds, as `hostLookups` and `pathLookups` ask. */
function backendFor(maps: Maps, host: string, path: string): string {
  const row = (map: string, key: string): string | undefined => maps.get(`${map}-8080.map`)?.get(key);
  const suffixes = [...host.slice(1).matchAll(/\./g)].map(({ index }) => host.slice(index + 1));
  const wildcard = suffixes.map((suffix) => row("wildcards", suffix)).find((id) => id !== undefined);
  const id = row("hosts", host) ?? wildcard ?? "*";
  const asked = `${id}${path}/`;
  const found = [...(maps.get("prefixes-8080.map") ?? [])].filter(([key]) => asked.startsWith(key));
  const longest = found.sort(([a], [b]) => b.length - a.length)[0]?.[1];
  return row("exact", `${id}${path}`) ?? longest ?? "status-404";
}

const HOSTS = ["a.test", "b.test", "x.b.test", "y.b.test", "z.y.b.test", "other"];
const PATHS = ["/", "/a", "/a/x", "/a/b", "/a/b/x", "/c"];
const answersOf = (maps: Maps): string[] => HOSTS.flatMap((host) => PATHS.map((path) => backendFor(maps, host, path)));

function apply(maps: Maps, change: ProxyChange): void {
  if (!("key" in change)) throw new Error(`only rows change, not by ${change.kind}`);
  const map = maps.get(change.map);
  if (change.kind === "delete-row") map?.delete(change.key);
  else map?.set(change.key, change.value);
}

test("each step of an update of listeners leaves answers of before or after", () => {
  let steps = 0;
  fc.assert(
    fc.property(STATE, STATE, (before, after) => {
      const [running, wanted] = [before, after].map((listeners) => printHaproxy([], { listeners }).files);
      const update = proxyUpdate(running ?? new Map(), wanted ?? new Map());
      if (update.kind === "reload") return expect.fail(update.because);
      const maps = mapsOf(running ?? new Map());
      const [first, last] = [answersOf(maps), answersOf(mapsOf(update.files))];
      for (const change of update.changes) {
        apply(maps, change);
        steps++;
        const now = answersOf(maps);
        const mixed = now.findIndex((backend, at) => backend !== first[at] && backend !== last[at]);
        if (mixed >= 0) expect.fail(`after ${JSON.stringify(change)}: ${now[mixed]} is neither of before nor of after`);
      }
      expect(maps).toEqual(mapsOf(wanted ?? new Map()));
    }),
    { numRuns: RUNS },
  );
  expect(steps).toBeGreaterThan(RUNS);
});

import { describe, expect, test } from "vitest";
import { type Diagnostic, lineAndColumn } from "../../../compiler/diagnostics.ts";
import { printHaproxy } from "../../../compiler/formats/haproxy/print.ts";
import { isHaproxyConfig, readHaproxy, readHaproxyMaps } from "../../../compiler/formats/haproxy/read.ts";
import { isShownMaps } from "../../../compiler/formats/haproxy/read-maps.ts";
import { REDIRECT, REDIRECT_AS_NAMED } from "../../../compiler/formats/haproxy/redirects.ts";
import { REJECT_UNSAFE } from "../../../compiler/formats/haproxy/settings.ts";
import { SPARE_LOOKUP, STICKY } from "../../../compiler/formats/haproxy/shape.ts";
import { required } from "../../../compiler/invariant.ts";
import type { HostRoutes, RouteTarget } from "../../../compiler/ir/routes.ts";
import { parseAddress } from "../../../compiler/net/address.ts";

const web: RouteTarget = {
  kind: "endpoints",
  backend: "shop/web:80",
  endpoints: [{ address: required(parseAddress("10.244.1.10"), "an address"), port: 8080 }],
};
const none: RouteTarget = { kind: "status", status: 404, reason: "none" };
const ROUTES: readonly HostRoutes[] = [
  { host: "a.example", paths: [{ match: "exact", path: "/x", target: web }], fallback: none },
  { host: "*.b.example", paths: [{ match: "prefix", path: "/api", target: web }], fallback: web },
  { paths: [], fallback: none },
];
const FILES = printHaproxy(ROUTES).files;
const CONFIG = required(FILES.get("haproxy.cfg"), "haproxy.cfg");

/** What is read of the files with `changes`, and what is told, as `FILE:LINE message`. */
function read(changes: Readonly<Record<string, string | undefined>> = {}) {
  const texts = new Map<string, string | undefined>([...FILES, ...Object.entries(changes)]);
  const sources = new Map(
    [...texts].flatMap(([name, text]) => (text === undefined ? [] : [[name, { name, text }] as const])),
  );
  const told: Diagnostic[] = [];
  const config = sources.get("haproxy.cfg") ?? expect.unreachable();
  const routes = readHaproxy(config, sources, (finding) => void told.push(finding))?.routes;
  return { routes, told: told.map(placed) };
}

function placed({ origin, message, code }: Diagnostic): string {
  const span = origin?.span() ?? expect.unreachable(message);
  return `${span.source.name}:${lineAndColumn(span).line} ${code}: ${message}`;
}

describe("a configuration of HAProxy", () => {
  test("is read back, with the row that each path comes from", () => {
    const { routes, told } = read();
    expect(told).toEqual([]);
    const span = routes?.[1]?.paths[0]?.origin?.span();
    expect(span && [span.source.name, span.source.text.slice(span.start, span.end)]).toEqual([
      "routes.map",
      "*.b.example/api/ shop.web.80",
    ]);
  });

  test("is recognised by its sections", () => {
    expect(isHaproxyConfig(CONFIG)).toBe(true);
    expect(isHaproxyConfig("table ip nat {\n}\n")).toBe(false);
    expect(isHaproxyConfig("apiVersion: v1\nkind: Service\n")).toBe(false);
  });

  const lines = CONFIG.split("\n");
  const rules = lines.flatMap((text, i) => (/^ {2}(?:http-request|use_backend|default_backend)/.test(text) ? [i] : []));

  test("without one of the lines that choose is not read", () => {
    expect(rules.length).toBeGreaterThan(10);
    for (const i of rules) {
      const { routes, told } = read({ "haproxy.cfg": lines.filter((_, at) => at !== i).join("\n") });
      if ((lines[i] ?? "").includes("return status")) continue; // then the backend has no server: 503
      expect([lines[i], routes, told[0]]).toEqual([lines[i], undefined, expect.stringContaining("haproxy-line")]);
    }
  });

  test.each([
    "http-request deny if { path_beg /admin }",
    "http-request set-path /x",
    "http-request replace-path /a(.*) /1",
    "use_backend other if TRUE",
    "acl x path /",
    "redirect scheme https",
    "server late 10.0.0.1:80 weight 5",
    "errorfile 503 /x",
    "filter compression",
    "default-server disabled",
    "balance source",
    "listen more",
    "cache c",
    "frontend more",
    "backend shop.web.80",
    "nonsense",
  ])("with the line %s anywhere is not read, with the number of a line", (added) => {
    for (let at = 0; at <= lines.length - 1; at++) {
      const changed = [...lines.slice(0, at), `  ${added}`, ...lines.slice(at)].join("\n");
      const { routes, told } = read({ "haproxy.cfg": changed });
      expect([at, routes, told.length > 0]).toEqual([at, undefined, true]);
      expect(
        told.some((text) => text.startsWith(`haproxy.cfg:${at + 1} haproxy-line`)) ||
          /section|frontend|backend|listen|cache/.test(added),
      ).toBe(true);
    }
  });

  test.each([
    [{ "routes.map": undefined }, "haproxy.cfg:1 haproxy-line: routes.map is missing: expected it beside this file"],
    [{ "routes.map": "a.example/\n" }, "routes.map:1 haproxy-map: expected KEY BACKEND, two words"],
    [{ "routes.map": "a.example status-404\n" }, "routes.map:1 haproxy-map: expected HOST/PATH, not a.example"],
    [
      { "routes.map": `a.example/${"x".repeat(2037)}/ status-404\n` },
      "routes.map:1 haproxy-map: expected a key of up to 2047 characters, which HAProxy's maps tell apart; this one has 2048",
    ],
    [{ "routes.map": "/x/ status-404\n" }, "routes.map:1 haproxy-map: expected HOST/PATH, not /x/"],
    ...["A.example", "a.example.", "a:80", "*a", "a.*.b", "*.*.b", "**"].map(
      (host): [Readonly<Record<string, string>>, string] => [
        { "routes.map": `#\n${host}/ status-404\n` },
        `routes.map:2 haproxy-map: expected a host in lower case, a wildcard such as *.example.com, or *, not ${host}`,
      ],
    ),
    [{ "routes.map": "a.example/ other\n" }, "routes.map:1 haproxy-map: haproxy.cfg has no backend other"],
    [
      { "routes.map": "a.example/ status-404\na.example/ shop.web.80\n" },
      "routes.map:2 haproxy-map: the key a.example/ is here twice",
    ],
    ...["a.example/x", "a.example/x?", "a.example/?"].map((key): [Readonly<Record<string, string>>, string] => [
      { "routes.map": `a.example/ status-404\n${key} status-404\n` },
      `routes.map:2 haproxy-map: expected / or /? at the end of ${key}: without it half an element matches`,
    ]),
    [
      { "routes.map": "a.example/x/ status-404\n" },
      "routes.map:1 haproxy-map: no row of routes.map says what serves other paths of a.example: expected a.example/",
    ],
  ])("with %j is not read", (changes, message) => {
    const { routes, told } = read(changes);
    expect(routes).toBeUndefined();
    expect(told).toEqual([message]);
  });

  const SPARES = printHaproxy(ROUTES, { settings: { spareBackends: 2 } }).files;
  const SPARE_CONFIG = required(SPARES.get("haproxy.cfg"), "haproxy.cfg");
  const withSpares = (backends: string | undefined, config = SPARE_CONFIG): ReturnType<typeof read> =>
    read({ "haproxy.cfg": config, "redirects.map": "", "backends.map": backends });

  test("gives the servers of a spare backend to the name that the map of backends has", () => {
    const config = SPARE_CONFIG.replace("backend spare-1\n  balance roundrobin\n\n", "").replace(
      "backend shop.web.80",
      "backend spare-1",
    );
    const moved = withSpares("shop.web.80 spare-1\n", config);
    expect(moved.told).toEqual([]);
    expect(JSON.stringify(moved.routes)).toBe(JSON.stringify(withSpares("").routes));
    expect(withSpares("").told).toEqual([]);
  });

  test.each([
    [undefined, "haproxy.cfg:1 haproxy-line: backends.map is missing: expected it beside this file"],
    ["x spare-9\n", "backends.map:1 haproxy-map: haproxy.cfg has no backend spare-9"],
    ["x spare-1\nx spare-2\n", "backends.map:2 haproxy-map: the key x is here twice"],
    ["x\n", "backends.map:1 haproxy-map: expected KEY BACKEND, two words"],
  ])("with the map of backends %j is not read", (backends, message) => {
    expect(withSpares(backends)).toEqual({ routes: undefined, told: [message] });
  });

  test.each([REDIRECT, SPARE_LOOKUP])("does not take %s for something before what it reads is set", (line) => {
    const first = SPARE_CONFIG.replace(`  ${line}\n`, "").replace("  http-request", `  ${line}\n  http-request`);
    expect(withSpares("", first).told[0]).toContain("haproxy-line: kpc does not write this line");
  });

  test.each([REJECT_UNSAFE, REDIRECT_AS_NAMED])(
    "does not take %s for something behind the line that lets requests pass",
    (line) => {
      const [, allow = ""] = /^( {2}http-request allow .*\n)/m.exec(SPARE_CONFIG) ?? [];
      const late = SPARE_CONFIG.replace(`  ${line}\n`, "").replace(allow, `${allow}  ${line}\n`);
      expect(withSpares("", late).told[0]).toContain("haproxy-line: kpc does not write this line");
    },
  );

  test("tells hosts that are redirected, and whether unsafe paths are rejected", () => {
    const text = CONFIG.replace("  use_backend", `  ${REDIRECT}\n  use_backend`).replace(
      "  http-request",
      `  ${REDIRECT_AS_NAMED}\n  http-request`,
    );
    const changes = { "haproxy.cfg": text, "redirects.map": "a.example/ https\n" };
    const { routes, told } = read(changes);
    expect(told).toEqual([]);
    expect(routes?.map(({ host, httpsRedirect = false }) => [host, httpsRedirect])).toEqual([
      ["a.example", true],
      ["*.b.example", false],
      [undefined, false],
    ]);
    expect(read({ "haproxy.cfg": text }).told).toEqual([
      "haproxy.cfg:1 haproxy-line: redirects.map is missing: expected it beside this file",
    ]);
    for (const [row, message] of [
      ["a.example", "expected HOST/, not a.example"],
      ["c.example/", "no row of routes.map is for the host c.example"],
    ] as const)
      expect(read({ ...changes, "redirects.map": `${row} https\n` })).toEqual({
        routes: undefined,
        told: [`redirects.map:1 haproxy-map: ${message}`],
      });
    const safe = { name: "haproxy.cfg", text: CONFIG.replace("  http-request", `  ${REJECT_UNSAFE}\n  http-request`) };
    const sources = new Map([...FILES].map(([name, content]) => [name, { name, text: content }]));
    expect(readHaproxy(safe, sources, () => undefined)?.rejectsUnsafe).toBe(true);
  });

  test("with half of what keeps clients is not read", () => {
    const text = CONFIG.replace("  server ", `  ${STICKY[0]}\n  server `);
    expect(read({ "haproxy.cfg": text })).toEqual({
      routes: undefined,
      told: [`haproxy.cfg:1 haproxy-line: backend shop.web.80 lacks a line that kpc writes: expected ${STICKY[1]}`],
    });
  });
});

describe("what the runtime API prints of maps", () => {
  const LIST = `# id (file) description
0 (/etc/haproxy/routes.map) pattern loaded from file 'routes.map' used by map at file 'haproxy.cfg' line 24. curr_ver=0 next_ver=0 entry_cnt=3
1 (/etc/haproxy/redirects.map) pattern loaded from file 'redirects.map' used by map at file 'haproxy.cfg' line 23. curr_ver=0 next_ver=0 entry_cnt=0
2 (/etc/haproxy/backends.map) pattern loaded from file 'backends.map' used by map at file 'haproxy.cfg' line 25. curr_ver=0 next_ver=0 entry_cnt=1

`;
  const ROWS =
    "0x55d4a56f5150 */ status-404\n0x55d4a56f5150 a.example/ shop.web.80\n0x55d4a56f5150 a.example/x/? shop.web.80\n\n";
  const BACKENDS = "0x55d4a56f5150 shop.web.80 spare-1\n\n";

  function shown(text: string) {
    const told: Diagnostic[] = [];
    const found = readHaproxyMaps({ name: "maps", text }, (finding) => void told.push(finding));
    return { found, told: told.map(placed) };
  }

  test.each([
    ["the list, then each map in its order", `${LIST}${ROWS}\n${BACKENDS}`],
    [
      "what was asked in front of each",
      `show map #2\n${BACKENDS}> show map #1\n\nshow map #0\n${ROWS}show map\n${LIST}`,
    ],
    [
      "names in front of each, without the list",
      `show map redirects.map\n\n$ echo "show map /etc/routes.map" | socat stdio /run/haproxy.sock\n${ROWS}`,
    ],
  ])("is read: %s", (_, text) => {
    expect(isShownMaps(text)).toBe(true);
    const { found, told } = shown(text);
    expect(told).toEqual([]);
    expect(found).toMatchObject({ knowsEndpoints: false, rejectsUnsafe: undefined });
    expect(found?.routes).toMatchObject([
      {
        host: "a.example",
        paths: [{ match: "exact", path: "/x", target: { backend: "shop/web:80", endpoints: [] } }],
        fallback: { backend: "shop/web:80" },
      },
      { paths: [], fallback: { status: 404 } },
    ]);
  });

  test("is read with the hosts that are redirected", () => {
    const text = `${LIST.replace("entry_cnt=0", "entry_cnt=1")}${ROWS}0x55d4a56f5150 a.example/ https\n\n${BACKENDS}`;
    const { found, told } = shown(text);
    expect(told).toEqual([]);
    expect(found?.routes.map(({ httpsRedirect = false }) => httpsRedirect)).toEqual([true, false]);
  });

  test.each([
    [LIST, "maps:1 haproxy-map: routes.map is missing: expected its rows (show map, then show map #ID of each)"],
    [
      `${LIST.replace("entry_cnt=0", "entry_cnt=2")}show map routes.map\n${ROWS}`,
      "maps:1 haproxy-map: redirects.map is missing: expected its rows (show map, then show map #ID of each)",
    ],
    [
      `show map routes.map\n0x1 a.example/${"x".repeat(2037)}/ status-404\n`,
      "maps:2 haproxy-map: expected a key of up to 2047 characters, which HAProxy's maps tell apart; this one has 2048",
    ],
    [
      `${LIST}${ROWS}`,
      'maps:6 haproxy-map: expected the rows of 2 maps, in the order of the list, or "show map #ID" in front of each; found 1',
    ],
    [`${LIST}${BACKENDS}${ROWS}`, "maps:6 haproxy-map: routes.map has 1 rows here, and 3 in the list of maps"],
    [
      `${LIST}${ROWS}${BACKENDS}Unknown command\n`,
      "maps:12 haproxy-map: expected what show map prints: the list of maps, or rows as ADDRESS KEY BACKEND",
    ],
    [
      `${LIST}${ROWS.replace("*/", "a.example/y/")}${BACKENDS}`,
      "maps:6 haproxy-map: no row of routes.map says what serves other hosts: expected */",
    ],
  ])("is refused", (text, message) => {
    const { found, told } = shown(text);
    expect(found).toBeUndefined();
    expect(told).toEqual([message]);
  });
});

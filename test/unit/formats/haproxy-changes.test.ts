/** How a running HAProxy gets from one configuration to another. */
import { describe, expect, test } from "vitest";
import { proxyUpdate } from "../../../compiler/formats/haproxy/changes.ts";
import { printHaproxy } from "../../../compiler/formats/haproxy/print.ts";
import { required } from "../../../compiler/invariant.ts";
import type { HostRoutes, PathRoute, RouteTarget, TlsTable } from "../../../compiler/ir/routes.ts";
import { parseAddress } from "../../../compiler/net/address.ts";

/** `a 1 2`: backend ns/a:80 with the endpoints 10.1.0.1 and 10.1.0.2. */
function target(text: string): RouteTarget {
  const [name = "", ...numbers] = text.split(" ");
  if (name === "503") return { kind: "status", status: 503, reason: "broken" };
  const endpoints = numbers.map((n) => ({ address: required(parseAddress(`10.1.0.${n}`), n), port: 8080 }));
  return { kind: "endpoints", backend: `ns/${name}:80`, endpoints };
}

/** Files for the paths of hosts: `{"shop.test": {"/a": "a 1 2", "=/b": "b 3"}}`, `=`: exact. */
function filesOf(
  hosts: Readonly<Record<string, Readonly<Record<string, string>>>>,
  certificates: Readonly<Record<string, readonly string[]>> = {},
  spareBackends = 0,
): ReadonlyMap<string, string> {
  const routes = Object.entries(hosts).map(([host, rows]): HostRoutes => {
    const paths = Object.entries(rows).map(([path, to]): PathRoute => {
      const isExact = path.startsWith("=");
      return { match: isExact ? "exact" : "prefix", path: isExact ? path.slice(1) : path, target: target(to) };
    });
    return { host, paths, fallback: { kind: "status", status: 404, reason: "no path" } };
  });
  const names = Object.keys(certificates);
  const tls: TlsTable = {
    certificates: names.map((name) => ({ name: `ns/${name}`, names: [], notBefore: 0, notAfter: 1 })),
    hosts: names.flatMap((name) => (certificates[name] ?? []).map((host) => ({ host, certificate: `ns/${name}` }))),
  };
  const { files, certificates: pems } = printHaproxy(routes, {
    ...(names.length === 0 ? {} : { tls }),
    settings: { spareBackends },
  });
  return new Map([...files, ...[...pems.keys()].map((file): [string, string] => [file, `PEM of ${file}\n`])]);
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): unknown[] {
  const update = proxyUpdate(before, after);
  if (update.kind === "reload") return [`reload: ${update.because}`];
  return update.changes.map((change) => {
    switch (change.kind) {
      case "add-row":
      case "set-row":
        return `${change.kind} ${change.map} ${change.key} ${change.value}`;
      case "delete-row":
        return `${change.kind} ${change.map} ${change.key}`;
      case "add-server":
        return `${change.kind} ${change.backend}/${change.server} ${change.address} ${change.settings}`;
      case "remove-server":
        return `${change.kind} ${change.backend}/${change.server}`;
      default:
        return `${change.kind} ${"file" in change ? change.file : ""}${"row" in change ? change.row : ""}`;
    }
  });
}

describe("is made at run time", () => {
  test("nothing, where nothing has changed", () => {
    const files = filesOf({ "shop.test": { "/": "a 1" } });
    expect(changes(files, files)).toEqual([]);
  });

  test("endpoints that come and go: new ones first, with the settings that servers of the file get by default", () => {
    expect(changes(filesOf({ "shop.test": { "/": "a 1 2" } }), filesOf({ "shop.test": { "/": "a 2 3" } }))).toEqual([
      expect.stringMatching(/^add-server ns\.a\.80\/10-1-0-3-8080 10\.1\.0\.3:8080 check inter /),
      "remove-server ns.a.80/10-1-0-1-8080",
    ]);
  });

  test("a path and a host that come: longer rows before shorter ones; that go: the other way round", () => {
    const small = filesOf({ "shop.test": { "/": "a 1", "=/b": "b 2" } });
    const large = filesOf({
      "shop.test": { "/": "a 1", "/x": "b 2", "=/b": "b 2" },
      "new.test": { "=/c": "b 2", "/": "a 1" },
    });
    expect(changes(small, large)).toEqual([
      "add-row routes.map new.test/c/? ns.b.80",
      "add-row routes.map shop.test/x/ ns.b.80",
      "add-row routes.map new.test/ ns.a.80",
    ]);
    expect(changes(large, small)).toEqual([
      "delete-row routes.map new.test/",
      "delete-row routes.map shop.test/x/",
      "delete-row routes.map new.test/c/?",
    ]);
  });

  test("a wildcard that comes and a host below it that goes, the host with its redirect last", () => {
    const files = (rows: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
      new Map([...filesOf({ "a.test": { "/": "a 1" } }), ...Object.entries(rows)]);
    const host = files({ "routes.map": "a.test/ x\na.test/a/ y\n", "redirects.map": "a.test/ https\n" });
    const wildcard = files({ "routes.map": "*.test/ x\n", "redirects.map": "*.test/ https\n" });
    expect(changes(host, wildcard)).toEqual([
      "add-row redirects.map *.test/ https",
      "add-row routes.map *.test/ x",
      "delete-row routes.map a.test/",
      "delete-row routes.map a.test/a/",
      "delete-row redirects.map a.test/",
    ]);
    expect(changes(wildcard, host)).toEqual([
      "add-row redirects.map a.test/ https",
      "add-row routes.map a.test/a/ y",
      "add-row routes.map a.test/ x",
      "delete-row routes.map *.test/",
      "delete-row redirects.map *.test/",
    ]);
  });

  test("an endpoint that is drained, and comes back", () => {
    const ready = filesOf({ "shop.test": { "/": "a 1 2" } });
    const drained = new Map(
      [...ready].map(([name, text]) => [name, text.replace(/^ {2}server 10-1-0-2-8080 \S+$/m, "$& weight 0")]),
    );
    expect(proxyUpdate(ready, drained)).toMatchObject({ changes: [{ kind: "set-weight", weight: 0 }] });
    expect(proxyUpdate(drained, ready)).toMatchObject({ changes: [{ kind: "set-weight", weight: 1 }] });
  });

  test("a path that another backend gets", () => {
    const before = filesOf({ "shop.test": { "/": "a 1", "/x": "b 2" } });
    const after = filesOf({ "shop.test": { "/": "a 1", "/x": "a 1", "/y": "b 2" } });
    expect(changes(before, after)).toEqual([
      "set-row routes.map shop.test/x/ ns.a.80",
      "add-row routes.map shop.test/y/ ns.b.80",
    ]);
  });

  test("a backend that goes stays without servers, and comes back as it was", () => {
    const two = filesOf({ "shop.test": { "/": "a 1", "/x": "b 2" } });
    const one = filesOf({ "shop.test": { "/": "a 1", "/x": "503" }, "other.test": { "/": "503" } });
    const none = filesOf({ "shop.test": { "/": "a 1", "/x": "503" } });
    expect(changes(two, none)).toEqual([
      "set-row routes.map shop.test/x/ status-503",
      "remove-server ns.b.80/10-1-0-2-8080",
    ]);
    const update = proxyUpdate(one, filesOf({ "shop.test": { "/": "503" }, "other.test": { "/": "503" } }));
    expect(update.kind).toBe("at-run-time");
    expect(update.files.get("haproxy.cfg")).toMatch(/^backend ns\.a\.80\n(?: {2}(?!server).*\n)*\n?$/m);
    expect(changes(update.files, one)).toEqual([
      expect.stringMatching(/^add-server ns\.a\.80\/10-1-0-1-8080 /),
      "add-row routes.map shop.test/x/ status-503",
      "set-row routes.map shop.test/ ns.a.80",
    ]);
  });

  test("certificates that come, are renewed and go", () => {
    const shop = { "shop.test": { "/": "a 1" } };
    const one = filesOf(shop, { a: ["a.test"] });
    const two = filesOf(shop, { a: ["a.test"], b: ["b.test"] });
    expect(changes(one, two)).toEqual(["add-certificate ns.b.pem", "add-certificate-row ns.b.pem b.test"]);
    expect(changes(two, one)).toEqual(["remove-certificate ns.b.pem"]);
    expect(changes(two, new Map([...two, ["ns.b.pem", "renewed\n"]]))).toEqual(["set-certificate ns.b.pem"]);
    expect(changes(one, filesOf(shop, { a: ["a.test", "c.test"] }))).toEqual([
      "reload: the first row of certificates is another one",
    ]);
  });
});

describe("a backend that is new", () => {
  const hosts = (rows: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
    filesOf({ "shop.test": rows }, {}, 2);
  const one = hosts({ "/": "a 1" });
  const two = hosts({ "/": "a 1", "/b": "b 2" });

  test("gets the first spare one: servers, then its name, then the paths; and leaves it the other way round", () => {
    expect(changes(one, two)).toEqual([
      expect.stringMatching(/^add-server spare-1\/10-1-0-2-8080 /),
      "add-row backends.map ns.b.80 spare-1",
      "add-row routes.map shop.test/b/ ns.b.80",
    ]);
    const running = proxyUpdate(one, two).files;
    expect(running.get("backends.map")).toBe("ns.b.80 spare-1\n");
    expect(running.get("haproxy.cfg")).toContain(
      "backend spare-1\n  balance roundrobin\n  server 10-1-0-2-8080 10.1.0.2:8080\n\nbackend spare-2\n",
    );
    expect(changes(running, two)).toEqual([]);
    expect(changes(running, one)).toEqual([
      "delete-row routes.map shop.test/b/",
      "delete-row backends.map ns.b.80",
      "remove-server spare-1/10-1-0-2-8080",
    ]);
    expect(proxyUpdate(running, one).files).toEqual(one);
  });

  test("keeps the spare one that it has while others come and go", () => {
    const three = hosts({ "/": "a 1", "/b": "b 2 4", "/c": "c 3" });
    const running = proxyUpdate(proxyUpdate(one, two).files, three).files;
    expect(running.get("backends.map")).toBe("ns.b.80 spare-1\nns.c.80 spare-2\n");
    expect(changes(running, hosts({ "/": "a 1", "/c": "c 5", "/d": "d 6" }))).toEqual([
      "reload: backend ns.d.80 is new: no spare backend is free",
    ]);
    const left = proxyUpdate(running, hosts({ "/": "a 1", "/c": "c 5" })).files;
    expect(left.get("backends.map")).toBe("ns.c.80 spare-2\n");
    expect(proxyUpdate(left, hosts({ "/": "a 1", "/c": "c 5", "/d": "d 6" })).files.get("backends.map")).toBe(
      "ns.c.80 spare-2\nns.d.80 spare-1\n",
    );
  });

  test("does not get one whose servers still have requests of the backend before", () => {
    const row = (busy: readonly string[]): string | undefined =>
      proxyUpdate(one, two, new Set(busy)).files.get("backends.map");
    expect(row(["spare-1"])).toBe("ns.b.80 spare-2\n");
    expect(proxyUpdate(one, two, new Set(["spare-1", "spare-2"]))).toEqual({
      kind: "reload",
      because: "backend ns.b.80 is new: no spare backend is free",
      files: two,
    });
  });

  test("needs a reload where it has other lines than a spare one", () => {
    const sticky = new Map(
      [...two].map(([name, text]) => [name, text.replace(/^(backend ns\.b.*\n.*)/m, "$1\n  cookie x insert")]),
    );
    expect(changes(one, sticky)).toEqual(["reload: backend ns.b.80 is new: it has other lines than a spare backend"]);
  });
});

describe("needs a reload, and says why", () => {
  const files = filesOf({ "shop.test": { "/": "a 1" } });
  const edited = (from: RegExp, to: string): ReadonlyMap<string, string> =>
    new Map([...files, ["haproxy.cfg", (files.get("haproxy.cfg") ?? "").replace(from, to)]]);

  test.each([
    [filesOf({ "shop.test": { "/": "a 1", "/b": "b 2" } }), "backend ns.b.80 is new"],
    [edited(/timeout client .*/, "timeout client 7s"), "with timeout client 7s"],
    [edited(/ {2}balance roundrobin/, "  balance leastconn"), "backend ns.a.80: with balance leastconn"],
    [edited(/(server 10-1-0-1-8080 \S+)/, "$1 cookie x"), "server ns.a.80/10-1-0-1-8080: 10.1.0.1:8080 cookie x"],
  ])("%#: %s", (after, because) => {
    expect(changes(files, after)).toEqual([`reload: ${because}`]);
    expect(proxyUpdate(files, after).files).toBe(after);
  });

  test("a server that comes where clients keep theirs by a cookie", () => {
    const sticky = (of: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
      new Map(
        [...of].map(([name, text]) => [
          name,
          text.replace(/^ {2}balance roundrobin$/m, "$&\n  cookie x insert dynamic"),
        ]),
      );
    const two = filesOf({ "shop.test": { "/": "a 1 2" } });
    expect(changes(sticky(files), sticky(two))).toEqual(["reload: server ns.a.80/10-1-0-2-8080 gets a cookie"]);
    expect(changes(sticky(two), sticky(files))).toEqual(["remove-server ns.a.80/10-1-0-2-8080"]);
  });

  test("a comment is no change", () => {
    expect(changes(files, edited(/^/, "# written at noon\n"))).toEqual([]);
  });
});

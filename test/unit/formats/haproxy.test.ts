import { describe, expect, test } from "vitest";
import { printHaproxy } from "../../../compiler/formats/haproxy/print.ts";
import { required } from "../../../compiler/invariant.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../../../compiler/ir/routes.ts";
import { parseAddress } from "../../../compiler/net/address.ts";

const NOTHING: RouteTarget = { kind: "status", status: 404, reason: "nothing" };

function to(backend: string, ...addresses: string[]): RouteTarget {
  const endpoints = addresses.map((text) => ({ address: required(parseAddress(text), text), port: 8080 }));
  return { kind: "endpoints", backend, endpoints };
}

function path(match: PathRoute["match"], text: string, target: RouteTarget): PathRoute {
  return { match, path: text, target };
}

function print(...routes: HostRoutes[]) {
  const { files, unsupported } = printHaproxy(routes);
  const config = files.get("haproxy.cfg") ?? expect.unreachable();
  return { files: Object.fromEntries(files), config, unsupported };
}

describe("routes as a configuration of HAProxy", () => {
  const web = to("shop/web:80", "10.244.1.10", "fd00::7");
  const routes: readonly HostRoutes[] = [
    { host: "a.example", paths: [path("exact", "/x", web), path("prefix", "/", web)], fallback: NOTHING },
    { host: "*.b.example", paths: [path("prefix", "/api", to("shop/api:http", "10.244.1.20"))], fallback: web },
    { paths: [], fallback: { kind: "status", status: 503, reason: "broken" } },
  ];

  test("has a row for each host, path and fallback", () => {
    const { files } = print(...routes);
    expect(files).toMatchObject({
      "routes.map":
        "*.b.example/ shop.web.80\n*.b.example/api/ shop.api.http\n*/ status-503\na.example/ shop.web.80\na.example/x/? shop.web.80\n",
    });
  });

  test("has a server for each endpoint, by its address", () => {
    expect(print(...routes).config).toContain(`backend shop.web.80
  balance roundrobin
  server 10-244-1-10-8080 10.244.1.10:8080
  server fd00--7-8080 [fd00::7]:8080
`);
  });

  test("is the same in whatever order hosts, paths and endpoints come, and one endpoint is one line", () => {
    const turned = routes.map((host) => ({ ...host, paths: [...host.paths].reverse() })).reverse();
    expect(print(...turned).files).toEqual(print(...routes).files);
    const more = to("shop/web:80", "10.244.2.10", "10.244.1.10", "fd00::7");
    const [first] = routes;
    const changed = print({ ...required(first, "there is a host"), paths: [path("prefix", "/", more)] });
    const before = print({ ...required(first, "there is a host"), paths: [path("prefix", "/", web)] });
    const lines = new Set(before.config.split("\n"));
    expect(changed.config.split("\n").filter((line) => !lines.has(line))).toEqual([
      "  server 10-244-2-10-8080 10.244.2.10:8080",
    ]);
    expect({ ...changed.files, "haproxy.cfg": "" }).toEqual({ ...before.files, "haproxy.cfg": "" });
  });

  test("an endpoint that begins to drain is one line that changes, whatever else is asked for", () => {
    const [a, b] = web.kind === "endpoints" ? web.endpoints : [];
    const endpoints = [required(a, "an endpoint"), required(b, "an endpoint")];
    const printed = (target: RouteTarget) =>
      printHaproxy([{ host: "a.example", paths: [path("prefix", "/", target)], fallback: NOTHING }], {
        settings: { accessLog: true, metrics: "127.0.0.1:8404", pathSafety: "reject" },
      }).files;
    const before = printed({ kind: "endpoints", backend: "shop/web:80", endpoints, sticky: "cookie" });
    const [stays, leaves] = [endpoints.slice(0, 1), endpoints.slice(1)];
    const after = printed({
      kind: "endpoints",
      backend: "shop/web:80",
      endpoints: stays,
      draining: leaves,
      sticky: "cookie",
    });
    const lines = (files: ReadonlyMap<string, string>) => [...files.values()].join("").split("\n");
    const changed = lines(after).flatMap((line, i) => (line === lines(before)[i] ? [] : [[lines(before)[i], line]]));
    expect(changed).toEqual([
      ["  server fd00--7-8080 [fd00::7]:8080", "  server fd00--7-8080 [fd00::7]:8080 weight 0"],
    ]);
  });

  test.each(["a", "", "/a b", "/a\nuse_backend x", "/ü", "/a\tb", "/\u0000", "/a\r"])(
    "leaves out the path %j, which no request can have, and says so",
    (text) => {
      const { files, unsupported } = print({
        host: "a.example",
        paths: [path("prefix", text, web)],
        fallback: NOTHING,
      });
      expect(files["routes.map"]).toBe("a.example/ status-404\n");
      expect(unsupported).toMatchObject([
        { severity: "warning", code: "unsupported-haproxy", message: expect.stringContaining(JSON.stringify(text)) },
      ]);
    },
  );

  test.each(["shop/we b:80", "shop/web:80\n", 'shop/"web":80', "shop/%[x]:80"])(
    "refuses %j, which no name of a backend can be",
    (name) => {
      expect(() => print({ paths: [], fallback: to(name, "10.0.0.1") })).toThrow(RangeError);
    },
  );
});

describe("certificates", () => {
  const certificate = (name: string) => ({ name, names: [], notBefore: 0, notAfter: 0 });
  const tls = {
    certificates: [certificate("a/x"), certificate("b/y")],
    hosts: [{ host: "a.test", certificate: "a/x" }, { host: "c.w.test" }, { host: "*.w.test", certificate: "b/y" }],
  };
  const printed = (more: { fallback?: string }) => {
    const { files, certificates } = printHaproxy([{ paths: [], fallback: NOTHING }], { tls: { ...tls, ...more } });
    return { list: files.get("certificates.list"), config: files.get("haproxy.cfg"), certificates: [...certificates] };
  };

  test("the default one comes first, and is for no name", () => {
    const { list, config, certificates } = printed({ fallback: "a/x" });
    expect(list).toBe("a.x.pem !*\na.x.pem a.test c.w.test\nb.y.pem *.w.test !c.w.test\n");
    expect(config).toContain("  bind :443 ssl crt-list certificates.list\n");
    expect(certificates).toEqual([
      ["a.x.pem", "a/x"],
      ["b.y.pem", "b/y"],
    ]);
  });

  test("without a default one, other names are refused", () => {
    const { list, config } = printed({});
    expect(list).toBe("a.x.pem a.test\nb.y.pem *.w.test !c.w.test\n");
    expect(config).toContain("  bind :443 ssl crt-list certificates.list strict-sni\n");
  });

  test("without any, nothing listens for TLS", () => {
    const { files, certificates } = printHaproxy([{ paths: [], fallback: NOTHING }], {
      tls: { certificates: [], hosts: [{ host: "a.test" }] },
    });
    expect([files.get("haproxy.cfg")?.includes("443"), certificates.size]).toEqual([false, 0]);
  });

  test.each(["a.test b.test", "a.test\nx.pem", "!a.test", "a.test [ssl]", "", "*", "A.test"])(
    "refuses the host %j",
    (host) => {
      const hosts = [{ host, certificate: "a/x" }];
      expect(() => printHaproxy([], { tls: { ...tls, hosts } })).toThrow(RangeError);
    },
  );
});

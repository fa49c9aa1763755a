import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

function service(name: string, address: string): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: shop, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
endpoints: [{addresses: [${address}]}]
ports: [{name: "", port: 8080}]
---
`;
}

function ingress(host: string, ...paths: readonly (readonly [path: string, type: string, service: string])[]): string {
  const rows = paths.map(
    ([path, type, name]) =>
      `          - {path: ${path}, pathType: ${type}, backend: {service: {name: ${name}, port: {number: 80}}}}\n`,
  );
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ${host.replace("*", "any")}, namespace: shop}
spec:
  rules:
    - host: "${host}"
      http:
        paths:
${rows.join("")}---
`;
}

const SERVICES = service("web", "10.244.1.10") + service("api", "10.244.1.20");
const OLD = `${SERVICES}${ingress("a.example", ["/", "Prefix", "web"], ["/api", "Prefix", "api"])}`;
const FILES = {
  "old.yaml": OLD,
  "same.yaml": `${ingress("a.example", ["/api/", "Prefix", "api"], ["/", "ImplementationSpecific", "web"])}${SERVICES}`,
  "new.yaml": `${SERVICES}${ingress("a.example", ["/", "Prefix", "web"], ["/api", "Exact", "api"])}${ingress("*.b.example", ["/x", "Prefix", "api"])}`,
  "moved.yaml": OLD.replace("10.244.1.20", "10.244.2.20"),
  "services.yaml": SERVICES,
  "rules.nft": "table ip x {\n}\n",
};

/** Runs `use` where `proxy` is what kpc writes for old.yaml. */
function withProxy(use: (folder: string) => void): void {
  inFolder(FILES, (folder) => {
    expect(kpc(["compile", "old.yaml", "-o", "haproxy", "-d", "proxy", "-q"], { folder }).code).toBe(0);
    use(folder);
  });
}

/** What the runtime API prints of the maps in `proxy`. */
function shownMaps(folder: string): string {
  const text = readFileSync(join(folder, "proxy", "routes.map"), "utf8");
  return `show map routes.map\n${text.replace(/^(?=.)/gm, "0x5566 ")}\n`;
}

describe("kpc diff of Ingresses", () => {
  test("proves two sets equal that are written in different ways", () => {
    inFolder(FILES, (folder) => {
      expect(kpc(["diff", "old.yaml", "same.yaml", "--ingress"], { folder })).toEqual({
        code: 0,
        stdout: "=> equal: all hosts and paths, in 3 classes\n",
        stderr: "",
      });
    });
  });

  test("shows the shortest URL of each pair of backends first, with both rules and their lines", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "old.yaml", "new.yaml", "--ingress"], { folder });
      expect(code).toBe(1);
      expect(stdout).toBe(`Hosts: 2 different, with so many classes of paths each
  *.b.example  1
  a.example  1

http://x.b.example/x   any host of *.b.example that no rule names; /x and below, but for other rules
  old.yaml  404          the fallback for other hosts
  new.yaml  shop/api:80  /x and below of *.b.example   new.yaml:44:13

http://a.example/api/   /api and below, but for other rules
  old.yaml  shop/api:80  /api and below of a.example  old.yaml:34:13
  new.yaml  shop/web:80  / and below of a.example     new.yaml:33:13

=> different: all hosts and paths, in 6 classes, 2 of them different
`);
    });
  });

  test("names the endpoints where backends differ in these alone", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "old.yaml", "moved.yaml", "--ingress"], { folder });
      expect(code).toBe(1);
      expect(stdout).toContain("  old.yaml    shop/api:80 at 10.244.1.20:8080  /api and below of a.example");
      expect(stdout).toContain("  moved.yaml  shop/api:80 at 10.244.2.20:8080  /api and below of a.example");
    });
  });

  test("holds declared differences exactly", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "old.yaml", "new.yaml", "--ingress", "-o", "except"], { folder });
      expect(code).toBe(1);
      writeFileSync(join(folder, "except.yaml"), stdout);
      const args = ["--ingress", "--except", "except.yaml"];
      const held = kpc(["diff", "old.yaml", "new.yaml", ...args], { folder });
      expect(held).toMatchObject({ code: 0, stderr: "" });
      expect(held.stdout).toContain("expected: except.yaml:8:5, 1 class\n");
      expect(held.stdout).toContain("=> equal except for 2 expected differences: all hosts and paths, in 6 classes, 2");
      const stale = kpc(["diff", "old.yaml", "old.yaml", ...args], { folder });
      expect(stale.code).toBe(1);
      expect(stale.stderr).toContain(
        "except.yaml:8:5: error: this difference no longer occurs: no URL is served in these two ways [stale-difference]",
      );
      const more = kpc(["diff", "services.yaml", "new.yaml", ...args], { folder });
      expect(more.code).toBe(1);
      expect(more.stdout).toContain("=> different, also where no difference is expected");
      const data = kpc(["diff", "old.yaml", "new.yaml", ...args, "-o", "json"], { folder });
      expect(JSON.parse(data.stdout)).toMatchObject({
        kind: "UrlComparison",
        equal: false,
        equalExceptExpected: true,
        counterexamples: [],
        unexpected: 0,
        expected: [
          { file: "except.yaml", line: 8, classes: 1, stale: false },
          { line: 12, classes: 1, stale: false },
        ],
      });
    });
  });

  test.each([
    [
      "differences: [{host: a, left: x}]",
      "differences[0].right: Required value: what serves these URLs, as kpc diff prints it",
    ],
    ["differences: [{left: x, right: x}]", 'differences[0].right: Invalid value: "x": must differ from left'],
    [
      "differences: [{left: x, right: 404, below: api}]",
      'differences[0].below: Invalid value: "api": must begin with a slash',
    ],
    ["differences: [{left: x, right: z, hosts: a}]", 'unknown field "differences[0].hosts"'],
  ])("says what is wrong with a file of differences: %s", (text, message) => {
    inFolder({ ...FILES, "e.yaml": `apiVersion: kpc.dev/v1alpha1\nkind: UrlDifferences\n${text}\n` }, (folder) => {
      const { code, stderr } = kpc(["diff", "old.yaml", "new.yaml", "--ingress", "--except", "e.yaml"], { folder });
      expect(code).toBe(2);
      expect(stderr).toContain("e.yaml:3:");
      expect(stderr).toContain(message);
    });
  });

  test("prints JSON", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "old.yaml", "new.yaml", "--ingress", "-o", "json", "--limit", "1"], {
        folder,
      });
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toEqual({
        apiVersion: "kpc.dev/v1alpha1",
        kind: "UrlComparison",
        equal: false,
        verdict: "different",
        assumptions: [],
        classes: 6,
        differing: 2,
        counterexamples: [
          {
            url: "http://x.b.example/x",
            host: "*.b.example",
            match: "prefix",
            path: "/x",
            left: { status: 404, reason: "no default backend", host: null, rule: null },
            right: {
              backend: "shop/api:80",
              endpoints: ["10.244.1.20:8080"],
              host: "*.b.example",
              rule: { match: "prefix", path: "/x" },
              file: "new.yaml",
              line: 44,
              column: 13,
            },
          },
        ],
        hosts: { "*.b.example": 1 },
        notCompared: [],
      });
    });
  });
});

describe("kpc diff with HAProxy", () => {
  test.each(["proxy", "proxy/haproxy.cfg"])("proves that %s does what manifests say", (name) => {
    withProxy((folder) => {
      expect(kpc(["diff", "old.yaml", name], { folder })).toEqual({
        code: 0,
        stdout: "=> equal: all hosts and paths, in 3 classes\n",
        stderr: "",
      });
    });
  });

  test("compares with the maps of a HAProxy that runs, by names of backends", () => {
    withProxy((folder) => {
      const input = shownMaps(folder);
      const given =
        "assuming that backends of the same name have the same endpoints, and that both sides treat unsafe paths alike";
      expect(kpc(["diff", "-", "old.yaml"], { folder, input })).toEqual({
        code: 0,
        stdout: `=> equal, ${given}: all hosts and paths, in 3 classes\n`,
        stderr: "",
      });
      const { code, stdout } = kpc(["diff", "new.yaml", "-"], { folder, input });
      expect(code).toBe(1);
      expect(stdout).toContain(`=> different, ${given}: all hosts and paths, in 6 classes, 2 of them different`);
      expect(stdout).toContain("<stdin>:");
    });
  });

  test("claims nothing about a configuration that kpc has not written so", () => {
    withProxy((folder) => {
      cpSync(join(folder, "proxy"), join(folder, "edited"), { recursive: true });
      const file = join(folder, "edited/haproxy.cfg");
      const text = readFileSync(file, "utf8");
      const line = text.slice(0, text.indexOf("  use_backend")).split("\n").length;
      writeFileSync(file, text.replace("  use_backend", "  http-request deny if { path_beg /api }\n  use_backend"));
      const { code, stdout, stderr } = kpc(["diff", "old.yaml", "edited"], { folder });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`edited/haproxy.cfg:${line}:3: error: kpc does not write this line`);
      expect(stderr).toContain("[haproxy-line]");
    });
  });

  test("tells settings of the proxy that answer requests before any rule", () => {
    inFolder(
      { ...FILES, "kpc.yaml": "apiVersion: kpc.dev/v1alpha1\nkind: Config\nhaproxy: {pathSafety: reject}\n" },
      (folder) => {
        kpc(["compile", "old.yaml", "-o", "haproxy", "-d", "proxy", "--path-safety", "reject", "-q"], { folder });
        const { code, stdout } = kpc(["diff", "old.yaml", "proxy"], { folder });
        expect(code).toBe(1);
        expect(stdout).toContain("  old.yaml  404                   the fallback for other hosts\n");
        expect(stdout).toContain("  proxy     400 for unsafe paths  before any rule\n");
        expect(kpc(["diff", "old.yaml", "proxy", "-c", "kpc.yaml"], { folder }).code).toBe(0);
      },
    );
  });

  test("says how many paths it leaves out, as their pathType is of a newer API", () => {
    const stored = FILES["old.yaml"].replace("{name: a.example,", "{name: a.example, uid: u,");
    const newer = (...words: string[]): string =>
      words.reduce((text, word) => text.replace(/pathType: Prefix/, `pathType: ${word}`), stored);
    inFolder({ "one.yaml": newer("Glob"), "two.yaml": newer("Glob", "Regular") }, (folder) => {
      const { code, stdout } = kpc(["diff", "one.yaml", "two.yaml", "--ingress"], { folder });
      expect(code).toBe(1);
      expect(stdout).toContain("not compared: a path of one.yaml with an unknown pathType\n");
      expect(stdout).toContain("not compared: 2 paths of two.yaml with an unknown pathType\n");
    });
  });

  test("finds what was edited in a map", () => {
    withProxy((folder) => {
      const file = join(folder, "proxy/routes.map");
      writeFileSync(file, readFileSync(file, "utf8").replace("/api/ shop.api.80", "/api/ shop.web.80"));
      const { code, stdout } = kpc(["diff", "old.yaml", "proxy"], { folder });
      expect(code).toBe(1);
      expect(stdout).toContain("http://a.example/api   /api and below, but for other rules\n");
      expect(stdout).toContain("proxy     shop/web:80  /api and below of a.example  proxy/routes.map:3:1");
    });
  });
});

describe("kpc diff", () => {
  test("says of packets whether the Ingresses differ, too", () => {
    inFolder(FILES, (folder) => {
      const note = (right: string): string =>
        kpc(["diff", "old.yaml", right, "--node-ip", "192.0.2.1"], { folder }).stderr;
      expect(note("new.yaml")).toContain(
        "note: packets are compared here; the Ingresses differ (--ingress compares them)\n",
      );
      expect(note("same.yaml")).toContain("the Ingresses are equal (--ingress compares them)\n");
      expect(kpc(["diff", "services.yaml", "services.yaml"], { folder }).stderr).not.toContain("Ingress");
    });
  });

  test.each([
    [
      ["services.yaml", "services.yaml", "--ingress"],
      "neither services.yaml nor services.yaml has an Ingress or a Gateway for kpc",
    ],
    [
      ["old.yaml", "new.yaml", "--ingress", "--family", "ipv4"],
      "--family is for packets: Ingresses are compared by host and path",
    ],
    [
      ["old.yaml", "rules.nft", "--ingress"],
      "rules.nft has rules for packets: expected manifests, haproxy.cfg, a folder with it, or what show map prints",
    ],
  ])("refuses %j", (args, message) => {
    inFolder(FILES, (folder) => {
      expect(kpc(["diff", ...args], { folder })).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining(`kpc: ${message}\n`),
      });
    });
  });
});

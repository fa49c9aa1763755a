import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints: [{addresses: [10.244.1.5]}]
ports: [{name: http, port: 8080}]
`;

const CASE = `name: example
proxy: {nodeName: node-x}
files: [manifests]
flows:
  - {name: reaches the pod, protocol: tcp, origin: pod, from: 10.244.1.9, to: 10.96.0.10, port: 80, expect: {verdict: dnat, endpoints: ["10.244.1.5:8080"]}}
`;

const FILES = { "manifests/service.yaml": SERVICE, "manifests/more/slice.yaml": SLICE };

describe("compile", () => {
  test("prints rules on stdout and notes on stderr", () => {
    inFolder({ "a.yaml": `${SERVICE}---\n${SLICE}` }, (folder) => {
      const { code, stdout, stderr } = kpc(["compile", "a.yaml"], { folder });
      expect(code).toBe(0);
      expect(stdout).toContain('10.96.0.10 . tcp . 80 comment "shop/api:http" : jump pick-1-tcp');
      expect(stderr).toMatch(
        /^note: .*no endpoint counts as local, and every local address serves node ports \(--node and --node-ip name one\) \[no-node\]\nkpc: 1 Service, 1 endpoint, .*\n$/,
      );
    });
  });

  test("reads folders, folders in folders with -R, -f, and standard input", () => {
    inFolder(FILES, (folder) => {
      const rules = (args: string[], input = ""): string => kpc(["compile", "-q", ...args], { folder, input }).stdout;
      const all = rules(["-R", "manifests"]);
      expect(all).toContain("10.244.1.5 . 8080");
      expect(rules(["manifests"])).not.toContain("10.244.1.5");
      expect(rules(["-f", "manifests/service.yaml", "-f", "manifests/more/slice.yaml"])).toBe(all);
      expect(rules(["manifests", "-"], SLICE)).toBe(all);
      expect(rules(["-"], `${SLICE}---\n${SERVICE}`)).toBe(all);
    });
  });

  test.each([
    ["nft", "table ip kpc {"],
    ["iptables", "-A KPC-services -d 10.96.0.10/32 -p tcp"],
    ["ip6tables", "*nat\n:KPC-NAT-PREROUTING"],
    ["ir", '"kind": "Program"'],
    ["json", '"diagnostics": ['],
  ])("-o %s", (output, part) => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["compile", "-R", "manifests", "-o", output], { folder });
      expect(code).toBe(0);
      expect(stdout.replace(/:KPC-NAT-POSTROUTING.*\n/, "").replace(/:KPC-services.*\n/, "")).toContain(part);
    });
  });

  test("with an error prints no rules, and exits with 1", () => {
    inFolder({ "a.yaml": SERVICE.replace("port: 80", "port: 80000") }, (folder) => {
      const { code, stdout, stderr } = kpc(["compile", "a.yaml"], { folder });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(
        "a.yaml:6:30: error: spec.ports[0].port: Invalid value: 80000: must be between 1 and 65535, inclusive",
      );
    });
  });

  test("takes settings from a file and from flags, which win", () => {
    const config = "apiVersion: kpc.dev/v1alpha1\nkind: Config\nnodeName: from-file\nserviceCIDRs: [10.96.0.0/16]\n";
    inFolder({ ...FILES, "kpc.yaml": config }, (folder) => {
      const text = kpc(["compile", "-R", "manifests", "-c", "kpc.yaml", "--node", "from-flag"], { folder }).stdout;
      expect(text).toContain("for node from-flag");
      expect(text).toContain("ip daddr 10.96.0.0/16 drop");
    });
  });
});

describe("trouble exits with 2, says what is wrong, and shows no stack", () => {
  test.each([
    ["no input", ["compile"]],
    ["cannot read nowhere.yaml: there is no such file", ["compile", "nowhere.yaml"]],
    ["no .yaml, .yml or .json files in empty", ["compile", "empty"]],
    ["unknown command 'compil'", ["compil"]],
    ["(Did you mean compile?)", ["compil"]],
    ["unknown option '--nod'", ["compile", "--nod", "x"]],
    ["argument 'yaml' is invalid", ["compile", "-o", "yaml", "a.yaml"]],
    ['--cluster-cidr[0]: Invalid value: "10.0.0.1/8"', ["compile", "a.yaml", "--cluster-cidr", "10.0.0.1/8"]],
    ["such as 10.0.0.0/8", ["compile", "a.yaml", "--cluster-cidr", "10.0.0.1/8"]],
    ['--detect-local-interface: Invalid value: "a b"', ["compile", "a.yaml", "--detect-local-interface", "a b"]],
    ["no engine fast; there is ir", ["test", "case.yaml", "--engine", "fast"]],
    ["expected a port from 1 to 65535", ["trace", "tcp 10.0.0.1 > 10.0.0.2:0", "a.yaml"]],
    ["pod/shop/web is not in the input", ["trace", "tcp pod/shop/web > 10.0.0.2:80", "a.yaml"]],
  ])("%s", (message, args) => {
    inFolder({ "a.yaml": SERVICE, "empty/readme.txt": "", "case.yaml": CASE }, (folder) => {
      const { code, stdout, stderr } = kpc(args, { folder });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr).not.toMatch(/^\s+at /m);
    });
  });
});

describe("check", () => {
  test("says what was found, also what was left out and why, and exits with 1 only for errors", () => {
    const headless = SERVICE.replace("10.96.0.10", "None");
    inFolder({ "a.yaml": headless, "b.yaml": SERVICE.replace("name: api", "name: Api!") }, (folder) => {
      const fine = kpc(["check", "a.yaml"], { folder });
      expect(fine.code).toBe(0);
      expect(fine.stdout).toContain("a.yaml:1:1: info: Service shop/api is left out: it is headless");
      expect(fine.stderr).toBe("0 errors, 0 warnings\n");
      expect(kpc(["check", "b.yaml"], { folder })).toMatchObject({ code: 1, stderr: "1 error, 0 warnings\n" });
    });
  });

  test("-q prints errors only, -v also names each object that is left out, with the reason", () => {
    const more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n";
    inFolder({ "a.yaml": `${SERVICE}---\n${more}`, "b.yaml": "a: 1\n" }, (folder) => {
      const out = (...args: string[]): string => kpc(["check", "a.yaml", ...args], { folder }).stdout;
      const left = "a.yaml:8:1: info: v1/ConfigMap shop/settings is left out: kpc does not read this kind";
      expect(out()).not.toContain(left);
      expect(out()).toContain("note: left out objects of kinds that kpc does not read: v1/ConfigMap (1)");
      expect(out("-v")).toContain(left);
      expect(out("-q")).toBe("");
      expect(out("b.yaml", "-q")).toMatch(/^b\.yaml:1:1: error: [^\n]*\n[^\n]*\n[^\n]*\n?.*error/s);
    });
  });

  test("a slice port that joins no port of its Service is shown with the ports that there are", () => {
    const found = (slice: string): string => kpc(["check", "-"], { input: `${SERVICE}---\n${slice}` }).stdout;
    expect(found(SLICE.replace("name: http", "name: htp"))).toMatch(
      /:13:9: warning: port "htp" \(TCP\) of EndpointSlice shop\/api-1 joins no port of Service api, which has "http" \(TCP\) \[/,
    );
    const unnamed = `${SERVICE.replace("name: http, ", "")}---\n${SLICE.replace("name: http, ", "")}`;
    expect(kpc(["check", "-"], { input: unnamed }).stdout).not.toContain("joins no port");
  });

  test("-o json has code, severity, message, file, line and column", () => {
    const { code, stdout } = kpc(["check", "-", "-o", "json"], { input: SERVICE.replace("port: 80", "prot: 80") });
    expect(code).toBe(1);
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code: string; line?: number; column?: number; file?: string; severity: string }[];
    };
    expect(diagnostics.find((finding) => finding.code === "unknown-field")).toMatchObject({
      severity: "error",
      file: "<stdin>",
      line: 6,
      column: 24,
    });
  });

  test("objects of other kinds are counted in one line; --strict makes them errors", () => {
    const input = `${SERVICE}---\napiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: x}\n`;
    expect(kpc(["compile", "-"], { input })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("coordination.k8s.io/v1/Lease (1)"),
    });
    expect(kpc(["compile", "-", "--strict"], { input })).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("trace", () => {
  test("shows the rules that decided, with manifest, line and column", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["trace", "-R", "tcp 10.244.1.9 > svc/shop/api:http", "manifests"], { folder });
      expect(code).toBe(0);
      expect(stdout).toContain(
        '10.96.0.10 . tcp . 80 comment "shop/api:http" : jump pick-1-tcp   manifests/service.yaml:6:',
      );
      expect(stdout).toContain(" to 10.244.1.5:8080   manifests/more/slice.yaml:5:");
      expect(stdout).toMatch(/=> delivered to 10\.244\.1\.5:8080 {3}sees the client's address\n$/);
    });
  });

  test("a packet that is not delivered exits with 1; -o json has the fields that scripts need", () => {
    inFolder({ "service.yaml": SERVICE }, (folder) => {
      const { code, stdout } = kpc(["trace", "tcp 10.244.1.9 > 10.96.0.10:80", "service.yaml", "-o", "json"], {
        folder,
      });
      expect(code).toBe(1);
      const { packet, outcomes } = JSON.parse(stdout);
      expect(packet).toEqual({
        protocol: "tcp",
        source: "10.244.1.9",
        sourcePort: 40000,
        from: {},
        destination: "10.96.0.10",
        destinationPort: 80,
        to: { service: "shop/api:http" },
        inInterface: "eth0",
        inInterfaceAssumed: "not a known pod of this node",
        mark: 0,
      });
      expect(outcomes).toMatchObject([
        {
          assumptions: [],
          verdict: "reject",
          rejectWith: "port-unreachable",
          endpoints: [],
          steps: expect.arrayContaining([expect.objectContaining({ hook: "forward", rule: "reject" })]),
        },
      ]);
    });
  });
});

describe("test", () => {
  const files = { "manifests/service.yaml": SERVICE, "manifests/slice.yaml": SLICE, "case.yaml": CASE };

  test("expectations that hold", () => {
    inFolder(files, (folder) => {
      expect(kpc(["test", "case.yaml"], { folder })).toEqual({
        code: 0,
        stdout: "2 passed, 0 failed, 0 skipped\n",
        stderr: "",
      });
      const { results, summary } = JSON.parse(
        kpc(["test", "case.yaml", "-o", "json", "--engine", "ir"], { folder }).stdout,
      );
      expect(summary).toEqual({ passed: 2, failed: 0, skipped: 0 });
      expect(results[0]).toMatchObject({
        case: "example",
        flow: "reaches the pod",
        mode: "nftables",
        engine: "ir",
        status: "pass",
      });
    });
  });

  test("a changed expectation fails, with what was expected and what came", () => {
    inFolder({ ...files, "case.yaml": CASE.replace("10.244.1.5:8080", "10.244.1.6:8080") }, (folder) => {
      const { code, stdout } = kpc(["test", "case.yaml"], { folder });
      expect(code).toBe(1);
      expect(stdout).toContain(
        "FAIL case.yaml:5:109: example / reaches the pod (nftables, ir): expected one of 10.244.1.6:8080, got 10.244.1.5:8080",
      );
      const junit = kpc(["test", "case.yaml", "-o", "junit"], { folder }).stdout;
      expect(junit).toContain(
        '<testsuite name="example (nftables, ir)" tests="1" failures="1" errors="0" skipped="0">',
      );
      expect(junit).toContain('name="reaches the pod" file="case.yaml" line="5"><failure message="expected one of');
      expect(junit).toContain(">case.yaml:5:109: expected dnat to 10.244.1.6:8080, got dnat to 10.244.1.5:8080<");
      const [result] = JSON.parse(kpc(["test", "case.yaml", "-o", "json"], { folder }).stdout).results;
      expect(result).toMatchObject({ status: "fail", file: "case.yaml", line: 5, column: 109 });
      expect(result).not.toHaveProperty("origin");
    });
  });

  test.each([
    ["case.yaml:5:5: error: flows[0].protocol: Required value", CASE.replace("protocol: tcp, ", "")],
    ['unknown field "flow", did you mean "flows"?', CASE.replace("flows:", "flow:")],
    ['expect.verdict: Unsupported value: "ok"', CASE.replace("verdict: dnat", "verdict: ok")],
    ["missing.yaml: there is no such file", CASE.replace("files: [manifests]", "files: [missing.yaml]")],
  ])("a case that is none is trouble: %s", (message, text) => {
    inFolder({ ...files, "case.yaml": text }, (folder) => {
      const { code, stdout, stderr } = kpc(["test", "case.yaml"], { folder });
      expect(code).toBe(2);
      expect(stdout).toBe("0 passed, 0 failed, 0 skipped, 1 invalid\n");
      expect(stderr).toContain(message);
      const json = kpc(["test", "case.yaml", "-o", "json"], { folder }).stdout;
      const [{ file, line, message: told }] = JSON.parse(json).diagnostics;
      expect(`${file}:${line}`).toMatch(/^case\.yaml:\d+$/);
      expect(told).toContain(message.replace(/^case\S+ error: /, ""));
      const junit = kpc(["test", "case.yaml", "-o", "junit"], { folder }).stdout;
      expect(junit).toMatch(/<testsuite name="[\w.]+" tests="1" failures="0" errors="1" skipped="0">/);
      expect(junit).toMatch(/<error message="[^"]+">case\.yaml:\d+:\d+: [^<]+<\/error>/);
    });
  });

  test("ends may be objects of the world, and a Service's port its name", () => {
    const pod = (name: string, address: string): string =>
      `---\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop}\nspec: {nodeName: node-x}\nstatus: {podIPs: [{ip: ${address}}]}\n`;
    const world = { ...files, "manifests/pods.yaml": `${pod("web", "10.244.1.9")}${pod("six", "fd00::9")}` };
    const named = CASE.replace(
      "from: 10.244.1.9, to: 10.96.0.10, port: 80",
      "from: pod/shop/web, to: svc/shop/api, port: http",
    );
    const run = (text: string): ReturnType<typeof kpc> =>
      inFolder({ ...world, "case.yaml": text }, (folder) => kpc(["test", "case.yaml"], { folder }));
    expect(run(named)).toEqual({ code: 0, stdout: "2 passed, 0 failed, 0 skipped\n", stderr: "" });
    expect(run(named.replace("port: http", "port: 80")).code).toBe(0);
    expect(run(named.replace("pod/shop/web", "pod/shop/wep")).stdout).toContain(
      "FAIL case.yaml:5:63: example / reaches the pod (nftables, ir): pod/shop/wep is not in the input, did you mean pod/shop/web?\n",
    );
    expect(run(named.replace("port: http", "port: htp")).stdout).toContain(
      "svc/shop/api has no tcp port htp; it has http (tcp)",
    );
    expect(run(named.replace("pod/shop/web", "pod/shop/six")).stdout).toContain(
      "svc/shop/api has no address of this family",
    );
    expect(run(CASE.replace("10.244.1.9", "pod/shop/six")).stdout).toContain(
      "expected an IPv6 address, as the source is one",
    );
    expect(run(CASE.replace("port: 80", "port: http"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("flows[0].port: Invalid value: expected integer"),
    });
  });

  test("what is wrong is told once: not for each document, mode and case", () => {
    const broken = { ...files, "manifests/service.yaml": SERVICE.replace("port: 80", "port: 0") };
    inFolder({ ...broken, "case.yaml": CASE, "none.yaml": "a: 1\n---\nb: 2\n---\nc: 3\n" }, (folder) => {
      const { stdout, stderr } = kpc(["test", "none.yaml"], { folder });
      expect(stdout).toBe("0 passed, 0 failed, 0 skipped, 3 invalid\n");
      expect(stderr.match(/unknown field "."/g)).toEqual(["a", "b", "c"].map((name) => `unknown field "${name}"`));
      const both = kpc(["test", "case.yaml", "case.yaml"], { folder });
      expect(both.stdout).toBe("0 passed, 0 failed, 0 skipped, 2 invalid\n");
      expect(both.stderr.match(/must be between 1 and 65535/g)?.length).toBe(1);
    });
  });

  test("a broken case does not keep the next one in its file from running", () => {
    inFolder({ ...files, "case.yaml": `a: 1\n---\n${CASE}` }, (folder) => {
      expect(kpc(["test", "case.yaml"], { folder })).toMatchObject({
        code: 2,
        stdout: "2 passed, 0 failed, 0 skipped, 1 invalid\n",
      });
    });
  });
});

test("colours only on a terminal, or when asked", () => {
  const input = SERVICE.replace("port: 80", "port: 0");
  expect(kpc(["compile", "-"], { input }).stderr).not.toContain("\u001b");
  expect(kpc(["compile", "-", "--color", "always"], { input }).stderr).toContain("\u001b[31merror");
});

test.each(["compile", "check", "trace", "test"])("%s --help has examples and exit codes", (command) => {
  const { code, stdout } = kpc([command, "--help"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Examples:");
  expect(stdout).toContain("Exit codes:");
});

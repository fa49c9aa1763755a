import { describe, expect, test } from "vitest";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { inFolder, kpc } from "../../support/cli.ts";
import { mustCompile, printIptables, printNft } from "../../support/compile.ts";
import { EVERYTHING } from "../../support/runs.ts";
import { webCluster } from "../../support/tables.ts";

const cluster = webCluster(["10.244.1.7", "10.244.1.8"]);
const { program } = mustCompile(cluster);
const FILES = {
  "rules.nft": printNft(program),
  "rules.v4": printIptables(program, "ip"),
  "rules.v6": printIptables(program, "ip6"),
  "wrong.nft": printNft(program).replaceAll("10.244.1.8", "10.244.1.9"),
  "broken.nft": "table ip x {\n  chain y { tcp dport 80 drip }\n}\n",
};

/** One half of all packets. */
const IPV4 = ["--family", "ipv4"];

describe("kpc diff", () => {
  test("proves two texts equal", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc(["diff", "rules.nft", "rules.v4,rules.v6", "-q"], { folder });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^=> equal: all packets, in \d+ classes\n$/);
    });
  });

  test("says when one side has no rules of a family", () => {
    inFolder(FILES, (folder) => {
      const half = kpc(["diff", "rules.nft", "rules.v4", "--budget", "300"], { folder });
      expect(half.stderr).toContain(
        "note: no rules of IPv6 in rules.v4, some in rules.nft (--family says what to compare)\n",
      );
      const told = kpc(["diff", "rules.nft", "rules.v4", "--family", "ipv4"], { folder });
      expect(told.stderr).not.toContain("no rules of");
      expect(told).toMatchObject({ code: 0, stdout: expect.stringMatching(/^=> equal/) });
    });
  });

  test("shows packets that tell them apart, with the rules that decided", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "rules.nft", "wrong.nft", "-q", "--limit", "1", ...IPV4], { folder });
      expect(code).toBe(1);
      expect(stdout).toContain("tcp 127.0.0.1:40000 > 10.96.0.1:80   sent by the node itself\n");
      expect(stdout).toContain("to 10.96.0.1 port 80\n");
      expect(stdout).toContain(
        "rules.nft  to 10.244.1.7:8080, masqueraded (50.00 %), or to 10.244.1.8:8080, masqueraded (50.00 %)",
      );
      expect(stdout).toContain(
        "wrong.nft  to 10.244.1.7:8080, masqueraded (50.00 %), or to 10.244.1.9:8080, masqueraded (50.00 %)",
      );
      expect(stdout).toMatch(/wrong\.nft:\d+:\d+\n/);
      expect(stdout).toMatch(/=> different: all packets, in \d+ classes, \d+ of them different\n$/);
    });
  });

  test("prints JSON", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "rules.nft", "wrong.nft", "-q", "-o", "json", "--limit", "1", ...IPV4], {
        folder,
      });
      expect(code).toBe(1);
      const found = JSON.parse(stdout);
      expect(found).toMatchObject({
        equal: false,
        apiVersion: "kpc.dev/v1alpha1",
        kind: "Comparison",
        stoppedAt: [],
        counterexamples: [
          {
            protocol: "tcp",
            destinationPort: [80, 80],
            rightRules: expect.arrayContaining([expect.objectContaining({ file: "wrong.nft", chain: "pick-2-tcp" })]),
          },
        ],
      });
      expect(found.counterexamples).toHaveLength(1);
    });
  });

  test("takes manifests by commas, and what -o ir prints", () => {
    const [services = "", ...others] = cluster.objects.map((object) => JSON.stringify(object));
    const files = {
      ...FILES,
      "a.json": services,
      "b.json": JSON.stringify({ apiVersion: "v1", kind: "List", items: others.map((text) => JSON.parse(text)) }),
      "kpc.json": JSON.stringify({ ...cluster.proxy, apiVersion: "kpc.dev/v1alpha1", kind: "Config" }),
      "ir.json": printIr(program),
    };
    inFolder(files, (folder) => {
      const diff = (...args: string[]) =>
        kpc(["diff", ...args, "-q", "-c", "kpc.json", "--family", "ipv4"], { folder });
      expect(diff("a.json,b.json", "rules.nft")).toMatchObject({ code: 0, stderr: "" });
      expect(diff("ir.json", "rules.nft")).toMatchObject({ code: 0, stderr: "" });
      expect(diff("wrong.nft", "ir.json").code).toBe(1);
      expect(diff("a.json,rules.v4", "rules.nft")).toMatchObject({
        code: 2,
        stderr: "kpc: a.json has manifests, and rules.v4 has rules: expected one of both by commas\n",
      });
    });
  });

  test("claims nothing where it could not read everything", () => {
    inFolder({ ...FILES, "b.nft": `oops\n${FILES["rules.nft"]}` }, (folder) => {
      const { code, stdout } = kpc(["diff", "rules.nft", "b.nft", "-q", "-o", "json"], { folder });
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        equal: false,
        verdict: "no difference found",
        notCompared: ["the unreadable part, at b.nft:1:1"],
        errors: [{ file: "b.nft", line: 1 }],
      });
    });
  });

  test("takes for given that no file matches an include with a pattern", () => {
    const include = 'include "/etc/nft.d/*.nft"';
    inFolder({ ...FILES, "b.nft": `${include}\n${FILES["rules.nft"]}` }, (folder) => {
      const { code, stdout, stderr } = kpc(["diff", "rules.nft", "b.nft"], { folder });
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("[rules-include]") });
      expect(stdout).toContain('=> equal, assuming that no file matches "/etc/nft.d/*.nft": ');
    });
  });

  test("says how far it came when its budget ends", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["diff", "rules.nft", "rules.v4,rules.v6", "-q", "--budget", "300"], { folder });
      expect(code).toBe(1);
      expect(stdout).toMatch(/not compared: tcp, IPv4, .* on: after 300 steps\n/);
      const lines = stdout.split("\n").filter((line) => line.startsWith("not compared"));
      expect(new Set(lines).size).toBe(lines.length);
      expect(stdout).toMatch(/=> no difference found: what was compared, in [1-9][0-9]* classes\n$/);
    });
  });

  test("says how far it came when its time ends", () => {
    inFolder(FILES, (folder) => {
      const args = ["diff", "rules.nft", "rules.v4,rules.v6", "--time", "0.000001"];
      const { code, stdout, stderr } = kpc(args, { folder });
      expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
      expect(stdout).toMatch(/not compared: tcp, IPv4, .* on: after 0\.000001 s\n/);
      expect(stdout).toMatch(/=> no difference found: what was compared, in 0 classes\n$/);
      const json = kpc([...args, "-o", "json"], { folder });
      expect(json.code).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject({ equal: false, verdict: "no difference found" });
      expect(JSON.stringify(JSON.parse(json.stdout).stoppedAt)).toContain("after 0.000001 s");
    });
  });

  test.each(["0", "-1", "soon", "Infinity"])("refuses to compare for %s seconds", (time) => {
    const { code, stderr } = kpc(["diff", "a.nft", "b.nft", "--time", time]);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected seconds, more than 0"),
    });
  });

  test("tells where a text is wrong", () => {
    inFolder(FILES, (folder) => {
      const { stderr } = kpc(["diff", "rules.nft", "broken.nft", "--budget", "300"], { folder });
      expect(stderr).toMatch(/^broken\.nft:2:\d+: error: /m);
    });
  });

  test.each([
    [["diff", "rules.nft"], "missing required argument"],
    [["diff", "rules.nft", "nothing.nft"], "cannot read nothing.nft: there is no such file"],
    [["diff", "rules.nft", "rules.nft", "--limit", "0"], "expected a whole number from 1 on"],
  ])("refuses %j", (args, message) => {
    inFolder(FILES, (folder) => {
      const { code, stderr } = kpc(args, { folder });
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    });
  });
});

describe("kpc diff --except", () => {
  const MEANT = `apiVersion: kpc.dev/v1alpha1
kind: Differences
differences:
  - reason: |
      one replica moves
      tonight
    destination: 10.96.0.1
    destinationPort: 80
    left: to 10.244.1.7:8080, masqueraded (50.00 %), or to 10.244.1.8:8080, masqueraded (50.00 %)
    right:
      - to 10.244.1.7:8080, masqueraded (50.00 %)
      - to 10.244.1.9:8080, masqueraded (50.00 %)
`;

  function diff(right: string, args: readonly string[], files: Readonly<Record<string, string>> = {}) {
    return inFolder({ ...FILES, ...files }, (folder) =>
      kpc(["diff", "rules.nft", right, "-q", ...IPV4, ...args], { folder }),
    );
  }

  const written = diff("wrong.nft", ["-o", "except"]);

  test("takes the file that -o except has written", () => {
    expect(written).toMatchObject({ code: 1, stderr: "" });
    const entries = written.stdout.split("\n").filter((line) => line.startsWith("  - ")).length;
    const { code, stdout, stderr } = diff("wrong.nft", ["--except", "meant.yaml"], { "meant.yaml": written.stdout });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/^expected: meant\.yaml:\d+:5, \d+ class(es)?$/gm)).toHaveLength(entries);
    expect(stdout).toMatch(
      new RegExp(
        `=> equal except for ${entries} expected differences: all packets, in \\d+ classes, \\d+ of them different\n$`,
      ),
    );
  });

  test("shows what is not declared, and what is, with its reason", () => {
    const args = ["--except", "meant.yaml", "--limit", "1"];
    const { code, stdout } = diff("wrong.nft", args, { "meant.yaml": MEANT });
    expect(code).toBe(1);
    expect(stdout).toContain("wrong.nft  to 10.244.1.7:8080 (50.00 %), or to 10.244.1.9:8080 (50.00 %)\n");
    expect(stdout).toMatch(/^expected: meant\.yaml:4:5, \d+ classes: one replica moves tonight$/m);
    expect(stdout).toMatch(/\n=> different, also where no difference is expected: all packets.*\n$/);
  });

  test.runIf(EVERYTHING)("takes several files; the second one says what the first does not", () => {
    const rest = diff("wrong.nft", ["--except", "meant.yaml", "-o", "except"], { "meant.yaml": MEANT }).stdout;
    const files = { "meant.yaml": MEANT, "rest.yaml": rest, "both.yaml": `${MEANT}${rest}` };
    expect(diff("wrong.nft", ["--except", "meant.yaml", "--except", "rest.yaml"], files).code).toBe(0);
    expect(diff("wrong.nft", ["--except", "both.yaml"], files).code).toBe(0);
  });

  test("fails where an expected difference no longer occurs, and shows it", () => {
    const { code, stdout, stderr } = diff("rules.v4,rules.v6", ["--except", "meant.yaml"], { "meant.yaml": MEANT });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^meant\.yaml:4:5: error: this difference no longer occurs: .* \[stale-difference\]$/m);
    expect(stdout).toMatch(
      /^=> different: 1 of 1 expected difference no longer occurs: all packets, in \d+ classes\n$/,
    );
  });

  test("claims nothing where its budget ends: neither equal nor stale", () => {
    const args = ["--except", "meant.yaml", "--budget", "20"];
    const { code, stdout, stderr } = diff("rules.v4,rules.v6", args, { "meant.yaml": MEANT });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toMatch(/\n=> no unexpected difference found: what was compared, in \d+ classes\n$/);
    expect(diff("wrong.nft", ["-o", "except", "--budget", "20"]).stderr).toBe(
      "kpc: not everything has been compared: there may be more differences (--budget, --time)\n",
    );
  });

  test("prints JSON", () => {
    const { code, stdout } = diff("wrong.nft", ["--except", "meant.yaml", "-o", "json"], {
      "meant.yaml": MEANT,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      equal: false,
      equalExceptExpected: false,
      expected: [{ file: "meant.yaml", line: 4, column: 5, reason: "one replica moves\ntonight\n", stale: false }],
      notChecked: 0,
      stoppedAt: [],
      counterexamples: expect.arrayContaining([expect.objectContaining({ destinationPort: [80, 80] })]),
    });
    const whole = diff("wrong.nft", ["--except", "m.yaml", "-o", "json"], { "m.yaml": written.stdout });
    expect(whole.code).toBe(0);
    expect(JSON.parse(whole.stdout)).toMatchObject({
      equal: false,
      equalExceptExpected: true,
      unexpected: 0,
      counterexamples: [],
    });
    const stale = diff("rules.nft", ["--except", "meant.yaml", "-o", "json"], { "meant.yaml": MEANT });
    expect(JSON.parse(stale.stdout)).toMatchObject({
      equal: true,
      equalExceptExpected: false,
      expected: [{ stale: true }],
    });
  });

  test("refuses a file that is wrong, with the place", () => {
    const wrong = { "meant.yaml": MEANT.replace("destinationPort: 80", "destinationport: 80") };
    const { code, stdout, stderr } = diff("wrong.nft", ["--except", "meant.yaml"], wrong);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /^meant\.yaml:8:5: error: unknown field "differences\[0\]\.destinationport", did you mean "destinationPort"\? \[unknown-field\]$/m,
    );
    expect(diff("wrong.nft", ["--except", "none.yaml"])).toMatchObject({
      code: 2,
      stderr: "kpc: cannot read none.yaml: there is no such file\n",
    });
  });
});

test("rules for addresses of the node count where those are not known", () => {
  const rules = (rule: string): string => `*filter\n:INPUT ACCEPT [0:0]\n${rule}COMMIT\n`;
  const files = {
    "a.v4": rules("-A INPUT -d 192.0.2.1/32 -p tcp -m tcp --dport 22 -j DROP\n"),
    "b.v4": rules(""),
    "c.v4": rules("-A INPUT -d 192.0.2.1/32 -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 22 -j DROP\n"),
  };
  inFolder(files, (folder) => {
    const { code, stdout, stderr } = kpc(["diff", "a.v4", "b.v4", "--family", "ipv4"], { folder });
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: expect.stringContaining("192.0.2.1 is an address of this node"),
      stderr:
        "note: the node's addresses are not known: --node-ip gives them\n" +
        "note: the rules name addresses that may be the node's: 192.0.2.1 (a.v4:3)\n",
    });
    // What comes to INPUT is for an address of the node.
    expect(kpc(["diff", "a.v4", "c.v4", "--family", "ipv4"], { folder })).toMatchObject({ code: 0, stderr: "" });
    const other = ["--node-ip", "192.0.2.9"];
    expect(kpc(["diff", "a.v4", "b.v4", "--family", "ipv4", ...other], { folder })).toMatchObject({ code: 0 });
  });
});

describe("kpc trace --rules", () => {
  const PACKET = "tcp 10.244.9.9:40000 > 10.96.0.1:80 iif cni0";

  test.each(["rules.nft", "rules.v4", "rules.v4,rules.v6"])("follows a packet through %s", (rules) => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc(["trace", PACKET, "--rules", rules, "-q"], { folder });
      expect(code).toBe(0);
      expect(stdout).toContain(`rules of ${rules}; input interface cni0\n`);
      expect(stdout).toMatch(
        /DNAT --to-destination 10\.244\.1\.7:8080 {3}rules\.v4:\d+:1$|dnat ip to .* {3}rules\.nft:\d+:\d+$/m,
      );
      expect(stdout).toMatch(/ 1 in 2 to 10\.244\.1\.8:8080( {3}rules\.v4:\d+:1)?$/m);
    });
  });

  test("reads rules from standard input", () => {
    const { code, stdout } = kpc(["trace", PACKET, "--rules", "-", "-q"], { input: FILES["rules.v4"] });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /1 in 2 {3}10\.244\.1\.7:8080 {3}sees the client's address\n {5}1 in 2 {3}10\.244\.1\.8:8080 /,
    );
  });

  test("refuses what has no rules, and does not go on and on about it", () => {
    const { code, stderr } = kpc(["trace", PACKET, "--rules", "-"], { input: "* what?\n".repeat(500) });
    expect(code).toBe(2);
    expect(stderr.split("\n").length).toBeLessThan(100);
    expect(stderr).toContain("kpc: no rules in -\n");
  });
});

describe("kpc diff by Service", () => {
  const rules = (port: number, ...lines: string[]): string =>
    [
      ...["*nat", ":PREROUTING ACCEPT [0:0]", ":KUBE-SERVICES - [0:0]", ":KUBE-SVC-A - [0:0]"],
      "-A PREROUTING -j KUBE-SERVICES",
      `-A KUBE-SERVICES -d 10.96.1.2/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport ${port} -j KUBE-SVC-A`,
      "-A KUBE-SVC-A -p tcp -m tcp -j DNAT --to-destination 10.244.2.5:8080",
      ...["COMMIT", "*filter", ":FORWARD ACCEPT [0:0]", ...lines, "COMMIT", ""],
    ].join("\n");
  const files = {
    "old.v4": rules(80),
    "port.v4": rules(81),
    "drop.v4": rules(80, "-A FORWARD -d 10.244.2.5/32 -j DROP"),
  };
  const diff = (...args: string[]) => inFolder(files, (folder) => kpc(["diff", ...args], { folder }));

  test("names the Service whose port is another one", () => {
    const { code, stdout } = diff("old.v4", "port.v4");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^Services: 1 changed {3}\(- only in old\.v4, \+ only in port\.v4, ~ changed: old\.v4 -> port\.v4\)\n {2}~ shop\/web:http {2}ports: - 10\.96\.1\.2:80\/tcp, \+ 10\.96\.1\.2:81\/tcp\n\n/,
    );
  });

  test("tells by what a Service is dropped, and where names are not known, which destinations", () => {
    const { stdout } = diff("old.v4", "drop.v4");
    expect(stdout).toMatch(/^ {2}~ shop\/web:http +dropped by FORWARD, line 11 of drop\.v4$/m);
    expect(stdout).toMatch(/^ {2}~ 10\.244\.2\.5 \(any protocol\) +dropped by FORWARD, line 11 of drop\.v4$/m);
    expect(stdout).toContain(
      "Causes\n  FORWARD, line 11 of drop.v4, drops it: shop/web:http and 10.244.2.5\n    -A FORWARD -d 10.244.2.5/32 -j DROP\n",
    );
    const data = JSON.parse(diff("old.v4", "drop.v4", "-o", "json").stdout);
    expect(data).toMatchObject({
      services: [
        { service: "shop/web:http", change: "changed", causes: [0] },
        { service: null, destination: expect.stringMatching(/^10\.244\.2\.5 /), causes: [0] },
      ],
      serviceTotals: { missing: 0, extra: 0, changed: 1 },
      causes: [{ effect: "drops it", services: 1, rules: [{ file: "drop.v4", line: 11 }] }],
    });
  });

  test("bounds rows and counterexamples, and says how many there are", () => {
    const { stdout } = diff("old.v4", "drop.v4", "--limit", "1");
    expect(stdout).toMatch(/^ {2}… and 1 more \(--limit 2 shows them\)$/m);
    expect(stdout).toMatch(/^… and \d+ more \(--limit \d+ shows them\)$/m);
    expect(diff("old.v4", "drop.v4", "-v").stdout).not.toContain("… and");
  });
});

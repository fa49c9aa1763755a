import { describe, expect, test } from "vitest";
import type { Manifest } from "../../support/arbitraries.ts";
import { inFolder, kpc } from "../../support/cli.ts";
import { mustCompile, printIptables, printNft } from "../../support/compile.ts";
import { KUBE_PROXY } from "../../support/kube-proxy.ts";
import { webCluster } from "../../support/tables.ts";

const cluster = webCluster(["10.244.1.7", "10.244.1.8"]);
const { program } = mustCompile(cluster);
const V4 = printIptables(program, "ip");
const V6 = printIptables(program, "ip6");
const NFT = printNft(program);
const FIREWALL =
  "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n";

const FILES = {
  "cluster.json": JSON.stringify({ apiVersion: "v1", kind: "List", items: cluster.objects }),
  "kpc.json": JSON.stringify({ ...cluster.proxy, apiVersion: "kpc.dev/v1alpha1", kind: "Config" }),
  "host.nft": `${NFT}${FIREWALL}`,
  "host.v4": V4.replace(/^COMMIT$/m, "-A FORWARD -d 1.2.3.4/32 -j DROP\nCOMMIT"),
  "host.v6": V6,
  "endpoint.nft": NFT.replaceAll("10.244.1.8", "10.244.1.9"),
  "masquerade.v4": V4.replace(/^-A .* -j MASQUERADE.*\n/gm, ""),
  "firewall.nft": FIREWALL,
};

/** How kube-proxy sets up the built-in chains of a host. */
const FILTER = [
  ...[":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"],
  ...["FIREWALL", "PROXY-FIREWALL", "NODEPORTS", "SERVICES", "EXTERNAL-SERVICES", "FORWARD"].map(
    (name) => `:KUBE-${name} - [0:0]`,
  ),
  "-A INPUT -j KUBE-FIREWALL",
  "-A INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
  "-A INPUT -j KUBE-NODEPORTS",
  "-A INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
  "-A FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
  "-A FORWARD -j KUBE-FORWARD",
  "-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES",
  "-A FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
  "-A OUTPUT -j KUBE-FIREWALL",
  "-A OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
  "-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES",
];
const NAT = [
  ...[":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"],
  ...["SERVICES", "POSTROUTING"].map((name) => `:KUBE-${name} - [0:0]`),
  "-A PREROUTING -j KUBE-SERVICES",
  "-A OUTPUT -j KUBE-SERVICES",
  "-A POSTROUTING -j KUBE-POSTROUTING",
];

/** The Service in IPv4, and one in IPv6. */
const dual = {
  ...cluster,
  objects: [...cluster.objects, ...webCluster(["fd00:10:244::7"]).objects.map(renamed)],
};

function renamed(object: Manifest): Manifest {
  return JSON.parse(JSON.stringify(object).replace(/"web(?=[-"])/g, '"web6'));
}

function verify(against: string, ...flags: string[]) {
  return inFolder(FILES, (folder) =>
    kpc(["verify", "cluster.json", "-c", "kpc.json", "--against", against, ...flags], { folder }),
  );
}

describe("kpc verify", () => {
  test("proves a host right, and lists the rules without an effect", () => {
    const nft = verify("host.nft", "-v");
    expect(nft.stdout).toMatch(
      /^=> equal: all packets, and those to Services by all rules of this host, in \d+ classes\n$/,
    );
    expect(nft.stderr).toMatch(
      /^note: no effect on Service traffic: table inet filter, 1 rule \(line \d+ of host\.nft\)$/m,
    );
    expect(nft.stderr).toMatch(
      /^note: no effect on Service traffic: policy drop of chain input of table inet filter$/m,
    );
    expect(nft.code).toBe(0);
    const iptables = verify("host.v4,host.v6");
    expect(iptables.stdout).toMatch(/^=> equal: /);
    expect(iptables.stderr).toMatch(/^note: no effect on Service traffic: 1 rule not kpc's \(-v lists them\)$/m);
    expect(iptables.code).toBe(0);
  });

  test("says which endpoint is missing and which is too much, with a packet for each", () => {
    const { code, stdout } = verify("endpoint.nft", "-q");
    expect(code).toBe(1);
    expect(stdout).toContain("Service default/web:http: endpoint 10.244.1.8:8080 missing on this host (");
    expect(stdout).toContain(
      "Service default/web:http: endpoint 10.244.1.9:8080 is on this host, not in the manifests (",
    );
    expect(stdout).toContain("  tcp 192.168.0.2:40000 > 10.96.0.1:80   sent by the node itself\n");
  });

  test("takes what is declared for right, and names what is not", () => {
    const written = verify("endpoint.nft", "-q", "-o", "except");
    expect(written).toMatchObject({ code: 1, stderr: "" });
    const held = (text: string, ...flags: string[]) =>
      inFolder({ ...FILES, "meant.yaml": text }, (folder) =>
        kpc(
          [
            "verify",
            "cluster.json",
            "-c",
            "kpc.json",
            "--against",
            "endpoint.nft",
            "-q",
            "--except",
            "meant.yaml",
            ...flags,
          ],
          { folder },
        ),
      );
    const right = held(written.stdout);
    expect(right).toMatchObject({ code: 0, stderr: "" });
    expect(right.stdout).toMatch(
      /^declared: meant\.yaml:\d+:5, .*\n(declared: .*\n)*\n=> equal except for \d+ declared/,
    );
    const [head = "", first = "", ...rest] = written.stdout.split(/^(?= {2}- )/m);
    const part = held([head, first, ...rest.slice(1)].join(""));
    expect(part.code).toBe(1);
    expect(part.stdout).toContain("Service default/web:http: endpoint 10.244.1.8:8080 missing on this host");
    expect(part.stdout).toContain("\n=> different, also where it is not declared: ");
    expect(JSON.parse(held(written.stdout, "-o", "json").stdout)).toMatchObject({ equalExceptDeclared: true });
  });

  test("says when the source is not what it should be", () => {
    const { code, stdout } = verify("masquerade.v4", "-q");
    expect(code).toBe(1);
    expect(stdout).toContain("Service default/web:http: not masqueraded on this host");
  });

  test.each([
    [
      ["firewall.nft"],
      "no rules about Services in firewall.nft: expected table kube-proxy or kpc, or chains KUBE-… or KPC-…",
    ],
    [["nothing.nft"], "cannot read nothing.nft: there is no such file"],
  ])("refuses %j", ([against = ""], message) => {
    const { code, stderr } = verify(against, "-q");
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});

describe.skipIf(KUBE_PROXY === undefined)("kpc verify of kube-proxy's own rules", () => {
  const FLAGS = [
    ...["--node", "test-node", "--node-ip", "192.168.0.2,192.168.1.2"],
    ...["--cluster-cidr", "10.0.0.0/8", "--service-cidr", "172.30.0.0/16", "-q"],
  ];

  test.each(["nft", "iptables"] as const)("in the mode that they are in (%s)", (dialect) => {
    const files = { "specs.yaml": KUBE_PROXY?.spec.text ?? "", "host.rules": KUBE_PROXY?.[dialect].text ?? "" };
    inFolder(files, (folder) => {
      const { code, stdout } = kpc(["verify", "specs.yaml", "--against", "host.rules", ...FLAGS], { folder });
      const given = {
        nft: ", assuming that packets come without a mark",
        iptables: ", assuming that kube-proxy's jumps to its chains are there, and that packets come without a mark",
      }[dialect];
      expect(stdout.replace(/\d+/, "N")).toBe(`=> equal${given}: all packets, in N classes\n`);
      expect(code).toBe(0);
    });
  });

  const RESTORED = KUBE_PROXY?.iptables.text ?? "";
  const HOST = `# Generated by iptables-save v1.8.9\n${RESTORED.replace(/^\*filter$/m, `$&\n${FILTER.join("\n")}`).replace(/^\*nat$/m, `$&\n${NAT.join("\n")}`)}`;
  const check = (dump: string, ...flags: string[]) =>
    inFolder({ "specs.yaml": KUBE_PROXY?.spec.text ?? "", "host.v4": dump }, (folder) =>
      kpc(["verify", "specs.yaml", "--against", "host.v4", ...FLAGS, ...flags], { folder }),
    );
  const lineOf = (dump: string, rule: string): number => dump.split("\n").indexOf(rule) + 1;

  test("takes jumps for given where no host was asked, only", () => {
    expect(check(HOST)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^=> equal, assuming that packets come without a mark: /),
    });
    const { code, stdout } = check(HOST.replace(/^-A (?:PREROUTING|INPUT|OUTPUT|FORWARD|POSTROUTING) .*\n/gm, ""));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^This host: no built-in chain of IPv4 leads to KUBE-… chains, which no packet enters\n/);
    expect(stdout).toContain("Service ns1/svc1:p80: missing on this host: should go to 10.180.0.1:80");
    expect(JSON.parse(check(RESTORED, "-o", "json").stdout)).toMatchObject({
      equal: true,
      assuming: ["that kube-proxy's jumps to its chains are there", "that packets come without a mark"],
    });
  });

  const foreign = (jump: string, rule: string): string => HOST.replace(new RegExp(`^${jump}`, "m"), `${rule}\n$&`);

  test.each([
    [
      "-A PREROUTING -d 172.30.0.41/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 6.6.6.6:80",
      "sends it to 6.6.6.6:80",
    ],
    ["-A PREROUTING -j ACCEPT", "lets it go on untranslated"],
    ["-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE", "masquerades it"],
    ["-A FORWARD -d 10.180.0.1/32 -j DROP", "drops it"],
    ["-A FORWARD -m conntrack --ctstate NEW -j REJECT", "rejects it with port-unreachable"],
  ])("finds that a rule of others decides: %s", (rule, treatment) => {
    const dump = foreign(rule.split(" ").slice(0, 2).join(" "), rule);
    const { code, stdout } = check(dump);
    const line = lineOf(dump, rule);
    expect(stdout).toContain(
      `Service ns1/svc1:p80: line ${line} of host.v4, which is not kube-proxy's, ${treatment}; should`,
    );
    expect(code).toBe(1);
    const data = JSON.parse(check(dump, "-o", "json").stdout);
    expect(data).toMatchObject({ equal: false, verdict: "different" });
    expect(data.findings[0]).toMatchObject({
      subject: "Service ns1/svc1:p80",
      about: "other rules",
      culprit: { file: "host.v4", line },
      region: { trace: expect.stringMatching(/^tcp [\d.]+:40000 > 172\.30\.0\.41:80/) },
    });
    expect(data.others).toMatchObject([{ changesServiceTraffic: true, rules: [{ file: "host.v4", line }] }]);
  });

  test("counts the jump to a culprit as a rule that changes Service traffic", () => {
    const rules = [
      "-A PREROUTING -j HIJACK",
      "-A HIJACK -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.99:80",
    ];
    const dump = foreign("-A PREROUTING", `:HIJACK - [0:0]\n${rules.join("\n")}`);
    const [jump, dnat] = rules.map((rule) => lineOf(dump, rule));
    const { stdout, stderr } = check(dump);
    expect(stdout).toContain(
      `Service ns1/svc1:p80: line ${dnat} of host.v4 (by way of line ${jump} of host.v4), which is not kube-proxy's, sends it to 192.0.2.99:80; should`,
    );
    expect(stderr).not.toContain("no effect");
    const data = JSON.parse(check(dump, "-o", "json").stdout);
    expect(data.others).toMatchObject([
      { changesServiceTraffic: true, rules: [{ line: jump }] },
      { changesServiceTraffic: true, rules: [{ line: dnat }] },
    ]);
    expect(data.findings[0]).toMatchObject({
      culprit: { line: dnat },
      culprits: [{ line: dnat }],
      onTheWay: [{ line: jump }],
      smallest: true,
    });
  });

  test("names all rules that make a difference only together", () => {
    const dump = `${HOST.replace(":FORWARD ACCEPT", ":FORWARD DROP")}*mangle\n:FORWARD DROP [0:0]\nCOMMIT\n`;
    expect(check(dump).stdout).toContain(
      "Service ns1/svc1:p80: the policy drop of chain FORWARD of table ip mangle and the policy drop of chain FORWARD of table ip filter (only together), which are not kube-proxy's, drops it;",
    );
  });

  test("tells what a network plugin translates by design from what is wrong", () => {
    const chain = [
      ":FLANNEL-POSTRTG - [0:0]",
      '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
      "-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -j RETURN",
      "-A FLANNEL-POSTRTG -s 10.0.0.0/8 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
    ];
    const dump = foreign("-A POSTROUTING", chain.join("\n"));
    const { code, stdout, stderr } = check(dump, "--verbose");
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^=> equal, /) });
    expect(stderr).toBe("");
    const line = lineOf(dump, chain[3] ?? "");
    const data = JSON.parse(check(dump, "-o", "json").stdout);
    expect(data).toMatchObject({
      equal: true,
      byDesign: [{ by: "flannel", services: expect.arrayContaining(["ns1/svc1:p80"]), rules: [{ line }] }],
    });
    const strict = check(dump, "--strict-source");
    expect(strict.code).toBe(1);
    expect(strict.stdout).toMatch(
      new RegExp(`~ ns1/svc1:p80 .*source: kept -> masqueraded, by FLANNEL-POSTRTG, line ${line} of host\\.v4`),
    );
  });

  test("finds rules that decide without a verdict, and policies", () => {
    const raw = "-A PREROUTING -d 172.30.0.41/32 -j CT --notrack";
    const untracked = `${HOST}*raw\n:PREROUTING ACCEPT [0:0]\n${raw}\nCOMMIT\n`;
    expect(check(untracked).stdout).toContain(
      `Service ns1/svc1:p80: line ${lineOf(untracked, raw)} of host.v4, which is not kube-proxy's, lets it go on untranslated;`,
    );
    expect(check(HOST.replace(":FORWARD ACCEPT", ":FORWARD DROP")).stdout).toContain(
      "Service ns1/svc1:p80: the policy drop of chain FORWARD of table ip filter drops it; should go to 10.180.0.1:80 (",
    );
  });

  test.each([
    ["what is not first", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"],
    ["what is not for Services", "-A FORWARD -d 10.9.9.9/32 -j DROP"],
  ])("sets aside a rule about %s", (_, rule) => {
    const dump = foreign("-A FORWARD", rule);
    expect(check(dump)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^=> equal, assuming that packets come without a mark: /),
    });
    expect(JSON.parse(check(dump, "-o", "json").stdout).others).toMatchObject([
      { changesServiceTraffic: false, rules: [{ line: lineOf(dump, rule) }] },
    ]);
  });

  test("calls no rule harmless where not all was compared", () => {
    const dump = foreign("-A FORWARD", "-A FORWARD -d 10.9.9.9/32 -j DROP");
    const { code, stdout } = check(dump, "-o", "json", "--budget", "20");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ equal: false, others: [{ changesServiceTraffic: null }] });
  });

  test("claims nothing where its time ends", () => {
    const dump = foreign("-A FORWARD", "-A FORWARD -d 10.9.9.9/32 -j DROP");
    const { code, stdout } = check(dump, "-o", "json", "--time", "0.000001");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ equal: false, verdict: "no difference found", classes: 0 });
    expect(stdout).toContain("after 0.000001 s");
  });

  test("lets rules of others be declared", () => {
    const dump = foreign("-A FORWARD", "-A FORWARD -d 10.180.0.1/32 -j DROP");
    const meant = check(dump, "-o", "except").stdout;
    const files = { "specs.yaml": KUBE_PROXY?.spec.text ?? "", "host.v4": dump, "meant.yaml": meant };
    const args = ["verify", "specs.yaml", "--against", "host.v4", ...FLAGS, "--except", "meant.yaml"];
    const { code, stdout } = inFolder(files, (folder) => kpc(args, { folder }));
    expect(stdout).toMatch(
      /\n=> equal except for \d+ declared differences?, assuming that packets come without a mark: /,
    );
    expect(code).toBe(0);
  });

  test("names the Service of a node port on loopback", () => {
    const without = HOST.replace(/^-A KUBE-NODEPORTS .*ns3\/svc3.*\n/gm, "");
    expect(check(without, "--limit", "100").stdout).toMatch(
      /^Service ns3\/svc3:p80: missing .*\n {2}tcp [\d.:]+ > 127\.0\.0\.1:3003/m,
    );
  });

  test("shows the line that is stale", () => {
    const dump = HOST.replaceAll("10.180.0.5:80", "10.180.0.7:80");
    const { stdout } = check(dump, "--limit", "1");
    const line = dump.split("\n").findIndex((text) => text.includes("10.180.0.7:80")) + 1;
    expect(stdout).toMatch(new RegExp(`dnat to 10\\.180\\.0\\.7:80 .*host\\.v4:${line}:`));
  });

  test.each([
    [
      "nft behind iptables",
      `${RESTORED}table ip x {\n  chain p { type filter hook prerouting priority -300; policy drop; }\n}\n`,
    ],
    ["iptables behind nft", `${KUBE_PROXY?.nft.text}${RESTORED}`],
    ["a prompt", `root@node1:~# nft list ruleset\n${KUBE_PROXY?.nft.text}`],
  ])("claims nothing where %s was not read", (_, dump) => {
    const { code, stdout } = check(dump);
    expect(stdout).toMatch(
      /^not compared: what could not be read, at host\.v4:\d+:1\n\n=> no difference found.*: what was compared, in \d+ classes\n$/,
    );
    expect(code).toBe(1);
    const data = JSON.parse(check(dump, "-o", "json").stdout);
    expect(data).toMatchObject({
      equal: false,
      verdict: "no difference found",
      unread: [{ severity: "error", file: "host.v4" }],
    });
  });
});

describe("kpc verify of both families", () => {
  const files = {
    "services.json": JSON.stringify({ apiVersion: "v1", kind: "List", items: dual.objects }),
    "kpc.json": FILES["kpc.json"],
    "rules.v4": printIptables(mustCompile(dual).program, "ip"),
    "rules.v6": printIptables(mustCompile(dual).program, "ip6"),
    "rules.nft": printNft(mustCompile(dual).program),
    "only4.nft": `${NFT}${FIREWALL}`,
    "mode.v4": printIptables(mustCompile({ ...dual, mode: "iptables" }).program, "ip"),
    "mode.v6": printIptables(mustCompile({ ...dual, mode: "iptables" }).program, "ip6"),
  };
  const check = (against: string, ...flags: string[]) =>
    inFolder(files, (folder) =>
      kpc(["verify", "services.json", "-c", "kpc.json", "--against", against, ...flags], { folder }),
    );

  test("says which family it has no rules of", () => {
    expect(check("rules.v4,rules.v6", "-q").code).toBe(0);
    const { code, stdout } = check("rules.v4", "-q");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^not compared: IPv6: there are Services of it, and no IPv6 rules in rules\.v4 .*\n\n=> no difference found: /,
    );
    expect(JSON.parse(check("rules.v4", "-q", "-o", "json").stdout)).toMatchObject({
      equal: false,
      notCompared: [expect.stringMatching(/^IPv6: /)],
    });
    expect(check("rules.v4", "-q", "--family", "ipv4")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^=> equal: /),
    });
    expect(check("rules.v4", "--family", "ipx").stderr).toContain("expected IPv4, IPv6 or both by a comma");
  });

  test("takes an empty text for a family that has no rules", () => {
    const empty = inFolder({ ...FILES, "none.v6": "\n" }, (folder) =>
      kpc(["verify", "cluster.json", "-c", "kpc.json", "--against", "host.v4,none.v6", "-q"], { folder }),
    );
    expect(empty).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^=> equal: /),
    });
  });

  test("misses a family in the rules of a whole host", () => {
    const { code, stdout } = check("only4.nft", "-q");
    expect(code).toBe(1);
    expect(stdout).toContain("missing on this host: should go to [fd00:10:244::7]:8080");
  });

  test("says which mode the rules are of, also kpc's own", () => {
    const { code, stderr } = check("mode.v4,mode.v6");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^note: the rules are of kpc's iptables mode, compared with that \(--mode to change it\)$/m);
    expect(stderr).not.toContain("KUBE-");
    expect(check("mode.v4,mode.v6", "--mode", "nftables").stderr).toContain(
      "note: the rules are of kpc's iptables mode, compared with nftables mode\n",
    );
    expect(JSON.parse(check("rules.nft", "-q", "-o", "json").stdout)).toMatchObject({ mode: "nftables", equal: true });
  });
});

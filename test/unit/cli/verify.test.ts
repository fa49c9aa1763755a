import { describe, expect, test } from "vitest";
import type { Manifest } from "../../support/arbitraries.ts";
import { inFolder, kpc } from "../../support/cli.ts";
import { mustCompile, printIptables, printNft } from "../../support/compile.ts";
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
    const iptables = verify("host.v4", "--family", "ipv4");
    expect(iptables.stdout).toMatch(/^=> equal: /);
    expect(iptables.stderr).toMatch(/^note: no effect on Service traffic: 1 rule of third parties \(-v lists them\)$/m);
    expect(iptables.code).toBe(0);
  });

  test("says which endpoint is missing and which is too much, with a packet for each", () => {
    const { code, stdout } = verify("endpoint.nft", "-q", "--family", "ipv4");
    expect(code).toBe(1);
    expect(stdout).toContain("Service default/web:http: endpoint 10.244.1.8:8080 missing on this host (");
    expect(stdout).toContain(
      "Service default/web:http: endpoint 10.244.1.9:8080 is on this host, not in the manifests (",
    );
    expect(stdout).toContain("  tcp 192.168.0.2:40000 > 10.96.0.1:80   sent by the node itself\n");
  });

  test("takes what is declared for right, and names what is not", () => {
    const written = verify("endpoint.nft", "-q", "--family", "ipv4", "-o", "except");
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
            "--family",
            "ipv4",
            ...flags,
          ],
          { folder },
        ),
      );
    const right = held(written.stdout);
    expect(right).toMatchObject({ code: 0, stderr: "" });
    expect(right.stdout).toMatch(
      /^expected: meant\.yaml:\d+:5, .*\n(expected: .*\n)*\n=> equal except for \d+ expected/,
    );
    const [head = "", first = "", ...rest] = written.stdout.split(/^(?= {2}- )/m);
    const part = held([head, first, ...rest.slice(1)].join(""));
    expect(part.code).toBe(1);
    expect(part.stdout).toContain("Service default/web:http: endpoint 10.244.1.8:8080 missing on this host");
    expect(part.stdout).toContain("\n=> different, also where no difference is expected: ");
    expect(JSON.parse(held(written.stdout, "-o", "json").stdout)).toMatchObject({ equalExceptExpected: true });
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
    expect(check("rules.v4", "--family", "ipx").stderr).toContain("expected IPv4, IPv6 or both, separated by a comma");
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
    expect(stderr).toMatch(
      /^note: the host has kpc's rules in iptables mode; the manifests are compiled in that mode \(--mode changes it\)$/m,
    );
    expect(stderr).not.toContain("KUBE-");
    expect(check("mode.v4,mode.v6", "--mode", "nftables").stderr).toContain(
      "note: the host has kpc's rules in iptables mode; the manifests are compiled in nftables mode\n",
    );
    expect(JSON.parse(check("rules.nft", "-q", "-o", "json").stdout)).toMatchObject({ mode: "nftables", equal: true });
  });
});

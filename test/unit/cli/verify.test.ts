import { describe, expect, test } from "vitest";
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
  "host.v4": V4.replace(/^COMMIT$/m, "-A FORWARD -s 1.2.3.4/32 -j DROP\nCOMMIT"),
  "host.v6": V6,
  "endpoint.nft": NFT.replaceAll("10.244.1.8", "10.244.1.9"),
  "masquerade.v4": V4.replace(/^-A .* -j MASQUERADE.*\n/gm, ""),
  "firewall.nft": FIREWALL,
};

function verify(against: string, ...flags: string[]) {
  return inFolder(FILES, (folder) =>
    kpc(["verify", "cluster.json", "-c", "kpc.json", "--against", against, ...flags], { folder }),
  );
}

describe("kpc verify", () => {
  test("proves a host right, and names what it has set aside", () => {
    const nft = verify("host.nft");
    expect(nft.stdout).toMatch(/^=> equal: all first packets of connections, in \d+ classes\n$/);
    expect(nft.stderr).toContain("note: set aside, not about Services: table inet filter, 1 rule\n");
    expect(nft.code).toBe(0);
    const iptables = verify("host.v4,host.v6");
    expect(iptables.stdout).toMatch(/^=> equal: /);
    expect(iptables.stderr).toContain(
      "note: set aside, not about Services: chain FORWARD of table ip mangle, 1 rule\n",
    );
    expect(iptables.code).toBe(0);
  });

  test("says which endpoint is missing and which is too much, with a packet for each", () => {
    const { code, stdout } = verify("endpoint.nft", "-q");
    expect(code).toBe(1);
    expect(stdout).toContain("Service default/web:http: endpoint 10.244.1.8:8080 missing on this host (");
    expect(stdout).toContain(
      "Service default/web:http: endpoint 10.244.1.9:8080 is on this host, not in the manifests (",
    );
    expect(stdout).toContain("  tcp 0.0.0.0:0 > 10.96.0.1:80   sent by the node itself\n");
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
      expect(stdout).toMatch(/^=> equal: all first packets of connections, in \d+ classes\n$/);
      expect(code).toBe(0);
    });
  });
});

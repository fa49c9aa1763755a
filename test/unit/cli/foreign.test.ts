/** Hosts whose dumps do not say everything. */
import { describe, expect, test } from "vitest";
import { kpc } from "../../support/cli.ts";

const folder = new URL("foreign", import.meta.url).pathname;
const NODE = ["--node-ip", "192.0.2.11"];
const verify = (host: string) =>
  kpc(["verify", "svc.yaml", "--against", host, ...NODE, "--cluster-cidr", "10.244.0.0/16", "--family", "ipv4"], {
    folder,
  });

describe("nft's listing of tables that iptables made", () => {
  const GAP =
    "not compared: what rests on a statement of iptables that nft does not list exactly, at iptables-nft.nft:62:49: use iptables-save\n";

  test("makes nobody different", () => {
    expect(verify("iptables-nft.v4")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^=> equal/) });
    const listed = verify("iptables-nft.nft");
    expect(listed).toMatchObject({ code: 1, stdout: expect.stringMatching(/\n=> no difference found/) });
    expect(listed.stdout).toContain(GAP);
    expect(listed.stderr).toContain("use iptables-save [rules-listing]");
    const compared = kpc(["diff", "iptables-nft.v4", "iptables-nft.nft", "--family", "ipv4"], { folder });
    expect(compared).toMatchObject({ code: 1, stdout: expect.stringMatching(/\n=> no difference found/) });
    expect(compared.stdout).toContain(GAP);
  });

  test("is an assumption of a trace where it decides", () => {
    const trace = (packet: string): unknown =>
      JSON.parse(kpc(["trace", packet, "--rules", "iptables-nft.nft", ...NODE, "-o", "json"], { folder }).stdout)
        .outcomes;
    const text = "ct status dnat (as nft lists it at iptables-nft.nft:62:49; use iptables-save)";
    expect(trace("tcp 192.0.2.11 > 127.0.0.1:80")).toMatchObject([
      { verdict: "drop", assumptions: [{ text, holds: true }] },
      { assumptions: [{ text, holds: false }] },
    ]);
    expect(trace("tcp 10.244.1.9 > 10.96.1.2:80 iif cni0")).toMatchObject([{ verdict: "dnat", assumptions: [] }]);
  });
});

describe("a host in kube-proxy's ipvs mode", () => {
  test("is not verified", () => {
    expect(verify("ipvs.v4")).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("ipvs mode") });
  });

  test("is followed on the assumption that IPVS does nothing; what ipset saved settles the rest", () => {
    const trace = (rules: string, input = "") => {
      const args = ["trace", "tcp 10.244.1.9:4000 > 10.96.1.2:80 iif cni0", "--rules", rules, ...NODE, "-o", "json"];
      const { stdout, stderr } = kpc(args, { folder, input });
      return { outcomes: JSON.parse(stdout).outcomes, stderr };
    };
    const IPVS = { text: "IPVS has no virtual server for this packet", holds: true };
    const alone = trace("ipvs.v4");
    expect(alone.stderr).toContain("[rules-ipvs]");
    expect(alone.outcomes.length).toBeGreaterThan(1);
    for (const { assumptions } of alone.outcomes) expect(assumptions).toContainEqual(IPVS);
    const sets = `create KUBE-CLUSTER-IP hash:ip,port family inet
add KUBE-CLUSTER-IP 10.96.1.2,tcp:80
create KUBE-LOOP-BACK hash:ip,port,ip family inet
create KUBE-LOAD-BALANCER hash:ip,port family inet
create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
`;
    expect(trace("ipvs.v4,-", sets).outcomes).toMatchObject([{ verdict: "accept", assumptions: [IPVS] }]);
  });
});

import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const CASE = `name: example
proxy: {nodeName: node-x}
files: [a.yaml]
flows:
  - {name: nobody, protocol: tcp, origin: pod, from: 10.244.1.9, to: 10.96.0.10, port: 80, expect: {verdict: reject}}
`;

describe("options that a command has no use for are refused, with the place where the setting belongs", () => {
  test.each([
    [["test", "case.yaml", "-c", "nosuch"], "'-c, --config <file>' is not for kpc test", "proxy: {…}"],
    [["test", "case.yaml", "-f", "nosuch"], "'-f, --filename <path>' is not for kpc test", "files: [PATH, …]"],
    [["test", "case.yaml", "--masquerade-all"], "'--masquerade-all' is not", "proxy: {masqueradeAll: …}"],
    [["test", "case.yaml", "--no-localhost-nodeports"], "'--no-local", "proxy: {localhostNodePorts: …}"],
    [["test", "case.yaml", "--mode", "iptables"], "'--mode <mode>' is not", "modes: [nftables, iptables]"],
    [["test", "case.yaml", "--node", "x"], "'--node <name>' is not", "proxy: {nodeName: …}"],
    [["test", "case.yaml", "--zone", "x"], "'--zone <name>' is not", "proxy: {zone: …}"],
    [["diff", "a.yaml", "a.yaml", "-f", "nosuch"], "'-f, --filename <path>' is not for kpc diff", "are arguments"],
    [
      ["agent", "--default-certificate", "a/b"],
      "'--default-certificate <secret>' is not for kpc agent",
      "kpc ingress run",
    ],
    [["agent", "--allow-external-names"], "'--allow-external-names' is not for kpc agent", "kpc ingress run"],
  ])("%j", (args, refused, place) => {
    inFolder({ "a.yaml": SERVICE, "case.yaml": CASE }, (folder) => {
      const { code, stdout, stderr } = kpc(args, { folder });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(refused);
      expect(stderr).toContain(place);
    });
  });

  test("help does not offer them; the others do what they say", () => {
    const { stdout } = kpc(["test", "--help"]);
    for (const option of ["--recursive", "--strict", "--quiet", "--verbose", "--color"])
      expect(stdout).toContain(option);
    expect(stdout).not.toMatch(/--(config|filename|mode|node|zone|cluster-cidr|masquerade-all)\b/);
    const lease = `${SERVICE}---\napiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: x}\n`;
    inFolder({ "a.yaml": lease, "case.yaml": CASE }, (folder) => {
      expect(kpc(["test", "case.yaml"], { folder }).code).toBe(0);
      expect(kpc(["test", "case.yaml", "--strict"], { folder })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("coordination.k8s.io/v1/Lease (1)"),
      });
    });
  });
});

describe("an option that takes one value is refused when it is given two", () => {
  test.each([
    ["-c, --config <file>", ["compile", "a.yaml", "-c", "one.yaml", "-c", "two.yaml"]],
    ["--node <name>", ["compile", "a.yaml", "--node", "one.yaml", "--node", "two.yaml"]],
    ["--current <file>", ["compile", "a.yaml", "-o", "iptables", "--current", "one.yaml", "--current", "two.yaml"]],
    ["--engine <list>", ["test", "case.yaml", "--engine", "one.yaml", "--engine", "two.yaml"]],
  ])("%s", (flags, args) => {
    inFolder({ "a.yaml": SERVICE, "case.yaml": CASE }, (folder) => {
      const { code, stdout, stderr } = kpc(args, { folder });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toBe(
        `error: option '${flags}' is given twice, as one.yaml and as two.yaml: give it once\n(kpc ${args[0]} --help shows usage and examples)\n`,
      );
    });
  });

  test("lists add up instead", () => {
    inFolder({ "a.yaml": SERVICE }, (folder) => {
      const compile = (...args: string[]): string => kpc(["compile", "a.yaml", "-q", ...args], { folder }).stdout;
      const both = compile("--service-cidr", "10.96.0.0/16,10.97.0.0/16");
      expect(both).toContain("10.96.0.0/15");
      expect(compile("--service-cidr", "10.96.0.0/16", "--service-cidr", "10.97.0.0/16")).toBe(both);
    });
  });

  test("files of a host's rules add up", () => {
    inFolder({ "a.yaml": SERVICE }, (folder) => {
      const v4 = kpc(["compile", "a.yaml", "-o", "iptables"], { folder }).stdout;
      const v6 = kpc(["compile", "a.yaml", "-o", "ip6tables"], { folder }).stdout;
      inFolder({ "a.yaml": SERVICE, v4, v6 }, (hosts) => {
        const verify = (...args: string[]): string =>
          kpc(["verify", "a.yaml", "-q", ...args], { folder: hosts }).stdout;
        const both = verify("--against", "v4,v6");
        expect(verify("--against", "v4", "--against", "v6")).toBe(both);
        expect(verify("--against", "v6")).not.toBe(both);
        const packet = "tcp [fd00::9]:40000 > [fd00::a]:80";
        expect(
          kpc(["trace", packet, "--rules", "v4", "--rules", "v6", "-q"], { folder: hosts }).stdout.split("\n")[1],
        ).toMatch(/^rules of v4,v6; /);
      });
    });
  });
});

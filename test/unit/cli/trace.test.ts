import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const SHOP = ["examples/shop/manifests", "--node", "node-1"];
const folder = new URL("../../..", import.meta.url).pathname;

const TO_API = " > 10.96.0.20:80";

/** What a trace of this packet in the shop prints. */
function trace(packet: string, ...flags: string[]): string {
  return kpc(["trace", `tcp ${packet}`, ...SHOP, ...flags], { folder }).stdout;
}

describe("the interface that a packet comes in by, where it names none", () => {
  const BRIDGE = ["--detect-local-mode", "BridgeInterface", "--detect-local-interface", "cni0"];
  const PREFIX = ["--detect-local-mode", "InterfaceNamePrefix", "--detect-local-interface", "veth"];
  const POD = "input interface cni0 (assumed: the source is a pod of this node)";
  const ELSEWHERE = "input interface eth0 (assumed: the source is not a known pod of this node)";

  test.each([
    [POD, "pod/shop/web-1", BRIDGE],
    [POD, "10.244.1.10", BRIDGE],
    [POD, "10.244.1.20", BRIDGE], // an endpoint
    [ELSEWHERE, "pod/shop/web-2", BRIDGE], // on node-2
    [ELSEWHERE, "203.0.113.9", BRIDGE],
    ["input interface cni0", "203.0.113.9:40000 > 10.96.0.20:80 iif cni0", BRIDGE],
    ["input interface veth0 (assumed: the source is a pod of this node)", "pod/shop/web-1", PREFIX],
    [
      "input interface abcdefghijklmno (assumed: the source is a pod of this node)",
      "pod/shop/web-1",
      ["--detect-local-mode", "InterfaceNamePrefix", "--detect-local-interface", "abcdefghijklmno"],
    ],
    [
      "input interface wan0 (assumed: the source is not a known pod of this node)",
      "203.0.113.9",
      ["--detect-local-mode", "InterfaceNamePrefix", "--detect-local-interface", "eth"],
    ],
    ["input interface eth0 (assumed: the source is a pod of this node)", "pod/shop/web-1", []],
    ["sent by the node itself", "192.168.50.11", BRIDGE],
  ])("%s: %s %j", (wanted, packet, flags) => {
    const [, head] = trace(packet.includes(">") ? packet : `${packet}${TO_API}`, ...flags).split("\n");
    expect(head).toBe(`node node-1, nftables mode; ${wanted}`);
  });

  test("decides who is masqueraded", () => {
    expect(trace(`pod/shop/web-1${TO_API}`, ...BRIDGE)).toMatch(/=> delivered[^=]* sees the client's address/);
    expect(trace(`pod/shop/web-2${TO_API}`, ...BRIDGE)).toMatch(/=> delivered[^=]* sees the node's address/);
  });

  test("in JSON is told to be an assumption", () => {
    const packetOf = (source: string): unknown =>
      JSON.parse(trace(`${source}${TO_API}`, ...BRIDGE, "-o", "json")).packet;
    expect(packetOf("pod/shop/web-1")).toMatchObject({
      inInterface: "cni0",
      inInterfaceAssumed: "pod of this node",
    });
    expect(packetOf("192.168.50.11")).toEqual(expect.objectContaining({ inInterface: null }));
    expect(packetOf("192.168.50.11")).not.toHaveProperty("inInterfaceAssumed");
  });
});

describe("the node whose rules are followed", () => {
  const follow = (packet: string, ...flags: string[]) => {
    const { stdout, stderr } = kpc(["trace", packet, "examples/shop/manifests", ...flags], { folder });
    return [stdout.split("\n")[1], stderr];
  };
  const BY_INTERFACE = "note: kpc follows the rules of one node, because the packet names an interface (iif)\n";
  const cases: readonly (readonly [string, string, string, ...string[]])[] = [
    ["node node-2 (pod shop/web-2 runs there), ", BY_INTERFACE, "tcp pod/shop/web-2 > svc/shop/api:http iif eth0"],
    ["node node-1 (pod shop/web-1 runs there), ", BY_INTERFACE, "tcp 10.244.1.10 > svc/shop/api:http iif eth0"],
    ["node node-2 (the packet is sent to it), ", BY_INTERFACE, "tcp 203.0.113.9 > node/node-2:30123 iif eth0"],
    [
      "node node-1, ",
      "note: the packet enters node-2 first (pod shop/web-2 runs there), but kpc follows the rules of node-1\n",
      "tcp pod/shop/web-2 > svc/shop/api:http",
      "--node",
      "node-1",
    ],
  ];

  test.each(cases)("%s%s", (wanted, note, packet, ...flags) => {
    const [head, stderr] = follow(packet, ...flags);
    expect(head).toMatch(new RegExp(`^${wanted.replace(/[()]/g, "\\$&")}nftables mode; `));
    expect(stderr).toBe(note);
  });
});

test("JSON has one shape, whatever has to be assumed", () => {
  const rules = (match: string): string => `table inet t {
  chain c {
    type filter hook prerouting priority 0; policy accept;
    ${match} drop
  }
}
`;
  const outcomes = (match: string): unknown =>
    inFolder({ "r.nft": rules(match) }, (place) => {
      const args = ["trace", "tcp [fd00::1] > [fd00::2]:80", "--rules", "r.nft", "-o", "json"];
      return JSON.parse(kpc(args, { folder: place }).stdout).outcomes;
    });
  expect(outcomes("tcp dport 80")).toMatchObject([{ verdict: "drop", assumptions: [] }]);
  const text = expect.stringContaining("fd00::5");
  expect(outcomes("rt ip6 nexthop fd00::5")).toMatchObject([
    { verdict: "drop", assumptions: [{ text, holds: true }] },
    { verdict: "pass", assumptions: [{ text, holds: false }] },
  ]);
});

test("--help offers the engines that can be asked alone", () => {
  const engines = (command: string): string =>
    /--engine <\w+> +engines? that answers?(?:, separated by commas)?: ([^(]*)/
      .exec(kpc([command, "--help"]).stdout)?.[1]
      ?.replace(/\s+/g, " ")
      .trim() ?? "";
  expect(engines("trace")).toBe("ir, wasm, nft, iptables, kernel-nft, kernel-iptables-nft, kernel-iptables-legacy");
  expect(engines("test")).toMatch(/, kernel-iptables, kernel, all$/);
});

test("places in text of kpc's own are told to be there", () => {
  const packet = `10.244.1.10${TO_API}`;
  expect(trace(packet, "--engine", "iptables")).toMatch(/ {3}<kpc's text for iptables>:\d+:\d+$/m);
  expect(trace(packet, "--engine", "nft")).toMatch(/ {3}<kpc's text for nft>:\d+:\d+$/m);
});

test("the answer of reject is told in the words of its family", () => {
  const follow = (reject: string, packet: string): string =>
    inFolder(
      {
        "r.nft": `table inet t {\n  chain c {\n    type filter hook prerouting priority 0; policy accept;\n    ${reject}\n  }\n}\n`,
      },
      (place) =>
        JSON.parse(kpc(["trace", packet, "--rules", "r.nft", "-o", "json"], { folder: place }).stdout).outcomes[0]
          .steps[0].rule,
    );
  const v4 = "tcp 10.0.0.1 > 10.0.0.2:80";
  expect(follow("reject with icmp type host-unreachable", v4)).toContain("reject with icmp host-unreachable");
  expect(follow("reject with icmpx type host-unreachable", v4)).toContain("reject with icmpx host-unreachable");
  expect(follow("reject with icmpv6 type addr-unreachable", "tcp [fd00::1] > [fd00::2]:80")).toContain(
    "reject with icmpv6 addr-unreachable",
  );
});

test("says from where a packet comes that is not translated", () => {
  const rules = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 1.1.1.1\nCOMMIT\n";
  inFolder({ "rules.v4": rules }, (folder) => {
    const packet = "tcp 10.0.0.5 > 8.8.8.8:80";
    const args = ["trace", packet, "--rules", "rules.v4", "--node-ip", "192.0.2.1"];
    expect(kpc(args, { folder }).stdout).toMatch(/=> not translated; its source becomes 1\.1\.1\.1\n$/);
    const { outcomes } = JSON.parse(kpc([...args, "-o", "json"], { folder }).stdout);
    expect(outcomes).toMatchObject([{ verdict: "pass", masquerade: true, source: "1.1.1.1" }]);
  });
});

test("more outcomes than can be looked at are told in part, with a sentence", () => {
  const sets = Array.from({ length: 700 }, (_, i) => `-A FORWARD -m set --match-set s${i} src -j ACCEPT`);
  const text = ["*filter", ":FORWARD ACCEPT [0:0]", ...sets, "COMMIT", ""].join("\n");
  inFolder({ "host.v4": text }, (host) => {
    const args = ["trace", "tcp 10.0.0.1:4000 > 10.0.0.2:80 iif eth0", "--rules", "host.v4", "--node-ip", "192.0.2.7"];
    const { code, stdout, stderr } = kpc([...args, "-o", "json"], { folder: host });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const { outcomes, incomplete } = JSON.parse(stdout);
    expect(incomplete).toMatch(/^there are more outcomes: .*; \d+ outcomes were looked at when kpc stopped, after /);
    expect(outcomes.length).toBeGreaterThan(100);
    expect(kpc(args, { folder: host }).stdout.endsWith(`\n\n${incomplete}\n`)).toBe(true);
  });
});

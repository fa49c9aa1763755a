/** `kpc lab run` builds what files describe, and tells whether packets go as predicted. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { labFlowToData, resultOfFlow } from "../../compiler/cli/lab-results.ts";
import { renderLabFlow } from "../../compiler/cli/lab-text.ts";
import { jsonText } from "../../compiler/json-output.ts";
import { type PacketText, parsePacket } from "../../compiler/trace/parse.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import { lookInto } from "../../runtime/lab/difference.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import { inFolder, kpc, kpcBytes, kpcProcess } from "../support/cli.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { accepts, type JsonSchema } from "../support/json-schema.ts";
import { kernelMissing } from "../support/kernel.ts";
import { readPcapng } from "../support/pcapng.ts";
import { EVERYTHING } from "../support/runs.ts";
import { describeShop, flowOf } from "../support/walks.ts";

const SHOP = "examples/shop";

const SCHEMA = JSON.parse(readFileSync("schemas/lab.schema.json", "utf8")) as JsonSchema;

function packetOf(text: string): PacketText {
  const packet = parsePacket({ name: "flow", text }, ({ message }) => {
    throw new Error(message);
  });
  if (packet === undefined) throw new Error(`no packet: ${text}`);
  return packet;
}

const TSHARK = ["-r", "lab.pcapng", "-T", "fields", "-e", "frame.interface_name", "-e", "ip.dst", "-e", "tcp.dstport"];

const tsharkMissing = spawnSync("tshark", ["--version"]).error !== undefined;
if (tsharkMissing) process.stderr.write("captures are not opened in tshark, which is not installed\n");

describe.skipIf(kernelMissing !== undefined)("kpc lab run", () => {
  test("shows predicted and observed beside each other", () => {
    const { code, stdout } = kpcProcess(["lab", "run", "tcp web-1 > svc/api:http", "udp web-2 > svc/api:dns", SHOP]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^= node\/node-1 +veth-web-1 in +(10\.244\.1\.10:\d+ > 10\.96\.0\.20:80 ttl 64) +\1$/m);
    expect(stdout).toMatch(/^= +cni0 +out +(10\.244\.1\.10:\d+ > 10\.244\.1\.2[01]:8081 ttl 64) +\1$/m);
    expect(stdout).toMatch(/^2 flows: 2 as predicted, 0 not$/m);
    expect(stdout).not.toMatch(/^!/m);
  });

  test.runIf(EVERYTHING)("makes the flows of expectations, and tells which hold", () => {
    const { code, stdout } = kpcProcess(["lab", "run", `${SHOP}/stories.yaml`, "-q"]);
    expect(stdout).toMatch(/^a pod calls its own service, and may get itself \(IPv6\) \(iptables\)$/m);
    expect(stdout).toMatch(/^=> as expected: not delivered, dropped$/m);
    expect(stdout).toMatch(/^56 flows: 56 as predicted and expected, 0 not$/m);
    expect(code).toBe(0);
  });

  test("gives JSON as the schema says, and JUnit", () => {
    const flows = ["tcp web-1 > svc/api:http", "tcp outside/client > lb/shop/partners:80", "icmp web-1 > web-2"];
    const cluster = readFileSync(`${SHOP}/cluster.yaml`, "utf8").replace("kind: routed", "kind: proxy");
    const shop = resolve(SHOP);
    const { code, stdout } = inFolder({ "cluster.yaml": cluster }, (folder) =>
      kpcProcess(
        ["lab", "run", ...flows, `${shop}/manifests`, "-c", `${shop}/kpc.yaml`, "cluster.yaml", "-q", "-o", "json"],
        {
          folder,
        },
      ),
    );
    expect(accepts(SCHEMA, JSON.parse(stdout))).toBe(true);
    const { flows: told } = JSON.parse(stdout) as { flows: { proxies: { program: string }[] }[] };
    const program = haproxyMissing === undefined ? "haproxy" : "kpc";
    expect(told.map(({ proxies }) => proxies.map((each) => each.program))).toEqual([[], [program], []]);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "LabRun", summary: { passed: 3, failed: 0, skipped: 0 } });
    expect(code).toBe(0);
    const junit = kpcProcess(["lab", "run", ...flows, SHOP, "-q", "-o", "junit"]).stdout;
    expect(junit).toContain('<testsuite name="kpc lab run (nftables, lab)" tests="3" failures="0"');
    expect(junit).toContain('name="tcp web-1 &gt; svc/api:http"');
  });

  test.each([
    [["tcp web-9 > svc/api:http", SHOP], "web-9 is not in the input, did you mean pod/shop/web-1?"],
    [["tcp web-1 >", SHOP], "flow:1:12: error: the packet ends too early"],
    [
      ["GET https://shop.example.com/api", SHOP],
      "HAProxy has no certificate in the lab, and does not listen for https",
    ],
    [["tcp web-1 > svc/api:http iif eth0", SHOP], "a flow of a lab has two ends and nothing behind them"],
    [[`${SHOP}/manifests`], "no flows: expected one such as"],
    [["tcp web-1 > svc/api:http", `${SHOP}/manifests/services.yaml`], "the input has none: expected kind: Node"],
    [["tcp web-1 > svc/api:http", "nowhere.yaml"], "nowhere.yaml"],
    [["tcp web-1 > svc/api:http", SHOP, "--attempts", "0"], "expected a whole number from 1 on"],
  ])("is trouble with %j", (words, message) => {
    const { code, stdout, stderr } = kpc(["lab", "run", ...words, "-q"]);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test.runIf(EVERYTHING)("shows where a lab is otherwise than predicted, with rules and counters there", async () => {
    const { layout, walker, input, programOf } = describeShop({ pods: "bridge" });
    const built = describeShop({ pods: "bridge", sysctls: { n1: { "net.ipv4.ip_forward": "0" } } });
    const session = await LabSession.open({ network: built.layout.network, walker, programOf });
    try {
      const flow = flowOf("pod/shop/client > 10.96.0.20:80");
      const made = { flow, request: undefined, attempts: [await session.attempt(flow, { patience: 1000 })] };
      const difference = await lookInto(session, made);
      expect(difference?.host).toBe("node/n1");
      expect(difference?.counters.get("Ip InAddrErrors")).toBeGreaterThan(0);
      const telling = { names: new WalkNames(input.specs, layout.network), hosts: layout.network.hosts, isAll: false };
      const result = resultOfFlow("tcp client > svc/api", packetOf("tcp client > svc/api").to.origin, "nftables", made);
      expect(result.status).toBe("fail");
      const text = renderLabFlow({ result, made, difference, telling });
      expect(text).toMatch(/^! +eth0 +out +10\.244\.1\.10:40000 > 10\.244\.2\.11:8081 ttl 63 +nothing$/m);
      expect(text).toMatch(/^predicted at node\/n1:\n.*\n? {2}.*dnat 10\.96\.0\.20:80 => 10\.244\.2\.11:8081/ms);
      const seen = /^rules at node\/n1, predicted and seen \(nftrace\):\n((?: {2}.*\n)+)/m.exec(text)?.[1] ?? "";
      const rules = seen.trimEnd().split("\n");
      expect(rules.map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
        "  = ip kpc nat-prerouting  jump services  seen: jump services",
        "  = ip kpc services  ip daddr . meta l4proto . th dport vmap @services  seen: jump pick-1-tcp",
        expect.stringMatching(/^ {2}= ip kpc pick-1-tcp {2}dnat .* seen: accept$/),
        "  ! ip kpc filter-forward  ct state new jump unserved-elsewhere  predicted, not seen",
      ]);
      const summary = { passed: 0, failed: 1, skipped: 0 };
      const data = labFlowToData({ result, made, difference, telling });
      expect(accepts(SCHEMA, JSON.parse(jsonText("LabRun", { flows: [data], summary })))).toBe(true);
      expect(data).toMatchObject({ difference: { rules: { host: "node/n1", packet: "seen" } } });
      expect(await session.lab.run("node/n1", "nft list tables; ls /run")).not.toContain("trace");
      expect(text).toMatch(/^counted at node\/n1: .*Ip InAddrErrors \+\d/m);
    } finally {
      session.close();
    }
  });

  test.runIf(EVERYTHING)("makes a flow as often as is wanted, and each time one of the branches", () => {
    const { code, stdout } = kpcProcess(["lab", "run", "tcp web-2 > svc/api:http", SHOP, "--attempts", "40"]);
    expect(code).toBe(0);
    const counts = [...stdout.matchAll(/^= 1 in 2: .* (\d+) of 40 attempts$/gm)].map(([, count]) => Number(count));
    expect(counts).toHaveLength(2);
    expect(counts.reduce((sum, count) => sum + count)).toBe(40);
  });

  test("writes all packets that were seen, with the rules that decided", () => {
    const file = kpcBytes(["lab", "run", "tcp web-1 > svc/api:http", SHOP, "-o", "pcapng", "--attempts", "1", "-q"]);
    const { comment, packets } = readPcapng(file);
    expect(comment).toContain("Checksums of TCP and UDP may be partial");
    const syns = packets.filter(({ bytes }) => bytes[14 + 33] === 2);
    expect(syns.map(({ at, direction }) => `${at} ${direction}`)).toEqual([
      "pod/shop/web-1/eth0 out",
      "node/node-1/veth-web-1 in",
      ...(syns.length === 5 ? ["node/node-1/cni0 out"] : []),
      expect.stringMatching(/^node\/node-1\/veth-api-[12] out$/),
      expect.stringMatching(/^pod\/shop\/api-[12]\/eth0 in$/),
    ]);
    expect(syns.flatMap(({ comments }) => comments).join("\n")).toMatch(
      /dnat 10\.96\.0\.20:80 => 10\.244\.1\.2[01]:8081/,
    );
    if (tsharkMissing) return;
    const told = inFolder({ "lab.pcapng": file }, (folder) =>
      spawnSync("tshark", TSHARK, { cwd: folder, encoding: "utf8" }),
    );
    expect(told.stdout.split("\n").slice(0, 2)).toEqual([
      "pod/shop/web-1/eth0\t10.96.0.20\t80",
      "node/node-1/veth-web-1\t10.96.0.20\t80",
    ]);
  });
});

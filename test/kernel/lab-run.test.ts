/** `kpc lab run` builds what files describe, and tells whether packets go as predicted. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { inFolder, kpcBytes, kpcProcess } from "../support/cli.ts";
import { kernelMissing } from "../support/kernel.ts";
import { readPcapng } from "../support/pcapng.ts";

const SHOP = "examples/shop";

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

  test("makes a flow as often as is wanted, and each time one of the branches", () => {
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

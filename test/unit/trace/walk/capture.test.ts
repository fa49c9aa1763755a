/** Predicted walks as captures: what an independent reader finds in the file. */
import { describe, expect, test } from "vitest";
import { printPcapng } from "../../../../compiler/trace/pcapng.ts";
import { captureWalk } from "../../../../compiler/trace/walk/capture.ts";
import { WalkNames } from "../../../../compiler/trace/walk/walk-names.ts";
import type { WalkFlow } from "../../../../compiler/walk/types.ts";
import { walkPacketBytes } from "../../../../runtime/walk-packet.ts";
import { hasRightChecksums, type ReadCapture, readPcapng } from "../../../support/pcapng.ts";
import { type ClusterKind, describeShop, flowOf } from "../../../support/walks.ts";

function captureOf(kind: ClusterKind, flow: WalkFlow, isAll = false): ReadCapture {
  const { input, layout, walker } = describeShop(kind);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  return readPcapng(Buffer.from(printPcapng(captureWalk(walker.walk(flow), context, isAll, walkPacketBytes), "kpc")));
}

const SERVICE = flowOf("pod/shop/client > 10.96.0.30:80");

describe("a predicted walk as a capture", () => {
  test("has an interface for each place, the packet there, and the rule as its comment", () => {
    const { comment, interfaces, packets } = captureOf({ pods: "bridge" }, SERVICE, true);
    expect(comment).toContain("Predicted by kpc");
    expect(new Set(interfaces.map(({ linkType }) => linkType))).toEqual(new Set([101]));
    const [first, , third] = packets;
    expect(packets.slice(0, 4).map(({ at, direction }) => `${at} ${direction}`)).toEqual([
      "pod/shop/client/eth0 out",
      "node/n1/veth-client in",
      "node/n1/veth-web-1 out",
      "pod/shop/web-1/eth0 in",
    ]);
    expect(first?.comments.join()).toContain("1 in 2: pod/shop/web-1");
    expect(first?.bytes.subarray(12, 20).toString("hex")).toBe("0af4010a0a60001e");
    expect(third?.bytes.subarray(12, 20).toString("hex")).toBe("0af4010a0af4010b");
    expect(packets.find(({ at }) => at === "node/n1/veth-web-1")?.comments.join()).toMatch(
      /services: 10\.96\.0\.30 \. tcp \. 80 .*dnat 10\.96\.0\.30:80 => 10\.244\.1\.11:8080/s,
    );
    expect(packets.find(({ at }) => at === "pod/shop/web-1/eth0")?.comments.join()).toContain(
      "=> delivered to port 8080",
    );
  });

  test("has times in order, and time to live as it is there", () => {
    const { packets } = captureOf({ pods: "bridge" }, flowOf("pod/shop/client > 10.244.2.10:8080"));
    const times = packets.map(({ nanoseconds }) => nanoseconds);
    expect([...times].sort((a, b) => Number(a - b))).toEqual(times);
    expect(packets.find(({ at }) => at === "pod/shop/web-2/eth0")?.bytes[8]).toBe(62);
  });

  test("has the answer with SYN and ACK", () => {
    const { packets } = captureOf({ pods: "bridge" }, SERVICE);
    const flags = new Set(packets.map(({ bytes }) => bytes[33]));
    expect(flags).toEqual(new Set([0x02, 0x12]));
  });

  const echo = { protocol: 1, sourcePort: 0, destinationPort: 0 };
  test.each<[string, ClusterKind, WalkFlow]>([
    ["TCP", { pods: "bridge" }, SERVICE],
    ["UDP", { pods: "routed" }, { ...flowOf("pod/shop/client > 10.244.2.10:8080"), protocol: 17 }],
    ["an echo", { pods: "routed" }, { ...flowOf("pod/shop/client > 10.244.2.10:0"), ...echo }],
    ["IPv6", { pods: "bridge" }, flowOf("pod/shop/client > [fd00:96::30]:80")],
    [
      "an echo of IPv6",
      { pods: "bridge" },
      { ...flowOf("pod/shop/client > [fd00:244:0:2::10]:0"), ...echo, protocol: 58 },
    ],
    ["VXLAN", { pods: "flannel-vxlan" }, flowOf("pod/shop/client > 10.244.2.10:8080")],
    ["IPIP", { pods: "calico-ipip" }, flowOf("pod/shop/client > 10.244.2.10:8080")],
    ["a proxy", { pods: "bridge", balancer: "proxy" }, flowOf("outside/client > 198.51.100.40:80")],
  ])("has right checksums: %s", (_, kind, flow) => {
    const { packets } = captureOf(kind, flow);
    expect(packets.length).toBeGreaterThan(4);
    expect(packets.filter(({ bytes }) => !hasRightChecksums(bytes))).toEqual([]);
    expect(packets.filter(({ bytes, length }) => bytes.length !== length)).toEqual([]);
  });

  test("has the packet in that of a tunnel", () => {
    const { packets } = captureOf({ pods: "flannel-vxlan" }, flowOf("pod/shop/client > 10.244.2.10:8080"));
    const wrapped = packets.filter(({ at }) => at === "node/n1/eth0").map(({ bytes }) => bytes);
    expect(wrapped.map((bytes) => bytes.readUInt16BE(22))).toEqual([8472, 8472]);
    const [request] = wrapped;
    const inner = request?.subarray(20 + 8 + 8 + 14);
    expect(inner?.subarray(12, 20).toString("hex")).toBe("0af4010a0af4020a");
    expect(inner !== undefined && hasRightChecksums(inner)).toBe(true);
  });
});

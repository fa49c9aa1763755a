/** Pods to the world with kpc's own rules alone: who sees the pod, who the node, who the gateway. */
import { describe, expect, test } from "vitest";
import { type ClusterKind, describeShop, endsOf, flowOf } from "../../support/walks.ts";

const KINDS: readonly ClusterKind[] = (["bridge", "routed", "kindnet", "flannel-vxlan"] as const).flatMap((pods) =>
  (["nftables", "iptables"] as const).map((mode): ClusterKind => ({ pods, mode, masquerade: "kpc" })),
);

/** By flow: who receives it, and the source that is seen there. */
const SEEN: Readonly<Record<string, string>> = {
  "pod/shop/client > 198.51.100.10:443": "outside/client:443 sees 198.51.100.1",
  "pod/shop/client > 10.244.1.11:8080": "pod/shop/web-1:8080 sees 10.244.1.10",
  "pod/shop/client > 10.244.2.10:8080": "pod/shop/web-2:8080 sees 10.244.1.10",
  "pod/shop/client > 192.168.50.11:22": "node/n1:22 sees 10.244.1.10",
  "pod/shop/client > 192.168.50.12:22": "node/n2:22 sees 10.244.1.10",
  "node/n1 > 198.51.100.10:443": "outside/client:443 sees 198.51.100.1",
  "pod/shop/client > [fd00:244:0:2::10]:8080": "pod/shop/web-2:8080 sees fd00:244:0:1::10",
  "pod/shop/client > [fd00:50::11]:22": "node/n1:22 sees fd00:244:0:1::10",
  "pod/shop/client > [fd00:50::12]:22": "node/n2:22 sees fd00:244:0:1::10",
};

/** The source with which a node lets a packet to the world go, before the gateway gives it its own. */
function leavesAs(kind: ClusterKind, flow: string): string[] {
  const { walker } = describeShop(kind);
  return walker.walk(flowOf(flow)).branches.flatMap(({ there: { hops } }) => {
    const hop = hops.find(({ host }) => host === "node/n1");
    return hop === undefined ? [] : [typeof hop.after.source === "number" ? "IPv4" : "IPv6", String(hop.after.source)];
  });
}

describe.each(KINDS)("$pods, $mode mode", (kind) => {
  const { walker, layout } = describeShop(kind);

  test("no other rules masquerade", () => expect(layout.rules.get("node/n1") ?? []).toEqual([]));

  test.each(Object.entries(SEEN))("%s", (flow, seen) => {
    const ends = endsOf(walker.walk(flowOf(flow))).map((text) => text.replace(/, ttl \d+/, ""));
    expect(ends).toEqual([`1 ${seen}, answered`]);
  });

  test("the node gives its own address of both families", () => {
    expect(leavesAs(kind, "pod/shop/client > 198.51.100.10:443")).toEqual(["IPv4", String(0xc0a8320b)]);
    expect(leavesAs(kind, "pod/shop/client > [2001:db8:ffff::10]:443")).toEqual([
      "IPv6",
      String(0xfd00_0050_0000_0000_0000_0000_0000_0011n),
    ]);
  });
});

test("without any rules for it, the world does not know the way back to the pod", () => {
  const { walker } = describeShop({ pods: "bridge", masquerade: "none" });
  const [end] = endsOf(walker.walk(flowOf("pod/shop/client > 198.51.100.10:443")));
  expect(end).not.toContain("answered");
});

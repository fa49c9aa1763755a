/** The stories of a cluster's traffic: what receivers see, as Linux was measured to do it in network namespaces. */
import { describe, expect, test } from "vitest";
import { type ClusterKind, describeShop, endOf, endsOf, flowOf } from "../../support/walks.ts";

/** `pods`: the layout; a time to live of 64 says that the packet was never routed. */
function storiesOf(kind: ClusterKind): (text: string) => string[] {
  const { walker } = describeShop(kind);
  return (text) => endsOf(walker.walk(flowOf(text)));
}

const BRIDGE = storiesOf({ pods: "bridge" });
const ROUTED = storiesOf({ pods: "routed" });

interface Story {
  readonly flow: string;
  readonly bridge: readonly string[];
  readonly routed: readonly string[];
}

/** A pod of each node, by chance. */
const half = (...ends: readonly string[]): string[] => ends.map((end) => `0.5 ${end}, answered`).sort();
const all = (end: string): string[] => [`1 ${end}, answered`];

const STORIES: Readonly<Record<string, Story>> = {
  "container to container": {
    flow: "pod/shop/client > 127.0.0.1:9000",
    bridge: all("pod/shop/client:9000 sees 127.0.0.1, ttl 64"),
    routed: all("pod/shop/client:9000 sees 127.0.0.1, ttl 64"),
  },
  "pod on the same node": {
    flow: "pod/shop/client > 10.244.1.11:8080",
    bridge: all("pod/shop/web-1:8080 sees 10.244.1.10, ttl 64"),
    routed: all("pod/shop/web-1:8080 sees 10.244.1.10, ttl 63"),
  },
  "pod on another node": {
    flow: "pod/shop/client > 10.244.2.10:8080",
    bridge: all("pod/shop/web-2:8080 sees 10.244.1.10, ttl 62"),
    routed: all("pod/shop/web-2:8080 sees 10.244.1.10, ttl 62"),
  },
  "pod on another node by IPv6": {
    flow: "pod/shop/client > [fd00:244:0:2::10]:8080",
    bridge: all("pod/shop/web-2:8080 sees fd00:244:0:1::10, ttl 62"),
    routed: all("pod/shop/web-2:8080 sees fd00:244:0:1::10, ttl 62"),
  },
  service: {
    flow: "pod/shop/client > 10.96.0.30:80",
    bridge: half("pod/shop/web-1:8080 sees 10.244.1.10, ttl 64", "pod/shop/web-2:8080 sees 10.244.1.10, ttl 62"),
    routed: half("pod/shop/web-1:8080 sees 10.244.1.10, ttl 63", "pod/shop/web-2:8080 sees 10.244.1.10, ttl 62"),
  },
  "service by IPv6": {
    flow: "pod/shop/client > [fd00:96::30]:80",
    bridge: half(
      "pod/shop/web-1:8080 sees fd00:244:0:1::10, ttl 64",
      "pod/shop/web-2:8080 sees fd00:244:0:1::10, ttl 62",
    ),
    routed: half(
      "pod/shop/web-1:8080 sees fd00:244:0:1::10, ttl 63",
      "pod/shop/web-2:8080 sees fd00:244:0:1::10, ttl 62",
    ),
  },
  "service, the pod itself": {
    flow: "pod/shop/web-1 > 10.96.0.30:80",
    bridge: half("pod/shop/web-1:8080 sees 10.244.1.1, ttl 64", "pod/shop/web-2:8080 sees 10.244.1.11, ttl 62"),
    routed: half("pod/shop/web-1:8080 sees 192.168.50.11, ttl 63", "pod/shop/web-2:8080 sees 10.244.1.11, ttl 62"),
  },
  "pod to internet": {
    flow: "pod/shop/client > 198.51.100.10:443",
    bridge: all("outside/client:443 sees 198.51.100.1, ttl 62"),
    routed: all("outside/client:443 sees 198.51.100.1, ttl 62"),
  },
  "internet to node port": {
    flow: "outside/client > 192.168.50.11:30123",
    bridge: half("pod/shop/web-1:8080 sees 10.244.1.1, ttl 62", "pod/shop/web-2:8080 sees 192.168.50.11, ttl 61"),
    routed: half("pod/shop/web-1:8080 sees 192.168.50.11, ttl 62", "pod/shop/web-2:8080 sees 192.168.50.11, ttl 61"),
  },
  "internet to a port forward of the gateway": {
    flow: "outside/client > 198.51.100.1:8080",
    bridge: half("pod/shop/web-1:8080 sees 10.244.1.1, ttl 62", "pod/shop/web-2:8080 sees 192.168.50.11, ttl 61"),
    routed: half("pod/shop/web-1:8080 sees 192.168.50.11, ttl 62", "pod/shop/web-2:8080 sees 192.168.50.11, ttl 61"),
  },
  "internet to a load balancer's address, policy Local": {
    flow: "outside/client > 198.51.100.41:80",
    bridge: half("pod/shop/web-1:8080 sees 198.51.100.10, ttl 62", "pod/shop/web-2:8080 sees 198.51.100.10, ttl 62"),
    routed: half("pod/shop/web-1:8080 sees 198.51.100.10, ttl 62", "pod/shop/web-2:8080 sees 198.51.100.10, ttl 62"),
  },
  "node to service": {
    flow: "node/n1 > 10.96.0.30:80",
    bridge: half("pod/shop/web-1:8080 sees 10.244.1.1, ttl 64", "pod/shop/web-2:8080 sees 192.168.50.11, ttl 63"),
    routed: half("pod/shop/web-1:8080 sees 192.168.50.11, ttl 64", "pod/shop/web-2:8080 sees 192.168.50.11, ttl 63"),
  },
  "service without endpoints": {
    flow: "pod/shop/client > 10.96.0.31:80",
    bridge: ["1 rejected on node/n1"],
    routed: ["1 rejected on node/n1"],
  },
};

describe.each(Object.entries(STORIES))("%s", (_, { flow, bridge, routed }) => {
  test("pods on a bridge", () => expect(BRIDGE(flow)).toEqual(bridge));

  test("routed pods", () => expect(ROUTED(flow)).toEqual(routed));
});

describe("load balancers of the Service shop/pub", () => {
  const to = "outside/client > 198.51.100.40:80";
  const seen = (kind: ClusterKind): Set<string> =>
    new Set(storiesOf(kind)(to).map((text) => text.replace(/^[\d.]+ |, ttl \d+/g, "")));
  const masqueraded = new Set(
    [
      "web-1:8080 sees 10.244.1.1",
      "web-2:8080 sees 10.244.2.1",
      "web-1:8080 sees 192.168.50.12",
      "web-2:8080 sees 192.168.50.11",
    ].map((text) => `pod/shop/${text}, answered`),
  );

  test.each(["nat", "proxy", "routed"] as const)("%s", (balancer) => {
    expect(seen({ pods: "bridge", balancer })).toEqual(masqueraded);
  });

  test("one that translates destinations only is not passed by the answer", () => {
    expect(seen({ pods: "bridge", balancer: "nat", keepsClient: true })).toEqual(
      new Set([...masqueraded].map((text) => text.replace("answered", "stranger"))),
    );
  });
});

describe("one thing changed", () => {
  const off = { n1: { "net.bridge.bridge-nf-call-iptables": "0" } };

  test("bridge-nf-call-iptables = 0: the answer of a pod on the same bridge is not translated back", () => {
    expect(storiesOf({ pods: "bridge", sysctls: off })("pod/shop/client > 10.96.0.30:80")).toEqual([
      "0.5 pod/shop/web-1:8080 sees 10.244.1.10, ttl 63, stranger",
      "0.5 pod/shop/web-2:8080 sees 10.244.1.10, ttl 62, answered",
    ]);
  });

  test("hairpin off: a pod does not reach itself, unless it is routed", () => {
    const lost = storiesOf({ pods: "bridge", hairpin: false })("pod/shop/web-1 > 10.96.0.30:80");
    expect(lost).toContain("0.5 bridge-drops on node/n1");
    const fine = storiesOf({ pods: "bridge", hairpin: false, sysctls: off })("pod/shop/web-1 > 10.96.0.30:80");
    expect(fine).toContain("0.5 pod/shop/web-1:8080 sees 10.244.1.1, ttl 63, answered");
  });

  test("ip_forward = 0: only pods of one bridge reach each other", () => {
    const walk = storiesOf({ pods: "bridge", sysctls: { n1: { "net.ipv4.ip_forward": "0" } } });
    expect(walk("pod/shop/client > 10.244.1.11:8080")).toEqual(all("pod/shop/web-1:8080 sees 10.244.1.10, ttl 64"));
    expect(walk("pod/shop/client > 10.244.2.10:8080")).toEqual(["1 not-forwarding on node/n1"]);
    expect(walk("pod/shop/client > 10.96.0.30:80")).toEqual(["1 not-forwarding on node/n1"]);
  });

  test("proxy_arp = 0 on the wire of a routed pod: nobody answers for its gateway", () => {
    const walk = storiesOf({ pods: "routed", sysctls: { n1: { "net.ipv4.conf.cali-client.proxy_arp": "0" } } });
    expect(walk("pod/shop/client > 10.244.1.11:8080")).toEqual(["1 no-neighbour on pod/shop/client"]);
  });

  test("pods are not masqueraded: the gateway does not know the way back to them", () => {
    const walk = storiesOf({ pods: "bridge", masquerade: "none" })("pod/shop/client > 198.51.100.10:443");
    expect(walk).toEqual(["1 outside/client:443 sees 198.51.100.1, ttl 62, no-route"]);
  });
});

describe("both modes give one walk", () => {
  const iptables = storiesOf({ pods: "bridge", mode: "iptables" });

  test.each(Object.entries(STORIES))("%s", (_, { flow, bridge }) => {
    expect(iptables(flow)).toEqual(bridge);
  });
});

describe("a packet that may not be cut into fragments", () => {
  const endOfSize = (kind: ClusterKind, to: string, bytes: number): string[] =>
    endsOf(describeShop(kind).walker.walk({ ...flowOf(`pod/shop/client > ${to}`), bytes }));

  test("fits through a tunnel only with room for the outer headers", () => {
    const seen = ["1 pod/shop/web-2:8080 sees 10.244.1.10, ttl 62, answered"];
    expect(endOfSize({ pods: "flannel-vxlan" }, "10.244.2.10:8080", 1450)).toEqual(seen);
    expect(endOfSize({ pods: "flannel-vxlan" }, "10.244.2.10:8080", 1451)).toEqual(["1 too-large on pod/shop/client"]);
    expect(endOfSize({ pods: "calico-ipip" }, "10.244.2.10:8080", 1480)).toEqual(seen);
    expect(endOfSize({ pods: "calico-ipip" }, "10.244.2.10:8080", 1481)).toEqual(["1 too-large on pod/shop/client"]);
    expect(endOfSize({ pods: "bridge" }, "10.244.2.10:8080", 1500)).toEqual(seen);
  });

  test("goes in fragments where VXLAN makes it too large, as its own packets may be cut", () => {
    const to = "10.244.2.10:8080";
    const { branches } = describeShop({ pods: "flannel-vxlan", mtu: 1500 }).walker.walk({
      ...flowOf(`pod/shop/client > ${to}`),
      bytes: 1500,
    });
    const steps = branches.flatMap(({ there }) => there.hops).flatMap(({ steps: own }) => own);
    expect(steps.filter(({ kind }) => kind === "fragmented")).toEqual([
      { kind: "fragmented", interface: "eth0", bytes: 1550, mtu: 1500 },
    ]);
    expect(branches.map(endOf)).toEqual(["pod/shop/web-2:8080 sees 10.244.1.10, ttl 62, answered"]);
  });

  test("is lost where the way is narrower than its sender knows", () => {
    const narrow: ClusterKind = { pods: "calico-ipip", mtu: 1500 };
    expect(endOfSize(narrow, "10.244.2.10:8080", 1500)).toEqual(["1 too-large on node/n1"]);
    expect(endOfSize({ pods: "bridge", mtu: 1500 }, "10.244.1.11:8080", 1500)).toEqual([
      "1 pod/shop/web-1:8080 sees 10.244.1.10, ttl 64, answered",
    ]);
  });
});

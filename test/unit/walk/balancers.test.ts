/** Connections that a load balancer does not pass on. */
import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import type { Host } from "../../../compiler/network/network.ts";
import { PacketWalker } from "../../../compiler/walk/walk.ts";
import { withInterface } from "../../support/host-changes.ts";
import { describeShop, endsOf, flowOf } from "../../support/walks.ts";

test.each(["nat", "proxy"] as const)(
  "a port that the Service does not have is refused by the load balancer (%s)",
  (balancer) => {
    const { walker } = describeShop({ pods: "bridge", balancer });
    const { branches } = walker.walk(flowOf("outside/client > 198.51.100.40:81"));
    expect(branches.map(({ there }) => there.end)).toMatchObject([
      { kind: "no-target", host: "lb/shop/pub", isServed: false },
    ]);
    expect(endsOf(walker.walk(flowOf("icmp outside/client > 198.51.100.40")))).toEqual([
      "1 lb/shop/pub:0 sees 198.51.100.10, ttl 63, answered",
    ]);
  },
);

test("a proxy makes no connection before its client has its SYN-ACK", () => {
  const { layout, programOf } = describeShop({ pods: "bridge", balancer: "proxy" });
  // The gateway passes on what comes from outside, and nothing that comes from the nodes.
  const change = withInterface("gateway", "lan0", (own) => ({
    ...own,
    sysctls: { ...own.sysctls, IPv4: { ...own.sysctls.IPv4, forwarding: false } },
  }));
  const hosts = new Map([...layout.network.hosts].map(([name, host]) => [name, change(host)]));
  const evaluatorOf = (host: Host): Evaluator | undefined => {
    const program = programOf(host);
    return program && new Evaluator(program);
  };
  const { branches } = new PacketWalker({ ...layout.network, hosts }, evaluatorOf).walk(
    flowOf("outside/client > 198.51.100.40:80"),
  );
  expect(branches).toMatchObject([
    {
      probability: 1,
      there: { end: { kind: "delivered", host: "lb/shop/pub" } },
      back: { end: { kind: "not-forwarding" } },
    },
  ]);
});

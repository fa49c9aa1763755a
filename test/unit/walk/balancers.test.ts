/** Connections that a load balancer does not pass on. */
import { expect, test } from "vitest";
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

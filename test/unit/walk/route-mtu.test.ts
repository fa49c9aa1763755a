import { describe, expect, test } from "vitest";
import { datagram, describeNarrow, NARROW_ROUTES, ROUTE_MTU } from "../../support/route-mtu.ts";

describe("an MTU of a route counts in place of the interface's", () => {
  test.each(NARROW_ROUTES)("$title", (narrow) => {
    const { walker } = describeNarrow(narrow, ROUTE_MTU);
    const endOf = (bytes: number): object | undefined =>
      walker.walk(datagram(narrow.flow, bytes)).branches[0]?.there.end;
    expect(endOf(ROUTE_MTU)).toMatchObject({ kind: "delivered", host: "pod/shop/web-2" });
    expect(endOf(ROUTE_MTU + 1)).toMatchObject({
      ...{ kind: "too-large", host: narrow.host, interface: "eth0", bytes: ROUTE_MTU + 1, mtu: ROUTE_MTU },
      route: { mtu: ROUTE_MTU },
    });
  });

  test("also where it is larger", () => {
    const [narrow] = NARROW_ROUTES;
    if (narrow === undefined) throw new Error("there is no sample");
    const { walker } = describeNarrow(narrow, 1600, { pods: "bridge" });
    const [branch] = walker.walk(datagram(narrow.flow, 1501)).branches;
    // The pod lets it out; the bridge drops what is larger than its port.
    expect(branch?.there.end).not.toMatchObject({ host: "pod/shop/client" });
  });
});

/** Which UDP frontends are looked at, over several changes. */
import { expect, test } from "vitest";
import { NodeTables, type NodeUpdate } from "../../../compiler/updates/node-tables.ts";
import { ChangedConnections } from "../../../runtime/agent/changed-connections.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";

/** Updates in which a Service with a node port gets each of these lists of endpoints in turn, and those in which it goes. */
class Dns {
  private readonly tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });

  put(...endpoints: readonly string[]): NodeUpdate["udp"] {
    const ports = [{ port: 53, protocol: "UDP", nodePort: 30_053 }];
    const service = serviceOf("dns", "172.30.0.10");
    const slice = endpointSlice("dns", ...endpoints);
    this.tables.put("Service", { ...service, spec: { ...(service["spec"] as object), type: "NodePort", ports } });
    this.tables.put("EndpointSlice", { ...slice, ports: [{ name: "", port: 53, protocol: "UDP" }] });
    return this.update();
  }

  delete(): NodeUpdate["udp"] {
    this.tables.delete("Service", "shop/dns");
    return this.update();
  }

  private update(): NodeUpdate["udp"] {
    return this.tables.update()?.udp ?? expect.unreachable("nothing has changed");
  }
}

/** Frontends in a few words. */
function shown(changed: ChangedConnections): string[] {
  return changed
    .take()
    .map(
      ({ address, port, endpoints }) =>
        `${address ?? "node"}:${port} ${endpoints.map((end) => (end.address as number) & 255)}`,
    );
}

const CLUSTER_IP = 0xac1e000a;

test("a Service that comes, changes or goes is looked at once, as it is at the end", () => {
  const [dns, changed] = [new Dns(), new ChangedConnections()];
  expect(changed.isEmpty).toBe(true);
  changed.note({ udp: dns.put("10.180.0.1") });
  expect(changed.isEmpty).toBe(false);
  expect(shown(changed)).toEqual([`${CLUSTER_IP}:53 1`, "node:30053 1"]);
  expect([changed.isEmpty, shown(changed)]).toEqual([true, []]);
  changed.note({ udp: dns.put("10.180.0.2") });
  changed.note({ udp: dns.put("10.180.0.3") });
  expect(shown(changed)).toEqual([`${CLUSTER_IP}:53 3`, "node:30053 3"]);
  changed.note({ udp: dns.delete() });
  expect(shown(changed)).toEqual([`${CLUSTER_IP}:53 `, "node:30053 "]);
});

test("one with the same endpoints is not looked at", () => {
  const [dns, changed] = [new Dns(), new ChangedConnections()];
  const { after } = dns.put("10.180.0.1");
  changed.note({ udp: { before: after, after } });
  expect(changed.isEmpty).toBe(true);
});

test("what is put back does not stand for what is newer", () => {
  const [dns, changed] = [new Dns(), new ChangedConnections()];
  changed.note({ udp: dns.put("10.180.0.1") });
  const taken = changed.take();
  changed.putBack(taken);
  expect(changed.take()).toEqual(taken);
  const [ofClusterIp] = taken;
  if (ofClusterIp === undefined) expect.unreachable("it has a cluster IP");
  changed.note({ udp: dns.put("10.180.0.2") });
  const newer = changed.take().filter(({ address }) => address !== undefined);
  changed.putBack(newer);
  changed.putBack(taken);
  expect(shown(changed)).toEqual([`${CLUSTER_IP}:53 2`, "node:30053 1"]);
});

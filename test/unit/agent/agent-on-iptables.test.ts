/** An agent that keeps rules of iptables on a host in memory: from its start to its end. */
import { describe, expect, test } from "vitest";
import { FollowedIptables } from "../../../compiler/followed-iptables.ts";
import { minimalRestore } from "../../../compiler/formats/iptables/minimal-restore.ts";
import { readOwnTables } from "../../../compiler/formats/iptables/own-rules.ts";
import { iptablesChains } from "../../../compiler/print.ts";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { AGENT_TIMES, type AgentParts } from "../../../runtime/agent/agent-parts.ts";
import { IPTABLES_BACKENDS, IPTABLES_FAMILIES } from "../../../runtime/agent/iptables-host.ts";
import { IptablesKernel } from "../../../runtime/agent/iptables-kernel.ts";
import { endpointSlice, SHOP, serviceOf } from "../../support/agent-objects.ts";
import { AgentWorld } from "../../support/agent-world.ts";
import { compiledTables } from "../../support/events.ts";
import { FakeIptables } from "../../support/fake-iptables.ts";

const CONFIG = { nodeName: "node-a", mode: "iptables" } as const;

const SIX = {
  ...serviceOf("six", ""),
  spec: { clusterIP: "fd00::1", clusterIPs: ["fd00::1"], ipFamilies: ["IPv6"], ports: [{ port: 80 }] },
};

function worldOn(host: FakeIptables, parts: Partial<AgentParts> = {}): AgentWorld {
  const follower = new FollowedIptables();
  const tables = new NodeTables(CONFIG, { follower });
  // Of iptables-legacy, not all that others do is told.
  const times = { ...AGENT_TIMES, ...(host.backend === "legacy" ? { compareMs: 5000 } : {}) };
  return new AgentWorld({ tables, kernel: new IptablesKernel(host, host, follower), times, ...parts });
}

/** What makes of the rules those that `compile` makes of the objects; empty: nothing differs. */
function difference(world: AgentWorld, host: FakeIptables): string {
  const wanted = compiledTables(CONFIG, world.objects.values()) ?? [];
  return IPTABLES_FAMILIES.map(
    (family) => minimalRestore(readOwnTables(host.read(family)), iptablesChains(wanted, family).tables).text,
  ).join("");
}

describe.each(IPTABLES_BACKENDS)("iptables-%s", (backend) => {
  test("rules follow objects, and stay when the agent stops", async () => {
    const host = new FakeIptables(backend);
    const world = worldOn(host);
    await world.start(...SHOP, SIX);
    expect([difference(world, host), host.given.length, host.saved]).toEqual(["", 2, ["ip", "ip6"]]);
    for (const object of [endpointSlice("web", "10.180.0.9"), serviceOf("db", "172.30.0.43")]) {
      world.put(object);
      await world.pass(100);
      expect(difference(world, host)).toBe("");
    }
    world.delete(SIX);
    await world.pass(100);
    expect(difference(world, host)).toBe("");
    expect([host.given.length, host.saved.length]).toEqual([5, 2]);
    await world.pass(4000);
    await world.agent.stop();
    expect([world.log, difference(world, host), host.isClosed]).toEqual([[], "", true]);
    // The next one finds them, and writes what has changed since.
    const next = worldOn(host);
    await next.start(...SHOP);
    expect([difference(next, host), next.log, host.given.at(-1)?.includes("10.180.0.2:8080")]).toEqual(["", [], true]);
    await next.agent.stop();
  });

  test("what others do is made good at the next look", async () => {
    const host = new FakeIptables(backend);
    const world = worldOn(host);
    await world.start(...SHOP, SIX);
    await world.pass(1000);
    const edits = ["*nat\n-F KPC-NAT-OUTPUT\nCOMMIT\n", "*nat\n-D PREROUTING -j KPC-NAT-PREROUTING\nCOMMIT\n"];
    for (const edit of edits) {
      for (const family of IPTABLES_FAMILIES) host.others(family, edit);
      await world.pass(999);
      expect(difference(world, host)).not.toBe("");
      await world.pass(1);
      expect(difference(world, host)).toBe("");
    }
    // The only Service of IPv6 has no endpoint.
    expect(world.log.map((line) => line.split(" nat ")[0])).toEqual(
      [1, 2].flatMap((differed) => [
        "others have changed the tables: iptables",
        `restored the tables (drift): ${differed} sets, maps and chains differed`,
      ]),
    );
    await world.pass(60_000);
    expect(world.log.length).toBe(4);
    await world.agent.stop();
  });

  test("what is refused is made good at once, and what cannot be made good is tried again", async () => {
    const host = new FakeIptables(backend);
    const world = worldOn(host);
    await world.start(...SHOP);
    const refused = { kind: "refused", reason: "again", message: "locked" } as const;
    host.answers.push(refused);
    world.put(endpointSlice("web", "10.180.0.9"));
    await world.pass(100);
    expect([difference(world, host), world.log]).toEqual([
      "",
      [
        "the kernel refused a transaction (again): locked",
        expect.stringMatching(/^restored the tables \(again\): \d+ sets, maps and chains differed$/),
      ],
    ]);
    host.answers.push(refused, refused);
    world.put(endpointSlice("web", "10.180.0.1"));
    await world.pass(10);
    expect(world.log.slice(2)).toEqual([
      "the kernel refused a transaction (again): locked",
      "the tables cannot be restored (again): locked",
    ]);
    await world.pass(100);
    expect(difference(world, host)).toBe("");
    await world.agent.stop();
  });

  test("what is only reported stays, and changes come nevertheless", async () => {
    const host = new FakeIptables(backend);
    const world = worldOn(host, { onDrift: "report" });
    await world.start(...SHOP);
    await world.pass(1000);
    host.others("ip", "*nat\n-F KPC-NAT-OUTPUT\nCOMMIT\n");
    await world.pass(1000);
    expect(world.log).toEqual(["others have changed the tables: iptables nat KPC-NAT-OUTPUT"]);
    world.put(endpointSlice("web", "10.180.0.9"));
    await world.pass(100);
    expect(difference(world, host).match(/^:.*$/gm)).toEqual([":KPC-NAT-OUTPUT - [0:0]"]);
    await world.agent.stop();
  });
});

/** The agent, from the API server's watch to this kernel. */
import { describe, expect, test } from "vitest";
import { printAddress } from "../../compiler/net/address.ts";
import { dumpConnections } from "../../runtime/table/connections.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { generationOf } from "../../runtime/table/nf-tables.ts";
import { SHOP, serviceOf as service, endpointSlice as slice } from "../support/agent-objects.ts";
import { TestClock } from "../support/api-server/test-clock.ts";
import type { Manifest } from "../support/arbitraries.ts";
import { PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { kernelMissing } from "../support/kernel.ts";
import { LiveAgent } from "../support/live-agent.ts";
import { some } from "../support/runs.ts";

const CONFIG = { ...toConfig(PROXY), mode: "nftables" } as const;

const DNS = { clusterIP: "172.30.0.43", clusterIPs: ["172.30.0.43"], ipFamilies: ["IPv4"] };

/** One packet to the Service. */
const SEND =
  "perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 17); send(S, 1, 0, pack_sockaddr_in(53, inet_aton(\"172.30.0.43\"))) or die $!'";

describe.skipIf(kernelMissing !== undefined)("kpc agent in a network namespace", () => {
  /** A UDP Service with session affinity, and one without. */
  const sticky = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
  const udp = (more: object): Manifest => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "dns", namespace: "shop" },
    spec: { ...DNS, ...more, ports: [{ name: "dns", port: 53, protocol: "UDP" }] },
  });
  const udpSlice: Manifest = {
    ...slice("dns", "10.180.0.5", "10.180.0.6"),
    ports: [{ name: "dns", port: 53, protocol: "UDP" }],
  };

  /** The quick set has the first one. */
  const lastOnes: readonly (readonly [string, Manifest, (live: LiveAgent) => void])[] = [
    ["session affinity of a protocol", udp(sticky), (live) => live.put(udp({}))],
    ["a protocol", udp({}), (live) => live.delete(udp({}))],
    ["a protocol with session affinity", udp(sticky), (live) => live.delete(udp(sticky))],
  ];
  test.each(some(lastOnes, 1))(
    "takes the spare chains of %s away with the last Service that has it",
    async (_, before, change) => {
      const live = await LiveAgent.start(CONFIG, [...SHOP, before, udpSlice]);
      await live.agreed();
      change(live);
      await live.agreed();
      expect(live.log.filter((line) => /refused|cannot/.test(line))).toEqual([]);
      await live.close();
    },
  );

  test("loads all objects, and then what changes alone", async () => {
    const live = await LiveAgent.start(CONFIG, SHOP);
    await live.agreed();
    const before = live.transactions.length;
    live.put(slice("web", "10.180.0.1", "10.180.0.9"));
    await live.agreed();
    expect(live.transactions.slice(before)).toEqual([
      `delete element ip kpc endpoints-tcp { 172.30.0.41 . 80 . 1 }
add element ip kpc endpoints-tcp { 172.30.0.41 . 80 . 1 : 10.180.0.9 . 8080 }
delete element ip kpc hairpin { 10.180.0.2 . 10.180.0.2 }
add element ip kpc hairpin { 10.180.0.9 . 10.180.0.9 }
`,
    ]);
    live.delete(service("api", "172.30.0.42"));
    await live.agreed();
    expect(live.log).toEqual([]);
    await live.close();
  });

  test("loads in one transaction what is made piece by piece, each of which takes an address from the last one", async () => {
    const objects = Array.from({ length: 60 }, (_, i): readonly Manifest[] => {
      const { metadata, spec, ...head } = service(`s${i}`, `172.30.1.${i + 1}`);
      const creationTimestamp = `2026-01-02T03:04:${String(59 - i).padStart(2, "0")}Z`;
      return [
        {
          ...head,
          metadata: { ...(metadata as object), creationTimestamp },
          spec: { ...(spec as object), externalIPs: ["198.51.100.7"] },
        },
        slice(`s${i}`, `10.180.1.${i + 1}`),
      ];
    }).flat();
    const live = await LiveAgent.start(CONFIG, objects, { onTransaction: undefined });
    await live.agreed();
    // The empty table, and all that is in it.
    expect(live.agent.counts.transactions.get("done")).toBe(2);
    live.delete(service("s59", ""));
    await live.agreed();
    expect(live.log.filter((line) => /refused|restored/.test(line))).toEqual([]);
    await live.close();
  });

  test("makes good what others do, without being asked", async () => {
    const live = await LiveAgent.start(CONFIG, SHOP);
    const mishaps = [
      "flush ruleset",
      "delete table ip kpc",
      "flush map ip kpc services",
      "flush chain ip kpc nat-prerouting",
      "add element ip kpc hairpin { 10.66.6.6 . 10.66.6.6 }",
      "insert rule ip kpc services drop",
      "add chain ip kpc theirs",
      // A table that is made anew beside one in which an element leads to a chain that has to go.
      "delete table ip kpc; add table ip kpc { flags dormant; }; add chain ip6 kpc theirs; add element ip6 kpc services { fd00::99 . tcp . 80 : goto theirs }",
    ];
    for (const [i, commands] of mishaps.entries()) {
      live.nft(commands);
      await live.agreed();
      // What others do while it restores is made good by that, and told once.
      await live.logged("restored the tables (drift)", i + 1);
    }
    // What comes while an earlier one is being made good is made good with it.
    expect(live.log.filter((line) => line.startsWith("others have changed")).length).toBeGreaterThan(0);
    await live.close();
  });

  test("UDP connections do not outlive their endpoint", async () => {
    const [dns, before, after] = [
      { ...service("dns", "172.30.0.43"), spec: { ...DNS, ports: [{ port: 53, protocol: "UDP" }] } },
      ...["10.180.0.5", "10.180.0.6"].map((address) => ({
        ...slice("dns", address),
        ports: [{ name: "", port: 53, protocol: "UDP" }],
      })),
    ] as const;
    const live = await LiveAgent.start(CONFIG, [dns, before as Manifest]);
    await live.agreed();
    const netfilter = new Netfilter(live.namespace.wrapper);
    const answering = async (): Promise<string[]> =>
      (await dumpConnections(netfilter, "IPv4", { port: 53 })).map((each) => printAddress(each.answering.address));
    const { status, output } = live.namespace.run(
      `ip addr add 10.180.0.5 dev lo; ip addr add 10.180.0.6 dev lo; ip route add 172.30.0.0/16 dev lo; ${SEND}`,
    );
    expect([status, output]).toEqual([0, ""]);
    expect(await answering()).toEqual(["10.180.0.5"]);
    live.put(after as Manifest);
    await live.agreed();
    while (live.agent.counts.connectionsDeleted === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await answering()).toEqual([]);
    netfilter.close();
    await live.close();
  });

  test("finds the table of an agent before it, and changes what differs", async () => {
    const live = await LiveAgent.start(CONFIG, SHOP);
    await live.agent.stop();
    live.put(slice("api", "10.180.0.3", "10.180.0.4"));
    await live.startAgain();
    await live.agreed();
    expect(live.log).toEqual([]);
    await live.close();
  });

  test.each(some(["cut", "silent"] as const, 1))(
    "ten minutes without the API server (%s) change nothing, and then what has changed meanwhile is done",
    async (away) => {
      const clock = new FastClock();
      const live = await LiveAgent.start(CONFIG, SHOP, { clock });
      await live.agreed();
      const netfilter = new Netfilter(live.namespace.wrapper);
      const { id } = await generationOf(netfilter);
      live.api.away = away;
      live.api.cutWatches();
      live.put(slice("web", "10.180.0.8", "10.180.0.9"));
      live.delete(service("api", "172.30.0.42"));
      const asked = live.api.requests.length;
      await clock.hurry(600_000);
      expect((await generationOf(netfilter)).id).toBe(id);
      expect(live.log.filter((line) => line.startsWith("restored"))).toEqual([]);
      // It asks again and again.
      expect(live.api.requests.length - asked).toBeGreaterThan(20);
      expect(live.agent.watchStates.get("Service")?.trouble).toBeDefined();
      live.api.away = undefined;
      void clock.hurry(120_000);
      await live.agreed();
      expect((await generationOf(netfilter)).id).toBeGreaterThan(id);
      netfilter.close();
      await live.close();
      clock.stop();
    },
  );
});

/** Time that passes as it does, and faster when it is to. */
class FastClock extends TestClock {
  private readonly timer = setInterval(() => this.advance(5), 5);

  /** Lets `milliseconds` pass in rows, between which what is due is done. */
  async hurry(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 2000) {
      this.advance(2000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

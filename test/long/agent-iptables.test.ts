/** The agent that writes rules of iptables, for long: what others do, and random events. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cleanUp } from "../../runtime/agent/clean-up.ts";
import { endpointSlice, SHOP, serviceOf } from "../support/agent-objects.ts";
import { PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { history } from "../support/events.ts";
import { kernelMissing } from "../support/kernel.ts";
import { LiveIptables } from "../support/live-iptables.ts";

const CONFIG = { ...toConfig(PROXY), mode: "iptables" } as const;

const BACKENDS = ["nft", "legacy"] as const;

const MISHAPS = [
  "-t nat -F",
  "-t nat -I KPC-NAT-OUTPUT -j ACCEPT",
  "-t nat -D PREROUTING -j KPC-NAT-PREROUTING",
  "-t nat -I OUTPUT -j KPC-NAT-OUTPUT",
  "-t filter -N KPC-theirs",
  "-t filter -F",
  "-t nat -F KPC-NAT-PREROUTING",
  "-t nat -R KPC-NAT-OUTPUT 1 -j RETURN",
];

describe.skipIf(kernelMissing !== undefined)("kpc agent with iptables in a network namespace", () => {
  test.each(BACKENDS)("%s: makes good what others do, without being asked", async (backend) => {
    const live = await LiveIptables.start(backend, CONFIG, SHOP);
    for (const args of MISHAPS) {
      live.iptables(args);
      await live.agreed();
    }
    expect(live.log.filter((line) => /refused|cannot/.test(line))).toEqual([]);
    await live.close();
  });

  test("nft: a chain of the agent with a rule that iptables cannot read is made anew", async () => {
    const live = await LiveIptables.start("nft", CONFIG, SHOP);
    // The agent begins to hear of commits when it looks at them first.
    await new Promise((resolve) => setTimeout(resolve, 500));
    live.namespace.run("nft add rule ip nat KPC-NAT-OUTPUT ct mark set 5");
    while (live.log.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    await live.agreed();
    expect(live.log).toEqual([
      "others have changed the tables: iptables nat KPC-NAT-OUTPUT",
      "restored the tables (drift): 1 sets, maps and chains differed",
    ]);
    await live.close();
  });

  test.each(BACKENDS)("%s: many rules come at once, also where all are gone", async (backend) => {
    const addresses = (i: number): string[] => Array.from({ length: 10 }, (_, k) => `10.180.${i}.${k}`);
    const many = Array.from({ length: 80 }, (_, i) => [
      serviceOf(`many-${i}`, `172.30.7.${i + 1}`),
      endpointSlice(`many-${i}`, ...addresses(i)),
    ]);
    const live = await LiveIptables.start(backend, CONFIG, many.flat());
    await live.agreed();
    live.iptables("-t nat -F");
    live.iptables("-t nat -X");
    await live.agreed();
    live.put(endpointSlice("many-3", "10.180.99.1"));
    await live.agreed();
    expect(live.log.filter((line) => /refused|cannot/.test(line))).toEqual([]);
    await live.close();
  });

  test.each(BACKENDS)("%s: random events come to what compile makes", async (backend) => {
    for (const { config, events } of fc.sample(history(false, 60), { numRuns: 10, seed: 7 })) {
      const live = await LiveIptables.start(backend, config);
      for (const [i, event] of events.entries()) {
        if (event.kind !== "update") live[event.kind](event.object);
        else if (i % 2 === 0) await live.agreed();
      }
      await live.agreed();
      expect(live.log).toEqual([]);
      await live.close();
    }
  });

  test("cleaning up removes rules of all kinds, and what an agent has left that was killed at its start", async () => {
    const live = await LiveIptables.start("nft", CONFIG, SHOP);
    await live.agent?.stop();
    live.namespace.run("nft 'add table ip6 kpc-reference { flags dormant; }; add table ip kpc'");
    const { wrapper } = live.namespace;
    const withoutRights = [...wrapper, "setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    const refused = await cleanUp("kpc", withoutRights);
    expect(refused.removed).toEqual([]);
    expect(refused.left[0]).toMatch(/^nft table ip kpc could not be removed: .*Operation not permitted/s);
    expect(await cleanUp("kpc", wrapper)).toEqual({
      removed: [
        "removed nft table ip kpc",
        "removed nft table ip6 kpc-reference",
        "removed kpc's chains of iptables-nft",
        "removed kpc's chains of ip6tables-nft",
      ],
      left: [],
    });
    expect(live.saved()).not.toContain("KPC-");
    expect(await cleanUp("kpc", wrapper)).toEqual({ removed: [], left: [] });
    await live.close();
  });

  test("finds the rules of an agent before it, and changes what differs", async () => {
    const live = await LiveIptables.start("nft", CONFIG, SHOP);
    await live.agent?.stop();
    live.put(endpointSlice("api", "10.180.0.3", "10.180.0.4"));
    await live.begin();
    await live.agreed();
    expect(live.log).toEqual([]);
    await live.close();
  });
});

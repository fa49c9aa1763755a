/** The agent that writes rules of iptables, from the API server's watch to this kernel. */
import { describe, expect, test } from "vitest";
import { endpointSlice, SHOP, serviceOf } from "../support/agent-objects.ts";
import { PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { kernelMissing } from "../support/kernel.ts";
import { LiveIptables } from "../support/live-iptables.ts";
import { some } from "../support/runs.ts";

const CONFIG = { ...toConfig(PROXY), mode: "iptables" } as const;

const BACKENDS = ["nft", "legacy"] as const;

describe.skipIf(kernelMissing !== undefined)("kpc agent with iptables in a network namespace", () => {
  test.each(some(BACKENDS, 1))("%s: loads all objects, and then what changes alone", async (backend) => {
    const live = await LiveIptables.start(backend, CONFIG, SHOP);
    await live.agreed();
    live.iptables("-t nat -A PREROUTING -j ACCEPT");
    live.put(endpointSlice("web", "10.180.0.1", "10.180.0.9"));
    await live.agreed();
    const [text = "", ...others] = live.texts;
    expect(others).toEqual([]);
    const written = [...text.matchAll(/^:(\S+) /gm)].map(([, chain = ""]) => chain.replace(/(tcp)-\w+$/, "$1"));
    expect(written).toEqual(["KPC-forward-translated", "KPC-pick-2-tcp", "KPC-NAT-POSTROUTING"]);
    expect(text).toContain("-p tcp -j DNAT --to-destination 10.180.0.9:8080\n");
    live.delete(serviceOf("api", "172.30.0.42"));
    await live.agreed();
    expect(live.saved()).toContain("-A PREROUTING -j ACCEPT");
    expect(live.log).toEqual([]);
    await live.close();
  });
});

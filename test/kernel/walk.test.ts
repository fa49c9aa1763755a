/** Walks through a small cluster are those that packets make in network namespaces: each interface that a packet passes, its addresses
 *  there and its time to live, there and back, and what client and server see in the end. */
import { describe, expect, test } from "vitest";
import { disagreementIn } from "../../runtime/lab/compare-walk.ts";
import { makeFlow } from "../../runtime/lab/run.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { kernelMissing } from "../support/kernel.ts";
import { disagreementsOf } from "../support/lab-walks.ts";
import { EVERYTHING } from "../support/runs.ts";
import { STORIES, STORY_CLUSTERS } from "../support/stories.ts";
import { describeShop, flowOf, SHOP, service } from "../support/walks.ts";

/** Translated, masqueraded, to the sender itself, refused, and lost, in both families. */
const SCTP_STORIES: readonly string[] = [
  "pod/shop/client > 10.244.2.10:8080",
  "pod/shop/client > 10.96.0.43:80",
  "pod/shop/client > [fd00:96::43]:80",
  "pod/shop/web-1 > 10.96.0.43:80",
  "pod/shop/client > 10.96.0.44:80",
  "outside/client > 192.168.50.11:30127",
  "outside/client > [fd00:50::11]:30127",
  "node/n1 > [fd00:96::43]:80",
  "pod/shop/client > 10.99.0.9:80",
];

describe.skipIf(kernelMissing !== undefined)("packets go as predicted", () => {
  const clusters = Object.entries(STORY_CLUSTERS).filter((_, i) => EVERYTHING || i < 3);
  test.each(clusters)("%s", async (_, kind) => {
    const { layout, ...described } = describeShop(kind);
    const told = await disagreementsOf({ ...described, network: layout.network, flows: STORIES.map(flowOf) });
    expect(told.map((each) => `${STORIES[Number.parseInt(each, 10)]}: ${each}`)).toEqual([]);
  });

  test("over SCTP, of which a lab makes the first packet and the answer itself", async () => {
    const port = { protocol: "SCTP", port: 80 };
    const web = service("sctp", 43, "web", {
      type: "NodePort",
      ports: [{ ...port, targetPort: 8080, nodePort: 30127 }],
    });
    const none = service("sctp-none", 44, "none", { type: "ClusterIP", ports: [port] });
    const { layout, ...described } = describeShop({ pods: "bridge" }, [...SHOP, web, none]);
    const flows = SCTP_STORIES.map((story) => flowOf(`sctp ${story}`));
    const told = await disagreementsOf({ ...described, network: layout.network, flows });
    expect(told.map((each) => `${SCTP_STORIES[Number.parseInt(each, 10)]}: ${each}`)).toEqual([]);
  });

  const ingress = ["198.51.100.42", "2001:db8:eeee::42"].map((ip) => ({ ip, ipMode: "Proxy" }));
  const ports = [{ port: 80, targetPort: 8080, nodePort: 30126 }];
  const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32101, ports };
  const dual = service("dual", 42, "web", spec, { loadBalancer: { ingress } });
  const proxies = [
    { proxy: "haproxy", missing: haproxyMissing },
    { proxy: "kpc", missing: undefined },
  ] as const;
  for (const { proxy, missing } of proxies)
    test.skipIf(missing !== undefined)(`to both nodes of a load balancer that is a proxy: ${proxy}`, async () => {
      const { layout, ...described } = describeShop({ pods: "routed" }, [...SHOP, dual]);
      const session = await LabSession.open({ ...described, network: layout.network }, { proxy });
      try {
        for (const to of ["198.51.100.42", "[2001:db8:eeee::42]"]) {
          const { attempts } = await makeFlow(session, flowOf(`outside/client > ${to}:80`), undefined);
          expect(
            attempts.flatMap(({ comparison }) => comparison && disagreementIn(comparison)?.concat(` (${to})`)),
          ).toEqual(attempts.map(() => undefined));
          const ends = attempts.map(({ comparison, walk }) => comparison && walk.branches.indexOf(comparison.branch));
          expect(new Set(ends).size).toBe(attempts[0]?.walk.branches.length);
          expect(attempts[0]?.proxies.size).toBe(1);
          for (const { name } of attempts[0]?.proxies.values() ?? []) expect(name).toBe(proxy);
        }
      } finally {
        session.close();
      }
    });
});

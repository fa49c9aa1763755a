/** The agent on the real API server: with the role of examples/agent, without parts of it, and with the metrics of the real kube-proxy. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { members } from "../../runtime/api/trouble.ts";
import { call } from "../support/api-server/raw-request.ts";
import { kernelMissing } from "../support/kernel.ts";
import { ApiRelay } from "../support/kube/api-relay.ts";
import { kubeMissing } from "../support/kube/binaries.ts";
import { ServedCluster } from "../support/kube/cluster-on-server.ts";
import { grantRole, type RoleRule, untilDecided } from "../support/kube/grant.ts";
import { KubeProxyNode, type NodeProxy } from "../support/kube/kube-proxy-node.ts";
import { type KubeUser, RealApiServer } from "../support/kube/real-api-server.ts";
import { KUBE_PROXY_METRICS, namesIn } from "../support/kube-proxy-metrics.ts";

const missing =
  kubeMissing(["etcd", "kube-apiserver", "kube-proxy"]) ??
  kernelMissing ??
  (process.getuid?.() === 0 ? undefined : "namespaces of nodes need root");
if (missing !== undefined) process.stderr.write(`tests of the agent on a real API server are left out: ${missing}\n`);

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules: readonly RoleRule[];
}

const ROLE = parseAllDocuments(readFileSync("examples/agent/rbac.yaml", "utf8"))
  .map((document) => document.toJS() as Role)
  .find(({ kind }) => kind === "ClusterRole") as Role;

/** Two Services with one address, of which the second one's node has no endpoint. */
const OBJECTS = ["a", "b"].flatMap((name, i) => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: {
      clusterIP: `172.30.0.${41 + i}`,
      externalIPs: ["192.0.2.7"],
      internalTrafficPolicy: i === 0 ? "Cluster" : "Local",
      ports: [{ port: 80, protocol: "TCP" }],
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: [`10.180.0.${41 + i}`], conditions: { ready: true } }],
  },
]);

describe.skipIf(missing !== undefined)("kpc agent", () => {
  let api: RealApiServer;
  let relay: ApiRelay;

  beforeAll(async () => {
    api = await RealApiServer.start();
    relay = await ApiRelay.start(api);
    const served = new ServedCluster(api);
    await served.makeNamespaces(["shop"]);
    const addresses = [{ type: "InternalIP", address: "192.168.0.2" }];
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, status: { addresses } };
    expect(await served.make([node, ...OBJECTS])).toEqual([]);
    await grantRole(api, "watcher", stringify(ROLE));
  }, 180_000);

  afterAll(async () => {
    await relay?.stop();
    await api?.stop();
  });

  const start = (user: KubeUser, proxy: NodeProxy = "kpc agent"): Promise<KubeProxyNode> => {
    const config = { clusterCIDR: "10.176.0.0/12" };
    const settings = { mode: "nftables", nodeName: "node-a", addresses: ["192.168.0.2/24"], config, user } as const;
    return KubeProxyNode.start(api, relay, settings, proxy);
  };

  const setRules = async (rules: Role["rules"]): Promise<void> => {
    const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${ROLE.metadata.name}`;
    const { status } = await call(api.access("admin"), "PUT", path, { body: { ...ROLE, rules } });
    expect(status).toBe(200);
    for (const rule of ROLE.rules) await untilDecided(api, "watcher", rule, rules.includes(rule));
  };

  /** `reason namespace/name` of each Event, once there are `count`. */
  const events = async (count: number): Promise<string[]> => {
    for (;;) {
      const { body } = await call(api.access("admin"), "GET", "/apis/events.k8s.io/v1/events");
      // The server itself tells of Services, too.
      const items = (members(body)["items"] as readonly Record<string, unknown>[]).filter(
        ({ reportingController }) => reportingController === "kpc-agent",
      );
      const found = items.map(({ reason, regarding }) => {
        const { kind, name } = members(regarding);
        return `${reason} ${kind}/${name}`;
      });
      if (found.length >= count) return found.sort();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  test("needs no more than the role of examples/agent, and its Events are taken", async () => {
    const node = await start("watcher");
    try {
      await node.rules(["172.30.0.42", "10.180.0.41"]);
      await node.said(/are right/);
      await node.run("nft add element ip kpc hairpin '{ 10.66.6.6 . 10.66.6.6 }'");
      const log = await node.said(/restored the tables/);
      expect(log).not.toMatch(/forbidden|cannot/);
      expect(await events(3)).toEqual(["AddressTaken Service/b", "RulesChanged Node/node-a", "Starting Node/node-a"]);
      const ready = await node.answer("http://127.0.0.1:10256/readyz");
      expect(ready.status).toBe(200);
      expect(ready.text).not.toContain("[-]");
      // The API server's relay is the test's.
      const listening = (await node.run("ss -Hltn")).split("\n").flatMap((line) => line.split(/\s+/)[3] ?? []);
      expect(listening.sort()).toEqual(["0.0.0.0:10256", "127.0.0.1:10249", "127.0.0.1:6443"]);
      const { text } = await node.answer("http://127.0.0.1:10249/metrics");
      expect(text).toContain('rest_client_requests_total{code="201"');
      expect(text).toContain('kpc_events_total{result="sent"} 3');
      // `error`: the relay may listen later than the agent asks.
      expect(text).not.toMatch(/code="4\d\d"/);
    } finally {
      await node.close();
    }
  });

  test.each(ROLE.rules.map((rule) => [rule.resources.join(), rule] as const))(
    "says what it lacks without the rule for %s",
    async (resource, rule) => {
      const node = await (async () => {
        await setRules(ROLE.rules.filter((each) => each !== rule));
        return start("watcher");
      })();
      try {
        const log = await node.said(/is forbidden/);
        const verb = rule.verbs.includes("watch") ? "watch" : "create";
        expect(log).toContain(`User "watcher" cannot ${verb} resource "${resource}"`);
        // The token, and nothing of it, stands anywhere.
        expect(log).not.toContain("token-of");
        const { status, text } = await node.answer("http://127.0.0.1:10256/readyz");
        if (verb === "create") {
          await node.rules(["172.30.0.41"]);
        } else {
          expect(status).toBe(503);
          expect(text).toContain(`cannot ${verb} resource "${resource}"`);
          expect(await node.run("nft list tables")).not.toContain("kpc");
        }
        await setRules(ROLE.rules);
        await node.rules(["172.30.0.41"]);
      } finally {
        await setRules(ROLE.rules);
        await node.close();
      }
    },
  );

  test("has the metrics of the real kube-proxy, which mean the same", async () => {
    const node = await start("system:kube-proxy", "kube-proxy");
    try {
      await node.rules(["172.30.0.42", "10.180.0.41"]);
      for (const path of ["healthz", "livez"]) await node.answer(`http://127.0.0.1:10256/${path}`);
      const { text } = await node.answer("http://127.0.0.1:10249/metrics");
      const names = namesIn(text).filter((name) => name.startsWith("kubeproxy_"));
      // Those without a sample are not printed; none that is printed is unknown.
      expect(names.filter((name) => !(KUBE_PROXY_METRICS as readonly string[]).includes(name))).toEqual([]);
      expect(names.length).toBeGreaterThan(10);
      const policies = (all: string): string[] => all.match(/^kubeproxy_sync_proxy_rules_no_local.*$/gm) ?? [];
      const agent = await start("system:kube-proxy");
      try {
        await agent.rules(["172.30.0.42", "10.180.0.41"]);
        const own = (await agent.answer("http://127.0.0.1:10249/metrics")).text;
        expect(namesIn(own)).toEqual(expect.arrayContaining(names));
        const values = (all: string): number[] => policies(all).map((line) => Number(line.split(" ").at(-1)));
        expect(values(own).reduce((a, b) => a + b)).toBe(values(text).reduce((a, b) => a + b));
      } finally {
        await agent.close();
      }
    } finally {
      await node.close();
    }
  });
});

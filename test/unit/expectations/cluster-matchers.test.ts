/** Each member of `expect` in a cluster: that it holds where it is true, and fails where it is not. */
import { describe, expect, test } from "vitest";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { resultOf } from "../../support/cluster-case.ts";
import { describeShop } from "../../support/walks.ts";

const SHOP = describeShop({ pods: "bridge", balancer: "routed" });

const FLOWS = {
  same: "from: pod/shop/client, to: pod/shop/web-1:8080",
  across: "from: pod/shop/client, to: pod/shop/web-2:8080",
  service: "from: pod/shop/client, to: svc/shop/web:80",
  nodePort: "from: outside/client, to: n1:30123",
  world: "from: pod/shop/client, to: outside/client:443",
  refused: "from: pod/shop/client, to: svc/shop/none:80",
  inPod: 'from: pod/shop/client, to: "localhost:9000"',
} as const;

type FlowName = keyof typeof FLOWS;

const check = (flow: FlowName, members: string, described = SHOP): ReturnType<typeof resultOf> =>
  resultOf(described, `{${FLOWS[flow]}, expect: {${members}}}`);

test.each<[FlowName, string]>([
  ["same", "delivered: web-1"],
  ["same", "delivered: [pod/shop/web-1]"],
  ["same", "delivered: [shop/web-1]"],
  ["same", 'delivered: ["web-1:8080"]'],
  ["service", "delivered: [web-1, web-2]"],
  ["service", 'delivered: ["web-1:8080", "web-2:8080"]'],
  ["service", "delivered: {app: web}"],
  ["service", "delivered: 2"],
  ["service", "delivered: 2, probability: 0.5"],
  ["service", "delivered: 2, probability: 1 in 2"],
  ["same", "probability: 1"],
  ["refused", "delivered: false"],
  ["refused", "ends: rejected"],
  ["refused", "delivered: false, ends: rejected, via: [n1]"],
  ["same", "seenAs: client"],
  ["across", "seenAs: client"],
  ["same", "seenAs: 10.244.1.10"],
  ["nodePort", "seenAs: node"],
  ["nodePort", "seenAs: [client, node]"],
  ["world", "seenAs: gateway"],
  ["world", "seenAs: 198.51.100.1"],
  ["world", "delivered: [outside/client]"],
  ["service", "reply: delivered"],
  ["same", "via: [n1]"],
  ["across", "via: [n1, n2]"],
  ["across", "via: [node/n1, node/n2]"],
  ["inPod", "via: [], delivered: pod/shop/client"],
])("%s holds {%s}", (flow, members) => {
  expect(check(flow, members)).toMatchObject({ status: "pass" });
});

test.each<[FlowName, string, string]>([
  ["same", "delivered: web-2", "pod/shop/web-1 can get it, too"],
  ["same", "delivered: [web-1, web-2]", "pod/shop/web-2 never gets it"],
  ["service", "delivered: web-1", "pod/shop/web-2 can get it, too"],
  ["service", 'delivered: ["web-1:8080", "web-2:80"]', "pod/shop/web-2 gets it at port 8080"],
  ["service", "delivered: {app: api}", "pod/shop/web-1, pod/shop/web-2 can get it, too"],
  ["same", "delivered: {app: web}", "pod/shop/web-2 never gets it"],
  ["service", "delivered: 1", "delivered to 2: pod/shop/web-1, pod/shop/web-2"],
  ["refused", "delivered: 1", "not delivered: rejected in forward: the sender gets port-unreachable (at node/n1)"],
  ["same", "delivered: false", "delivered: delivered to pod/shop/web-1:8080, which sees 10.244.1.10:40000"],
  ["service", "probability: 1 in 3", "pod/shop/web-1 gets it 1 in 2"],
  ["refused", "ends: dropped", "not dropped: rejected in forward"],
  ["same", "ends: dropped", "not dropped: delivered to pod/shop/web-1:8080"],
  ["same", "seenAs: node", "pod/shop/web-1 sees 10.244.1.10:40000 (pod/shop/client), not an address of a node"],
  ["nodePort", "seenAs: client", "pod/shop/web-1 sees 10.244.1.1"],
  ["nodePort", "seenAs: gateway", "not an address of a gateway"],
  ["nodePort", "seenAs: [client, gateway]", "not the client's address or an address of a gateway"],
  ["world", "seenAs: node", "outside/client sees 198.51.100.1"],
  ["world", "seenAs: 198.51.100.2", "not 198.51.100.2"],
  ["refused", "seenAs: client", "not delivered: rejected in forward"],
  ["refused", "reply: lost", "not delivered: rejected in forward"],
  ["service", "reply: lost", "reply delivered"],
  ["same", "via: []", "the packet comes via n1"],
  ["across", "via: [n1]", "the packet comes via n1, n2"],
  ["across", "via: [n2, n1]", "the packet comes via n1, n2"],
  ["inPod", "via: [n1]", "the packet comes via no node"],
])("%s does not hold {%s}", (flow, members, reason) => {
  const result = check(flow, members);
  expect(result).toMatchObject({ status: "fail" });
  expect(result.reason).toContain(reason);
  expect(result.trace).toMatch(/^kpc trace 'tcp .* > .*' shop --mode nftables$/);
});

describe("a member holds on every branch", () => {
  const off = { n1: { "net.bridge.bridge-nf-call-iptables": "0" } };
  const broken = describeShop({ pods: "bridge", sysctls: off });

  test("one lost reply of two fails", () => {
    const result = check("service", "delivered: 2, reply: delivered", broken);
    expect(result).toMatchObject({ status: "fail", expected: "delivered to 2, reply delivered" });
    expect(result.reason).toContain("reply lost: pod/shop/client expects an answer from 10.96.0.30:80");
    expect(result.got?.map((line) => line.slice(0, 40))).toEqual([
      "1 in 2: delivered to pod/shop/web-1:8080",
      "1 in 2: delivered to pod/shop/web-2:8080",
    ]);
  });

  test("so does a reply that is lost on one branch only", () => {
    expect(check("service", "reply: lost", broken)).toMatchObject({ status: "fail", reason: "reply delivered" });
    const local = "{from: pod/shop/client, to: pod/shop/web-1:8080, expect: {reply: lost}}";
    expect(resultOf(broken, local)).toMatchObject({ status: "fail" });
  });

  test("an answer that is lost on all branches holds", () => {
    const unmasqueraded = describeShop({ pods: "bridge", masquerade: "none" });
    expect(check("world", "delivered: [outside/client], reply: lost", unmasqueraded)).toMatchObject({ status: "pass" });
    expect(check("world", "reply: delivered", unmasqueraded)).toMatchObject({ status: "fail" });
  });
});

test.each([
  ["delivered: [web-9]", "web-9 is not in the input, did you mean pod/shop/web-1?"],
  ["delivered: [svc/shop/web]", "expected a pod or another host: svc/shop/web is a Service, its pods get packets"],
  ["delivered: {app: wbe}", "no ready Pod of the input has the labels app=wbe"],
  ["delivered: client", "client may be any of pod/shop/client, outside/client"],
  ["via: [n3]", "no Node n3 is in the input, did you mean n1?"],
])("{%s} names what is not there", (members, reason) => {
  const result = check("same", members);
  expect(result).toMatchObject({ status: "fail", reason, actual: "no packet" });
  const { line, column } = lineAndColumn(result.origin.span());
  expect([line, column > 60]).toEqual([4, true]);
});

test.each([
  ["from: pod/shop/clint, to: svc/shop/web:80", "pod/shop/clint is not in the input, did you mean pod/shop/client?"],
  ["from: pod/shop/client, to: svc/shop/web:htp", "svc/shop/web has no tcp port htp; it has 80 (tcp)"],
  ["from: svc/shop/web, to: svc/shop/web:80", "svc/shop/web is a Service, its pods send"],
  ["from: 10.244.1.10, families: [IPv6], to: svc/shop/web:80", "10.244.1.10 has no IPv6 address"],
])("a flow {%s} that is none fails", (ends, reason) => {
  const result = resultOf(SHOP, `{${ends}, expect: {delivered: 2}}`);
  expect(result.status).toBe("fail");
  expect(result.reason).toContain(reason);
});

test("families lead the flow by each family's addresses", () => {
  const result = resultOf(
    SHOP,
    "{families: [IPv6], from: pod/shop/client, to: svc/shop/web:80, expect: {seenAs: node}}",
  );
  expect(result.reason).toContain("fd00:244:0:1::10");
  expect(result.trace).toBe("kpc trace 'tcp [fd00:244:0:1::10] > svc/shop/web:80' shop --mode nftables");
});

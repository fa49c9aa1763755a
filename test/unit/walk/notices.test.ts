import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findWalkFaults } from "../../../compiler/findings/walk-findings.ts";
import { required } from "../../../compiler/invariant.ts";
import { walkToData } from "../../../compiler/trace/walk/json.ts";
import { renderWalk } from "../../../compiler/trace/walk/text.ts";
import { WalkNames } from "../../../compiler/trace/walk/walk-names.ts";
import { accepts } from "../../support/json-schema.ts";
import { describeNotice, NOTICES, type NoticeStory } from "../../support/notices.ts";
import { describeShop, flowOf } from "../../support/walks.ts";

describe("what the network tells a sender finds its way to it, or is lost where rules drop it", () => {
  test.each(NOTICES)("$title", (story) => {
    const notices = describeNotice(story)
      .walker.walk(story.flow)
      .branches.flatMap(({ notice }) => (notice === undefined ? [] : [notice]));
    expect([...new Set(notices.map(({ says }) => says))]).toEqual([story.says]);
    expect([...new Set(notices.map(({ end }) => `${end.kind} on ${end.host}`))].sort()).toEqual([...story.ends]);
  });
});

describe("nothing is said", () => {
  const { walker } = describeShop({ pods: "bridge" });

  test.each([
    ["of what arrives", "pod/shop/client > 10.244.2.10:8080"],
    ["of what its own host does not send", "pod/shop/client > 10.244.1.99:80"],
    ["of what rules drop", "outside/client > 10.96.0.30:80"],
  ])("%s", (_, flow) => {
    const { branches } = walker.walk(flowOf(flow));
    expect(branches.filter(({ notice }) => notice?.end.host.startsWith("pod/"))).toEqual([]);
  });

  test("where only the way there is asked for", () => {
    const { branches } = walker.walk(flowOf("pod/shop/client > 10.96.0.31:80"), true);
    expect(branches.map(({ notice }) => notice)).toEqual([undefined]);
  });
});

describe("a packet that does not fit", () => {
  const story = (title: string): NoticeStory =>
    required(
      NOTICES.find((each) => each.title === title),
      title,
    );
  const findingsOf = (each: NoticeStory): string[] => {
    const { known, walker } = describeNotice(each);
    return findWalkFaults(known, walker.walk(each.flow)).map(
      ({ severity, code, host, message, fix }) => `${severity} ${code} ${host}: ${message} | ${fix?.command}`,
    );
  };

  test("is a warning where its sender hears of it", () => {
    const found = findingsOf(story("a node port, of routed pods with a smaller MTU"));
    expect(found.map((each) => each.split(" ", 3).join(" "))).toEqual([
      "warning mtu-mismatch node/n1:",
      "warning mtu-mismatch node/n2:",
    ]);
  });

  test("is an error where rules drop the ICMP error, at those rules", () => {
    const found = findingsOf(story("a node sends no ICMP"));
    const lost = (node: string): string =>
      `error mtu-black-hole ${node}: the packet of outside/client does not fit through ${node === "node/n1" ? "cali-web-1" : "cali-web-2"} of ${node}: ` +
      `1450 bytes are more than its MTU of 1400; it is lost, and its sender is not told: the ICMP error is lost, ` +
      `as a rule of chain output in table firewall of ${node} drops it in output | nft -a list chain inet firewall output`;
    expect(found).toEqual([lost("node/n1"), lost("node/n2")]);
  });

  test("the walk tells where the message is lost", () => {
    const each = story("a node drops what is related");
    const { input, layout, walker } = describeNotice(each);
    const { network } = layout;
    const names = new WalkNames(input.specs, network);
    const context = { names, protocol: each.flow.protocol, hosts: network.hosts, isVerbose: false };
    const walk = walker.walk(each.flow);
    const [branch] = walkToData(walk, context, true).branches;
    expect(branch?.notice).toMatchObject({
      says: "net-unreachable",
      end: { kind: "dropped", text: "dropped in forward" },
    });
    const schema = JSON.parse(readFileSync(new URL("../../../schemas/walk.schema.json", import.meta.url), "utf8"));
    const data = { apiVersion: "kpc.dev/v1alpha1", kind: "Walk", ...walkToData(walk, context, true) };
    expect(accepts(schema, JSON.parse(JSON.stringify(data)))).toBe(true);
    expect(renderWalk(walk, context, false)).toMatchInlineSnapshot(`
      "udp 10.244.1.10:40000 (pod/shop/client) > 203.0.113.77:53

      1  pod/shop/client  eth0         route default via 10.244.1.1 dev eth0 (node/n1 cni0)                       shop.json:1:146 (inferred)
      2  node/n1          veth-client  port of bridge cni0; bridge-nf-call-iptables is on, so rules see it
                          cni0         route default via 192.168.50.1 dev eth0 (gateway lan0)                     (inferred)
      3                                postrouting: masquerade 10.244.1.10:40000 => 192.168.50.11:40000 (node/n1)   rules of the pod network (masquerade: cluster):4:5
      4                   eth0         out as 192.168.50.11:40000 > 203.0.113.77:53
      5  switch                        carries 192.168.50.11:40000 > 203.0.113.77:53
      6  gateway          lan0         => lost: no route to 203.0.113.77: net-unreachable is sent, and does not reach the sender

      net-unreachable 192.168.50.1 > 192.168.50.11
         gateway  lan0  route 192.168.50.0/24 dev lan0; 192.168.50.11 is node/n1 eth0   cluster.yaml:1:1
         switch         carries 192.168.50.1 > 192.168.50.11
         node/n1  eth0  conntrack: 192.168.50.11 => 10.244.1.10 (pod/shop/client)
                        route 10.244.1.0/24 dev cni0                                    shop.json:1:146 (inferred)
                        forward: ct state related drop                                  rules of n1:1:76
                        => dropped in forward
      "
    `);
  });
});

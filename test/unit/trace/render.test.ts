import { describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { required } from "../../../compiler/invariant.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { traceToJson } from "../../../compiler/trace/json.ts";
import { AddressNames } from "../../../compiler/trace/names.ts";
import { parsePacket } from "../../../compiler/trace/parse.ts";
import { renderTrace, type TraceSubject } from "../../../compiler/trace/render.ts";
import { resolvePacket } from "../../../compiler/trace/resolve.ts";
import { HOST, HOST_MANIFESTS } from "../../support/host-dump.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const { compiled } = compile([{ name: "cluster.yaml", text: HOST_MANIFESTS }], {
  nodeName: "n1",
  clusterCidr: [{ address: 0x0af40000 as never, length: 16 }],
});
const world = required(compiled, "the manifests are right");

function follow(program: Program, text: string) {
  const fail = ({ message }: { message: string }) => expect.fail(message);
  const packet = required(parsePacket({ name: "packet", text }, fail), text);
  const resolved = required(resolvePacket(packet, world, fail), text);
  const outcomes = new Evaluator(program).evaluateWhole(resolved.packet, environmentOf(world.node.addresses));
  const names = new AddressNames(world.specs, world.node);
  const subject: TraceSubject = { where: "rules of dump", rulesWereRead: program !== world.program, names };
  return { resolved, outcomes, subject };
}

/** The trace of a packet, without blanks at the beginnings of lines. */
function trace(program: Program, text: string): string[] {
  const { resolved, outcomes, subject } = follow(program, text);
  return renderTrace(resolved, outcomes, subject)
    .split("\n")
    .map((line) => line.replace(/^ +/, "").replace(/ {2,}/g, "  "));
}

const host = mustReadIptables(HOST);

const PORTALS = '-m comment --comment "kubernetes service portals"';
const CLUSTER_IP = '-d 10.96.0.30/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80';
const RULE_OF = { A: "0.33333333349", B: "0.50000000000" };
const choice = (name: "A" | "B", address: string): string =>
  `-A KUBE-SVC-WEB -m comment --comment "shop/web:http -> ${address}" -m statistic --mode random --probability ${RULE_OF[name]} -j KUBE-SEP-${name}`;
const dnat = (name: string, address: string): string =>
  `-A KUBE-SEP-${name} -p tcp -m comment --comment "shop/web:http" -m tcp -j DNAT --to-destination ${address}`;
const TO_POSTROUTING = '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING';

describe("rules that were read", () => {
  test("stand as in the file, with the jumps to what decides and with what kept the source", () => {
    expect(trace(host, "tcp pod/shop/client > svc/shop/web:http iif cni0")).toEqual([
      "tcp 10.244.1.20:40000 > 10.96.0.30:80  pod shop/client on n1 > Service shop/web:http",
      "rules of dump; input interface cni0",
      "",
      `prerouting  nat  -A PREROUTING ${PORTALS} -j KUBE-SERVICES  dump:31:1`,
      `-A KUBE-SERVICES ${CLUSTER_IP} -j KUBE-SVC-WEB  dump:47:1`,
      `-A KUBE-SVC-WEB ! -s 10.244.0.0/16 ${CLUSTER_IP} -j KUBE-MARK-MASQ  dump:49:1`,
      "does not apply: 10.244.1.20 is a pod of this node (10.244.0.0/16)",
      `${choice("A", "10.244.1.10:8080")}  dump:50:1`,
      `${dnat("A", "10.244.1.10:8080")}  dump:42:1`,
      "1 in 3 to 10.244.1.10:8080",
      "1 in 3 to 10.244.1.11:8080  dump:44:1",
      "1 in 3 to 10.244.2.10:8080  dump:46:1",
      "forward  filter  -A FORWARD -s 10.244.0.0/16 -j ACCEPT  dump:10:1",
      `postrouting  nat  ${TO_POSTROUTING}  dump:33:1`,
      "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN  dump:38:1",
      "not masqueraded: 10.244.1.20 is a pod of this node (10.244.0.0/16)",
      "",
      "=> delivered to one of 3 endpoints",
      "1 in 3  10.244.1.10:8080  pod shop/web-1 on n1  sees the client's address",
      "1 in 3  10.244.1.11:8080  pod shop/web-2 on n1  sees the client's address",
      "1 in 3  10.244.2.10:8080  pod shop/web-3 on n2  sees the client's address",
      "",
    ]);
  });

  test("fold endpoints that fare alike, and tell who set the mark by which the others do not", () => {
    const lines = trace(host, "tcp pod/shop/web-1 > svc/shop/web:http iif cni0");
    const [common, own, others] = lines.join("\n").split(/\n\n(?:[12] in 3:\n|(?==>))/);
    expect(common?.split("\n").length).toBe(5);
    expect(own?.split("\n")).toEqual([
      `${choice("A", "10.244.1.10:8080")}  dump:50:1`,
      '-A KUBE-SEP-A -s 10.244.1.10/32 -m comment --comment "shop/web:http" -j KUBE-MARK-MASQ  dump:41:1',
      "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000  dump:36:1",
      "sets mark 0x4000, because the source is the endpoint",
      `${dnat("A", "10.244.1.10:8080")}  dump:42:1`,
      "1 in 3 to 10.244.1.10:8080",
      'forward  filter  -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD  dump:9:1',
      '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT  dump:14:1',
      "mark 0x4000 set by KUBE-MARK-MASQ, line 36, because the source is the endpoint",
      `postrouting  nat  ${TO_POSTROUTING}  dump:33:1`,
      "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN  dump:38:1",
      "does not apply: mark 0x4000 set by KUBE-MARK-MASQ, line 36, because the source is the endpoint",
      '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully  dump:40:1',
      "masqueraded: the source becomes the node's address",
    ]);
    expect(others).toContain("1 in 3 to 10.244.1.11:8080\n1 in 3 to 10.244.2.10:8080  dump:46:1\n");
    expect(lines).toContain("1 in 3  10.244.1.10:8080  pod shop/web-1 on n1  sees the node's address");
  });

  test.each([
    ["the source is not in 10.244.0.0/16", "tcp 203.0.113.9 > svc/shop/web:http"],
    ["the port is 30123", "tcp 203.0.113.9 > node/n1:30123"],
  ])("tell why the mark is set: %s", (why, packet) => {
    expect(trace(host, packet)).toContain(`sets mark 0x4000, because ${why}`);
  });

  test.each(["iptables", "nft"] as const)("show the policy that drops, with its place: %s", (dialect) => {
    const text = {
      iptables:
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
      nft: "table inet fw {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tct state established,related accept\n\t}\n}\n",
    }[dialect];
    const program = dialect === "nft" ? mustReadNft(text) : mustReadIptables(text);
    const wanted =
      dialect === "nft" ? "forward  forward: policy drop  dump:3:45" : "forward  FORWARD: policy drop  dump:2:1";
    expect(trace(program, "tcp 10.244.0.9:4000 > 10.244.0.2:80 iif cni0").slice(2)).toEqual([
      "",
      wanted,
      "",
      "=> dropped: the sender gets no answer",
      "",
    ]);
  });

  test("show a rule that spares a packet because of a mark, and that write alone which is tested", () => {
    const program = mustReadNft(`table inet t {
  chain pre {
    type filter hook prerouting priority mangle; policy accept;
    ct mark set 0x9
    meta mark set 0x20
    meta mark set meta mark | 0x1
    tcp dport 80 meta mark set meta mark | 0x10
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    meta mark & 0x10 == 0x0 drop
    ip saddr 10.244.1.20 accept
  }
}
`);
    expect(trace(program, "tcp pod/shop/client > 198.51.100.1:80 iif cni0").slice(3)).toEqual([
      "prerouting  pre: tcp dport 80 meta mark set meta mark | 0x10  dump:7:5",
      "sets mark 0x10, because the port is 80",
      "forward  forward: meta mark & 0x10 == 0x0 drop  dump:11:5",
      "does not apply: mark 0x10 set by pre, line 7, because the port is 80",
      "forward: ip saddr 10.244.1.20 accept  dump:12:5",
      "",
      "=> accepted, not translated",
      "",
    ]);
  });
});

test("JSON has the same facts", () => {
  const { resolved, outcomes, subject } = follow(host, "tcp pod/shop/web-1 > svc/shop/web:http iif cni0");
  const { packet, outcomes: told } = JSON.parse(traceToJson(resolved, outcomes, subject));
  expect(packet).toMatchObject({ from: { pod: "shop/web-1", node: "n1" }, to: { service: "shop/web:http" } });
  expect(told[0].endpoints[0]).toMatchObject({
    address: "10.244.1.10",
    pod: "shop/web-1",
    node: "n1",
    masquerade: true,
  });
  const steps: Record<string, unknown>[] = told[0].steps;
  expect(steps.find(({ kind }) => kind === "mark")).toMatchObject({
    hook: "prerouting",
    table: "ip nat",
    chain: "KUBE-MARK-MASQ",
    rule: "meta mark set meta mark | 0x00004000",
    text: "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    file: "dump",
    line: 36,
    column: 1,
    explanation: ["sets mark 0x4000, because the source is the endpoint"],
  });
  expect(new Set(steps.map(({ kind }) => kind))).toEqual(new Set(["jump", "mark", "nat", "verdict", "missed"]));
  const other = follow(host, "tcp 203.0.113.9 > 198.51.100.1:80");
  const { outcomes: dropped } = JSON.parse(traceToJson(other.resolved, other.outcomes, other.subject));
  expect(dropped[0].steps).toEqual([
    {
      kind: "policy",
      hook: "forward",
      table: "ip filter",
      chain: "FORWARD",
      rule: "policy drop",
      text: ":FORWARD DROP [0:0]",
      file: "dump",
      line: 4,
      column: 1,
    },
  ]);
});

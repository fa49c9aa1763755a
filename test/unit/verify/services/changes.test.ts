import { describe, expect, test } from "vitest";
import { compare } from "../../../../compiler/compare/compare.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../../../compiler/net/address.ts";
import { refusalCause } from "../../../../compiler/verify/services/cause.ts";
import { ServiceChanges } from "../../../../compiler/verify/services/changes.ts";
import { describeDestination } from "../../../../compiler/verify/services/destination.ts";
import { endpointNamesIn } from "../../../../compiler/verify/services/endpoint-names.ts";
import { frontendsIn, printFrontend } from "../../../../compiler/verify/services/frontends.ts";
import { changesToData, renderChanges } from "../../../../compiler/verify/services/render.ts";
import { ServiceNames } from "../../../../compiler/verify/services/service-names.ts";
import type { ClusterInput, Manifest } from "../../../support/arbitraries.ts";
import { mustCompile, printIptables, printNft } from "../../../support/compile.ts";
import { mustReadIptables, mustReadNft } from "../../../support/read.ts";
import { webCluster } from "../../../support/tables.ts";

const EXTERNAL = {
  type: "LoadBalancer",
  externalIPs: ["203.0.113.77"],
  ports: [{ name: "http", port: 80, nodePort: 30080 }],
};
const two = ["10.244.1.7", "10.244.1.8"];

function viewOf(left: Program, right: Program, cluster: ClusterInput = webCluster(two)) {
  const { node, specs } = mustCompile(cluster);
  const { addresses } = node;
  const changes = new ServiceChanges({
    left: new ServiceNames(frontendsIn(left), addresses),
    right: new ServiceNames(frontendsIn(right), addresses),
  });
  for (const region of compare(left, right, { addresses, unmarked: true }).regions)
    changes.add(region, refusalCause(region, ["left", "right"]), (each) => describeDestination(each, new Map()));
  const legend = { left: "only left", right: "only right", arrow: "left -> right" };
  return { changes: changes.all(), names: endpointNamesIn(specs), legend, limit: 20, unseen: 0 };
}

/** The rows of the table, without its head. */
function rows(left: ClusterInput, right: ClusterInput): string[] {
  const [, ...lines] = renderChanges(viewOf(mustCompile(left).program, mustCompile(right).program, left));
  return lines.slice(0, lines.indexOf("")).map((line) => line.replace(/ +/g, " ").trim());
}

const nothing = (cluster: ClusterInput): ClusterInput => ({
  ...cluster,
  objects: [
    {
      ...(cluster.objects[0] as Manifest),
      metadata: { name: "other", namespace: "default" },
      spec: { clusterIP: "10.96.0.99", clusterIPs: ["10.96.0.99"], ports: [{ name: "x", port: 9 }] },
    },
  ],
});

describe("the table of Services", () => {
  test.each([
    [
      "an endpoint",
      webCluster(two),
      webCluster(["10.244.1.7", "10.244.1.9"]),
      ["~ default/web:http endpoints: - 10.244.1.8:8080, + 10.244.1.9:8080"],
    ],
    [
      "a port",
      webCluster(two),
      webCluster(two, { ports: [{ name: "http", port: 81 }] }),
      ["~ default/web:http ports: - 10.96.0.1:80/tcp, + 10.96.0.1:81/tcp"],
    ],
    [
      "a node port",
      webCluster(two, { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] }),
      webCluster(two, { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30081 }] }),
      ["~ default/web:http ports: - node port 30080/tcp, + node port 30081/tcp"],
    ],
    [
      "affinity",
      webCluster(two, { sessionAffinity: "ClientIP" }),
      webCluster(two),
      ["~ default/web:http affinity: 10800 s -> none"],
    ],
    [
      "an external address",
      webCluster(two, EXTERNAL),
      webCluster(two, { ...EXTERNAL, externalIPs: [] }),
      ["~ default/web:http ports: - 203.0.113.77:80/tcp"],
    ],
    [
      "source ranges",
      webCluster(two, { ...EXTERNAL, loadBalancerSourceRanges: ["198.51.100.0/24"], externalIPs: [] }),
      webCluster(two, { ...EXTERNAL, loadBalancerSourceRanges: ["198.51.100.0/25"], externalIPs: [] }),
      [
        expect.stringMatching(
          /^~ default\/web:http source ranges: dropped by firewall.* \(at 203\.0\.113\.8:80\/tcp; from 198\.51\.100\.128\/25\)$/,
        ),
      ],
    ],
    [
      "all of a Service",
      webCluster(two),
      nothing(webCluster(two)),
      ["+ default/other:x 10.96.0.99:9/tcp", "- default/web:http 10.96.0.1:80/tcp"],
    ],
  ])("shows that %s is another one", (_, left, right, expected) => {
    const status = { loadBalancer: { ingress: [{ ip: "203.0.113.8" }] } };
    const withStatus = (cluster: ClusterInput): ClusterInput => ({
      ...cluster,
      objects: cluster.objects.map((object) =>
        JSON.stringify(object).includes("SourceRanges") ? { ...object, status } : object,
      ),
    });
    const [a, b] = [withStatus(left), withStatus(right)];
    const found = rows(a, b);
    expect(found.slice(0, expected.length)).toEqual(expected);
    expect(found.length).toBe(expected.length);
  });
});

describe("names of Services", () => {
  const { program, node } = mustCompile(webCluster(two, EXTERNAL));
  const print = (rules: Program): string[] =>
    frontendsIn(rules)
      .map((each) => `${each.service} ${each.role} ${printFrontend(each)}`)
      .sort();
  const all = [
    "default/web:http cluster IP 10.96.0.1:80/tcp",
    "default/web:http external IP 203.0.113.77:80/tcp",
    "default/web:http node port node port 30080/tcp",
  ];

  test("are the same in manifests, nft text and iptables text", () => {
    expect(print(program)).toEqual(all);
    expect(print(mustReadNft(printNft(program)))).toEqual(all);
    expect(print(mustReadIptables(printIptables(program, "ip")))).toEqual(
      all.map((text) => text.replace("cluster IP 1", "external IP 1")),
    );
  });

  test("are found for the node's ports on the node's addresses and on loopback only", () => {
    const { nameOf } = new ServiceNames(frontendsIn(program), node.addresses);
    const ask = (address: string, port: number) => nameOf(6, parseAddress(address) as Address, port);
    expect(["192.168.0.2", "127.0.0.9", "192.168.0.3"].map((address) => ask(address, 30080))).toEqual([
      "default/web:http",
      "default/web:http",
      undefined,
    ]);
  });
});

test("the data of the table has totals, endpoints and causes", () => {
  const [left, right] = [
    mustCompile(webCluster(two)).program,
    mustReadNft(
      `${printNft(mustCompile(webCluster(two)).program)}table ip f {\n\tchain c {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\tip daddr 10.244.1.8 drop\n\t}\n}\n`,
    ),
  ];
  const view = viewOf(left, right);
  expect(changesToData({ ...view, limit: 1 })).toMatchObject({
    services: [
      {
        service: "default/web:http",
        change: "changed",
        endpoints: { missing: ["10.244.1.8:8080"], extra: [] },
        causes: [0],
      },
    ],
    serviceTotals: { missing: 0, extra: 0, changed: 1 },
    causes: [
      {
        where: expect.stringMatching(/^c, line \d+ of dump$/),
        effect: "drops it",
        services: 1,
        rules: [{ rule: "ip daddr 10.244.1.8 drop" }],
      },
    ],
  });
});

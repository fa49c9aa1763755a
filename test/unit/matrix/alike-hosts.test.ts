/** Which nodes and pods count as alike, and what makes one of them unlike the others. */
import { describe, expect, test } from "vitest";
import { AlikeHosts } from "../../../compiler/matrix/alike-hosts.ts";
import { matrixOf } from "../../../compiler/matrix/matrix.ts";
import { POD_NETWORKS } from "../../../compiler/specs/network-types.ts";
import { NODE_CHANGES, POD_CHANGES, PORT_CHANGES, withChange } from "../../support/network-changes.ts";
import { some } from "../../support/runs.ts";
import { describeShop, node, pod, service } from "../../support/walks.ts";

const NODES = [1, 2, 3, 4, 5];
/** Two pods on each node; those of one app are endpoints of a Service, the others of none. */
const CLUSTER = [
  ...NODES.map((n) => node(`n${n}`, n)),
  ...NODES.flatMap((n) => [
    pod(`web-${n}`, `n${n}`, `10.244.${n}.10`, "web", 8080),
    pod(`client-${n}`, `n${n}`, `10.244.${n}.11`, "client", 9000),
  ]),
  service("web", 30, "web", { type: "NodePort", ports: [{ port: 80, targetPort: 8080, nodePort: 30123 }] }),
];

function classesOf(described: ReturnType<typeof describeShop>): Map<string, string | undefined> {
  const alike = new AlikeHosts(described.layout.network, described.programOf);
  const hosts = [...described.layout.network.hosts.keys()];
  return new Map(hosts.map((name) => [name, alike.classOf(name)]));
}

describe.each(some(POD_NETWORKS, 2))("%s", (pods) => {
  const described = describeShop({ pods }, CLUSTER);
  const classes = classesOf(described);

  test("nodes that differ in names and addresses only are one class, and so are their pods", () => {
    const names = (kind: string): (string | undefined)[] => [
      ...new Set([...classes].filter(([name]) => name.startsWith(kind)).map(([, each]) => each)),
    ];
    expect(names("node/")).toEqual(["n0"]);
    // Endpoints, and others.
    expect(names("pod/")).toEqual(["p0", "p1"]);
  });

  test("walks do not grow with the number of alike nodes", () => {
    // Of a pod that is no endpoint, an endpoint, a node; of a host outside by node ports and by the gateway: in both families.
    const walks = matrixOf(described).walks;
    expect(walks).toBe(
      matrixOf(
        describeShop(
          { pods },
          CLUSTER.filter((each) => !isOf(each, 5)),
        ),
      ).walks,
    );
    expect(walks).toBeLessThanOrEqual(2 * 6);
  });
});

function isOf(object: (typeof CLUSTER)[number], n: number): boolean {
  const { name } = object["metadata"] as { readonly name: string };
  return name === `n${n}` || name.endsWith(`-${n}`);
}

describe("a difference", () => {
  const described = describeShop({ pods: "bridge" }, CLUSTER);
  const classOfNode = (n: number, changed: typeof described): string | undefined =>
    classesOf(changed).get(`node/n${n}`);

  test.each(some(Object.keys(NODE_CHANGES), 3))("of a node is seen: it %s", (name) => {
    const changed = withChange(described, { of: "node", name, which: 2 });
    expect(classOfNode(3, changed)).not.toBe(classOfNode(4, changed));
    expect(classOfNode(4, changed)).toBe(classOfNode(5, changed));
  });

  const podChanges = [
    ...Object.keys(POD_CHANGES).map((name) => ["pod", name] as const),
    ...Object.keys(PORT_CHANGES)
      .filter((name) => name !== "does not answer for others")
      .map((name) => ["port", name] as const),
  ];
  test.each(some(podChanges, 3))("of a %s is seen: it %s", (of, name) => {
    const pods = [...described.layout.network.hosts.values()].filter(({ role }) => role.kind === "pod");
    const classes = classesOf(withChange(described, { of, name, which: 2 }));
    const [web1, , web2, client2, web3] = pods.map((each) => classes.get(each.name));
    expect(web2).not.toBe(web3);
    expect([web1, client2]).toEqual([web3, expect.stringMatching(/^p/)]);
  });

  test.each([
    "ip saddr 10.244.3.11 drop",
    "ip daddr 10.244.3.0/24 drop",
    "ip saddr 10.244.3.0/24 accept",
    "ip daddr { 10.244.3.8/29, 10.244.9.0/24 } drop",
    'iifname "veth-client-3" drop',
  ])("that rules of one node make of a pod is seen: %s", (rule) => {
    const text = `table ip other {\nchain f {\ntype filter hook forward priority 0\n${rule}\n}\n}`;
    const classes = classesOf(describeShop({ pods: "bridge" }, CLUSTER, { n1: text }));
    expect(classes.get("pod/shop/client-3")).not.toBe(classes.get("pod/shop/client-4"));
    expect(classes.get("pod/shop/client-5")).toBe(classes.get("pod/shop/client-4"));
  });

  test("rules that compute with addresses leave nothing alike", () => {
    const text =
      "table ip other {\nchain f {\ntype filter hook forward priority 0\nip saddr & 0.0.0.1 == 0.0.0.1 drop\n}\n}";
    const classes = classesOf(describeShop({ pods: "bridge" }, CLUSTER, { n1: text }));
    expect([...new Set(classes.values())]).toEqual([undefined]);
  });
});

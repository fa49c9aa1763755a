/** `kpc test` with expectations for a whole cluster. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliResult, kpc } from "../../support/cli.ts";
import { EVERYTHING, some } from "../../support/runs.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** Calls `use` with a copy of the shop in which texts are replaced, and removes it. */
function inShop<T>(changes: Readonly<Record<string, readonly [string, string]>>, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "kpc-shop-"));
  try {
    cpSync(`${ROOT}examples/shop`, folder, { recursive: true });
    for (const [file, [from, to]] of Object.entries(changes)) {
      const text = readFileSync(join(folder, file), "utf8");
      if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
      writeFileSync(join(folder, file), text.replaceAll(from, to));
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const STORIES = ["test", "stories.yaml"];

interface JsonResult {
  readonly flow: string;
  readonly status: string;
  readonly mode: string;
  readonly trace?: string;
}

const resultsOf = ({ stdout }: CliResult): readonly JsonResult[] =>
  (JSON.parse(stdout) as { readonly results: readonly JsonResult[] }).results;

/** Names of the stories that fail. */
function failing(changes: Readonly<Record<string, readonly [string, string]>>): string[] {
  const modes = ["modes: [nftables, iptables]", "modes: [nftables]"] as const;
  const results = inShop({ ...changes, "stories.yaml": modes }, (folder) =>
    resultsOf(kpc([...STORIES, "-q", "-o", "json"], { folder })),
  );
  expect(results).toHaveLength(28);
  return results.filter(({ status }) => status === "fail").map(({ flow }) => flow);
}

describe("one thing changed in the shop fails the stories that it concerns", () => {
  const sysctl = (node: string, name: string, value: string): Readonly<Record<string, readonly [string, string]>> => ({
    "cluster.yaml": ["underlay:", `nodes: [{ name: ${node}, sysctls: { ${name}: ${value} } }]\nunderlay:`],
  });
  const CHANGES: readonly (readonly [
    string,
    Readonly<Record<string, readonly [string, string]>>,
    readonly string[],
  ])[] = [
    [
      "bridge-nf-call-iptables is 0",
      sysctl("node-1", "net.bridge.bridge-nf-call-iptables", "0"),
      [
        "a pod calls a service whose pods are on its own node (IPv4)",
        "a pod calls its own service, and may get itself (IPv4)",
      ],
    ],
    [
      "hairpin is off",
      { "cluster.yaml": ["network: bridge", "network: bridge\n  hairpin: false"] },
      [
        "a pod calls its own service, and may get itself (IPv4)",
        "a pod calls its own service, and may get itself (IPv6)",
      ],
    ],
    [
      "node-2 does not forward",
      sysctl("node-2", "net.ipv4.ip_forward", "0"),
      [
        "pods of two nodes reach each other by the nodes' routes (IPv4)",
        "a pod calls a service whose pods are on another node (IPv4)",
        "a pod calls a service by UDP (IPv4)",
        "node-1 calls a service (IPv4)",
        "the internet calls the node port of node-1 (IPv4)",
        "the internet calls the node port of node-2 (IPv4)",
        "the internet calls a port that the gateway forwards to a node port",
        "a partner calls the load balancer, and is seen",
      ],
    ],
    [
      "node-1 has no route to the pods of node-2",
      {
        "cluster.yaml": [
          "underlay:",
          "nodes: [{ name: node-1, routes: [{ kind: blackhole, to: 10.244.2.10 }] }]\nunderlay:",
        ],
      },
      [
        "pods of two nodes reach each other by the nodes' routes (IPv4)",
        "a pod calls a service whose pods are on another node (IPv4)",
        "a pod calls a service by UDP (IPv4)",
        "node-1 calls a service (IPv4)",
        "the internet calls the node port of node-1 (IPv4)",
        "the internet calls a port that the gateway forwards to a node port",
      ],
    ],
    [
      "the gateway does not translate",
      { "cluster.yaml": ["masquerade: true", "masquerade: false"] },
      ["the internet sees the address of the gateway", "the internet sees the address of the gateway, by IPv6 too"],
    ],
    [
      "pods are not masqueraded",
      { "cluster.yaml": ["masquerade: cluster", "masquerade: none"] },
      [
        "the gateway sees the address of the pod's node",
        "the internet sees the address of the gateway",
        "the internet sees the address of the gateway, by IPv6 too",
      ],
    ],
    [
      "clients of the load balancer are masqueraded",
      {
        "manifests/services.yaml": [
          "externalTrafficPolicy: Local\n  healthCheckNodePort: 32100",
          "externalTrafficPolicy: Cluster",
        ],
      },
      ["a partner calls the load balancer, and is seen"],
    ],
    [
      "everybody may call the load balancer",
      { "manifests/services.yaml": ["[203.0.113.0/24]", "[0.0.0.0/0]"] },
      ["nobody else may call the load balancer"],
    ],
    [
      "another node port",
      { "manifests/services.yaml": ["nodePort: 30123", "nodePort: 30125"] },
      [
        "the internet calls the node port of node-1 (IPv4)",
        "the internet calls the node port of node-1 (IPv6)",
        "the internet calls the node port of node-2 (IPv4)",
        "the internet calls the node port of node-2 (IPv6)",
        "the internet calls a port that the gateway forwards to a node port",
      ],
    ],
  ];

  test.each(some(CHANGES, 2))("%s", (_, changes, stories) => {
    expect(failing(changes)).toEqual(stories);
  });
});

/** Runs a command that kpc has printed, in bash. */
function replay(command: string, folder: string): { readonly code: number | null; readonly stdout: string } {
  const script = `kpc() { ${process.execPath} ${ROOT}dist/bin/kpc.cjs "$@"; }; ${command} -q`;
  const { status, stdout } = spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" });
  return { code: status, stdout };
}

describe("a failing flow", () => {
  const wrong = { "stories.yaml": ["seenAs: 192.168.50.11", "seenAs: client"] } as const;

  test("is told by what was expected, what happens, and a command that shows it", () => {
    inShop(wrong, (folder) => {
      const { code, stdout } = kpc([...STORIES, "-q"], { folder });
      const command = (mode: string): string =>
        `kpc trace 'udp pod/shop/web-1 > gateway:53' manifests cluster.yaml -c kpc.yaml --mode ${mode}`;
      const told = (
        mode: string,
      ): string => `FAIL stories.yaml:75:45: stories / the gateway sees the address of the pod's node (${mode}, ir): gateway sees 192.168.50.11:40000 (node/node-1), not the client's address
  expected delivered to gateway, seen as client, reply delivered, via node-1
  got      always: delivered to gateway:53, which sees 192.168.50.11:40000 (node/node-1), reply delivered, via node-1
  replay   ${command(mode)}
`;
      expect(stdout).toBe(`${told("nftables")}${told("iptables")}54 passed, 2 failed, 0 skipped\n`);
      expect(code).toBe(1);
      const again = replay(command("iptables"), folder);
      expect(again.stdout).toContain("udp 10.244.1.10:40000 (pod/shop/web-1) > 192.168.50.1:53");
      expect(again.stdout).toContain("sees 192.168.50.11:40000 (node/node-1)");
    });
  });

  test.runIf(EVERYTHING)("has the command in JSON and JUnit, too", () => {
    inShop(wrong, (folder) => {
      const [failed, ...more] = resultsOf(kpc([...STORIES, "-q", "-o", "json"], { folder })).filter(
        ({ trace }) => trace !== undefined,
      );
      expect(failed).toMatchObject({
        status: "fail",
        mode: "nftables",
        line: 75,
        expected: "delivered to gateway, seen as client, reply delivered, via node-1",
      });
      expect(more).toHaveLength(1);
      const { stdout } = kpc([...STORIES, "-q", "-o", "junit"], { folder });
      expect(stdout.match(/\nreplay: kpc trace 'udp pod\/shop\/web-1 &gt; gateway:53' manifests/g)).toHaveLength(2);
    });
  });

  test.runIf(EVERYTHING)("whose Cluster and settings stand in the file is replayed with them", () => {
    const inPlace = {
      "stories.yaml": [
        "config: kpc.yaml\ncluster: cluster.yaml",
        "proxy: { clusterCIDR: [10.244.0.0/16] }\ncluster: { apiVersion: kpc.dev/v1alpha1, kind: Cluster, pods: { network: routed }, nodes: [{ name: node-1, sysctls: { net.ipv4.ip_forward: 0 } }] }",
      ],
    } as const;
    inShop(inPlace, (folder) => {
      const failed = resultsOf(kpc([...STORIES, "-q", "-o", "json"], { folder })).find(
        ({ flow, status }) => status === "fail" && flow === "pods of one node reach each other over its bridge (IPv4)",
      );
      expect(failed?.trace).toMatch(
        /^printf %s '\{.*\}' \| kpc trace '.*' manifests - -c <\(printf %s '\{.*\}'\) --mode nftables$/,
      );
      expect(replay(failed?.trace ?? "", folder)).toMatchObject({
        code: 1,
        stdout: expect.stringContaining("=> lost: nobody answers for 169.254.1.1 at eth0") as string,
      });
    });
  });
});

test("other engines skip flows through a cluster, and say why", () => {
  const { code, stdout } = kpc([...STORIES, "-q", "--engine", "nft,ir"], { folder: `${ROOT}examples/shop` });
  expect(stdout).toBe(
    "SKIP engine nft: expectations for a cluster are answered by the engines ir and lab only: this one answers for a single node\n56 passed, 0 failed, 56 skipped\n",
  );
  expect(code).toBe(0);
});

test("a folder's expectations are run, and what lies beside them is named", () => {
  const { code, stdout, stderr } = kpc(["test", "."], { folder: `${ROOT}examples/shop` });
  expect([code, stdout]).toEqual([0, "80 passed, 0 failed, 0 skipped\n"]);
  expect(stderr).toContain("note: no expectations, passed over: cluster.yaml, kpc.yaml");
});

test("kpc check says that it does not run expectations", () => {
  const { stdout } = kpc(["check", "stories.yaml"], { folder: `${ROOT}examples/shop` });
  expect(stdout).toContain("kpc.dev/v1alpha1/Expectations (1); kpc test runs expectations");
});

test.each<[change: readonly [string, string], finding: string]>([
  [["cluster: cluster.yaml", "cluster: kpc.yaml"], "stories.yaml:8:10: error: expected a file with a Cluster"],
  [
    ["cluster: cluster.yaml", "cluster: none.yaml"],
    "stories.yaml:8:10: error: cannot read none.yaml: there is no such file",
  ],
  [["config: kpc.yaml", "config: none.yaml"], "stories.yaml:7:9: error: cannot read none.yaml: there is no such file"],
  [["files: [manifests]", "files: [manifest]"], "stories.yaml:6:9: error: cannot read manifest: there is no such file"],
  [["seenAs: gateway", "seenas: gateway"], 'error: unknown field "flows[11].expect.seenas", did you mean "seenAs"?'],
])("%j is trouble", (change, finding) => {
  inShop({ "stories.yaml": change }, (folder) => {
    const { code, stdout, stderr } = kpc(STORIES, { folder });
    expect([code, stdout]).toEqual([2, "0 passed, 0 failed, 0 skipped, 1 invalid\n"]);
    expect(stderr).toContain(finding);
  });
});

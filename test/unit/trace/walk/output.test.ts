/** Walks as JSON and as mermaid, and the flags and exit codes of the command. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Source } from "../../../../compiler/diagnostics.ts";
import { traceCluster } from "../../../../compiler/index.ts";
import { kpc, SERVICE } from "../../../support/cli.ts";
import { accepts, type JsonSchema } from "../../../support/json-schema.ts";
import { ROOT } from "../../../support/pages.ts";
import { some } from "../../../support/runs.ts";

const FILES = ["examples/shop/manifests", "-c", "examples/shop/kpc.yaml"];
const trace = (packet: string, ...flags: string[]) => kpc(["trace", packet, ...FILES, ...flags], { folder: ROOT });

const SCHEMA = JSON.parse(readFileSync(`${ROOT}schemas/walk.schema.json`, "utf8")) as JsonSchema;
const MANIFESTS: readonly Source[] = ["nodes", "pods", "services"].map((name) => ({
  name: `${name}.yaml`,
  text: readFileSync(`${ROOT}examples/shop/manifests/${name}.yaml`, "utf8"),
}));
const SETTINGS: Source = { name: "kpc.yaml", text: readFileSync(`${ROOT}examples/shop/kpc.yaml`, "utf8") };
const follow = (packet: string, others: readonly Source[] = [], options = {}) =>
  traceCluster([...MANIFESTS, ...others], packet, { settings: SETTINGS, ...options });

const FLOWS = [
  "tcp web-1 > svc/api:http",
  "tcp internet > node-1:30123",
  "tcp 192.0.2.66 > lb/partners:80",
  "icmp web-1 > web-2",
  "tcp web-1 > localhost:8080",
  "tcp web-1 > 10.244.2.99:80",
] as const;

describe("JSON", () => {
  test.each(some([...FLOWS, "udp [fd00:10:244:1::10] > [fd00:10:244:2::10]:53"], 3))(
    "of %s is as the schema says",
    (packet) => {
      const { result } = follow(packet);
      const output = { apiVersion: "kpc.dev/v1alpha1", kind: "Walk", ...result };
      expect(accepts(SCHEMA, JSON.parse(JSON.stringify(output)))).toBe(true);
    },
  );

  test("of tunnels and proxies, too", () => {
    const text =
      "apiVersion: kpc.dev/v1alpha1\nkind: Cluster\npods: {network: flannel-vxlan}\nloadBalancers: [{service: shop/partners, kind: proxy}]\noutside: [{name: partner, address: 203.0.113.9}]\n";
    const others = [{ name: "cluster.yaml", text }];
    const kinds = new Set<string>();
    for (const packet of ["tcp outside/partner > lb/partners", "tcp outside/partner > node-1:30123"]) {
      const { result } = follow(packet, others);
      const output = { apiVersion: "kpc.dev/v1alpha1", kind: "Walk", ...result };
      expect(accepts(SCHEMA, JSON.parse(JSON.stringify(output)))).toBe(true);
      for (const { hops } of result?.branches ?? [])
        for (const { steps } of hops) for (const { kind } of steps) kinds.add(kind);
    }
    expect([...kinds]).toEqual(expect.arrayContaining(["encapsulated", "decapsulated", "proxied"]));
  });

  test("of session affinity, in words", () => {
    const { result } = follow("tcp 203.0.113.9 > lb/partners:80");
    const steps = result?.branches.flatMap(({ hops }) => hops).flatMap(({ steps: own }) => own);
    const rules = steps?.flatMap(({ rules: own = [] }) => own).filter(({ kind }) => kind === "affinity");
    const words = rules?.flatMap(({ explanation = [] }) => explanation);
    expect(words?.[0]).toMatch(
      /^session affinity: this client stays with [\d.]+:8080 \(pod\/shop\/\S+\) until it has made no connection for 600 s$/,
    );
  });

  test("the schema accepts no other members", () => {
    const { result } = follow("icmp web-1 > web-2");
    const output = { apiVersion: "kpc.dev/v1alpha1", kind: "Walk", ...result };
    expect(accepts(SCHEMA, { ...output, more: 1 })).toBe(false);
    expect(accepts(SCHEMA, { ...output, branches: [{}] })).toBe(false);
  });

  test("of the command is what the library gives", () => {
    const { stdout, code } = trace("tcp web-1 > svc/api:http", "-o", "json");
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(stdout))).toEqual([
      "apiVersion",
      "kind",
      "flow",
      "answered",
      "branches",
      "findings",
      "assumed",
    ]);
    const ends = (branches: readonly { readonly end: { readonly host: string } }[]): string[] =>
      branches.map(({ end }) => end.host);
    expect(ends(JSON.parse(stdout).branches)).toEqual(ends(follow("tcp web-1 > svc/api:http").result?.branches ?? []));
  });
});

describe("mermaid", () => {
  test("has hosts as participants, and a note for each translation", () => {
    expect(follow("tcp web-1 > svc/api:http").mermaid).toBe(`sequenceDiagram
  participant h0 as pod/shop/web-1
  participant h1 as node/node-1
  participant h2 as pod/shop/api-1
  h0->>h1: 1: 10.244.1.10:40000 > 10.96.0.20:80
  Note over h1: 2: port of bridge cni0#59; bridge-nf-call-iptables is on, so rules see it
  Note over h1: 3: pick-2-tcp: dnat 10.96.0.20:80 => 10.244.1.20:8081 (pod/shop/api-1)
  h1->>h2: 4: 10.244.1.10:40000 > 10.244.1.20:8081
  Note over h2: 5: delivered to port 8081 (container api), sees 10.244.1.10:40000 (pod/shop/web-1)
  h2-->>h1: 10.244.1.20:8081 > 10.244.1.10:40000
  Note over h1: 6: conntrack undoes 3: 10.244.1.20:8081 => 10.96.0.20:80 (svc/shop/api:http)
  h1-->>h0: 10.96.0.20:80 > 10.244.1.10:40000
  Note over h0: 7: answered from 10.96.0.20:80 (svc/shop/api:http), which was asked
`);
  });

  test.each(some([...FLOWS, "tcp node/node-1 > svc/web", "tcp web-2 > node-1:30123"], 3))(
    "numbers each step as the text does: %s",
    (packet) => {
      const { mermaid = "", result } = follow(packet, [], { all: true });
      const blocks = mermaid.split(/^ {2}(?:alt|else) .*$/m).slice(result?.branches.length === 1 ? 0 : 1);
      const numbers = blocks.map((block) =>
        [...block.matchAll(/(?:Note over|--?>>)[^:]*: (\d+): /g)].map(([, n]) => Number(n)),
      );
      expect(numbers).toEqual(
        result?.branches.map(({ told }) => told.flatMap(({ number }) => (number === null ? [] : [number]))),
      );
    },
  );

  test("has branches that differ as alternatives", () => {
    const { mermaid } = follow("tcp internet > node-1:30123");
    expect(mermaid?.match(/^ {2}(?:alt|else|end).*$/gm)).toEqual(["  alt 1 in 2", "  else 1 in 2", "  end"]);
    expect(follow("tcp web-1 > svc/api:http", [], { all: true }).mermaid?.match(/^ {2}(?:alt|else).*$/gm)).toHaveLength(
      2,
    );
  });
});

test.each([
  ["tcp web-1 > svc/api:http", 0],
  ["tcp internet > node-1:30123", 0],
  ["tcp web-1 > 10.244.2.99:80", 1],
])("the library draws what -o svg and -o mermaid print: %s", (packet, code) => {
  const names = ["nodes", "pods", "services"].map((name) => `examples/shop/manifests/${name}.yaml`);
  const sources = names.map((name) => ({ name, text: readFileSync(`${ROOT}${name}`, "utf8") }));
  const { svg, mermaid } = traceCluster(sources, packet, { settings: SETTINGS });
  const print = (format: string) =>
    kpc(["trace", packet, ...names, "-c", "examples/shop/kpc.yaml", "-o", format], { folder: ROOT });
  expect(print("svg")).toMatchObject({ code, stdout: svg });
  expect(print("mermaid")).toMatchObject({ code, stdout: mermaid });
});

describe("the command", () => {
  test.each([
    [0, "tcp web-1 > svc/api:http"],
    [1, "tcp 192.0.2.66 > lb/partners:80"],
    [1, "tcp web-1 > 10.244.2.99:80"],
    [2, "tcp wbe-1 > svc/api:http"],
  ])("exits with %i: %s", (code, packet) => {
    expect(trace(packet).code).toBe(code);
  });

  test("--no-reply leaves the answer out, --all prints each branch", () => {
    expect(trace("tcp web-1 > svc/api:http").stdout.match(/^reply /gm)).toHaveLength(1);
    expect(trace("tcp web-1 > svc/api:http", "--no-reply").stdout).not.toContain("reply");
    expect(trace("tcp web-1 > svc/api:http", "--all").stdout.match(/^reply /gm)).toHaveLength(2);
  });

  test("-v says why facts are inferred, and shows the rules", () => {
    const { stdout } = trace("tcp web-1 > svc/api:http", "-v");
    expect(stdout).toMatch(/^ +inferred: pods of bridge have a default route to their node$/m);
    expect(stdout).toMatch(/^ +dnat ip to ip daddr \. tcp dport \. numgen random mod 2 map @endpoints-tcp$/m);
  });

  test("says why it follows one node only, and refuses flags of walks there", () => {
    expect(trace("tcp web-1 > svc/api:http", "--node", "node-1", "-o", "mermaid").stderr).toBe(
      "kpc: -o mermaid is for packets through the whole cluster, and kpc follows the rules of one node, because --node names it\n",
    );
    expect(trace("tcp pod/shop/web-1 > svc/shop/api:http iif eth0").stderr).toBe(
      "note: kpc follows the rules of one node, because the packet names an interface (iif)\n",
    );
  });

  test.each([
    [0, "GET http://shop.example.com/api"],
    [1, "GET http://other.example.com/"],
    [2, "GET http://shop.example.com:70000/"],
    [2, "wbe-1 > GET http://shop.example.com/"],
  ])("exits with %i for a request: %s", (code, request) => {
    expect(trace(request, "-f", "examples/shop/ingress", "-q").code).toBe(code);
  });

  test.each([["--node", "node-1"], ["--rules", "none.nft"], ["--live"], ["--wait", "3"]])(
    "refuses %s for a request",
    (...flags) => {
      const { code, stderr } = trace("GET http://shop.example.com/", ...flags);
      expect([code, stderr]).toEqual([
        2,
        `kpc: ${flags[0]} is for packets: a request is followed through the whole cluster, so leave it out\n`,
      ]);
    },
  );

  test("says what tells the rule of a request where the input has no Node", () => {
    const { code, stderr } = kpc(["trace", "GET http://a.example/", "-"], { input: SERVICE });
    expect([code, stderr]).toEqual([
      2,
      "kpc: a request is followed through the whole cluster, and the input has no Node: kpc whatis URL tells its rule\n",
    ]);
  });

  test("takes a line of tcpdump", () => {
    const line = "12:00:01.123456 IP 10.244.1.10.40000 > 10.96.0.20.80: Flags [S], seq 1, win 64240, length 0";
    expect(trace(line).stdout).toBe(trace("tcp 10.244.1.10:40000 > 10.96.0.20:80").stdout);
  });
});

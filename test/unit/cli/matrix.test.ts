/** `kpc matrix`: what it prints, with which exit code. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as library from "../../../compiler/index.ts";
import { inFolder, kpc } from "../../support/cli.ts";
import { accepts, type JsonSchema } from "../../support/json-schema.ts";
import { SHOP as SHOP_OBJECTS, service } from "../../support/walks.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

const SHOP = [
  `${ROOT}examples/shop/manifests`,
  `${ROOT}examples/shop/cluster.yaml`,
  "-c",
  `${ROOT}examples/shop/kpc.yaml`,
];
const FILES = {
  "empty/README.md": "",
  "two/all.json": listOf([
    ...SHOP_OBJECTS,
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "other" },
      spec: { ports: [{ port: 80 }] },
    },
  ]),
};
const MANIFESTS = `${ROOT}examples/shop/manifests`;

const SCHEMA = JSON.parse(readFileSync(`${ROOT}schemas/matrix.schema.json`, "utf8")) as JsonSchema;
/** The shop, and the shop with one Pod gone. */
const OLD = { "old/pods.json": listOf(SHOP_OBJECTS) };
const NEW = {
  ...OLD,
  "new/pods.json": listOf(
    SHOP_OBJECTS.filter(({ metadata }) => (metadata as { readonly name: string }).name !== "web-2"),
  ),
};

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

const matrix = (files: Readonly<Record<string, string>>, ...args: string[]): ReturnType<typeof kpc> =>
  inFolder(files, (folder) => kpc(["matrix", "-q", ...args], { folder }));

describe("exit codes", () => {
  test("0 where each connection is answered, 1 where one is not", () => {
    expect(matrix(OLD, "old", "--service", "api").code).toBe(0);
    const { code, stdout } = matrix(OLD, "old", "--service", "none");
    expect([code, stdout]).toEqual([1, expect.stringContaining("rejected in forward at node/n1")]);
  });

  test("with --against 0 where nothing differs, 1 where something does", () => {
    const equal = matrix(OLD, "old", "--against", "old", "--service", "api");
    expect([equal.code, equal.stdout]).toEqual([0, "No differences.\n"]);
    expect(matrix(NEW, "new", "--against", "old", "--service", "web").code).toBe(1);
  });

  test("--help has both, and examples", () => {
    const { code, stdout } = kpc(["matrix", "--help"]);
    expect(code).toBe(0);
    for (const text of [
      "--against <files>",
      "--service <names>",
      "--entries <list>",
      "Exit codes: 0",
      "kpc matrix new/",
    ])
      expect(stdout).toContain(text);
  });
});

describe("--against", () => {
  const changed = (...flags: string[]): string =>
    matrix(NEW, "new", "--against", "old", "--service", "web", "--entries", "cluster-ip", ...flags).stdout;

  test("as text says what was, and what is", () => {
    const text = changed();
    expect(text).toContain(
      [
        "shop/web, cluster IP 10.96.0.30:80/tcp",
        "  from pod/shop/api, pod/shop/client, node/n1, node/n2",
        "    - delivered to pod/shop/web-1:8080, pod/shop/web-2:8080, seen as client, answered",
        "    + delivered to pod/shop/web-1:8080, seen as client, answered",
      ].join("\n"),
    );
    expect(text).toContain("from pod/shop/web-2");
    expect(text).toContain("    + not there");
  });

  test("as CSV has a line for each client", () => {
    const [head, ...lines] = changed("-o", "csv").trimEnd().split("\r\n");
    expect(head).toBe(
      "from,node,service,entry,entry_node,to,before_result,before_endpoints,before_seen_as,before_reply,after_result,after_endpoints,after_seen_as,after_reply",
    );
    expect(lines).toContain(
      "pod/shop/client,n1,shop/web,cluster-ip,,10.96.0.30:80/tcp,answered,pod/shop/web-1:8080 pod/shop/web-2:8080,client,answered,answered,pod/shop/web-1:8080,client,answered",
    );
    expect(lines.find((line) => line.startsWith("pod/shop/web-2,"))).toMatch(/,absent,,,$/);
  });

  test("as JSON is as the schema says", () => {
    const output = JSON.parse(changed("-o", "json")) as { readonly rows: readonly object[] };
    expect(output).toMatchObject({ kind: "MatrixChanges", equal: false });
    expect(accepts(SCHEMA, output)).toBe(true);
    expect(JSON.stringify(output)).toContain('"after":null');
    expect(accepts(SCHEMA, { ...output, rows: [{ ...output.rows[0], changes: [{}] }] })).toBe(false);
  });

  test("a Service that is new, or gone, is one that --service may name", () => {
    const more = service("more", 50, "api", { ports: [{ port: 80, targetPort: 8081 }] });
    const files = { ...OLD, "new/pods.json": listOf([...SHOP_OBJECTS, more]) };
    for (const [now, old, sign] of [
      ["new", "old", "-"],
      ["old", "new", "+"],
    ] as const)
      expect(matrix(files, now, "--against", old, "--service", "more").stdout).toContain(`    ${sign} not there`);
  });
});

describe("what is asked for", () => {
  interface Output {
    readonly rows: readonly {
      readonly entry: string;
      readonly cells: readonly { readonly from: readonly string[] }[];
    }[];
  }
  const clientsOf = (...flags: string[]): Record<string, string[]> => {
    const { rows } = JSON.parse(matrix(OLD, "old", "-o", "json", "--service", "shop/pub", ...flags).stdout) as Output;
    const found: Record<string, string[]> = {};
    for (const { entry, cells } of rows)
      found[entry] = [...new Set(cells.flatMap(({ from }) => from.map((name) => name.replace(/\/.*/, ""))))].sort();
    return found;
  };

  test("pods and nodes ask for cluster IPs and load balancer addresses, hosts outside for node ports, too", () => {
    expect(clientsOf()).toEqual({
      "cluster-ip": ["node", "pod"],
      "node-port": ["outside"],
      "load-balancer": ["node", "outside", "pod"],
    });
  });

  test("with --entries node-port pods and nodes ask for node ports", () => {
    expect(clientsOf("--entries", "node-port,load-balancer")).toEqual({
      "node-port": ["node", "outside", "pod"],
      "load-balancer": ["node", "outside", "pod"],
    });
  });

  test("JSON is as the schema says, and the schema accepts no other members", () => {
    const { code, stdout } = kpc(["matrix", "-q", ...SHOP, "--service", "partners", "-o", "json"]);
    const output = JSON.parse(stdout) as object;
    expect(code).toBe(1);
    expect(accepts(SCHEMA, output)).toBe(true);
    expect(accepts(SCHEMA, { ...output, more: 1 })).toBe(false);
  });

  test("CSV has a line for each pair", () => {
    const { stdout } = kpc(["matrix", "-q", ...SHOP, "--service", "partners", "-o", "csv"]);
    const pairs = Number(/^(\d+) pairs/m.exec(kpc(["matrix", "-q", ...SHOP, "--service", "partners"]).stdout)?.[1]);
    expect(stdout.trimEnd().split("\r\n")).toHaveLength(1 + pairs);
  });
});

describe("the library", () => {
  /** The shop with two of its Services. */
  const FEW = SHOP_OBJECTS.filter(
    ({ kind, metadata }) =>
      kind !== "Service" || ["api", "publocal"].includes((metadata as { readonly name: string }).name),
  );
  const few = { "few/pods.json": listOf(FEW) };
  const sources = (objects: readonly object[]) => [{ name: "shop.json", text: listOf(objects) }];

  test("gives what the command prints", () => {
    const { result, text, csv, diagnostics } = library.matrix(sources(FEW));
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(text).toBe(matrix(few, "few", "-v").stdout);
    expect(csv).toBe(matrix(few, "few", "-o", "csv").stdout);
    expect({ apiVersion: "kpc.dev/v1alpha1", kind: "Matrix", ...result }).toEqual(
      JSON.parse(matrix(few, "few", "-o", "json").stdout),
    );
  });

  test("gives what differs", () => {
    const { result, text, csv } = library.matrixChanges(sources(FEW), sources(FEW.slice(0, -1)));
    expect(result?.equal).toBe(false);
    expect(accepts(SCHEMA, { apiVersion: "kpc.dev/v1alpha1", kind: "MatrixChanges", ...result })).toBe(true);
    expect(text).toMatch(/pairs of a client and an address differ\.\n$/);
    expect(csv).toContain("shop/publocal");
  });

  test("gives nothing but diagnostics after an error", () => {
    const { result, text, csv, diagnostics } = library.matrix([
      { name: "a.yaml", text: "kind: Servce\napiVersion: v1\n" },
    ]);
    expect([result, text, csv]).toEqual([undefined, undefined, undefined]);
    expect(diagnostics.map(({ severity }) => severity)).toContain("error");
  });
});

describe("inputs that give no matrix", () => {
  const CASES: readonly (readonly [string, readonly string[], string])[] = [
    ["no input", [], "kpc: no input: name files or folders, or - for standard input\n"],
    ["no Pods", [`${MANIFESTS}/nodes.yaml`], "nodes.yaml: no Pods: expected objects of kind: Pod"],
    ["no Services", [`${MANIFESTS}/nodes.yaml`, `${MANIFESTS}/pods.yaml`], "pods.yaml: no Services: expected"],
    ["an empty folder before", [...SHOP, "--against", "empty"], "kpc: no .yaml, .yml or .json files in empty"],
    ["no Pods before", [...SHOP, "--against", `${MANIFESTS}/nodes.yaml`], "nodes.yaml: no Pods: expected"],
    [
      "an unknown Service",
      [...SHOP, "--service", "shop/wep"],
      'kpc: --service: the input has no Service "shop/wep", did you mean "shop/web"?',
    ],
    [
      "an unknown Service by its own name",
      [...SHOP, "--service", "web,apii"],
      'no Service "apii", did you mean "api"?',
    ],
    ["a Service like no other", [...SHOP, "--service", "monitoring"], 'the input has no Service "monitoring"\n'],
    [
      "an unknown way in",
      [...SHOP, "--entries", "node-ports"],
      'kpc: --entries: expected cluster-ip, node-port, load-balancer, external-ip, gateway-forward, found "node-ports", did you mean "node-port"?',
    ],
    [
      "a name that two Services have",
      ["two", "--service", "web"],
      '--service: "web" is shop/web or other/web: expected NAMESPACE/NAME',
    ],
    ["no such folder before", [...SHOP, "--against", "none"], "kpc: cannot read none: there is no such file"],
  ];
  test.each(CASES)("%s", (_name, args, message) => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc(["matrix", "-q", ...args], { folder });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(message);
    });
  });
});

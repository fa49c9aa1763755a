/** Files that a node's own commands printed count instead of what is inferred of it. */
import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const link = (ifname: string, more: object, addresses: readonly (readonly [string, number])[] = []): object => ({
  ifname,
  flags: ifname === "lo" ? ["LOOPBACK", "UP", "LOWER_UP"] : ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
  mtu: 1500,
  operstate: "UP",
  link_type: ifname === "lo" ? "loopback" : "ether",
  ...more,
  addr_info: addresses.map(([local, prefixlen]) => ({ family: "inet", local, prefixlen, scope: "global" })),
});

const port = (ifname: string, ifindex: number): object =>
  link(ifname, {
    ifindex,
    master: "cni0",
    linkinfo: { info_kind: "veth", info_slave_kind: "bridge", info_slave_data: { state: "forwarding", hairpin: true } },
  });

const ADDRESSES = [
  link("lo", { ifindex: 1 }, [["127.0.0.1", 8]]),
  link("ens3", { ifindex: 2 }, [["192.168.50.11", 24]]),
  link("cni0", { ifindex: 3, linkinfo: { info_kind: "bridge" } }, [["10.244.1.1", 24]]),
  port("vethaa", 4),
  port("vethbb", 5),
  port("vethcc", 6),
];

const ROUTES = [
  { dst: "default", gateway: "192.168.50.1", dev: "ens3", flags: [] },
  { dst: "10.244.1.0/24", dev: "cni0", protocol: "kernel", scope: "link", prefsrc: "10.244.1.1", flags: [] },
  { dst: "10.244.2.0/24", gateway: "192.168.50.12", dev: "ens3", flags: [] },
  { dst: "192.168.50.0/24", dev: "ens3", protocol: "kernel", scope: "link", prefsrc: "192.168.50.11", flags: [] },
  ...["10.244.1.1", "127.0.0.1", "192.168.50.11"].map((dst) => ({
    type: "local",
    dst,
    dev: dst === "10.244.1.1" ? "cni0" : dst === "127.0.0.1" ? "lo" : "ens3",
    table: "local",
    protocol: "kernel",
    scope: "host",
    prefsrc: dst,
    flags: [],
  })),
];

const NEIGHBOURS = [
  { dst: "10.244.1.20", dev: "cni0", lladdr: "02:00:00:00:00:02", state: ["REACHABLE"] },
  { dst: "10.244.1.10", dev: "cni0", lladdr: "02:00:00:00:00:03", state: ["REACHABLE"] },
];

const FORWARDING = [
  { mac: "02:00:00:00:00:02", ifname: "vethbb", flags: [], master: "cni0", state: "" },
  { mac: "02:00:00:00:00:03", ifname: "vethcc", flags: [], master: "cni0", state: "" },
];

const sysctls = (isOn: boolean): string =>
  [
    `net.bridge.bridge-nf-call-iptables = ${isOn ? 1 : 0}`,
    "net.ipv4.ip_forward = 1",
    ...["all", "default", "lo", "ens3", "cni0", "vethaa", "vethbb", "vethcc"].flatMap((name) =>
      ["forwarding = 1", "rp_filter = 0"].map((text) => `net.ipv4.conf.${name}.${text}`),
    ),
    "",
  ].join("\n");

const CLUSTER = `apiVersion: kpc.dev/v1alpha1
kind: Cluster
nodes:
  - { name: node-1, files: collected }
`;

const files = (isOn: boolean): Record<string, string> => ({
  "cluster.yaml": CLUSTER,
  "collected/a": JSON.stringify(ADDRESSES),
  "collected/b": JSON.stringify(ROUTES),
  "collected/c": JSON.stringify(NEIGHBOURS),
  "collected/d": JSON.stringify(FORWARDING),
  "collected/e": sysctls(isOn),
});

const SHOP = new URL("../../../examples/shop", import.meta.url).pathname;

function trace(folder: string, packet: string): { readonly code: number | null; readonly text: string } {
  const { code, stdout, stderr } = kpc(
    ["trace", packet, `${SHOP}/manifests`, "cluster.yaml", "-c", `${SHOP}/kpc.yaml`, "-q"],
    { folder },
  );
  return { code, text: `${stdout}${stderr}` };
}

describe("a node whose files are named in the Cluster document", () => {
  const packet = "tcp pod/shop/web-1 > pod/shop/api-1:8081";

  test("has the interfaces of its files, each pod behind the port that leads to it", () => {
    const back = "tcp pod/shop/api-1 > pod/shop/web-1:8080";
    const [to, from] = inFolder(files(true), (folder) => [trace(folder, packet), trace(folder, back)]);
    expect([to.code, from.code]).toEqual([0, 0]);
    expect(to.text).toContain(" vethbb ");
    expect(from.text).toContain(" vethcc ");
  });

  test("has the sysctls of its files", () => {
    const to = "tcp pod/shop/api-1 > svc/shop/web:http";
    const ends = (isOn: boolean): number | null => inFolder(files(isOn), (folder) => trace(folder, to).code);
    expect([ends(true), ends(false)]).toEqual([0, 1]);
  });

  test("has the rules of its files, not kpc's", () => {
    const rules = "table ip t {\n\tchain c {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n";
    const { code, text } = inFolder({ ...files(true), "collected/f": rules }, (folder) => trace(folder, packet));
    expect(code).toBe(1);
    expect(text).toContain("dropped");
  });

  test("has rules that are not read whole: the error is told, and the line may do anything", () => {
    const rules =
      "table ip t {\n\tchain c {\n\t\ttype filter hook forward priority 0;\n\t\tip saddr 10.244.1 drop\n\t}\n}\n";
    const [traced, checked] = inFolder({ ...files(true), "collected/f": rules }, (folder) => [
      trace(folder, packet),
      kpc(["check", `${SHOP}/manifests`, "cluster.yaml", "-c", `${SHOP}/kpc.yaml`], { folder }),
    ]);
    expect(traced.code).toBe(1);
    expect(traced.text).toContain("collected/f:4:3: error: expected an IPv4 address, found 10.244.1 [rules-refused]");
    expect(traced.text).toContain("assuming: ");
    expect(traced.text).toContain('=> not known: kpc does not understand "ip saddr 10.244.1 drop" in forward');
    expect(checked.stdout).toContain(
      "collected/f:4:3: error: expected an IPv4 address, found 10.244.1 [rules-refused]",
    );
    expect(checked.stdout).toMatch(/f:4:3: warning: .* \[undecided-rules\]\n.*\n.*\n {2}note: assuming: /);
  });

  test("without files in the folder is a mistake", () => {
    const { code, text } = inFolder({ "cluster.yaml": CLUSTER, "collected/.keep": "" }, (folder) =>
      trace(folder, packet),
    );
    expect(code).toBe(2);
    expect(text).toContain("no files in collected: expected what a node's commands printed");
  });
});

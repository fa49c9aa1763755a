import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const CONFIG = "apiVersion: kpc.dev/v1alpha1\nkind: Config\n";

const compileWith = (config: string): ReturnType<typeof kpc> =>
  inFolder({ "a.yaml": SERVICE, "kpc.yaml": config }, (folder) =>
    kpc(["compile", "a.yaml", "-c", "kpc.yaml"], { folder }),
  );

describe("a config file has one document", () => {
  test("a second one is an error, at its place", () => {
    const { code, stdout, stderr } = compileWith(`${CONFIG}---\n${CONFIG}mode: iptables\n`);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("kpc.yaml:4:1: error: expected one Config in a file: ");
    expect(stderr).toContain("kpc.yaml:1:1: note: the first one");
  });

  test("a Cluster is told where it belongs", () => {
    const { code, stderr } = compileWith("apiVersion: kpc.dev/v1alpha1\nkind: Cluster\npods: {}\n");
    expect(code).toBe(1);
    expect(stderr).toContain(
      "kpc.yaml:2:7: error: this is a Cluster, which belongs among the manifests: expected a Config",
    );
    expect(stderr).not.toContain("unknown field");
  });

  test("documents without anything in them do not count", () => {
    const text = (config: string): string => compileWith(config).stdout;
    const wanted = text(`${CONFIG}mode: iptables\n`);
    expect(wanted).toContain("iptables mode");
    expect(text(`---\n---\n${CONFIG}mode: iptables\n---\n`)).toBe(wanted);
  });

  test.each(["", "# later\n", "---\n"])("%j is told to be no Config", (config) => {
    const { code, stderr } = compileWith(config);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /kpc\.yaml:1:\d+: warning: expected a Config \(apiVersion: .*, found (no|an empty) document/,
    );
    expect(stderr).not.toContain("Kubernetes objects");
  });
});

describe("a detector without its setting", () => {
  const without = (mode: string, lacking: string): string =>
    `warning: detectLocalMode ${mode} ${lacking}: kpc recognises no packet as one of this node's pods`;

  test("in a file is told with its place", () => {
    const { code, stderr } = compileWith(`${CONFIG}nodeName: x\ndetectLocalMode: BridgeInterface\n`);
    expect(code).toBe(0);
    expect(stderr).toContain(`kpc.yaml:4:18: ${without("BridgeInterface", "without detectLocalInterface")}`);
    const unused = compileWith(`${CONFIG}nodeName: x\nclusterCIDR: [10.0.0.0/8]\ndetectLocalMode: none\n`);
    expect(unused.stderr).toContain("kpc.yaml:4:14: warning: clusterCIDR with detectLocalMode none is ignored");
  });

  test("of flags, which win, is told without the file's", () => {
    const flags = (config: string, ...args: string[]): string =>
      inFolder(
        { "a.yaml": SERVICE, "kpc.yaml": `${CONFIG}nodeName: x\n${config}` },
        (folder) => kpc(["check", "a.yaml", "-c", "kpc.yaml", ...args], { folder }).stdout,
      );
    const found = flags("detectLocalMode: none\n", "--detect-local-mode", "NodeCIDR");
    expect(found).toContain(without("NodeCIDR", "without a Node object"));
    expect(found).not.toContain("kpc.yaml");
    expect(flags("detectLocalMode: BridgeInterface\n", "--detect-local-interface", "cni0")).not.toContain("warning");
    expect(flags("", "--detect-local-interface", "cni0")).toContain(
      "detectLocalInterface without detectLocalMode is ignored",
    );
  });
});

test("an agent tells what is wrong in its config, and not that it has no way to an API server, which the config may name", () => {
  const { code, stderr } = inFolder({ "kpc.yaml": `${CONFIG}mode: iptabels\n` }, (folder) =>
    kpc(["agent", "-c", "kpc.yaml", "--node", "n", "--dry-run"], { folder }),
  );
  expect(code).toBe(2);
  expect(stderr).toContain("kpc.yaml:3:7: error: ");
  expect(stderr).not.toContain("API server");
});

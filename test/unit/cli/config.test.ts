import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec:
  clusterIP: 10.96.0.10
  ports: [{name: http, port: 80}]
`;

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

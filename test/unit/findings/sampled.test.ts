/** Clusters in which not all pairs are walked: what stands for others finds the faults of each node. */
import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";
import { gridText } from "../../support/grid-cluster.ts";
import { EVERYTHING } from "../../support/runs.ts";

const SIZE = { nodes: 9, pods: 27, services: 3 };
const CLUSTER = "apiVersion: kpc.dev/v1alpha1\nkind: Cluster\n";

function check(cluster: string): { readonly code: number | null; readonly errors: string[]; readonly last: string } {
  return inFolder({ "grid.json": gridText(SIZE), "cluster.yaml": `${CLUSTER}${cluster}` }, (folder) => {
    const { code, stdout, stderr } = kpc(["check", "grid.json", "cluster.yaml"], { folder });
    const errors = stdout.split("\n").flatMap((line) => /: error: (.*)$/.exec(line)?.[1] ?? []);
    return { code, errors, last: stderr.trimEnd().split("\n").at(-1) ?? "" };
  });
}

describe("kpc check of a cluster with more ends than are walked in pairs", () => {
  test("says which flows it has walked", () => {
    const { code, errors, last } = check("pods: {network: bridge}\n");
    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    const [, flows] = /; walked (\d+) flows: from pods of each kind and the node itself, on each node/.exec(last) ?? [];
    // Not all of the 36 pods and nodes to all others and to each Service.
    expect(Number(flows)).toBeGreaterThan(SIZE.nodes * SIZE.services);
    expect(Number(flows)).toBeLessThan(36 * 35);
  });

  const wrong: readonly (readonly [name: string, code: string, sysctls: string])[] = ["n0", "n8"].flatMap(
    (name) =>
      [
        [name, "bridge-netfilter-off", "{net.bridge.bridge-nf-call-iptables: 0}"],
        [name, "forwarding-off", "{net.ipv4.ip_forward: 0}"],
      ] as const,
  );

  test.runIf(EVERYTHING).each(wrong)("finds what is wrong on %s only: %s", (name, wanted, sysctls) => {
    const { code, errors } = check(`pods: {network: bridge}\nnodes: [{name: ${name}, sysctls: ${sysctls}}]\n`);
    expect(code).toBe(1);
    expect(errors.map((text) => /\[([\w-]+)\]$/.exec(text)?.[1])).toEqual([wanted]);
    expect(errors.join()).toContain(`node/${name}`);
  });
});

/** `kpc trace --live`, as far as it asks no kernel: see kernel/live-trace. */
import { describe, expect, test } from "vitest";
import { kpc } from "../../support/cli.ts";

describe("kpc trace --live is refused", () => {
  test.each([
    [
      ["tcp any > 10.96.0.10:80", "--rules", "a.nft"],
      "kpc: --live follows the rules of this host: leave out --rules\n",
    ],
    [["tcp any > 10.96.0.10:80", "--engine", "nft"], "kpc: --live asks the kernel of this host: leave out --engine\n"],
    [
      ["tcp any > 10.96.0.10:80", "--all"],
      "kpc: --all is for packets through the whole cluster, and kpc follows the rules of one node, because --live asks the kernel of this host\n",
    ],
    [["tcp any > 10.96.0.10"], /packet:1:\d+: error: expected a port behind the destination, such as :80/],
    [["tcp fd00::1 > 10.96.0.10:80"], /packet:1:\d+: error: /],
    [["tcp [fd00::1] > 10.96.0.10:80"], /packet:1:\d+: error: expected an IPv6 address, as the source is one/],
    [["tcp any > svc/shop/api:http"], /svc\/shop\/api is not in the input: names need manifests/],
  ])("%j", (args, complaint) => {
    const { code, stderr, stdout } = kpc(["trace", "--live", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    if (typeof complaint === "string") expect(stderr).toBe(complaint);
    else expect(stderr).toMatch(complaint);
  });

  test("--wait without it", () => {
    expect(kpc(["trace", "tcp 10.0.0.1 > 10.96.0.10:80", "--wait", "3"])).toMatchObject({
      code: 2,
      stderr: "kpc: --wait is for --live\n",
    });
  });
});

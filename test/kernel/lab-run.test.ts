/** `kpc lab run` builds what files describe, and tells whether packets go as predicted. */
import { describe, expect, test } from "vitest";
import { kpcProcess } from "../support/cli.ts";
import { kernelMissing } from "../support/kernel.ts";

const SHOP = "examples/shop";

describe.skipIf(kernelMissing !== undefined)("kpc lab run", () => {
  test("shows predicted and observed beside each other", () => {
    const { code, stdout } = kpcProcess(["lab", "run", "tcp web-1 > svc/api:http", "udp web-2 > svc/api:dns", SHOP]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^= node\/node-1 +veth-web-1 in +(10\.244\.1\.10:\d+ > 10\.96\.0\.20:80 ttl 64) +\1$/m);
    expect(stdout).toMatch(/^= +cni0 +out +(10\.244\.1\.10:\d+ > 10\.244\.1\.2[01]:8081 ttl 64) +\1$/m);
    expect(stdout).toMatch(/^2 flows: 2 as predicted, 0 not$/m);
    expect(stdout).not.toMatch(/^!/m);
  });

  test("makes a flow as often as is wanted, and each time one of the branches", () => {
    const { code, stdout } = kpcProcess(["lab", "run", "tcp web-2 > svc/api:http", SHOP, "--attempts", "40"]);
    expect(code).toBe(0);
    const counts = [...stdout.matchAll(/^= 1 in 2: .* (\d+) of 40 attempts$/gm)].map(([, count]) => Number(count));
    expect(counts).toHaveLength(2);
    expect(counts.reduce((sum, count) => sum + count)).toBe(40);
  });
});

/** The pictures in docs/images are what kpc draws. `vitest -u` writes them. */
import { expect, test } from "vitest";
import { kpc } from "../support/cli.ts";

const SHOP = ["examples/shop/manifests", "examples/shop/cluster.yaml", "-c", "examples/shop/kpc.yaml"];
const BROKEN = ["examples/broken/manifests.yaml", "examples/broken/bridge-netfilter.yaml"];

/** By the name of the file: the packet, the inputs, and the exit code. */
const IMAGES: Readonly<Record<string, readonly [string, readonly string[], number]>> = {
  service: ["tcp api-1 > svc/web", SHOP, 0],
  "node-port": ["tcp internet > node-1:30123", SHOP, 0],
  lost: ["tcp client > svc/web", BROKEN, 1],
};

test.each(Object.entries(IMAGES))("docs/images/%s.svg", async (name, [packet, inputs, wanted]) => {
  const { code, stdout, stderr } = kpc(["trace", packet, ...inputs, "-o", "svg"]);
  expect({ code, stderr }).toEqual({ code: wanted, stderr: "" });
  await expect(stdout).toMatchFileSnapshot(`../../docs/images/${name}.svg`);
});

/** The pictures in docs/images are what kpc draws. `vitest -u` writes them. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { kpc } from "../support/cli.ts";
import { PAGES } from "../support/pages.ts";

const SHOP = ["examples/shop/manifests", "examples/shop/cluster.yaml", "-c", "examples/shop/kpc.yaml"];
const BROKEN = ["examples/broken/manifests.yaml", "examples/broken/bridge-netfilter.yaml"];

/** The drawing alone: the page has the steps in words. */
const DRAWING = [...SHOP, "--no-table"];

/** By the name of the file: the packet, the inputs, and the exit code. */
const IMAGES: Readonly<Record<string, readonly [string, readonly string[], number]>> = {
  service: ["tcp api-1 > svc/web", SHOP, 0],
  "node-port": ["tcp internet > node-1:30123", SHOP, 0],
  lost: ["tcp client > svc/web", BROKEN, 1],
  pods: ["tcp web-1 > web-2:8080", DRAWING, 0],
  internet: ["tcp web-1 > internet:443", DRAWING, 0],
  "load-balancer": ["tcp outside/partner > lb/partners", DRAWING, 0],
  ingress: ["GET http://shop.example.com/api/orders", ["examples/shop/ingress", ...DRAWING], 0],
};

test.each(Object.entries(IMAGES))("docs/images/%s.svg", async (name, [packet, inputs, wanted]) => {
  const { code, stdout, stderr } = kpc(["trace", packet, ...inputs, "-o", "svg"]);
  expect({ code, stderr }).toEqual({ code: wanted, stderr: "" });
  await expect(stdout).toMatchFileSnapshot(`../../docs/images/${name}.svg`);
});

test("each picture is drawn here, and shown by a page", () => {
  const names = readdirSync(new URL("../../docs/images", import.meta.url)).filter((name) => name.endsWith(".svg"));
  expect(names.sort()).toEqual(
    Object.keys(IMAGES)
      .map((name) => `${name}.svg`)
      .sort(),
  );
  const shown = PAGES.map(({ text }) => text).join("");
  expect(names.filter((name) => !shown.includes(`images/${name})`))).toEqual([]);
});

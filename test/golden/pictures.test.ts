/** Pictures of walks through the small cluster. `vitest -u` writes the files. */
import { expect, test } from "vitest";
import { paint } from "../../compiler/pictures/paint.ts";
import { layWalk } from "../../compiler/pictures/walk/picture.ts";
import { FAR, storyOf } from "../support/story-of.ts";
import type { ClusterKind } from "../support/walks.ts";

/** By the name of the file; the branch is from 1. */
const PICTURES: Readonly<Record<string, readonly [ClusterKind, string, branch?: number]>> = {
  service: [{ pods: "bridge" }, "tcp pod/client > svc/web"],
  "same-node": [{ pods: "bridge" }, "tcp pod/client > web-1:8080"],
  internet: [{ pods: "routed" }, "tcp pod/client > internet:443"],
  vxlan: [{ pods: "flannel-vxlan" }, "tcp pod/client > web-2:8080"],
  "lost-on-bridge": [
    { pods: "bridge", sysctls: { n1: { "net.bridge.bridge-nf-call-iptables": "0" } } },
    "tcp pod/client > svc/web",
  ],
  "no-endpoints": [{ pods: "bridge" }, "tcp pod/client > svc/none"],
  hairpin: [{ pods: "bridge" }, "tcp pod/web-1 > svc/web", 1],
  "node-port": [{ pods: "bridge" }, "tcp internet > node/n1:30123"],
  balancer: [{ pods: "bridge", balancer: "nat" }, "tcp internet > lb/shop/pub"],
  detour: [{ pods: "bridge", balancer: "nat", keepsClient: true }, "tcp internet > lb/shop/pub"],
  rows: [{ pods: "flannel-vxlan" }, "tcp pod/client > 198.51.100.50:80", 4],
  "service-ipv6": [{ pods: "bridge" }, "tcp pod/client > [fd00:96::30]:80"],
};

test.each(Object.entries(PICTURES))("%s", async (name, [kind, packet, branch]) => {
  await expect(paint(layWalk(storyOf(kind, packet, FAR, branch)))).toMatchFileSnapshot(`pictures/${name}.svg`);
});

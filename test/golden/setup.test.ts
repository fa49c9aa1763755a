/** What a node needs besides rules, as kpc prints it for each layout of the pods' network. */
import { expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { nodeSetup } from "../../compiler/network/setup/node-setup.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import { type ClusterKind, describeShop } from "../support/walks.ts";

const scriptFor = (kind: ClusterKind): string => {
  const { network } = describeShop(kind).layout;
  return nodeSetup(network, required(network.hosts.get("node/n1"), "n1"), [`node n1, ${kind.pods}`]);
};

test.each(POD_NETWORKS)("pods.network: %s", async (pods) => {
  const path = new URL(`setup/${pods}.sh`, import.meta.url).pathname;
  await expect(scriptFor({ pods })).toMatchFileSnapshot(path);
});

test("sysctls that the Cluster says, and node ports at 127.0.0.1", async () => {
  const sysctls = { n1: { "net.ipv4.conf.all.rp_filter": "1", "net.bridge.bridge-nf-call-iptables": "0" } };
  const path = new URL("setup/sysctls.sh", import.meta.url).pathname;
  await expect(scriptFor({ pods: "bridge", mode: "iptables", sysctls })).toMatchFileSnapshot(path);
});

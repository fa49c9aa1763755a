/** The script of `kpc compile -o node-setup`, run in a network namespace that has a node's address and default route only: what the
 *  namespace's own files say afterwards is the described node without its pods. */
import { describe, expect, test } from "vitest";
import { COLLECT_SCRIPT } from "../../compiler/hostfiles/collect.ts";
import { required } from "../../compiler/invariant.ts";
import { FAMILIES, printAddress } from "../../compiler/net/address.ts";
import type { Host } from "../../compiler/network/network.ts";
import { nodeSetup } from "../../compiler/network/setup/node-setup.ts";
import { readHost } from "../support/host-files.ts";
import { routeText } from "../support/host-text.ts";
import { inNamespace, kernelMissing } from "../support/kernel.ts";
import { some } from "../support/runs.ts";
import { type ClusterKind, describeShop } from "../support/walks.ts";

/** Runs the script twice, as users may. */
async function after(script: string): Promise<Host> {
  const { output } = await inNamespace(`
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
ip link set lo up
ip link add eth0 type veth peer name other
ip link set other up; ip link set eth0 up
ip addr add 192.168.50.11/24 dev eth0
ip -6 addr add fd00:50::11/64 dev eth0 nodad
ip route add default via 192.168.50.1
for round in 1 2; do
sh <<'SCRIPT' || echo @@failed
${script}
SCRIPT
done
sh -s "$folder" <<'COLLECT'
${COLLECT_SCRIPT}
COLLECT
cd "$folder"; for file in *; do echo "@@file $file"; cat $file; done`);
  const [before = "", ...files] = output.split(/^@@file /m);
  if (before.trim() !== "") throw new Error(`the script failed: ${before}`);
  return readHost(files.map((file) => file.slice(file.indexOf("\n") + 1)));
}

/** `pods`: the interfaces to pods, which are not compared. */
function factsOf({ interfaces, routing, bridgeNetfilter }: Host, pods: ReadonlySet<string>): unknown {
  const made = interfaces.filter(({ kind }) => kind === "bridge" || kind === "vxlan");
  return {
    interfaces: made.map(({ name, kind, mtu, addresses, sysctls, tunnel }) => ({
      name,
      kind,
      mtu,
      addresses: addresses
        .filter(({ scope }) => scope === "global")
        .map(({ address, length }) => `${printAddress(address)}/${length}`)
        .sort(),
      forwards: FAMILIES.map((family) => sysctls[family].forwarding),
      localnet: sysctls.IPv4.routeLocalnet,
      remotes: [...(tunnel?.remotes ?? [])].map((ends) => ends.map(printAddress).join(" ")).sort(),
    })),
    routes: FAMILIES.flatMap((family) => routing[family].tables["main"] ?? [])
      .filter(({ isAutomatic, prefix }) => isAutomatic !== true && prefix.length > 0)
      .filter(({ hops }) => !hops.some((hop) => pods.has(hop.interface)))
      .map((route) => routeText("main", route))
      .sort(),
    bridgeNetfilter: made.some(({ kind }) => kind === "bridge") ? bridgeNetfilter : undefined,
  };
}

const KINDS: readonly ClusterKind[] = [
  { pods: "bridge" },
  { pods: "bridge", mode: "iptables", sysctls: { n1: { "net.bridge.bridge-nf-call-ip6tables": "0" } } },
  { pods: "routed" },
  { pods: "kindnet" },
  { pods: "flannel-vxlan" },
  { pods: "calico-vxlan" },
];

describe.skipIf(kernelMissing !== undefined)("a bare node becomes the described one", () => {
  test.each(some(KINDS, 2))("$pods $mode", async (kind) => {
    const { network } = describeShop(kind).layout;
    const host = required(network.hosts.get("node/n1"), "n1");
    const pods = new Set(
      network.links.flatMap(({ ends: [a, b] }) =>
        a.host === host.name && b.host.startsWith("pod/") ? [a.interface] : [],
      ),
    );
    expect(pods.size).toBe(2);
    const made = await after(nodeSetup(network, host, []));
    expect(factsOf(made, new Set())).toEqual(factsOf(host, pods));
  });
});

/** A writer of iptables rules on a host in memory, where others have rules, too. */
import { IPTABLES_FAMILIES, type IptablesBackend } from "../../runtime/agent/iptables-host.ts";
import { IptablesKernel } from "../../runtime/agent/iptables-kernel.ts";
import { FakeIptables } from "./fake-iptables.ts";
import { type ChainTexts, WantedChains } from "./wanted-chains.ts";

export const NAT: ChainTexts = {
  "KPC-NAT-PREROUTING": ["-j KPC-services"],
  "KPC-NAT-OUTPUT": ["-j KPC-services"],
  "KPC-services": ["-p tcp -j KPC-web", "-p udp -j KPC-dns"],
  "KPC-web": ["-j ACCEPT"],
  "KPC-dns": ["-p udp -j ACCEPT"],
};
export const NAT_JUMPS: readonly string[] = ["PREROUTING -j KPC-NAT-PREROUTING", "OUTPUT -j KPC-NAT-OUTPUT"];
export const FILTER: ChainTexts = { "KPC-FILTER-FORWARD": ["-p tcp -j DROP"] };
export const FILTER_JUMPS: readonly string[] = ["FORWARD -j KPC-FILTER-FORWARD"];

/** Rules in nat and filter of IPv4, and in nat of IPv6: with their jumps, 16. */
export function someRules(): WantedChains {
  const wanted = new WantedChains();
  for (const family of IPTABLES_FAMILIES) wanted.set(family, "nat", NAT, NAT_JUMPS);
  wanted.set("ip", "filter", FILTER, FILTER_JUMPS);
  return wanted;
}

export interface IptablesWorld {
  readonly host: FakeIptables;
  readonly wanted: WantedChains;
  readonly kernel: IptablesKernel;
}

export function iptablesWorld(host: FakeIptables, wanted = someRules()): IptablesWorld {
  return { host, wanted, kernel: new IptablesKernel(host, host, wanted) };
}

const THEIRS = `*nat
:theirs - [0:0]
-A theirs -p udp -j ACCEPT
-A PREROUTING -p tcp -j theirs
COMMIT
*raw
-A OUTPUT -p udp -j DROP
COMMIT
`;

/** One whose rules are in the kernel. */
export async function startedIptables(backend: IptablesBackend): Promise<IptablesWorld> {
  const world = iptablesWorld(new FakeIptables(backend));
  for (const family of IPTABLES_FAMILIES) world.host.others(family, THEIRS);
  await world.kernel.restore();
  forgetCalls(world.host);
  return world;
}

/** What was asked and given up to now. */
export function forgetCalls(host: FakeIptables): void {
  for (const list of [host.given, host.saved, host.listed]) list.length = 0;
}

/** Lines that are not about the agent's chains. */
export function theirLines(host: FakeIptables): readonly string[] {
  return IPTABLES_FAMILIES.flatMap((family) =>
    host
      .read(family)
      .split("\n")
      .filter((line) => !line.includes("KPC-")),
  );
}

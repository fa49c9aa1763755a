/** Flows that are predicted and made in a lab, one after the other. */
import type { Described } from "../../compiler/described.ts";
import type { Walk, WalkFlow } from "../../compiler/walk/types.ts";
import { disagreement } from "../../runtime/lab/compare-walk.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";

/** Milliseconds until silence counts as an answer. Packets of a lab take less than one to arrive, where the machine has nothing else to do. */
function patienceFor({ branches }: Walk): number {
  // A refusal that comes while the client is still sending is not heard (tcp_v4_err): it tries again after one second, and after three.
  if (branches.some(({ there }) => there.end.kind === "rejected")) return 3500;
  return branches.every(({ back }) => back?.end.kind === "delivered") ? 10_000 : 300;
}

/** What the kernel did otherwise than predicted; empty where all is the same. */
export async function disagreementsOf(
  { layout, walker, programOf }: Described,
  flows: readonly WalkFlow[],
): Promise<string[]> {
  const lab = await PacketLab.up(layout.network, programOf);
  try {
    await lab.watch([...layout.network.hosts.keys()]);
    const told: string[] = [];
    for (const [i, flow] of flows.entries()) {
      // A port of its own: what is left of one flow is not to be met by another.
      const own = { ...flow, sourcePort: 40_000 + i };
      const walk = walker.walk(own);
      for (const { there } of walk.branches)
        if (there.end.kind === "delivered" && own.protocol !== 1 && own.protocol !== 58)
          await lab.serve(there.end.host, own.protocol, there.end.tuple.destination, there.end.tuple.destinationPort);
      await lab.sightings();
      const answer = await lab.ask({ ...own, patience: patienceFor(walk) });
      const what = disagreement(walk, { answer, sightings: await lab.sightings() });
      if (what !== undefined) told.push(`${i}: ${what}`);
    }
    return told;
  } finally {
    lab.close();
  }
}

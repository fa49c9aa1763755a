/** Flows that are predicted and made in a lab, one after the other. */
import type { Program } from "../../compiler/ir/types.ts";
import type { Host, Network } from "../../compiler/network/network.ts";
import type { Walk, WalkFlow } from "../../compiler/walk/types.ts";
import type { PacketWalker } from "../../compiler/walk/walk.ts";
import { disagreement } from "../../runtime/lab/compare-walk.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";
import type { LabSighting } from "../../runtime/lab/sightings.ts";

/** Milliseconds until silence counts as an answer. Packets of a lab take less than one to arrive, where the machine has nothing else to do. */
function patienceFor({ branches }: Walk): number {
  // A refusal that comes while the client is still sending is not heard (tcp_v4_err): it tries again after one second, and after three.
  if (branches.some(({ there }) => there.end.kind === "rejected")) return 3500;
  return branches.every(({ back }) => back?.end.kind === "delivered") ? 10_000 : 300;
}

/** What is predicted, and made. */
export interface LabSubject {
  readonly network: Network;
  readonly walker: PacketWalker;
  readonly programOf: (host: Host) => Program | undefined;
  readonly flows: readonly WalkFlow[];
}

const ECHO: ReadonlySet<number> = new Set([1, 58]);

/** What the kernel did otherwise than predicted, behind the flow's number; empty where all is the same. */
export async function disagreementsOf({ network, walker, programOf, flows }: LabSubject): Promise<string[]> {
  const lab = await PacketLab.up(network, programOf);
  try {
    await lab.watch([...network.hosts.keys()]);
    const told: string[] = [];
    const earlier = new Set<string>();
    for (const [i, flow] of flows.entries()) {
      // A port of its own: what is left of one flow is not to be met by another.
      const isEcho = ECHO.has(flow.protocol);
      const sourcePort = 40_000 + i;
      const own = isEcho ? flow : { ...flow, sourcePort };
      const walk = walker.walk(own);
      for (const { there } of walk.branches)
        if (there.end.kind === "delivered" && !isEcho)
          await lab.serve(there.end.host, own.protocol, there.end.tuple.destination, there.end.tuple.destinationPort);
      await lab.sightings();
      const answer = await lab.ask({ ...own, sourcePort, patience: patienceFor(walk) });
      // Hosts that wait for the end of an earlier flow send their packets again.
      const heard = await lab.sightings();
      const sightings = heard.filter(
        (each) => protocolOf(each) === own.protocol && (isEcho || !earlier.has(keyOf(each))),
      );
      for (const each of heard) earlier.add(keyOf(each));
      const what = disagreement(walk, { answer, sightings });
      if (what !== undefined) told.push(`${i}: ${what}`);
    }
    return told;
  } finally {
    lab.close();
  }
}

function protocolOf({ packet }: LabSighting): number {
  return (packet.carries ?? packet).protocol;
}

function keyOf({ packet }: LabSighting): string {
  const { protocol, tuple } = packet.carries ?? packet;
  const { source, sourcePort, destination, destinationPort } = tuple;
  return `${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
}

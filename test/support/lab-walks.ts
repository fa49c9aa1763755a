/** Flows that are predicted and made in a lab, one after the other. */
import { required } from "../../compiler/invariant.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import type { WalkFlow } from "../../compiler/walk/types.ts";
import { disagreementIn } from "../../runtime/lab/compare-walk.ts";
import { type LabDescription, LabSession } from "../../runtime/lab/session.ts";
import { randomCluster } from "./random-clusters.ts";

/** What is predicted, and made. */
export interface LabSubject extends LabDescription {
  readonly flows: readonly WalkFlow[];
}

/** What the kernel did otherwise than predicted, behind the flow's number; empty where all is the same. */
export async function disagreementsOf({ flows, ...description }: LabSubject): Promise<string[]> {
  const session = await LabSession.open(description);
  try {
    return await disagreementsIn(session, flows);
  } finally {
    session.close();
  }
}

/** The same of flows in a lab that stands. */
export async function disagreementsIn(session: LabSession, flows: readonly WalkFlow[]): Promise<string[]> {
  const told: string[] = [];
  for (const [i, flow] of flows.entries()) {
    const { comparison } = await session.attempt(flow);
    const what = comparison === undefined ? "there is no branch" : disagreementIn(comparison);
    if (what !== undefined) told.push(`${i}: ${what}`);
  }
  return told;
}

/** A flow of a random cluster that the kernel did otherwise than predicted. */
export interface WrongWalk {
  readonly seed: number;
  readonly mutated: string;
  readonly flow: string;
  readonly what: string;
}

/** Walks random flows through the random cluster of `seed`, and makes them. */
export async function wrongWalks(seed: number, flows: number): Promise<WrongWalk[]> {
  const { mutated, subject } = randomCluster(seed, flows);
  const told = await disagreementsOf(subject);
  return told.map((what) => {
    const flow = required(subject.flows[Number.parseInt(what, 10)], "the flow is one of the cluster's");
    const { from, destination, destinationPort, protocol } = flow;
    return { seed, mutated, flow: `${from} > ${printAddressPort(destination, destinationPort)} (${protocol})`, what };
  });
}

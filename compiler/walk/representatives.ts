/** One way for many where rules choose a destination by chance and the asker takes some of them for alike. */
import type { PathStep } from "../evaluate/packet.ts";
import type { Passage } from "../evaluate/passage.ts";
import { ALWAYS, type Condition } from "../evaluate/unknown/condition.ts";
import { hostsOf, type Journey } from "./journey.ts";
import type { ChosenDestination, DestinationChance } from "./types.ts";

/** A passage, and what has to hold for the packet's whole way to it. */
interface Possible {
  readonly passage: Passage;
  readonly condition: Condition;
}

/** Of passages that differ in nothing but a destination that rules have chosen, one for each group of alike ones. */
export function representatives(
  passages: readonly Possible[],
  before: Passage,
  journey: Journey,
): readonly (Possible & { readonly chosen?: ChosenDestination })[] {
  const { alike, tuple } = journey;
  const [first] = passages;
  if (alike === undefined || first === undefined || journey.isAnswer || journey.carried.length > 0) return passages;
  const isChoice = passages.every(
    ({ passage, condition }) =>
      condition === ALWAYS &&
      passage.end === undefined &&
      passage.mark === first.passage.mark &&
      passage.tuple.source === tuple.source &&
      passage.tuple.sourcePort === tuple.sourcePort &&
      passage.tuple.destination !== tuple.destination &&
      passage.path.slice(before.path.length).every(leavesNoTrace),
  );
  if (!isChoice) return passages;
  const hosts = hostsOf(journey);
  const groups = new Map<string, { readonly first: Possible; readonly members: DestinationChance[] }>();
  for (const each of passages) {
    const { destination, destinationPort } = each.passage.tuple;
    const key = `${alike.groupOf(destination, hosts)} ${destinationPort}`;
    const member = { address: destination, probability: each.passage.probability / before.probability };
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { first: each, members: [member] });
    else known.members.push(member);
  }
  const choice = {};
  return [...groups].map(([group, { first: each, members }]) => ({ ...each, chosen: { choice, group, members } }));
}

/** Whether a step has done nothing that a later rule could see, but to the mark and the destination. */
function leavesNoTrace(step: PathStep): boolean {
  if (step.kind !== "rule") return true;
  const { effect } = step;
  if (effect.kind === "write") return effect.field.kind === "meta" && effect.field.key === "mark";
  return effect.kind !== "remember" && effect.kind !== "taken";
}

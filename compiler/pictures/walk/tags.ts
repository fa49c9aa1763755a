/** Where the drawing shows the source and the destination of the packet: at its start, at its end, and where the answer is not its mirror. */
import type { PlanColumn } from "./columns.ts";
import type { PlacedTag } from "./placed.ts";
import type { Story, StoryAddress, StoryWay } from "./story.ts";

export type StoryTag = Omit<PlacedTag, "x">;

interface Ends {
  readonly source: StoryAddress;
  readonly destination: StoryAddress;
}

export class StoryTags {
  readonly tags: readonly StoryTag[];

  constructor({ request, reply }: Story, columns: readonly PlanColumn[]) {
    const ends = new Set(columns.flatMap((column) => column.ends.map(({ name }) => name)));
    const tags: StoryTag[] = [];
    const add = (end: string | undefined, direction: "request" | "reply", packet: Ends | undefined): void => {
      if (end !== undefined && ends.has(end) && packet !== undefined) tags.push({ end, direction, ...packet });
    };
    const sent = packetAt(request, 0);
    const last = packetAt(request, request.steps.length - 1);
    const [first, receiver] = [request.hops[0]?.host, request.hops.at(-1)?.host];
    add(request.hops.length > 1 ? first : undefined, "request", sent);
    if (receiver !== first) add(receiver, "request", last);
    if (reply !== undefined && reply.hops.at(-1)?.host === first && reply.hops.length > 1) {
      const answer = packetAt(reply, reply.steps.length - 1);
      if (answer !== undefined && sent !== undefined && !isMirror(sent, answer)) add(first, "reply", answer);
    }
    this.tags = tags;
  }
}

/** The packet's ends behind the step at `index`. */
function packetAt({ steps }: StoryWay, index: number): Ends | undefined {
  const until = steps.slice(0, index + 1);
  const source = until.findLast((step) => step.source !== undefined)?.source;
  const destination = until.findLast((step) => step.destination !== undefined)?.destination;
  return source && destination && { source, destination };
}

function isMirror(a: Ends, b: Ends): boolean {
  return a.source.text === b.destination.text && a.destination.text === b.source.text;
}

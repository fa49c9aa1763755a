/** Steps of a long walk as fewer ones: a number stands for what one host does to one and the same packet. */
import type { Story, StoryStep, StoryWay } from "./story.ts";

/** A drawing with more numbers is folded. */
export const MOST_NUMBERS = 14;

/** The story as the drawing shows it; its table has all steps. */
export function foldedStory(story: Story): Story {
  const { request, reply } = story;
  const count = request.steps.length + (reply?.steps.length ?? 0);
  if (count <= MOST_NUMBERS) return story;
  return { ...story, request: foldedWay(request), reply: reply && foldedWay(reply) };
}

function foldedWay(way: StoryWay): StoryWay {
  const runs: StoryStep[][] = [];
  for (const step of way.steps) {
    const run = runs.at(-1);
    if (run !== undefined && isJoined(run, step)) run.push(step);
    else runs.push([step]);
  }
  return { ...way, steps: runs.map(oneStep) };
}

/** On the same host, and the packet is changed once at most. Where a way ends is a step of its own. */
function isJoined(run: readonly StoryStep[], step: StoryStep): boolean {
  const own = [...run, step];
  return (
    own.every(
      ({ hop, spot, isLost }) => hop !== undefined && hop.host === step.hop?.host && spot !== "end" && !isLost,
    ) && own.filter(({ isChange }) => isChange).length <= 1
  );
}

/** It says what changes the packet, else where it is routed to. */
function oneStep(run: readonly StoryStep[]): StoryStep {
  const [first] = run as readonly [StoryStep, ...StoryStep[]];
  const main = run.find(({ isChange }) => isChange) ?? run.find(({ facts }) => facts.length > 0) ?? first;
  return {
    ...main,
    number: first.number,
    last: run.at(-1)?.last ?? first.last,
    lines: run.flatMap(({ lines }) => lines),
    source: run.findLast(({ source }) => source !== undefined)?.source,
    destination: run.findLast(({ destination }) => destination !== undefined)?.destination,
  };
}

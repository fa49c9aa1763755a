/** Walks through a small cluster are those that packets make in network namespaces: each interface that a packet passes, its addresses
 *  there and its time to live, there and back, and what client and server see in the end. */
import { describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { disagreementsOf } from "../support/lab-walks.ts";
import { EVERYTHING } from "../support/runs.ts";
import { STORIES, STORY_CLUSTERS } from "../support/stories.ts";
import { describeShop, flowOf } from "../support/walks.ts";

describe.skipIf(kernelMissing !== undefined)("packets go as predicted", () => {
  const clusters = Object.entries(STORY_CLUSTERS).filter((_, i) => EVERYTHING || i < 3);
  test.each(clusters)("%s", async (_, kind) => {
    const { layout, ...described } = describeShop(kind);
    const told = await disagreementsOf({ ...described, network: layout.network, flows: STORIES.map(flowOf) });
    expect(told.map((each) => `${STORIES[Number.parseInt(each, 10)]}: ${each}`)).toEqual([]);
  });
});

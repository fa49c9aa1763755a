/** Pictures of walks through the small cluster. `vitest -u` writes the files. */
import { expect, test } from "vitest";
import { paint } from "../../compiler/pictures/paint.ts";
import { layWalk } from "../../compiler/pictures/walk/picture.ts";
import { storyOf } from "../support/story-of.ts";
import type { ClusterKind } from "../support/walks.ts";

/** By the name of the file. */
const PICTURES: Readonly<Record<string, readonly [ClusterKind, string]>> = {
  service: [{ pods: "bridge" }, "tcp pod/client > svc/web"],
};

test.each(Object.entries(PICTURES))("%s", async (name, [kind, packet]) => {
  await expect(paint(layWalk(storyOf(kind, packet)))).toMatchFileSnapshot(`pictures/${name}.svg`);
});

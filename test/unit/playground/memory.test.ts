/** What the worker remembers of a workspace changes none of its answers. */
import { expect, test } from "vitest";
import type { Workspace } from "../../../runtime/playground/protocol.ts";
import { answerFor } from "../../../runtime/playground/worker/answers.ts";
import { WorkspaceMemory } from "../../../runtime/playground/worker/contents.ts";
import { exampleManifests } from "../../support/examples.ts";

const SHOP: Workspace = {
  files: exampleManifests(),
  before: exampleManifests(),
  question: "tcp web-1 > svc/api:http",
  mode: "nftables",
  branch: 0,
  node: "",
};

/** The shop with one file changed. */
function changed(from: string, to: string): Workspace {
  return { ...SHOP, files: SHOP.files.map(({ name, text }) => ({ name, text: text.replaceAll(from, to) })) };
}

test.each(["walk", "rules", "diff"] as const)("%s", async (view) => {
  const memory = new WorkspaceMemory();
  const states = [SHOP, changed("kind:", "\nkind:"), changed("8081", "x"), SHOP];
  for (const state of states) expect(await answerFor(view, state, memory)).toEqual(await answerFor(view, state));
});

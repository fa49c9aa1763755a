/** The worker's side of the questions: one at a time, in the order in which they come. */
import type { Ask, Told } from "../protocol.ts";
import { FileReceiver } from "../sent-files.ts";
import { answerFor } from "./answers.ts";
import { WorkspaceMemory } from "./contents.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: { readonly data: Ask }) => void) | null;
  postMessage(told: Told): void;
};

/** A page has one workspace. */
const memory = new WorkspaceMemory();

scope.onmessage = ({ data }) => void tell(data);

const receiver = new FileReceiver();

async function tell({ id, view, workspace }: Ask): Promise<void> {
  const begun = performance.now();
  try {
    const answer = await answerFor(view, { ...workspace, ...receiver.unpack(workspace) }, memory);
    scope.postMessage({ id, kind: "answer", answer, milliseconds: performance.now() - begun });
  } catch (error) {
    scope.postMessage({
      id,
      kind: "failed",
      stack: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

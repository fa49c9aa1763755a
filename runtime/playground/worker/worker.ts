/** The worker's side of the questions: one at a time, in the order in which they come. */
import type { Ask, MeasureAsk, Told } from "../protocol.ts";
import { FileReceiver } from "../sent-files.ts";
import { answerFor } from "./answers.ts";
import { readFiles, WorkspaceMemory } from "./contents.ts";
import { measure } from "./measure.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: { readonly data: Ask | MeasureAsk }) => void) | null;
  postMessage(told: Told): void;
};

/** A page has one workspace. */
const memory = new WorkspaceMemory();

scope.onmessage = ({ data }) => void tell(data);

const receiver = new FileReceiver();

let hasRead = false;

async function tell(ask: Ask | MeasureAsk): Promise<void> {
  try {
    scope.postMessage(await toldOf(ask));
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    scope.postMessage({ id: ask.id, kind: "failed", stack });
  }
}

async function toldOf(ask: Ask | MeasureAsk): Promise<Told> {
  const { id } = ask;
  if ("table" in ask) return { id, kind: "measured", millionsPerSecond: await measure(ask.table, ask.slots) };
  const begun = performance.now();
  const { view, workspace } = ask;
  const whole = { ...workspace, ...receiver.unpack(workspace) };
  if (!hasRead) {
    readFiles(whole.files, memory);
    hasRead = true;
    scope.postMessage({ id, kind: "read" });
  }
  const answer = await answerFor(view, whole, memory);
  return { id, kind: "answer", answer, milliseconds: performance.now() - begun };
}

/** The compiler, as elements ask it: in one worker for all of them, or in the page where its policy allows no worker. */
import type { WalkAnswer, Workspace } from "../protocol.ts";
import type { listen, startAnswering, WalkAsk, WalkTold } from "./answer.ts";

/** What answer.ts exports. The build puts it beside the element's code as one function, which needs nothing from outside of itself: its text is a
 *  worker's script, too. */
declare const kpcCompiler: () => { readonly listen: typeof listen; readonly startAnswering: typeof startAnswering };

interface Waiting {
  readonly workspace: Workspace;
  readonly resolve: (answer: WalkAnswer) => void;
  readonly reject: (error: Error) => void;
}

const waiting = new Map<number, Waiting>();
let count = 0;
let worker: Worker | "refused" | undefined;
let hasAnswered = false;

/** Rejects with an error of kpc itself. */
export function askWalk(workspace: Workspace): Promise<WalkAnswer> {
  return new Promise((resolve, reject) => {
    const id = ++count;
    waiting.set(id, { workspace, resolve, reject });
    worker ??= start();
    if (worker === "refused") answerHere();
    else worker.postMessage({ id, workspace } satisfies WalkAsk);
  });
}

function start(): Worker | "refused" {
  const script = `(${kpcCompiler})().listen(self);`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    const started = new Worker(address, { name: "kpc-walk" });
    started.onmessage = ({ data }: MessageEvent<WalkTold>) => hear(data);
    started.onerror = (event) => {
      started.terminate();
      giveUp(event.message);
    };
    return started;
  } catch {
    return "refused";
  }
}

function hear(told: WalkTold): void {
  hasAnswered = true;
  const asked = waiting.get(told.id);
  waiting.delete(told.id);
  if ("answer" in told) asked?.resolve(told.answer);
  else asked?.reject(new Error(told.stack));
}

/** A policy that forbids workers is known by the first one's error. */
function giveUp(message: string | undefined): void {
  if (!hasAnswered) {
    worker = "refused";
    answerHere();
    return;
  }
  worker = undefined;
  for (const { reject } of waiting.values()) reject(new Error(message ?? "the worker has ended"));
  waiting.clear();
}

let answerInPage: ReturnType<typeof startAnswering> | undefined;

/** One answer a task, so that the page can do something else between two. */
function answerHere(): void {
  for (const [id, { workspace, resolve, reject }] of waiting) {
    waiting.delete(id);
    setTimeout(() => {
      try {
        answerInPage ??= kpcCompiler().startAnswering();
        resolve(answerInPage(workspace));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}

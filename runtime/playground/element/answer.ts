/** What the element needs of the compiler: the only part of its script that runs in a worker. */
import type { WalkAnswer, Workspace } from "../protocol.ts";
import { walkAnswer } from "../worker/walk.ts";

export { walkAnswer };

export interface WalkAsk {
  /** The answer carries it back. */
  readonly id: number;
  readonly workspace: Workspace;
}

/** `stack`: of an error that kpc itself has. */
export type WalkTold = { readonly id: number } & ({ readonly answer: WalkAnswer } | { readonly stack: string });

interface WorkerScope {
  onmessage: ((event: { readonly data: WalkAsk }) => void) | null;
  postMessage(told: WalkTold): void;
}

/** Answers what the worker is asked. */
export function listen(scope: WorkerScope): void {
  scope.onmessage = ({ data: { id, workspace } }) => {
    try {
      scope.postMessage({ id, answer: walkAnswer(workspace) });
    } catch (error) {
      scope.postMessage({ id, stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
}

/** What the element needs of the compiler: the only part of its script that runs in a worker. */
import type { WalkAnswer, Workspace } from "../protocol.ts";
import { WorkspaceMemory } from "../worker/contents.ts";
import { walkAnswer } from "../worker/walk.ts";

/** A function that answers. What it has read it remembers: the walks of a page are often those of the same files. */
export function startAnswering(): (workspace: Workspace) => WalkAnswer {
  const memory = new WorkspaceMemory();
  return (workspace) => walkAnswer(workspace, memory);
}

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
  const answer = startAnswering();
  scope.onmessage = ({ data: { id, workspace } }) => {
    try {
      scope.postMessage({ id, answer: answer(workspace) });
    } catch (error) {
      scope.postMessage({ id, stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
}

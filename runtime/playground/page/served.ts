/** The files of `kpc serve`, whose page this is. */
import type { InputFile } from "../protocol.ts";
import type { Example } from "./state.ts";

/** What the server has; undefined: the page is not from one, or shows its examples. */
export async function servedFiles(): Promise<readonly InputFile[] | undefined> {
  if (document.getElementById("served") === null) return undefined;
  const response = await fetch("files");
  if (!response.ok) throw new Error(`kpc serve does not give its files: ${response.status}`);
  return (await response.json()) as readonly InputFile[];
}

export interface ServedEvents {
  readonly onFiles: (files: readonly InputFile[]) => void;
  /** The server does not answer any more. */
  readonly onLost: () => void;
}

/** Asks for the files again whenever the server says that they have changed, and when it is there again: meanwhile they may have. */
export function followChanges({ onFiles, onLost }: ServedEvents): void {
  let newest = 0;
  let isLost = false;
  const ask = async (): Promise<void> => {
    const turn = ++newest;
    const files = await servedFiles();
    if (files !== undefined && turn === newest) onFiles(files);
  };
  const lose = (): void => {
    isLost = true;
    onLost();
  };
  const changes = new EventSource("changes");
  changes.onmessage = () => void ask().catch(lose);
  changes.onopen = () => {
    if (isLost) void ask().catch(lose);
    isLost = false;
  };
  changes.onerror = lose;
}

/** The files with a question to begin with. */
export function exampleOf(files: readonly InputFile[]): Example {
  return { title: "", files, question: "", view: "check" };
}

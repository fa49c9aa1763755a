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

/** Asks for the files again whenever the server says that they have changed. */
export function followChanges(onFiles: (files: readonly InputFile[]) => void): void {
  new EventSource("changes").onmessage = () =>
    void servedFiles().then((files) => {
      if (files !== undefined) onFiles(files);
    });
}

/** The files with a question to begin with. */
export function exampleOf(files: readonly InputFile[]): Example {
  return { title: "", files, question: "", view: "check" };
}

/** Code with a mistake in it, for laws that have to notice. */
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** A text that stands once in a file, and what is wrong in its place. */
export interface Mistake {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** `entry` (a file below `folder`) bundled with the mistake. Throws where its text is not in its file exactly once. */
export async function codeWith({ file, from, to }: Mistake, folder: URL, entry: string): Promise<string> {
  const path = fileURLToPath(folder);
  let isReplaced = false;
  const mutate = (code: string, id: string): string | undefined => {
    if (id !== path + file) return undefined;
    const parts = code.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    isReplaced = true;
    return parts.join(to);
  };
  const bundle = await rolldown({
    input: path + entry,
    platform: "node",
    logLevel: "silent",
    plugins: [{ name: "mutate", transform: mutate }],
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
  await bundle.close();
  if (!isReplaced) throw new Error(`${file} is no part of ${entry}`);
  return output[0].code;
}

/** The examples in README.md, as it shows them. */
import { readFileSync } from "node:fs";

/** A command that a person would type, and what it prints. */
export interface Session {
  readonly command: string;
  readonly output: string;
}

/** A fenced block. */
export interface Example {
  readonly language: string;
  readonly text: string;
}

const TEXT = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** Commands after a `$`, with what stands below them. */
export const SESSIONS: readonly Session[] = [...TEXT.matchAll(/^ {4}\$ (.+)\n((?: {4}.*\n|\n(?= {4}(?!\$)))+)/gm)].map(
  ([, command = "", output = ""]) => ({ command, output: output.replaceAll(/^ {4}/gm, "") }),
);

/** Commands whose output goes to a file. */
export const REDIRECTED: readonly string[] = [...TEXT.matchAll(/^ {4}(npx kpc compile [^;&|<\n]* > [\w.]+)$/gm)].map(
  ([, command = ""]) => command,
);

export const EXAMPLES: readonly Example[] = [...TEXT.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
  ([, language = "", text = ""]) => ({ language, text }),
);

/** What an example says that it prints or shows: the comments behind the statements that do. */
export function wantedOf({ text }: Example): string[] {
  return [...text.matchAll(/(?:console\.log\(|\.textContent = ).*; \/\/ (.+)$/gm)].map(([, wanted = ""]) => wanted);
}

/** What commands of the command line are made with. */
import { type Command, InvalidArgumentError } from "commander";

/** Runs a command's work, which gives the exit code. */
export type RunWork = (work: () => Promise<number>) => Promise<void>;

const EXIT_CODES =
  "Exit codes: 0 no problem; 1 a problem was found; 2 kpc could not answer (usage, unreadable file, bug).";

/** `command` with examples and exit codes in its help, to which its errors lead. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command
    .showHelpAfterError(`(${pathOf(command)} --help shows usage and examples)`)
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}\n\n${EXIT_CODES}`);
}

/** `kpc lab run`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** The value of an option that takes a whole number from 1 on. */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number from 1 on");
  return value;
}

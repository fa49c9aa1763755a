/** The program that commands are added to, and how the command in an argument list is run. */
import { Command, CommanderError } from "commander";
import { EngineTrouble } from "../expectations/engines/types.ts";
import { startRun } from "../run.ts";
import { VERSION } from "../version.ts";
import type { RunWork } from "./command.ts";
import { refuseSharedStandardInput } from "./options.ts";
import { EXIT, printHelp, watchOutput } from "./output.ts";
import { Trouble } from "./trouble.ts";

/** Without commands. */
export function emptyProgram(): Command {
  return new Command("kpc")
    .description("Compiles Kubernetes Services to packet rules for one node, and answers questions about rules.")
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: printHelp })
    .hook("preAction", (_, command) => refuseSharedStandardInput(command))
    .showSuggestionAfterError()
    .showHelpAfterError("(kpc --help lists commands and options)");
}

/** Runs the command in `argv`, and sets the exit code of the process. Nothing of commands that ran before in the same process is left:
 *  a command prints the same after others as in a process of its own. */
export async function runProgram(argv: readonly string[], build: (run: RunWork) => Command): Promise<void> {
  startRun();
  watchOutput();
  const code = await exitCodeOf(argv, build);
  process.exitCode ??= code; // a failure to write has set it
}

async function exitCodeOf(argv: readonly string[], build: (run: RunWork) => Command): Promise<number> {
  let code: number = EXIT.fine;
  const run = async (work: () => Promise<number>): Promise<void> => {
    code = await work();
  };
  try {
    await build(run).parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.trouble;
    if (error instanceof Trouble || error instanceof EngineTrouble) {
      process.stderr.write(`kpc: ${error.message}\n`);
      return EXIT.trouble;
    }
    throw error;
  }
}

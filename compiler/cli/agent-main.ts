/** `kpc agent` by itself: a process that stays on each node loads nothing of other commands. */
import { addAgentCommand } from "./agent-options.ts";
import { emptyProgram, runProgram } from "./program.ts";

/** As that of `cli.ts`, where `argv` calls the agent. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProgram(argv, (run) => {
    const program = emptyProgram();
    addAgentCommand(program, run);
    return program;
  });
}

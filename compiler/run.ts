/** What modules keep of one run of kpc only: the numbers of unknown matches, texts of pipes. A process may run several commands. */

const resets: (() => void)[] = [];

/** Calls `reset` whenever a run starts. For a module that keeps what belongs to one run. */
export function atStartOfRun(reset: () => void): void {
  resets.push(reset);
}

/** Lets modules forget what they keep of the runs before, of which nothing may be used any more. */
export function startRun(): void {
  for (const reset of resets) reset();
}

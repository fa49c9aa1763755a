import type { ChildProcess } from "node:child_process";

/** How a process has ended that should have gone on: what it has written to its standard error, else its signal or exit code. */
export function howEnded(
  { signalCode, exitCode }: Pick<ChildProcess, "signalCode" | "exitCode">,
  complaints: readonly string[],
): string {
  const said = complaints.join("").trim();
  return said === "" ? (signalCode ?? `exit code ${exitCode}`) : said;
}

/** Many short transactions in one process of nft. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENVIRONMENT, namespaceArguments } from "./kernel.ts";

/** nft's first complaint about each of `lines`, or undefined; each line is a transaction in one namespace, and what it makes
 *  is gone before the next. A line is a list of commands, of which the first names what no other line has. */
export async function complaintsOfNft(lines: readonly string[]): Promise<(string | undefined)[]> {
  // nft keeps a history there.
  const home = await mkdtemp(join(tmpdir(), "kpc-test-"));
  try {
    const output = await interact([...lines.flatMap((line) => [line, "flush ruleset"]), END].join("\n"), home);
    if (!output.includes(END)) throw new Error(output);
    const complaints = new Map<string, string>();
    let last = "";
    for (const each of output.split("\n")) {
      const [, complaint] = /^(?:.*: )?Error: (.*)/.exec(each) ?? [];
      if (complaint !== undefined) last = complaint;
      else if (!complaints.has(each)) complaints.set(each, last);
    }
    return lines.map((line) => complaints.get(line));
  } finally {
    await rm(home, { recursive: true });
  }
}

/** A command that nft does not know: it repeats the line. */
const END = "end of lines";

function interact(text: string, home: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("unshare", [...namespaceArguments, "nft", "-i"], { env: { ...ENVIRONMENT, HOME: home } });
    let output = "";
    child.stdout.resume();
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      output += part;
    });
    child.on("error", reject).on("close", () => resolve(output));
    child.stdin.end(`${text}\n`);
  });
}

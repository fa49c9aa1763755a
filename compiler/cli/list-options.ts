/** The command `kpc list`. */
import { type Command, Option } from "commander";
import { type RunWork, withExamples } from "./command.ts";
import { join, withCommonOptions } from "./options.ts";

export function addListCommand(program: Command, run: RunWork): void {
  withExamples(
    withCommonOptions(
      program
        .command("list")
        .description("list the addresses and ports at which one node serves Services, with endpoints and policies")
        .argument("[inputs...]", "manifests: files, folders, or - for standard input")
        .option("--live", "as root on a node: list what kpc's tables in this machine's kernel do")
        .option("--service <names>", "list only these Services: NAMESPACE/NAME, or NAME (several: commas)", join)
        .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text")),
    ),
    "kpc list cluster.json --node worker-1",
    "kpc list --live",
    "kpc list cluster.json --node worker-1 --service shop/web -o json",
  ).action((inputs: string[], flags) => run(async () => (await import("./list.ts")).listCommand(inputs, flags)));
}

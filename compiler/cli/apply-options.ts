/** The command `kpc apply`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { positive, type RunWork, withExamples } from "./command.ts";
import { withCommonOptions } from "./options.ts";

export function addApplyCommand(program: Command, run: RunWork): void {
  withExamples(
    withCommonOptions(
      program
        .command("apply")
        .description(
          "as root on a node: make the nft rules of this machine those of the manifests, and show before what changes",
        )
        .argument("[inputs...]", "manifests: files, folders, or - for standard input")
        .option(
          "--dry-run",
          "show the plan, and ask the kernel whether it takes it; exit code 1 where there is something to do",
        )
        .option("--yes", "apply without a question")
        .addOption(
          new Option("--confirm <time>", "undo the change unless somebody confirms it within 60s, 5m").argParser(
            duration,
          ),
        )
        .option("--confirm-now <id>", "confirm the change that waits under this name")
        .option("--cleanup", "remove kpc's tables")
        .option("--force", "also where another kpc writes the tables, which will undo what differs from its own")
        .addOption(
          new Option("--limit <n>", "print so many Service ports of the plan (default: 50)").argParser(positive),
        )
        .addOption(
          new Option("--time <seconds>", "compare what packets meet for no longer than this; 0: not at all")
            .default(20)
            .argParser(seconds),
        )
        .addOption(new Option("--watch <id>").hideHelp()),
    ),
    "kpc apply cluster.json --node worker-1 --dry-run",
    "kubectl get services,endpointslices,nodes -A -o json | kpc apply - --node worker-1 --yes",
    "kpc apply manifests/ -c kpc.yaml --confirm 60s    # undone unless confirmed: by Enter, or --confirm-now ID",
    "kpc apply --cleanup --yes",
  ).action((inputs: string[], flags) => run(async () => (await import("./apply.ts")).applyCommand(inputs, flags)));
}

/** `60s`, `5m`, `60`: as seconds. */
function duration(text: string): number {
  const [, number, unit] = /^([0-9]{1,6})(s|m|h|)$/.exec(text) ?? [];
  const value = Number(number ?? 0) * (unit === "m" ? 60 : unit === "h" ? 3600 : 1);
  if (value < 1 || value > MOST_SECONDS) throw new InvalidArgumentError("expected a time from 1s to 24h, such as 60s");
  return value;
}

const MOST_SECONDS = 86_400;

function seconds(text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("expected seconds, 0 or more");
  return value;
}

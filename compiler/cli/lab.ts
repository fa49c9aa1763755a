/** The commands below `kpc lab`. */
import { type Command, Option } from "commander";
import { positive, type RunWork, withExamples } from "./command.ts";
import { withCommonOptions } from "./options.ts";

/** Adds `kpc lab` to the commands. */
export function addLabCommands(program: Command, run: RunWork): void {
  const lab = program
    .command("lab")
    .description("build the described network of namespaces on this machine, and send real packets through it");

  withExamples(
    withCommonOptions(
      lab
        .command("run")
        .description(
          "build the network, make the flows, compare each place that packets pass with kpc trace, and take it down",
        )
        .argument(
          "<words...>",
          "flows (PROTOCOL SOURCE > DESTINATION:PORT, as for kpc trace) and inputs: manifests, settings and a Cluster document, as files, folders with all that is in them, or - for standard input",
        )
        .option(
          "--attempts <n>",
          "make each flow so many times (default: until each branch was seen, at most 16)",
          positive,
        )
        .option("--all", "print each branch in full")
        .addOption(new Option("-o, --output <format>", "output format").choices(["text", "pcapng"]).default("text")),
    ),
    "kpc lab run 'tcp web-1 > svc/api:http' examples/shop",
    "kpc lab run 'tcp internet > node-1:30123' 'udp web-2 > svc/api:dns' examples/shop --attempts 50",
    "kpc lab run 'tcp internet > node-1:30123' examples/shop -o pcapng > lab.pcapng    # for Wireshark",
  ).action((words: string[], flags) => run(async () => (await import("./lab-run.ts")).labRunCommand(words, flags)));
}

/** The commands below `kpc lab`. */
import { type Command, Option } from "commander";
import { positive, type RunWork, withExamples } from "./command.ts";
import { collect, withCommonOptions } from "./options.ts";

/** Adds `kpc lab` to the commands. */
export function addLabCommands(program: Command, run: RunWork): void {
  const lab = program
    .command("lab")
    .description("build the described network of namespaces on this machine, and send real packets through it")
    .enablePositionalOptions();

  withExamples(
    withCommonOptions(
      lab
        .command("run")
        .description(
          "build the network, make the flows, compare each place that packets pass with kpc trace, and take it down",
        )
        .argument(
          "<words...>",
          "flows (PROTOCOL SOURCE > DESTINATION:PORT or GET URL, as for kpc trace) and inputs: manifests, settings and a Cluster document, as files, folders with all that is in them, or - for standard input",
        )
        .option(
          "--attempts <n>",
          "make each flow so many times (default: until each branch was seen, at most 16)",
          positive,
        )
        .option("-H, --header <header>", "of URLs: header of the requests, 'Name: value' (repeatable)", collect)
        .option("--all", "print each branch in full")
        .option("--dry-run", "print the shell script of ip, nft and sysctl commands that builds the network")
        .addOption(
          new Option("-o, --output <format>", "output format")
            .choices(["text", "json", "junit", "pcapng"])
            .default("text"),
        ),
    ),
    "kpc lab run 'tcp web-1 > svc/api:http' examples/shop",
    "kpc lab run 'GET http://shop.example.com/api' examples/shop    # through the ingress proxy, which is HAProxy here",
    "kpc lab run 'tcp internet > node-1:30123' 'udp web-2 > svc/api:dns' examples/shop --attempts 50",
    "kpc lab run examples/shop/stories.yaml -o junit > report.xml    # the flows of a file of expectations",
    "kpc lab run 'tcp internet > node-1:30123' examples/shop -o pcapng > lab.pcapng    # for Wireshark",
  ).action((words: string[], flags) => run(async () => (await import("./lab-run.ts")).labRunCommand(words, flags)));

  withExamples(
    withCommonOptions(
      lab
        .command("up")
        .description("build the network, and answer questions about it until quit")
        .argument("<inputs...>", "manifests, settings and a Cluster document: files, folders with all that is in them")
        .option("--name <name>", "name of the lab (default: lab-1, lab-2, …)")
        .option("--detach", "leave the lab running, and print its name")
        .option("--dry-run", "print the shell script of ip, nft and sysctl commands that builds the network"),
    ),
    "kpc lab up examples/shop",
    "echo 'ask tcp web-1 > svc/api:http' | kpc lab up examples/shop",
    "kpc lab up examples/shop --dry-run > lab.sh && unshare -n -m sh -c '. ./lab.sh; exec sh'",
    "kpc lab up examples/shop --detach --name shop && kpc lab enter shop",
  ).action((words: string[], flags) => run(async () => (await import("./lab-up.ts")).labUpCommand(words, flags)));

  withExamples(
    lab
      .command("enter")
      .description("talk to a lab that runs: at its prompt, or with one command")
      .argument("<name>", "the lab's name")
      .argument("[command...]", "a command of its prompt (kpc lab enter NAME help lists them)")
      .passThroughOptions(),
    "kpc lab enter shop",
    "kpc lab enter shop ask 'tcp web-1 > svc/api:http'",
    "kpc lab enter shop exec pod/shop/web-1 -- curl http://10.96.0.20",
  ).action((name: string, words: string[]) =>
    run(async () => (await import("./lab-up.ts")).labEnterCommand(name, words)),
  );

  withExamples(
    lab
      .command("list")
      .description("list the labs that run")
      .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text")),
    "kpc lab list",
  ).action((flags) => run(async () => (await import("./lab-up.ts")).labListCommand(flags)));

  withExamples(
    lab.command("down").description("take labs down").argument("<names...>", "the labs' names"),
    "kpc lab down shop",
  ).action((names: string[]) => run(async () => (await import("./lab-up.ts")).labDownCommand(names)));

  withExamples(
    lab
      .command("collect-script")
      .description("print the script that collects the files of a node, which kpc reads as they are"),
    "kpc lab collect-script | ssh worker-1 'sh -s /tmp/worker-1'    # then: scp -r worker-1:/tmp/worker-1 .",
    "kpc lab collect-script > collect.sh",
  ).action(() => run(async () => (await import("./lab-collect.ts")).labCollectCommand()));
}

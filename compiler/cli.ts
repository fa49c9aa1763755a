/** The command line: what there is to call. Each command's work is loaded when it is called. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { addAgentCommand } from "./cli/agent-options.ts";
import { addApplyCommand } from "./cli/apply-options.ts";
import { positive, type RunWork, withExamples } from "./cli/command.ts";
import { ENGINE_NAMES, SINGLE_ENGINE_NAMES } from "./cli/engines.ts";
import { addIngressCommands } from "./cli/ingress.ts";
import { addLabCommands } from "./cli/lab.ts";
import { addListCommand } from "./cli/list-options.ts";
import {
  collect,
  httpsRedirectOption,
  join,
  pathSafetyOption,
  refuseRepeated,
  withCommonOptions,
  withOptionsOfCases,
  withOptionsOfPair,
  withProxyOptions,
} from "./cli/options.ts";
import { EXTENSIONS } from "./cli/print-output.ts";
import { emptyProgram, runProgram } from "./cli/program.ts";
import { DEFAULT_SECONDS } from "./cli/time-limit.ts";
import { CONTROLLERS } from "./controllers/controllers.ts";
import { FAMILIES, type Family } from "./net/address.ts";

function buildProgram(run: RunWork): Command {
  const program = emptyProgram();

  withExamples(
    withProxyOptions(
      withCommonOptions(
        program
          .command("compile")
          .description(
            "print the rules of one node, or write those of all nodes, for nft, iptables or the packet classifier",
          )
          .argument("[inputs...]", "manifests: files, folders, or - for standard input")
          .addOption(
            new Option("-o, --output <format>", "output format")
              .choices([...Object.keys(EXTENSIONS), "node-setup", "haproxy"])
              .default("nft"),
          )
          .option("--current <file>", "iptables-save of the host: jumps already there are not added again")
          .option("--all-nodes", "write one file for each Node of the input")
          .option("-d, --directory <folder>", "folder for the files of --all-nodes and -o haproxy"),
      ),
    ),
    "kpc compile services.yaml > rules.nft && nft -f rules.nft",
    "kubectl get services,endpointslices,nodes -A -o json | kpc compile - --node worker-1 | nft -f -",
    "kpc compile -R manifests/ --mode iptables -o iptables > rules.v4 && iptables-restore --noflush rules.v4",
    "kpc compile cluster.json cluster.yaml --node worker-1 -o node-setup > setup.sh    # routes and sysctls",
    "kpc compile ingresses.yaml services.yaml -o haproxy -d proxy/    # Ingresses as a configuration of HAProxy",
    "kpc compile ingresses.yaml services.yaml -o router > routes.kpcr    # for kpc/router",
    "kpc compile cluster.json --all-nodes -d rules/    # rules/worker-1.nft, rules/worker-2.nft, …",
  ).action((inputs: string[], flags) =>
    run(async () => (await import("./cli/compile.ts")).compileCommand(inputs, flags)),
  );

  withExamples(
    withCommonOptions(
      program
        .command("check")
        .description("find mistakes in manifests; with -v, also what gets no rules and why")
        .argument("[inputs...]", "manifests: files, folders, or - for standard input")
        .option("--now <time>", "check certificates as of this time (default: SOURCE_DATE_EPOCH, else now)")
        .addOption(
          new Option(
            "--like <controller>",
            "also warn of what this controller would do otherwise with the Ingresses",
          ).choices(CONTROLLERS),
        )
        .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text")),
    ),
    "kpc check services.yaml",
    "kpc check manifests/ --like ingress-nginx    # URLs that would be served otherwise there",
    "kpc check -R manifests/ -o json",
    "helm template shop ./chart | kpc check -",
  ).action((inputs: string[], flags) => run(async () => (await import("./cli/check.ts")).checkCommand(inputs, flags)));

  withExamples(
    withCommonOptions(
      program
        .command("trace")
        .description(
          "follow the first packet of a connection, or an HTTP request, through the cluster, and its answer back; with --node, a packet through the rules of one node",
        )
        .argument(
          "<packet>",
          "PROTOCOL SOURCE[:PORT] > DESTINATION:PORT [iif INTERFACE] [mark NUMBER], a line of tcpdump -n, or [SOURCE >] METHOD URL [Host: NAME]; ends are addresses, pod/NS/NAME, svc/NS/NAME, node/NAME, lb/NS/NAME, outside/NAME, internet, gateway, localhost, or short names such as web-1",
        )
        .argument("[inputs...]", "manifests: files, folders, or - for standard input")
        .option("--engine <name>", `engine that answers: ${SINGLE_ENGINE_NAMES}`, "ir")
        .option(
          "--rules <files>",
          "follow these rules of a host instead: nft list ruleset or iptables-save (several files: commas)",
          join,
        )
        .option(
          "--live",
          "as root on a node: wait for the first packet of such a connection, and compare what the kernel does with what its rules say (source any: from anybody)",
        )
        .addOption(new Option("--wait <seconds>", "with --live: how long to wait (default: 60)").argParser(seconds))
        .option("--all", "through the cluster: print each branch in full, also those that differ in the endpoint only")
        .option("--no-reply", "through the cluster: leave out the answer's way back")
        .addOption(pathSafetyOption())
        .addOption(httpsRedirectOption())
        .option(
          "--proxy-protocol",
          "of URLs: the load balancer tells the ingress proxy its client by the PROXY protocol",
        )
        .option("-H, --header <header>", "of URLs: header of the request, 'Name: value' (repeatable)", collect)
        .addOption(
          new Option("-o, --output <format>", "output format")
            .choices(["text", "json", "mermaid", "pcapng", "svg"])
            .default("text"),
        )
        .addOption(
          new Option("--branch <number>", "-o svg: the branch that is told, in the order of --all").argParser(
            branchNumber,
          ),
        )
        .addOption(
          new Option("--scheme <scheme>", "-o svg: colours (default: as the reader prefers)").choices([
            "light",
            "dark",
          ]),
        )
        .option("--transparent", "-o svg: without a ground of its own")
        .option("--no-table", "-o svg: the drawing alone")
        .option("--no-drawing", "-o svg: the table alone"),
    ),
    "kpc trace 'tcp web-1 > svc/api:http' cluster.yaml                # the whole way, and back",
    "kpc trace 'tcp internet > worker-1:30123' cluster.yaml -o mermaid",
    "kpc trace 'tcp internet > worker-1:30123' cluster.yaml -o pcapng > walk.pcapng    # for Wireshark",
    "kpc trace 'GET https://shop.example.com/api' cluster.yaml           # through the ingress proxy",
    "kpc trace 'POST http://shop.example.com/api' -H 'Version: 2' cluster.yaml gateway.yaml",
    "kpc trace 'icmp pod/shop/web-1 > 10.244.2.10' cluster.yaml --no-reply",
    "kpc trace 'tcp pod/shop/web-0 > svc/shop/api:http' cluster.yaml --node worker-1",
    "kpc trace 'tcp [2001:db8::7]:40000 > [fd00:96::a]:80 iif eth0' services.yaml -o json",
    "kpc trace --live 'tcp any > svc/shop/api:http' cluster.yaml        # as root on a node",
    "iptables-save | kpc trace 'tcp 203.0.113.9:40000 > 192.0.2.7:30123 iif eth0' --rules - --node-ip 192.0.2.7",
  ).action((packet: string, inputs: string[], flags) =>
    run(async () => (await import("./cli/trace.ts")).traceCommand(packet, inputs, flags)),
  );

  withExamples(
    withCommonOptions(
      program
        .command("whatis")
        .description(
          "tell which rule of an Ingress or HTTPRoute serves a URL, which rules lost, and where the request goes; or what kpc's tables have to do with an address or a chain",
        )
        .argument("<url>", "http://HOST/PATH or https://HOST/PATH; ADDRESS, ADDRESS:PORT; or the name of a chain")
        .argument("[inputs...]", "manifests: files, folders, or - for standard input")
        .addOption(pathSafetyOption())
        .addOption(httpsRedirectOption())
        .option("--live", "as root on a node, of addresses and chains: ask kpc's tables in this machine's kernel")
        .option("-X, --method <method>", "method of the request", "GET")
        .option("-H, --header <header>", "header of the request, 'Name: value' (repeatable)", collect)
        .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text")),
    ),
    "kpc whatis https://shop.example.com/api/orders manifests/",
    "kubectl get ingresses,services,endpointslices -A -o json | kpc whatis http://shop.example.com/ -",
    "kpc whatis http://shop.example.com/api -X POST -H 'Version: 2' gateway.yaml",
    "kpc whatis 10.96.0.10:80 cluster.json --node worker-1",
    "kpc whatis pick-2-tcp --live",
  ).action((url: string, inputs: string[], flags) =>
    run(async () => (await import("./cli/whatis.ts")).whatisCommand(url, inputs, flags)),
  );

  withExamples(
    program
      .command("serve")
      .description(
        "show the files in a page on this machine: walks, rules, findings; the page follows changes of the files",
      )
      .argument("[inputs...]", "manifests and rules of hosts: files or folders; none: the examples of the page")
      .option("-c, --config <file>", "settings: kpc's own, or kube-proxy's")
      .option("-R, --recursive", "also look into folders within folders")
      .option("--port <number>", "port of 127.0.0.1 (default: one that is free)", positive),
    "kpc serve manifests/ cluster.yaml",
    "kpc serve",
  ).action((inputs: string[], flags) => run(async () => (await import("./cli/serve.ts")).serveCommand(inputs, flags)));

  withExamples(
    withOptionsOfCases(
      program
        .command("test")
        .description("run expectation files: packets or HTTP requests, and what must happen to them")
        .argument("[files...]", "expectation files or folders")
        .option("--engine <list>", `engines that answer, separated by commas: ${ENGINE_NAMES}`, "ir")
        .addOption(
          new Option("-o, --output <format>", "output format").choices(["text", "json", "junit"]).default("text"),
        ),
    ),
    "kpc test cases/",
    "kpc test cases/shop.yaml --engine ir,kernel-nft -o junit > report.xml",
    "kpc test -R cases/ -o json",
  ).action((cases: string[], flags) => run(async () => (await import("./cli/test.ts")).testCommand(cases, flags)));

  withExamples(
    withOptionsOfPair(
      withCompareOptions(
        program
          .command("diff")
          .description(
            "compare two rulesets or manifests over all packets, or Ingresses and Gateways over all URLs; print counterexamples where they differ",
          )
          .argument(
            "<left>",
            "manifests, nft or iptables rules (several files: commas, such as rules.v4,rules.v6), kpc's IR (-o ir), a folder with haproxy.cfg, or what HAProxy's show map prints",
          )
          .argument("<right>", "what to compare it with, of the same kinds")
          .option("--ingress", "compare what serves URLs, not packets; HAProxy's files are always compared so"),
      ),
    ),
    "kpc diff rules.nft rules.v4,rules.v6",
    "kpc diff services.yaml <(nft list ruleset) --node-ip 192.0.2.7 --mode nftables",
    "kpc diff before.rules after.rules -o json",
    "kpc diff old/ new/ --ingress                          # which URLs a change of Ingresses moves",
    "kpc diff ingresses.yaml gateways.yaml --ingress       # whether Gateways serve what Ingresses have served",
    "kpc diff ingresses.yaml proxy/                        # proxy/haproxy.cfg and its maps",
    "kpc diff old.v4 new.nft -o except > expected.yaml    # then: kpc diff old.v4 new.nft --except expected.yaml",
  ).action((left: string, right: string, flags) =>
    run(async () => (await import("./cli/diff.ts")).diffCommand(left, right, flags)),
  );

  withExamples(
    withCommonOptions(
      withCompareOptions(
        program
          .command("verify")
          .description(
            "compare a host's rules with manifests over all packets; print what differs and which rules cause it",
          )
          .argument("[inputs...]", "manifests: files, folders, or - for standard input")
          .requiredOption(
            "--against <files>",
            "rules of the host: nft list ruleset, or iptables-save (several files: commas, or repeat the option)",
            join,
          )
          .option("--strict-source", "count source translation by network plugins as a difference"),
      ),
    ),
    "nft list ruleset | kpc verify cluster.json --against - --node worker-1",
    "kpc verify -R manifests/ --against rules.v4,rules.v6 --node worker-1",
    "kpc verify cluster.json --against dump.nft --node worker-1 --except expected.yaml",
  ).action((inputs: string[], flags) =>
    run(async () => (await import("./cli/verify.ts")).verifyCommand(inputs, flags)),
  );

  withExamples(
    withCommonOptions(
      program
        .command("matrix")
        .description(
          "follow a connection from every pod, node and host outside to every Service; print who reaches what",
        )
        .argument("[inputs...]", "manifests: files, folders, or - for standard input")
        .option("--against <files>", "print only what differs from these inputs (several files: commas)", join)
        .option("--service <names>", "print only these Services: NAMESPACE/NAME, or NAME (several: commas)", join)
        .option(
          "--entries <list>",
          "print only these ways in: cluster-ip, node-port, load-balancer, external-ip, gateway-forward; with node-port, pods and nodes ask for node ports, too",
          join,
        )
        .addOption(
          new Option("-o, --output <format>", "output format").choices(["text", "csv", "json"]).default("text"),
        ),
    ),
    "kpc matrix -R manifests/ -c kpc.yaml",
    "kpc matrix cluster.json -o csv > matrix.csv",
    "kpc matrix new/ --against old/ -c kpc.yaml    # what a change makes different",
  ).action((inputs: string[], flags) =>
    run(async () => (await import("./cli/matrix.ts")).matrixCommand(inputs, flags)),
  );

  withExamples(
    withCommonOptions(
      program
        .command("picture")
        .description(
          "draw the cluster with what is wrong in it, a Service with its endpoints, or rules: which chain leads to which",
        )
        .argument("[inputs...]", "manifests, or rules of a host: files, folders, or - for standard input")
        .option("--cluster", "with --service: draw where its endpoints are in the cluster")
        .option("--no-findings", "of the cluster: do not look for what is wrong, which takes long in a large one")
        .option("--chains", "draw the rules that manifests give a node; rules of a host are always drawn so")
        .option("--table <name>", "draw only this table: 'FAMILY NAME', or NAME in every family")
        .option("--chain <name>", "draw only this chain, and those at most two jumps from it")
        .option(
          "--service <name>",
          "draw who reaches which endpoints of this Service (NAMESPACE/NAME[:PORT]); of rules: the chains that name it, and those at most two jumps from one",
        )
        .addOption(
          new Option("--scheme <scheme>", "colours (default: as the reader prefers)").choices(["light", "dark"]),
        )
        .option("--transparent", "draw no background")
        .addOption(new Option("-o, --output <format>", "output format").choices(["svg", "mermaid"]).default("svg")),
    ),
    "kpc picture cluster.json > cluster.svg",
    "kpc picture cluster.json --service shop/web > web.svg             # seen from the first node; --node: from another",
    "kpc picture cluster.json --chains --node worker-1 > rules.svg",
    "nft list ruleset | kpc picture - > host.svg",
    "kpc picture rules.v4 --table nat --chain KUBE-SERVICES > services.svg",
    "kpc picture dump.nft -o mermaid > host.mmd",
  ).action((inputs: string[], flags) =>
    run(async () => (await import("./cli/picture.ts")).pictureCommand(inputs, flags)),
  );

  addApplyCommand(program, run);
  addListCommand(program, run);
  addAgentCommand(program, run);
  addLabCommands(program, run);
  addIngressCommands(program, run);

  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) refuseRepeated(command);
  return program;
}

/** The flags of the commands that compare. */
function withCompareOptions(command: Command): Command {
  return command
    .option(
      "--except <file>",
      "expected differences, as -o except prints them: fail if the real ones are others (repeatable)",
      collect,
    )
    .addOption(new Option("--family <list>", "families to compare: IPv4, IPv6").argParser(families))
    .addOption(
      new Option(
        "--limit <n>",
        "print so many rows of the table (default: 20) and counterexamples (default: 3; -v: all)",
      ).argParser(positive),
    )
    .addOption(
      new Option("--budget <n>", "stop after this many evaluation steps").default(100_000_000).argParser(positive),
    )
    .addOption(new Option("--time <seconds>", "stop after this time").default(DEFAULT_SECONDS).argParser(seconds))
    .addOption(
      new Option("-o, --output <format>", "output format").choices(["text", "json", "except"]).default("text"),
    );
}

function families(text: string): readonly Family[] {
  const found = text
    .split(",")
    .map((name) => FAMILIES.find((family) => family.toLowerCase() === name.trim().toLowerCase()));
  const known = found.flatMap((family) => family ?? []);
  if (known.length < found.length) throw new InvalidArgumentError("expected IPv4, IPv6 or both, separated by a comma");
  return known;
}

function branchNumber(text: string): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError("expected the number of a branch, from 1");
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("expected seconds, more than 0");
  return value;
}

/** Runs the command in `argv`, and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProgram(argv, buildProgram);
}

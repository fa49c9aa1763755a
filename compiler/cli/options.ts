/** Options that commands share. */
import { type Command, Option } from "commander";
import { PATH_SAFETIES } from "../proxy-settings.ts";

/** Adds up what an option is given several times. */
export const collect = (item: string, list: readonly string[] = []): string[] => [...list, item];

/** Adds up what an option that takes a comma list is given several times. */
export const join = (item: string, before: string | undefined): string =>
  before === undefined ? item : `${before},${item}`;

/** A setting: `member` is its word in a config file and in the `proxy:` block of a case file. */
interface Setting {
  readonly flags: string;
  readonly description: string;
  readonly member: string;
  readonly choices?: readonly string[];
  /** It decides nothing about rules of Services. */
  readonly isOfIngresses?: true;
}

const SETTINGS: readonly Setting[] = [
  { flags: "--node <name>", description: "node to compile for", member: "nodeName" },
  {
    flags: "--mode <mode>",
    description: "kube-proxy mode to emulate",
    member: "mode",
    choices: ["nftables", "iptables"],
  },
  { flags: "--node-ip <list>", description: "addresses of the node, primary ones first", member: "nodeIPs" },
  { flags: "--cluster-cidr <list>", description: "CIDRs of pods", member: "clusterCIDR" },
  { flags: "--service-cidr <list>", description: "CIDRs of Services", member: "serviceCIDRs" },
  {
    flags: "--nodeport-addresses <list>",
    description: "where node ports answer: CIDRs, primary, all or localhost",
    member: "nodePortAddresses",
  },
  {
    flags: "--detect-local-mode <mode>",
    description:
      "how pods of this node are recognised: ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix, none",
    member: "detectLocalMode",
  },
  {
    flags: "--detect-local-interface <name>",
    description: "interface of the pods, or its prefix",
    member: "detectLocalInterface",
  },
  {
    flags: "--localhost-nodeports",
    description: "node ports answer on 127.0.0.1 (iptables mode)",
    member: "localhostNodePorts",
  },
  {
    flags: "--no-localhost-nodeports",
    description: "node ports do not answer on 127.0.0.1",
    member: "localhostNodePorts",
  },
  {
    flags: "--masquerade-all",
    description: "masquerade all traffic to cluster IPs",
    member: "masqueradeAll",
  },
  {
    flags: "--masquerade <who>",
    description: "who masquerades what pods send out of the pod network: kpc or none (others)",
    member: "masquerade",
    choices: ["kpc", "none"],
  },
  { flags: "--zone <name>", description: "zone of the node", member: "zone" },
  {
    flags: "--default-certificate <secret>",
    description: "Secret (NAMESPACE/NAME) of the certificate for hosts of Ingresses that no other one is for",
    member: "defaultCertificate",
    isOfIngresses: true,
  },
  {
    flags: "--allow-external-names",
    description: "Ingresses may send to Services of type ExternalName, so out of the cluster",
    member: "allowExternalNames",
    isOfIngresses: true,
  },
];

/** The options of commands that make a configuration of the HTTP proxy; in settings they are members of `haproxy`. */
export function withProxyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--path-safety <how>",
        "-o haproxy: reject answers 400 to //, dot segments and encoded slashes",
      ).choices(PATH_SAFETIES),
    )
    .option("--https-redirect", "-o haproxy: redirect hosts that have a certificate to https")
    .option("--http2", "-o haproxy: offer HTTP/2 over TLS")
    .option("--proxy-protocol", "-o haproxy: connections begin with the PROXY protocol")
    .option("--access-log", "-o haproxy: print a line for each request on standard output")
    .option("--metrics <address>", "-o haproxy: ADDRESS:PORT where Prometheus finds /metrics")
    .option(
      "--spare-backends <count>",
      "-o haproxy: backends without servers, for Services that come while HAProxy runs (kpc ingress run: 50)",
    )
    .option("--timeout <name=time>", "-o haproxy: such as client=30s (repeatable)", collect);
}

/** What rejects paths, for commands that tell what becomes of a request. */
export function pathSafetyOption(): Option {
  const description = "of URLs: reject answers 400 to //, dot segments and encoded slashes";
  return new Option("--path-safety <how>", description).choices(PATH_SAFETIES);
}

/** What redirects, for the same commands. */
export function httpsRedirectOption(): Option {
  return new Option("--https-redirect", "of URLs: hosts that have a certificate are redirected to https");
}

const ANOTHER_INPUT = "-f, --filename <path>";
const CONFIG = "-c, --config <file>";
const NO_COMPLETE = "--no-complete";

/** The options of every command that reads manifests. */
export function withCommonOptions(command: Command): Command {
  command.option(ANOTHER_INPUT, "one more input (repeatable)", collect);
  return withSettings(command);
}

/** The options of a command that compares two inputs. */
export function withOptionsOfPair(command: Command): Command {
  refuse(command, ANOTHER_INPUT, "the two sides are arguments, each a file or a folder");
  return withSettings(command);
}

/** The options of a command that runs case files, each of which has a world and settings of its own. */
export function withOptionsOfCases(command: Command): Command {
  refuse(command, ANOTHER_INPUT, "an expectation file names its manifests, as files: [PATH, …]");
  refuse(command, CONFIG, "an expectation file has its own settings, as proxy: {…}");
  for (const { flags, member } of SETTINGS) {
    const place = member === "mode" ? "modes: [nftables, iptables]" : `proxy: {${member}: …}`;
    refuse(command, flags, `an expectation file has its own settings, as ${place}`);
  }
  return withOutputOptions(command);
}

/** The options of a command that gets its objects from an API server. */
export function withOptionsOfAgent(command: Command): Command {
  refuse(command, ANOTHER_INPUT, "it reads no manifests: the API server tells of objects");
  command.option(CONFIG, CONFIG_MEANS);
  for (const { flags, isOfIngresses } of SETTINGS)
    if (isOfIngresses) refuse(command, flags, "it writes rules of Services: kpc ingress run serves Ingresses");
  return withSettingsOnly(
    command,
    SETTINGS.filter(({ isOfIngresses }) => isOfIngresses !== true),
  )
    .option("-q, --quiet", "print errors only")
    .option("-v, --verbose", "print more: each transaction in one line")
    .addOption(new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto"));
}

const CONFIG_MEANS = "settings: a file with kind: Config, or kube-proxy's own";

function withSettings(command: Command): Command {
  command.option(CONFIG, CONFIG_MEANS);
  return withOutputOptions(withSettingsOnly(command));
}

function withSettingsOnly(command: Command, settings = SETTINGS): Command {
  for (const { flags, description, choices } of settings) {
    const option = new Option(flags, description);
    if (choices !== undefined) option.choices(choices);
    if (flags.endsWith("<list>")) option.argParser<string | undefined>(join);
    command.addOption(option);
  }
  return command;
}

function withOutputOptions(command: Command): Command {
  return command
    .option("-R, --recursive", "read subfolders of folders")
    .option("--strict", "unknown kinds, fields and values are errors")
    .option(NO_COMPLETE, "do not assume what a cluster would add (cluster IPs, node ports, Pods)")
    .option("-q, --quiet", "print errors only")
    .option("-v, --verbose", "print more: what was left out and why")
    .addOption(new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto"));
}

/** An option that other commands have and that would mean nothing here. */
function refuse(command: Command, flags: string, why: string): void {
  const option = new Option(flags).hideHelp();
  command.addOption(option);
  command.on(`option:${option.name()}`, () =>
    command.error(`error: option '${option.flags}' is not for kpc ${command.name()}: ${why}`),
  );
}

/** Of two values for an option that takes one, neither is the right one. */
export function refuseRepeated(command: Command): void {
  for (const option of command.options) {
    if (!option.required || option.parseArg === collect || option.parseArg === join) continue;
    let first: string | undefined;
    command.on(`option:${option.name()}`, (value: string) => {
      if (first !== undefined)
        command.error(`error: option '${option.flags}' is given twice, as ${first} and as ${value}: give it once`);
      first = value;
    });
  }
}

/** Options that name files; `-` is standard input in each, as it is among the arguments. */
const FILES = ["filename", "config", "current", "rules", "against", "except"];

/** Who comes second finds nothing in standard input. */
export function refuseSharedStandardInput(command: Command): void {
  const values = FILES.map((name): unknown => command.getOptionValue(name));
  const names = [...command.args, ...values.flat()].flatMap((name) =>
    typeof name === "string" ? name.split(",") : [],
  );
  if (names.filter((name) => name === "-").length > 1)
    command.error("error: - stands for standard input, which can be read only once: put one of the two into a file");
}

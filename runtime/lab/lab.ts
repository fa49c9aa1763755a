/** A described network as network namespaces of this machine's kernel, with real packets in it. */
import { readFileSync } from "node:fs";
import type { Source } from "../../compiler/diagnostics.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, printAddress } from "../../compiler/net/address.ts";
import type { Host, Network } from "../../compiler/network/network.ts";
import { printNft } from "../../compiler/print.ts";
import { type LabAnswer, readAnswer } from "./answers.ts";
import { blockedPorts, type NetworkBuild, planBuild } from "./build.ts";
import { commandsFor } from "./given-rules.ts";
import { LabHelper, LabTrouble } from "./lab-helper.ts";
import { encodeBatches, messageOf, type NetlinkBatch } from "./netlink.ts";
import { type ProxyProgram, type ProxyStarter, proxyCommand, startHaproxy, startProxy } from "./proxies.ts";
import { type LabQuestion, wordFor } from "./question.ts";
import { rulesInPieces } from "./rules-in-pieces.ts";
import { type LabSighting, readFrame } from "./sightings.ts";
import { FRESH_SYSCTLS, type SysctlSetting } from "./sysctls.ts";

/** Hosts whose packets are heard, where no walk passes more: to stop hearing takes the kernel some milliseconds for each. */
const MOST_WATCHED = 64;

/** How long the kernel may take for links and addresses that it has been told of, while it has much else to do. */
const BUSY_BUILD_MS = 30_000;

/** `output`: of both streams. */
interface CommandEnd {
  readonly code: number;
  readonly output: string;
}

export interface PacketLabOptions {
  /** What load balancers are that take connections; undefined: HAProxy where it is installed, else kpc's own. */
  readonly proxy?: ProxyProgram["name"];
  /** The dumps that the rules of a host were given as, which are loaded as they stand, where that is possible. */
  readonly dumpsOf?: (host: Host) => readonly Source[];
}

interface Prepared {
  readonly build: NetworkBuild;
  readonly configured: ReadonlyMap<Host, readonly NetlinkBatch[]>;
}

/** A running lab. Close it: its namespaces live as long as its process. It has no link to the networks of this machine. */
export class PacketLab {
  private readonly helper: LabHelper;
  private readonly build: NetworkBuild;
  private readonly namespaces: ReadonlyMap<string, number>;
  private readonly hostOf: ReadonlyMap<number, Host>;
  private readonly nameOf = new Map<string, string>();
  /** The one that was asked for last is the last. */
  private readonly watched = new Set<string>();
  private readonly proxies = new Map<string, ProxyProgram>();
  /** Hosts whose rules were given and are loaded as kpc prints them, with the reason. */
  readonly printedRules = new Map<string, string>();
  /** By host, interfaces that did not run in the time that the lab waits for them. */
  readonly lateInterfaces = new Map<string, string>();

  private constructor(helper: LabHelper, build: NetworkBuild, namespaces: readonly number[]) {
    this.helper = helper;
    this.build = build;
    this.namespaces = new Map(build.hosts.map(({ name }, i) => [name, namespaces[i] ?? 0]));
    this.hostOf = new Map(build.hosts.map((host) => [this.namespace(host.name), host]));
    for (const [host, indexes] of build.indexes) {
      this.nameOf.set(`${this.namespace(host)} 1`, "lo");
      for (const [name, index] of indexes) this.nameOf.set(`${this.namespace(host)} ${index}`, name);
    }
  }

  /** The process that all namespaces end with. */
  get pid(): number | undefined {
    return this.helper.pid;
  }

  /** What takes connections on a host and makes others for them; undefined: nothing does. */
  proxyOf(host: string): ProxyProgram | undefined {
    return this.proxies.get(host);
  }

  /** Makes exactly `network`, with the rules of its hosts. Throws LabTrouble where the kernel refuses something. */
  static async up(
    network: Network,
    programOf: (host: Host) => Program | undefined,
    { proxy, dumpsOf = () => [] }: PacketLabOptions = {},
  ): Promise<PacketLab> {
    const helper = new LabHelper();
    try {
      const prepare = async (): Promise<Prepared> => {
        const build = planBuild(network);
        return {
          build,
          configured: new Map(build.hosts.map((host) => [host, encodeBatches(build.configureMessages(host))])),
        };
      };
      // The helper makes namespaces while messages are made for them.
      const [numbers, values, { build, configured }] = await Promise.all([
        helper.ask(`namespaces ${network.hosts.size}`),
        helper.ask(`fresh ${FRESH_SYSCTLS.join(" ")}`),
        prepare(),
      ]);
      const lab = new PacketLab(helper, build, numbers.split(" ").map(Number));
      const fresh = values.split(" ");
      // Rules need interfaces, and no addresses: nft runs beside the rest.
      await Promise.all([
        lab.makeInterfaces(new Map(FRESH_SYSCTLS.map((path, i) => [path, fresh[i] ?? ""]))),
        lab.loadAll(programOf, dumpsOf),
        lab.inOrder([(host) => lab.tell(host, configured.get(host) ?? [])]),
        lab.startProxies(proxy),
      ]);
      await Promise.all(build.hosts.map((host) => lab.untilRunning(host)));
      await Promise.all(build.hosts.map((host) => lab.block(host)));
      return lab;
    } catch (error) {
      helper.close();
      throw error;
    }
  }

  private makeInterfaces(fresh: ReadonlyMap<string, string>): Promise<unknown> {
    const { build } = this;
    const namespaceOf = (name: string): number => this.namespace(name);
    const links = new Map(build.hosts.map((host) => [host, encodeBatches(build.linkMessages(host, namespaceOf))]));
    return this.inOrder([
      (host) => this.set(host, build.generalSysctls(host, fresh)),
      (host) => this.tell(host, links.get(host) ?? []),
      (host) => this.set(host, build.interfaceSysctls(host)),
    ]);
  }

  /** The helper does one after the other; each stage needs what the one before it has made on all hosts. */
  private inOrder(stages: readonly ((host: Host) => Promise<unknown>)[]): Promise<unknown> {
    return Promise.all(stages.flatMap((stage) => this.build.hosts.map(stage)));
  }

  private async loadAll(
    programOf: (host: Host) => Program | undefined,
    dumpsOf: (host: Host) => readonly Source[],
  ): Promise<void> {
    await Promise.all(
      this.build.hosts.map(async (host) => {
        const program = programOf(host);
        if (program === undefined) return;
        const dumps = dumpsOf(host);
        const reason = dumps.length === 0 ? "" : await this.loadGiven(host.name, dumps);
        if (reason === undefined) return;
        if (reason !== "") this.printedRules.set(host.name, reason);
        await this.load(host.name, program);
      }),
    );
  }

  /** Loads dumps as they stand; the answer is why that failed, with nothing loaded. */
  private async loadGiven(host: string, dumps: readonly Source[]): Promise<string | undefined> {
    const commands = await commandsFor(dumps);
    if (typeof commands === "string") return commands;
    for (const { command, text } of commands) {
      const { code, output } = await this.execute(host, command, text);
      if (code === 0) continue;
      await this.run(host, "nft flush ruleset");
      return `${command}: ${output.trim().split("\n")[0]}`;
    }
    return undefined;
  }

  private async startProxies(wanted: ProxyProgram["name"] | undefined): Promise<void> {
    await Promise.all(
      this.build.hosts.map(async (host) => {
        const starter: ProxyStarter = {
          run: (command, input) => this.execute(host.name, command, input),
          takeConnections: (frontend) => this.helper.ask(proxyCommand(this.namespace(host.name), frontend)),
        };
        const program = await startProxy(host, starter, wanted);
        if (program !== undefined) this.proxies.set(host.name, program);
      }),
    );
  }

  /** Starts HAProxy on a host, with the configuration in a file that it has. Throws LabTrouble where it is not installed, or does not start. */
  async startHaproxy(host: string, file: string): Promise<void> {
    const run: ProxyStarter["run"] = (command, input) => this.execute(host, command, input);
    const program = await startHaproxy(host, { run }, file);
    if (program === undefined) throw new LabTrouble("haproxy is not installed, which the lab needs for Ingresses");
    this.proxies.set(host, program);
  }

  private async untilRunning(host: Host): Promise<void> {
    const names = this.build.running(host).join(" ");
    const late = await this.helper.ask(`ready ${this.namespace(host.name)} ${BUSY_BUILD_MS} ${names}`);
    if (late !== "") this.lateInterfaces.set(host.name, late);
  }

  private async block(host: Host): Promise<void> {
    for (const name of blockedPorts(host)) {
      const isForwarding = `bridge link show dev ${name} | grep -q "state forwarding"`;
      // The other end of the wire may be down for good.
      await this.run(host.name, `for i in $(seq 100); do ${isForwarding} && break; sleep 0.01; done`);
    }
    await this.tell(host, encodeBatches(this.build.blockMessages(host)));
  }

  /** Loads the rules of a host, in nft's language. Of an ordinary user in several transactions, where one would be too large. */
  async load(host: string, program: Program): Promise<void> {
    const { text, unsupported } = printNft(program);
    const [first] = unsupported;
    if (first !== undefined) throw new LabTrouble(`rules of ${host}: ${first.message}`);
    const { code, output } = await this.execute(host, "nft -f -", text);
    if (code === 0) return;
    if (!output.includes("Message too long")) throw new LabTrouble(`${host}: nft -f -: ${output.trimEnd()}`);
    for (const piece of rulesInPieces(program)) await this.run(host, "nft -f -", piece);
  }

  /** Runs a shell command on a host, and gives what it prints. Throws LabTrouble where it fails. */
  async run(host: string, command: string, input = ""): Promise<string> {
    const { code, output } = await this.execute(host, command, input);
    if (code !== 0) throw new LabTrouble(`${host}: ${command}: ${output.trimEnd()}`);
    return output;
  }

  private async execute(host: string, command: string, input: string): Promise<CommandEnd> {
    const bytes = Buffer.from(input);
    const answer = await this.helper.ask(`run ${this.namespace(host)} ${bytes.length} ${command}`, bytes);
    const [, code = "", text = ""] = /^(\d+) (.*)$/s.exec(answer) ?? [];
    return { code: Number(code), output: inLines(text) };
  }

  /** Serves at an address of a host from now on; twice is once. `isHttp`: who asks by HTTP over TCP is answered so. */
  async serve(host: string, protocol: number, address: Address, port: number, isHttp = false): Promise<void> {
    const word = wordFor(protocol, isHttp);
    await this.helper.ask(`listen ${this.namespace(host)} ${word} ${printAddress(address)} ${port} ${host}`);
  }

  /** Writes to a file below /proc/sys/net of a host. Throws LabTrouble where the kernel refuses the value, or there is no such file. */
  async setSysctl(host: string, { path, value }: SysctlSetting): Promise<void> {
    const complaint = await this.helper.ask(`sysctl ${this.namespace(host)} ${path}=${value}`);
    if (complaint !== "") throw new LabTrouble(`${host}: ${complaint}`);
  }

  /** The command that runs `command` on a host, as a process of whoever calls it. It ends with the lab. */
  commandOn(host: string, command: readonly string[]): string[] {
    const outside = this.pid;
    const text = outside === undefined ? "" : readFileSync(`/proc/${outside}/task/${outside}/children`, "utf8");
    const [inside] = text.trim().split(" ");
    if (inside === undefined || inside === "") throw new LabTrouble("the process that holds the lab has ended");
    const user = process.getuid?.() === 0 ? [] : ["-U", "--preserve-credentials"];
    const network = `--net=/proc/${inside}/fd/${this.namespace(host)}`;
    return ["nsenter", "-t", inside, ...user, "-m", "-p", network, "--", ...command];
  }

  /** Hears all packets of these hosts from now on, and those of `others` as long as that makes no more than `MOST_WATCHED`. It no longer
   *  hears those that were asked for longest ago. */
  async watch(hosts: readonly string[], others: readonly string[] = []): Promise<void> {
    const wanted = new Set(hosts);
    for (const other of others) if (wanted.size < MOST_WATCHED) wanted.add(other);
    const added = [...wanted].filter((host) => !this.watched.has(host));
    for (const host of wanted) {
      this.watched.delete(host);
      this.watched.add(host);
    }
    const dropped = [...this.watched].slice(0, -Math.max(MOST_WATCHED, wanted.size));
    for (const host of dropped) this.watched.delete(host);
    await Promise.all([
      ...dropped.map((host) => this.helper.ask(`unwatch ${this.namespace(host)}`)),
      ...added.map((host) => this.helper.ask(`watch ${this.namespace(host)}`)),
    ]);
  }

  /** The hosts whose packets are not heard. */
  unwatched(): string[] {
    return this.build.hosts.map(({ name }) => name).filter((name) => !this.watched.has(name));
  }

  async ask(question: LabQuestion): Promise<LabAnswer> {
    const { protocol, from, source, sourcePort, destination, destinationPort, patience, bytes = 0, isHttp } = question;
    if (question.request !== undefined) return this.request(question, question.request);
    const wait = question.endsWhenQuiet === true ? "quiet" : "whole";
    const word = wordFor(protocol, isHttp === true);
    const own = source === undefined ? "-" : printAddress(source);
    const to = `${printAddress(destination)} ${destinationPort} ${patience} ${bytes} ${wait}`;
    return readAnswer(await this.helper.ask(`ask ${this.namespace(from)} ${word} ${own} ${sourcePort} ${to}`));
  }

  /** Makes one HTTP request over TLS. */
  private async requestOverTls(question: LabQuestion, request: string): Promise<LabAnswer> {
    const { from, source, sourcePort, destination, destinationPort: port, patience, tls } = question;
    const input = {
      ...(source === undefined ? {} : { source: printAddress(source) }),
      sourcePort,
      destination: printAddress(destination),
      port,
      serverName: tls?.serverName,
      request,
      milliseconds: patience,
    };
    const script = new URL("tls-client.mjs", import.meta.url).pathname;
    const said = (await this.run(from, `exec '${process.execPath}' '${script}'`, JSON.stringify(input))).trim();
    const [, answered] = /^answered (.*)$/s.exec(said) ?? [];
    return readAnswer(answered === undefined ? said : String(JSON.parse(answered)));
  }

  private async request(question: LabQuestion, text: string): Promise<LabAnswer> {
    if (question.tls !== undefined) return this.requestOverTls(question, text);
    const { from, source, sourcePort, destination, destinationPort, patience } = question;
    const bytes = Buffer.from(text);
    const own = source === undefined ? "-" : printAddress(source);
    const to = `${printAddress(destination)} ${destinationPort} ${patience}`;
    const line = `request ${this.namespace(from)} ${bytes.length} ${own} ${sourcePort} ${to}`;
    const answer = await this.helper.ask(line, bytes);
    if (!answer.startsWith("answered ")) return readAnswer(answer);
    const said = inLines(answer.slice("answered ".length));
    const CLOSED = 104; // ECONNRESET: without a word
    return said === "" ? { kind: "error", number: CLOSED } : readAnswer(said);
  }

  /** Serves for some milliseconds, and until no packet is under way. */
  async pause(milliseconds: number): Promise<void> {
    await this.helper.ask(`pause ${milliseconds}`);
  }

  /** What was heard since it was last asked for, in order of time. */
  async sightings(): Promise<LabSighting[]> {
    const answer = await this.helper.ask("seen");
    return answer.split(";").flatMap((text): LabSighting[] => {
      const [number = "", index = "", direction = "", time = "", length = "", hex = ""] = text.split(",");
      const host = this.hostOf.get(Number(number));
      const name = this.nameOf.get(`${number} ${index}`);
      const bytes = Buffer.from(hex, "hex");
      const packet = readFrame(bytes);
      if (host === undefined || name === undefined || packet === undefined) return [];
      return [
        {
          host: host.name,
          interface: name,
          direction: direction === "out" ? "out" : "in",
          packet,
          frame: { bytes, length: Number(length), time: BigInt(time) },
        },
      ];
    });
  }

  close(): void {
    this.helper.close();
  }

  private namespace(host: string): number {
    const number = this.namespaces.get(host);
    if (number === undefined) throw new LabTrouble(`there is no host ${host} in the lab`);
    return number;
  }

  private async set(host: Host, sysctls: readonly SysctlSetting[]): Promise<void> {
    if (sysctls.length === 0) return;
    const settings = sysctls.map(({ path, value }) => `${path}=${value}`);
    const complaint = await this.helper.ask(`sysctl ${this.namespace(host.name)} ${settings.join(" ")}`);
    if (complaint !== "") throw new LabTrouble(`sysctl of ${host.name}: ${complaint}`);
  }

  private async tell(host: Host, batches: readonly NetlinkBatch[]): Promise<void> {
    const number = this.namespace(host.name);
    const send = async (batch: NetlinkBatch): Promise<void> => {
      const { bytes } = batch;
      const refused = await this.helper.ask(`netlink ${number} ${bytes.length}`, bytes);
      if (refused === "") return;
      const [sequence = 0, error] = (refused.split(" ")[0] ?? "").split(":").map(Number);
      throw new LabTrouble(`${host.name}: the kernel refuses ${messageOf(batch, sequence)?.does}: error ${error}`);
    };
    await Promise.all(batches.map(send));
  }
}

/** The text that the helper has told in one line. */
function inLines(text: string): string {
  return text.replaceAll(/\\(n|\\)/g, (_, char: string) => (char === "n" ? "\n" : "\\"));
}

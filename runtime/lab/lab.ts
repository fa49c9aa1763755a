/** A described network as network namespaces of this machine's kernel, with real packets in it. */

import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress, printAddress } from "../../compiler/net/address.ts";
import type { Host, Network } from "../../compiler/network/network.ts";
import { printNft } from "../../compiler/print.ts";
import { PROTOCOL } from "../packet.ts";
import { type NetworkBuild, planBuild } from "./build.ts";
import { LabHelper, LabTrouble } from "./lab-helper.ts";
import { encodeMessage, type NetlinkMessage } from "./netlink.ts";
import { type LabSighting, readFrame } from "./sightings.ts";

/** A question of a client to a server. */
export interface LabQuestion {
  /** IANA number: TCP, UDP, or ICMP for an echo. */
  readonly protocol: number;
  /** A host's name. */
  readonly from: string;
  /** Undefined: as routing says. */
  readonly source: Address | undefined;
  /** For ICMP its identifier. */
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  /** Length of the packet with its IP header, which nobody may cut into fragments; undefined: a short one. TCP's first one always is. */
  readonly bytes?: number | undefined;
  /** Milliseconds until silence counts as an answer. */
  readonly patience: number;
}

export type LabAnswer =
  /** The server was reached, and has seen the client as this. */
  | { readonly kind: "served"; readonly address: Address; readonly port: number }
  | { readonly kind: "echo" | "silence" }
  /** `number`: as in errno(3). */
  | { readonly kind: "error"; readonly number: number };

/** The most hosts whose packets are heard: to stop hearing takes the kernel some milliseconds for each. */
export const MOST_WATCHED = 64;

/** Bytes of netlink messages that are sent at once. */
const MOST_BYTES = 24_000;

/** A running lab. Close it: its namespaces live as long as its process. It has no link to the networks of this machine. */
export class PacketLab {
  private readonly helper: LabHelper;
  private readonly build: NetworkBuild;
  private readonly namespaces: ReadonlyMap<string, number>;
  private readonly hostOf: ReadonlyMap<number, Host>;
  private readonly nameOf = new Map<string, string>();
  private watched = 0;

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

  /** Makes exactly `network`, with the rules of its hosts. Throws LabTrouble where the kernel refuses something. */
  static async up(network: Network, programOf: (host: Host) => Program | undefined): Promise<PacketLab> {
    const helper = new LabHelper();
    try {
      const build = planBuild(network);
      const numbers = await helper.ask(`namespaces ${build.hosts.length}`);
      const lab = new PacketLab(helper, build, numbers.split(" ").map(Number));
      await lab.make(programOf);
      return lab;
    } catch (error) {
      helper.close();
      throw error;
    }
  }

  private async make(programOf: (host: Host) => Program | undefined): Promise<void> {
    const { hosts } = this.build;
    const inParallel = (step: (host: Host) => Promise<void>): Promise<unknown> => Promise.all(hosts.map(step));
    await inParallel((host) => this.set(host, this.build.generalSysctls(host)));
    await inParallel((host) =>
      this.tell(
        host,
        this.build.linkMessages(host, (name) => this.namespace(name)),
      ),
    );
    await inParallel((host) => this.set(host, this.build.interfaceSysctls(host)));
    await inParallel((host) => this.tell(host, this.build.configureMessages(host)));
    await inParallel(async (host) => {
      const program = programOf(host);
      if (program !== undefined) await this.load(host.name, program);
    });
    await inParallel(async ({ name, proxies }) => {
      for (const { address, port, protocol, targets } of proxies) {
        if (protocol !== PROTOCOL.tcp || targets.length === 0) continue;
        const ends = targets.map((target) => `${printAddress(target.address)},${target.port}`);
        await this.helper.ask(`proxy ${this.namespace(name)} ${printAddress(address)} ${port} ${ends.join(" ")}`);
      }
    });
  }

  /** Loads the rules of a host, in nft's language. */
  async load(host: string, program: Program): Promise<void> {
    const { text, unsupported } = printNft(program);
    const [first] = unsupported;
    if (first !== undefined) throw new LabTrouble(`rules of ${host}: ${first.message}`);
    await this.run(host, "nft -f -", text);
  }

  /** Runs a shell command on a host, and gives what it prints. */
  async run(host: string, command: string, input = ""): Promise<string> {
    const bytes = Buffer.from(input);
    const answer = await this.helper.ask(`run ${this.namespace(host)} ${bytes.length} ${command}`, bytes);
    const [, code = "", text = ""] = /^(\d+) (.*)$/s.exec(answer) ?? [];
    const said = text.replaceAll(/\\(n|\\)/g, (_, char: string) => (char === "n" ? "\n" : "\\"));
    if (code !== "0") throw new LabTrouble(`${host}: ${command}: ${said.trimEnd()}`);
    return said;
  }

  /** Serves at an address of a host from now on; twice is once. */
  async serve(host: string, protocol: number, address: Address, port: number): Promise<void> {
    const word = protocol === PROTOCOL.udp ? "udp" : "tcp";
    await this.helper.ask(`listen ${this.namespace(host)} ${word} ${printAddress(address)} ${port}`);
  }

  /** Hears all packets of these hosts from now on, at most `MOST_WATCHED`. */
  async watch(hosts: readonly string[]): Promise<void> {
    this.watched += hosts.length;
    if (this.watched > MOST_WATCHED) throw new LabTrouble(`${this.watched} hosts are watched, at most ${MOST_WATCHED}`);
    await Promise.all(hosts.map((host) => this.helper.ask(`watch ${this.namespace(host)}`)));
  }

  async ask(question: LabQuestion): Promise<LabAnswer> {
    const { protocol, from, source, sourcePort, destination, destinationPort, patience, bytes = 0 } = question;
    const word = protocol === PROTOCOL.tcp ? "tcp" : protocol === PROTOCOL.udp ? "udp" : "icmp";
    const own = source === undefined ? "-" : printAddress(source);
    const to = `${printAddress(destination)} ${destinationPort} ${patience} ${bytes}`;
    return readAnswer(await this.helper.ask(`ask ${this.namespace(from)} ${word} ${own} ${sourcePort} ${to}`));
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

  private async set(host: Host, sysctls: readonly string[]): Promise<void> {
    const complaint = await this.helper.ask(`sysctl ${this.namespace(host.name)} ${sysctls.join(" ")}`);
    if (complaint !== "") throw new LabTrouble(`sysctl of ${host.name}: ${complaint}`);
  }

  private async tell(host: Host, messages: readonly NetlinkMessage[]): Promise<void> {
    const batches: Buffer[][] = [];
    let bytes = MOST_BYTES;
    for (const [i, message] of messages.entries()) {
      const encoded = encodeMessage(message, i);
      bytes += encoded.length;
      if (bytes > MOST_BYTES) {
        batches.push([]);
        bytes = encoded.length;
      }
      batches.at(-1)?.push(encoded);
    }
    const refused = await Promise.all(
      batches.map((batch) =>
        this.helper.ask(`netlink ${this.namespace(host.name)} ${batch.length} ${Buffer.concat(batch).toString("hex")}`),
      ),
    );
    const [first] = refused.join(" ").split(" ").filter(Boolean);
    if (first === undefined) return;
    const [index, number] = first.split(":").map(Number);
    throw new LabTrouble(`${host.name}: the kernel refuses ${messages[index ?? 0]?.does}: error ${number}`);
  }
}

function readAnswer(answer: string): LabAnswer {
  const [word, first = "", second = ""] = answer.split(" ");
  switch (word) {
    case "saw": {
      const address = parseAddress(first.replace(/^::ffff:/, ""));
      if (address === undefined) throw new LabTrouble(`a server has said ${answer}`);
      return { kind: "served", address, port: Number(second) };
    }
    case "echo":
    case "silence":
      return { kind: word };
    case "error":
      return { kind: "error", number: Number(first) };
    default:
      throw new LabTrouble(`a server has said ${answer}`);
  }
}

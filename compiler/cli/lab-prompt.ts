/** What `kpc lab up` answers to the lines that people type. */
import { writeFileSync } from "node:fs";
import { captureFlows } from "../../runtime/lab/capture.ts";
import { ChangingDescription } from "../../runtime/lab/changing.ts";
import { LabTrouble } from "../../runtime/lab/lab-helper.ts";
import { isAsPredicted, type LabFlow, makeFlow } from "../../runtime/lab/run.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import type { Described } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { nearest } from "../documents/nearest.ts";
import { PLAIN, renderDiagnostic } from "../documents/render.ts";
import { KnownNetwork } from "../findings/known-network.ts";
import { findWalkFaults } from "../findings/walk-findings.ts";
import { printAddress } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import { type AskedFlow, renderAsked, resolveAsked } from "../trace/asked.ts";
import { printPcapng } from "../trace/pcapng.ts";
import { addressesOf, EndNames } from "../trace/walk/ends.ts";
import { WalkNames } from "../trace/walk/walk-names.ts";
import { VERSION } from "../version.ts";
import { labNotes, sessionInput } from "./lab-cases.ts";
import { labIngressOf, labRequestOf, whyNotTaken } from "./lab-ingress.ts";
import { parseFlows } from "./lab-inputs.ts";
import { SETTING_NAMES, settingsFor } from "./lab-settings.ts";
import { renderMade } from "./lab-text.ts";
import { EXIT, isSystemError, reasonOf } from "./output.ts";

/** What is to be done about a line. */
export interface LabReply {
  readonly text: string;
  /** As an exit code would say it. */
  readonly code: number;
  /** To be run by whoever has the terminal. */
  readonly command?: readonly string[];
  readonly isInteractive?: boolean;
  /** The lab is to be taken down. */
  readonly isEnd?: true;
}

const HELP = `ask FLOW                 make the flow, and compare it with the prediction: ask tcp web-1 > svc/api:http
walk FLOW                print the predicted walk, as kpc trace does
set HOST SETTING VALUE   change a setting; predictions follow: set node/node-1 bridge-nf 0
                         (${SETTING_NAMES.join(", ")}, net.…)
exec HOST -- COMMAND     run a command of this machine there: exec pod/shop/web-1 -- curl http://10.96.0.20
shell HOST               open a shell there
pcap FILE                write all packets that were seen so far, for Wireshark
hosts                    list the hosts
help                     list the commands
quit                     take the lab down
`;

/** The words of lines. */
const COMMANDS = ["ask", "walk", "set", "exec", "shell", "pcap", "hosts", "help", "quit"] as const;
type LabWord = (typeof COMMANDS)[number];

/** A lab that people talk to. Close it. */
export class LabPrompt {
  private readonly session: LabSession;
  private readonly described: Described;
  private readonly changing: ChangingDescription;
  private readonly ends: EndNames;
  private readonly names: WalkNames;
  private readonly made: LabFlow[] = [];

  private constructor(session: LabSession, described: Described) {
    this.session = session;
    this.described = described;
    this.changing = new ChangingDescription(session.lab, sessionInput(described));
    this.ends = new EndNames(described.input.specs, described.layout);
    this.names = new WalkNames(described.input.specs, described.layout.network);
  }

  /** Builds the network, with a server at each port that a container declares. Throws LabTrouble. */
  static async open(described: Described): Promise<LabPrompt> {
    const ingress = labIngressOf(described);
    const options = { isHttp: true, keepsAll: true, ...(ingress === undefined ? {} : { ingress }) };
    const session = await LabSession.open(sessionInput(described), options);
    try {
      await session.watchAll();
      for (const host of described.layout.network.hosts.values())
        for (const { protocol, port } of host.listeners ?? [])
          for (const address of addressesOf(host)) await session.serveAt(host.name, protocol, address, port);
      return new LabPrompt(session, described);
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** What people are to know of the lab that stands. */
  notes(): readonly string[] {
    return labNotes(this.session.lab);
  }

  close(): void {
    this.session.close();
  }

  /** Never throws for what a line says. */
  async answer(line: string): Promise<LabReply> {
    const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
    if (word === "" || word.startsWith("#")) return fine("");
    const known = COMMANDS.find((each) => each === word);
    if (known === undefined) {
      const near = nearest(word, COMMANDS);
      return trouble(`no command ${word}${near === undefined ? "" : `, did you mean ${near}?`} (help lists them)`);
    }
    try {
      return await this.run(known, rest);
    } catch (error) {
      if (error instanceof LabTrouble) return trouble(error.message);
      if (isSystemError(error)) return trouble(reasonOf(error));
      throw error;
    }
  }

  private async run(word: LabWord, rest: string): Promise<LabReply> {
    switch (word) {
      case "ask":
        return this.ask(rest);
      case "walk":
        return this.walk(rest);
      case "set":
        return this.set(rest);
      case "exec":
        return this.exec(rest);
      case "shell":
        return this.onHost(rest, async ({ name }) => {
          await this.changing.touch(name);
          const shell = process.env["SHELL"] ?? "/bin/sh";
          const command = this.session.lab.commandOn(name, ["env", `PS1=${name} # `, shell]);
          return { ...fine(""), command, isInteractive: true };
        });
      case "pcap":
        return this.pcap(rest);
      case "hosts":
        return fine(this.hosts());
      case "help":
        return fine(HELP);
      case "quit":
        return { ...fine(""), isEnd: true };
      default:
        return word satisfies never;
    }
  }

  private async ask(text: string): Promise<LabReply> {
    const asked = this.asked(text);
    if (typeof asked === "string") return trouble(asked);
    const untaken = whyNotTaken(asked, this.described);
    if (untaken !== undefined) return trouble(untaken);
    await this.follow();
    const made = await makeFlow(this.session, asked.flow, 1, labRequestOf(asked));
    this.made.push(made);
    const told = renderMade(made, { names: this.names, hosts: this.session.description.network.hosts, isAll: true });
    return { text: `${told}\n`, code: isAsPredicted(made) ? EXIT.fine : EXIT.finding };
  }

  private async walk(text: string): Promise<LabReply> {
    const asked = this.asked(text);
    if (typeof asked === "string") return trouble(asked);
    await this.follow();
    const { network, walker } = this.session.description;
    const walk = walker.walk(asked.flow);
    const context = { names: this.names, protocol: asked.flow.protocol, hosts: network.hosts, isVerbose: false };
    const known = new KnownNetwork(network, this.described.known.addresses);
    const findings = findWalkFaults(known, walk).map((each) => `\n${renderDiagnostic(each, PLAIN)}\n`);
    return fine([renderAsked(walk, asked, context, false), ...findings].join(""));
  }

  /** Predictions are of what holds now. */
  private async follow(): Promise<void> {
    const now = await this.changing.now();
    if (now !== undefined) this.session.description = now;
  }

  private set(rest: string): Promise<LabReply> {
    const [name = "", setting = "", value = "", ...more] = rest.split(/\s+/);
    if (value === "" || more.length > 0) return Promise.resolve(trouble("expected set HOST SETTING VALUE"));
    return this.onHost(name, async (host) => {
      const settings = settingsFor(host, setting, value);
      if (typeof settings === "string") return trouble(settings);
      await this.changing.touch(host.name);
      for (const each of settings) await this.session.lab.setSysctl(host.name, each);
      return fine("");
    });
  }

  private exec(rest: string): Promise<LabReply> {
    const [, name = "", command = ""] = /^(\S+)\s+(?:--\s+)?(.+)$/s.exec(rest) ?? [];
    if (command === "") return Promise.resolve(trouble("expected exec HOST -- COMMAND"));
    return this.onHost(name, async (host) => {
      await this.changing.touch(host.name);
      return { ...fine(""), command: this.session.lab.commandOn(host.name, ["sh", "-c", command]) };
    });
  }

  private async pcap(file: string): Promise<LabReply> {
    if (file === "") return trouble("expected pcap FILE");
    const { network } = this.session.description;
    const ofFlows = new Set(
      this.made.flatMap(({ attempts }) => attempts.flatMap(({ observed }) => observed.sightings)),
    );
    const others = (await this.session.everything()).filter((each) => !ofFlows.has(each));
    const context = { names: this.names, hosts: network.hosts, isVerbose: false };
    const capture = captureFlows(this.made, context, others);
    writeFileSync(file, printPcapng(capture, `kpc ${VERSION}`));
    const unwatched = this.session.lab.unwatched().length;
    const lacking = unwatched === 0 ? "" : `, without those of ${unwatched} hosts that were not watched`;
    return fine(`${capture.packets.length} packets in ${file}${lacking}\n`);
  }

  private hosts(): string {
    const hosts = [...this.session.description.network.hosts.values()];
    const width = Math.max(...hosts.map(({ name }) => name.length));
    return hosts
      .map((host) => `${host.name.padEnd(width)}  ${addressesOf(host).map(printAddress).join(" ")}`.trimEnd())
      .join("\n")
      .concat("\n");
  }

  private onHost(name: string, use: (host: Host) => Promise<LabReply>): Promise<LabReply> {
    const host = this.hostNamed(name);
    return typeof host === "string" ? Promise.resolve(trouble(host)) : use(host);
  }

  /** A text: why there is none. */
  private hostNamed(name: string): Host | string {
    if (name === "") return "expected a host (hosts lists them)";
    const whole = this.described.layout.network.hosts.get(name);
    if (whole !== undefined) return whole;
    const { target, ...found } = this.ends.find(name);
    const host = target === undefined || target.kind === "service" ? undefined : target.host;
    if (host !== undefined) return host;
    if (target !== undefined) return `${target.name} is no host of the lab`;
    const candidates = "candidates" in found ? found.candidates : [];
    if (candidates.length > 0) return `${name} may be any of ${candidates.join(", ")}`;
    const near = this.ends.nearest(name);
    return `no host ${name}${near === undefined ? "" : `, did you mean ${near}?`} (hosts lists them)`;
  }

  /** A text: what is wrong with it. */
  private asked(text: string): AskedFlow | string {
    if (text === "") return "expected a flow, such as tcp web-1 > svc/api:http";
    const found: Diagnostic[] = [];
    const report: Report = (diagnostic) => void found.push(diagnostic);
    const [parsed] = parseFlows([text], report);
    const { input, layout } = this.described;
    const asked = parsed && resolveAsked(parsed, { ...input, layout }, report);
    return asked ?? found.map((each) => renderDiagnostic(each, PLAIN)).join("\n");
  }
}

function fine(text: string): LabReply {
  return { text, code: EXIT.fine };
}

function trouble(message: string): LabReply {
  return { text: `${message}\n`, code: EXIT.trouble };
}

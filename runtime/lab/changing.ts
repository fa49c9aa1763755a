/** A description that follows what people change in a lab. */
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { readRules } from "../../compiler/formats/read-rules.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Host } from "../../compiler/network/network.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import type { PacketLab } from "./lab.ts";
import { readBack } from "./read-back.ts";
import type { LabDescription } from "./session.ts";

/** Hosts are read again where somebody had the means to change them. */
export class ChangingDescription {
  private readonly lab: PacketLab;
  private readonly hosts: Map<string, Host>;
  private readonly described: LabDescription;
  /** The rules that a host had when it was touched first, as it listed them. */
  private readonly firstRules = new Map<string, string>();
  private readonly programs = new Map<string, Program>();

  constructor(lab: PacketLab, described: LabDescription) {
    this.lab = lab;
    this.described = described;
    this.hosts = new Map(described.network.hosts);
  }

  /** To be called before somebody can change a host. */
  async touch(name: string): Promise<void> {
    const host = this.hosts.get(name);
    if (host === undefined || this.firstRules.has(name)) return;
    this.firstRules.set(name, textOf((await readBack(this.lab, host)).rules));
  }

  /** What holds now; undefined: nobody could change anything. */
  async now(): Promise<LabDescription | undefined> {
    if (this.firstRules.size === 0) return undefined;
    for (const [name, first] of this.firstRules) {
      const host = this.hosts.get(name);
      if (host === undefined) continue;
      const read = await readBack(this.lab, host);
      this.hosts.set(name, read.host);
      // Rules that are as they were keep the places that they come from.
      if (textOf(read.rules) === first) this.programs.delete(name);
      else this.programs.set(name, await readRules(read.rules, () => undefined));
    }
    const { network, programOf } = this.described;
    const ofHost = (host: Host): Program | undefined => {
      const described = network.hosts.get(host.name);
      return this.programs.get(host.name) ?? (described && programOf(described));
    };
    const evaluators = new Map<Program, Evaluator>();
    const evaluatorOf = (host: Host): Evaluator | undefined => {
      const program = ofHost(host);
      if (program === undefined) return undefined;
      const known = evaluators.get(program) ?? new Evaluator(program);
      evaluators.set(program, known);
      return known;
    };
    const changed = { ...network, hosts: new Map(this.hosts) };
    return { network: changed, walker: new PacketWalker(changed, evaluatorOf), programOf: ofHost };
  }
}

/** Without counters, and without elements that rules add by themselves. */
function textOf(rules: readonly { readonly text: string }[]): string {
  return rules
    .map(({ text }) =>
      text.replaceAll(/counter packets \d+ bytes \d+/g, "counter").replaceAll(/^#.*$|\[\d+:\d+\]/gm, ""),
    )
    .join("\n");
}

/** Engines that ask this machine's kernel. */
import type { Compiled } from "../../compiler/compile.ts";
import { KEPT, MASQUERADED } from "../../compiler/evaluate/disposition.ts";
import { outcomeOf } from "../../compiler/evaluate/outcome.ts";
import type { Outcome, Packet, Result, Sticky } from "../../compiler/evaluate/packet.ts";
import { type Engine, usable } from "../../compiler/expectations/engines/types.ts";
import { unreachable } from "../../compiler/invariant.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { printIptables, printNft } from "../../compiler/print.ts";
import { hasMemory, mostChoices } from "./changes.ts";
import { type JudgedOutcome, type JudgedRules, judge, judgedProgram, probeOf } from "./judge.ts";
import { readMemory } from "./memory.ts";
import { complaintInNamespace, missingTool } from "./namespace.ts";
import type { Observation } from "./observe.ts";
import type { Prober } from "./prober.ts";
import { clearRules, type KernelBackend, type KernelRules, loadRules } from "./rules.ts";
import { openNode } from "./world.ts";

/** The nft text, loaded by `nft -f`. */
export function kernelNft(): Engine {
  return new KernelEngine("kernel-nft", ["nft"], "nft list ruleset", (program) => ({
    kind: "nft",
    text: usable(printNft(program)),
  }));
}

/** The iptables texts, loaded by iptables-restore and ip6tables-restore. */
export function kernelIptables(backend: KernelBackend): Engine {
  const tools = [`iptables-${backend}-restore`, `ip6tables-${backend}-restore`];
  const attempt = `iptables-${backend} -t nat -S && ip6tables-${backend} -t nat -S`;
  return new KernelEngine(`kernel-iptables-${backend}`, tools, attempt, (program) => {
    const print = (family: "ip" | "ip6"): string => usable(printIptables(program, family));
    return { kind: "iptables", backend, ip: print("ip"), ip6: print("ip6") };
  });
}

/** Where packets of a flow come in that does not say. */
const INTERFACES = ["eth0", "cni0"];

class KernelEngine implements Engine {
  readonly name: string;
  private readonly tools: readonly string[];
  private readonly attempt: string;
  private readonly print: (program: Program) => KernelRules;
  /** Why it cannot run here, once that is known. */
  private reason: { readonly text: string | undefined } | undefined;
  /** Nodes that have been built, by what they are. */
  private readonly probers = new Map<string, Promise<Prober>>();

  constructor(name: string, tools: readonly string[], attempt: string, print: (program: Program) => KernelRules) {
    this.name = name;
    this.tools = tools;
    this.attempt = attempt;
    this.print = print;
  }

  unavailable(): string | undefined {
    this.reason ??= { text: this.findReason() };
    return this.reason.text;
  }

  private findReason(): string | undefined {
    const missing = missingTool(["unshare", "perl", "ip", ...this.tools]);
    if (missing !== undefined) return `${missing} is not installed`;
    const complaint = complaintInNamespace(`: <> /dev/net/tun && ${this.attempt}`);
    return complaint === undefined ? undefined : `no network namespace with netfilter can be made: ${complaint}`;
  }

  async run(compiled: Compiled, packets: readonly Packet[]): Promise<Outcome[][]> {
    const { program } = compiled;
    const rules = judgedProgram(program, this.print);
    const prober = await this.nodeFor(compiled, packets);
    const choices = mostChoices(program);
    const allJudged = await judge(
      prober,
      rules,
      packets.map((packet) => ({ packet, choices })),
    );
    const sticky = hasMemory(program) ? await this.readStickiness(prober, rules, packets, allJudged) : [];
    return allJudged.map((judged, i) => [toOutcome(judged, sticky[i])]);
  }

  async close(): Promise<void> {
    const probers = [...this.probers.values()];
    this.probers.clear();
    for (const prober of probers) await (await prober).close();
  }

  /** A node with the addresses of the compiled one, and the interfaces that packets come in by. */
  private nodeFor({ node }: Compiled, packets: readonly Packet[]): Promise<Prober> {
    const named = packets.flatMap(({ inInterface }) => inInterface ?? []);
    const interfaces = [...new Set([...INTERFACES, ...named])];
    const world = { interfaces, addresses: node.addresses };
    const name = [...interfaces, ...node.addresses].join(" ");
    const known = this.probers.get(name);
    if (known !== undefined) return known;
    const made = openNode(world);
    this.probers.set(name, made);
    return made;
  }

  /** For packets whose clients stick: the timeout in the kernel's own memory of them. */
  private async readStickiness(
    prober: Prober,
    judgedRules: JudgedRules,
    packets: readonly Packet[],
    allJudged: readonly JudgedOutcome[],
  ): Promise<(Sticky | undefined)[]> {
    const found: (Sticky | undefined)[] = [];
    const rules = judgedRules.inTurns("as it is");
    for (const [i, packet] of packets.entries()) {
      found.push(undefined);
      if (!allJudged[i]?.sticks) continue;
      await loadRules(prober, rules); // with nobody remembered
      await prober.send([probeOf(packet, 1)]);
      const remembered = (await readMemory(prober, rules, judgedRules.program)).find(
        ({ client }) => client === packet.source,
      );
      if (remembered !== undefined) found[i] = { timeoutSeconds: remembered.timeoutSeconds };
    }
    await clearRules(prober, rules);
    return found;
  }
}

// --- outcomes ------------------------------------------------------------------------------------------------------------

/** What was seen, in the words of the reference. Each thing seen counts as equally likely: rules that are judged take turns. */
function toOutcome(judged: JudgedOutcome, sticky: Sticky | undefined): Outcome {
  const probability = 1 / judged.observations.length;
  return outcomeOf(
    judged.observations.map((observation) => ({
      probability,
      ...toResult(observation, judged, sticky),
      reasons: [],
      path: [],
    })),
  );
}

function toResult(
  observation: Observation,
  { accepted }: JudgedOutcome,
  sticky: Sticky | undefined,
): Pick<Result, "disposition" | "isAccepted"> {
  switch (observation.kind) {
    case "drop":
      return { disposition: { kind: "drop", lists: [] } };
    case "reject":
      return { disposition: { kind: "reject", with: observation.with, lists: [] } };
    case "arrived": {
      const { address, port, translated, masquerade } = observation;
      const sent = { source: masquerade ? MASQUERADED : KEPT, takenBy: [], lists: [] };
      if (!translated) return { disposition: { kind: "pass", ...sent }, isAccepted: accepted };
      const stickySeconds = sticky?.timeoutSeconds;
      return { disposition: { kind: "dnat", to: { address, port }, stickySeconds, ...sent } };
    }
    default:
      return unreachable(observation);
  }
}

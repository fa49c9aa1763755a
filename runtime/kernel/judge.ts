/** What the kernel does with packets under given rules. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import { hasMemory, rememberNobody, takeTurns } from "./changes.ts";
import { type Observation, observe } from "./observe.ts";
import type { Probe, ProbeResult, Prober } from "./prober.ts";
import { clearRules, type DroppingHost, type KernelRules, loadRules } from "./rules.ts";

/** Rules to be judged. */
export interface JudgedRules {
  /** What they say. */
  readonly program: Program;
  /** What the kernel loads of them, taking turns instead of chances; `forgetful`: and remembering nobody. */
  readonly inTurns: (memory: "as it is" | "forgetful") => KernelRules;
}

/** `program` as `print` prints it. */
export function judgedProgram(program: Program, print: (changed: Program) => KernelRules): JudgedRules {
  const turns = takeTurns(program);
  return { program, inTurns: (memory) => print(memory === "forgetful" ? rememberNobody(turns) : turns) };
}

/** A packet to be judged. */
export interface JudgedPacket {
  readonly packet: Packet;
  /** The most endpoints that it may meet: it is sent once more than that. */
  readonly choices: number;
}

/** All that was seen to become of a packet. */
export interface JudgedOutcome {
  /** Each thing once. */
  readonly observations: readonly Observation[];
  /** For packets that arrive untranslated: whether some rule accepts them in so many words. */
  readonly accepted: boolean;
  /** For packets that are translated under rules that remember clients: whether a second one went where the first did. */
  readonly sticks: boolean;
}

/** Loads `rules` into the prober's namespace, which has no others, in three ways: with nobody remembered, so that as many
 *  packets as there are endpoints meet all of them; in a host that drops what is not accepted; and as they are, so that
 *  clients stick. Always taking turns instead of chances. Leaves no rules behind. */
export async function judge(
  prober: Prober,
  rules: JudgedRules,
  questions: readonly JudgedPacket[],
): Promise<JudgedOutcome[]> {
  const { program } = rules;
  const forgetful = rules.inTurns("forgetful");
  await loadRules(prober, forgetful);
  const answers = await prober.send(
    questions.map(({ packet, choices }) => probeOf(packet, (choices + 1) * (isFromHere(packet) ? REPEATS : 1))),
  );
  const seen = answers.map((each, i) => distinct(each.map(observe), (questions[i] as JudgedPacket).packet));

  const undecided = indicesOf(seen, (observation) => observation.kind === "arrived" && !observation.translated);
  const isLocal = (i: number): boolean => seen[i]?.some((each) => each.kind === "arrived" && each.local) ?? false;
  const arrives = (answer: readonly ProbeResult[]): boolean =>
    answer.map(observe).every(({ kind }) => kind === "arrived");
  const coming = undecided.filter((i) => isLocal(i) || !isFromHere((questions[i] as JudgedPacket).packet));
  const outgoing = undecided.filter((i) => isFromHere((questions[i] as JudgedPacket).packet));
  const inward: DroppingHost = { program, hooks: ["input", "forward"] };
  const outward: DroppingHost = { program, hooks: ["output"] };
  const accepted = new Set([
    ...(await again(prober, () => loadRules(prober, forgetful, inward), questions, coming, 1, arrives)),
    ...(await again(prober, () => loadRules(prober, forgetful, outward), questions, outgoing, 1, arrives)),
  ]);
  const translated = hasMemory(program)
    ? indicesOf(seen, (observation) => observation.kind === "arrived" && observation.translated)
    : [];
  const remembering = (): Promise<void> => loadRules(prober, rules.inTurns("as it is"));
  const sticks = await again(prober, remembering, questions, translated, 2, (answer) => {
    return new Set(answer.map((each) => destinationOf(observe(each)))).size === 1;
  });
  await clearRules(prober, forgetful);
  return seen.map((observations, i) => ({ observations, accepted: accepted.has(i), sticks: sticks.has(i) }));
}

/** Of the questions at `indices`, those whose answers hold what is wanted when `load` has loaded other rules. */
async function again(
  prober: Prober,
  load: () => Promise<void>,
  questions: readonly JudgedPacket[],
  indices: readonly number[],
  times: number,
  holds: (answer: readonly ProbeResult[]) => boolean,
): Promise<ReadonlySet<number>> {
  if (indices.length === 0) return new Set();
  const probes = indices.map((i) => probeOf((questions[i] as JudgedPacket).packet, times));
  await load();
  const answers = await prober.send(probes);
  return new Set(indices.filter((_, at) => holds(answers[at] ?? [])));
}

export function probeOf({ protocol, source, destination, destinationPort, inInterface }: Packet, times: number): Probe {
  return { inInterface, flow: { protocol, source, destination, destinationPort }, times };
}

function indicesOf(
  seen: readonly (readonly Observation[])[],
  test: (observation: Observation) => boolean,
): readonly number[] {
  return [...seen.keys()].filter((i) => seen[i]?.some(test));
}

/** Packets of the node's own may be masqueraded to the address that they have, and only another port shows it. One time in
 *  64,000 that is the same port; and a packet that nothing masquerades gets another port where its own is taken by a
 *  masqueraded connection to the same place. So they are sent more often than they need to be, and most of them count. */
const REPEATS = 3;

function isFromHere({ inInterface }: Packet): boolean {
  return inInterface === undefined;
}

/** Each observation once, sorted. */
function distinct(observations: readonly Observation[], packet: Packet): Observation[] {
  const seen = isFromHere(packet) ? judgeMasquerades(observations) : observations;
  const byText = new Map(
    seen.map((observation): [string, Observation] => {
      const destination = destinationOf(observation);
      return observation.kind === "arrived"
        ? [`${destination} ${observation.masquerade}`, observation]
        : [destination, observation];
    }),
  );
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, observation]) => observation);
}

/** Of packets that arrived at one place, all are masqueraded if most of them look so. */
export function judgeMasquerades(observations: readonly Observation[]): Observation[] {
  const balance = new Map<string, number>();
  for (const observation of observations) {
    if (observation.kind !== "arrived") continue;
    const destination = destinationOf(observation);
    balance.set(destination, (balance.get(destination) ?? 0) + (observation.masquerade ? 1 : -1));
  }
  return observations.map((observation) =>
    observation.kind === "arrived"
      ? { ...observation, masquerade: (balance.get(destinationOf(observation)) ?? 0) > 0 }
      : observation,
  );
}

/** Where a packet arrived, or what became of it. */
function destinationOf(observation: Observation): string {
  if (observation.kind !== "arrived") return JSON.stringify(observation);
  const { address, port, translated, local } = observation;
  return `${printAddressPort(address, port)} ${translated} ${local}`;
}

/**
 * The comparison held against the evaluator and the kernel: texts of random clusters with one line changed.
 *
 *   npm run soak:compare -- [--mutants 600] [--seed N] [--packets 300]
 *
 * Each mutant is compared with what it was made from. What `compare` says of every packet that is tried must be what
 * evaluating it alone says; then the kernel is given the mutant, with packets for which it must do what was foretold of the
 * mutant: those that tell it from the text before, or, where it is said to be equal, what was foretold of that text.
 *
 * Needs what kernel tests need. Exit code 1 when anything disagrees: the line, its change and the packets are printed.
 */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { compare } from "../../compiler/compare/compare.ts";
import { findDifference } from "../../compiler/compare/outcomes.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { verdictOf } from "../../compiler/evaluate/outcome.ts";
import type { Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { mustCompile, printIptables, printNft } from "../support/compile.ts";
import { findDisagreements, type Judge, openTestNode, type PredictedPacket } from "../support/differential.ts";
import type { Picker } from "../support/dressing.ts";
import { judgedText } from "../support/judged-texts.ts";
import { findMisjudged } from "../support/kernel-words.ts";
import { packetsAtServices, packetsFor } from "../support/packets.ts";
import { type RulesReading, readIptablesText, readNftText } from "../support/read.ts";
import { finderIn } from "../support/regions.ts";
import { numbersFrom } from "../support/slots.ts";
import { mutateText, type TextMutant } from "../support/text-mutants.ts";

/** A mutant, both programs, and what the kernel loads of it. */
interface Case {
  readonly mutant: TextMutant;
  readonly judge: Judge;
  readonly before: Program;
  readonly after: RulesReading;
  readonly rules: KernelRules;
}

/** One of the texts of a cluster, with one line changed. */
function mutantOf(program: Program, pick: Picker): Case | undefined {
  if (pick(2) === 0) {
    const text = printNft(program);
    const mutant = mutateText(text, pick);
    if (mutant === undefined) return undefined;
    const rules: KernelRules = { kind: "nft", text: mutant.text };
    return { mutant, judge: "kernel-nft", before: readNftText(text).program, after: readNftText(mutant.text), rules };
  }
  const family = pick(2) === 0 ? "ip" : "ip6";
  const text = printIptables(program, family);
  const mutant = mutateText(text, pick);
  if (mutant === undefined) return undefined;
  const rules: KernelRules = { kind: "iptables", backend: "nft", ip: "", ip6: "", [family]: mutant.text };
  return {
    mutant,
    judge: "kernel-iptables-nft",
    before: readIptablesText(text, family).program,
    after: readIptablesText(mutant.text, family),
    rules,
  };
}

/** Every so many of the packets that could mean something to any cluster. */
const STEP = 25;

/** What becomes of a mutant. */
type End =
  | "refused by the reader"
  | "refused by the kernel"
  | "found"
  | "found, seen by no packet here"
  | "equal"
  | "WRONG";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      mutants: { type: "string", default: "600" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      packets: { type: "string", default: "300" },
    },
  });
  const seed = Number(values.seed);
  const most = Number(values.packets);
  const pick = numbersFrom(seed);
  const prober = await openTestNode();
  const ends = new Map<string, Map<End, number>>();
  const total = { mutants: 0, judged: 0, witnesses: 0, wrong: 0 };
  const end = ({ kind }: TextMutant, how: End): void => {
    const counts = ends.get(kind) ?? new Map<End, number>();
    ends.set(kind, counts.set(how, (counts.get(how) ?? 0) + 1));
  };
  const fail = (mutant: TextMutant, what: unknown): void => {
    total.wrong++;
    const { kind, line, now } = mutant;
    process.stdout.write(
      `${JSON.stringify({ kind, line, now, what }, (_, v) => (typeof v === "bigint" ? `${v}` : v))}\n`,
    );
    end(mutant, "WRONG");
  };

  const judgeOne = async (world: ClusterInput): Promise<void> => {
    const { program, node } = mustCompile(world);
    const made = mutantOf(program, pick);
    if (made === undefined) return;
    total.mutants++;
    const { mutant, judge, before, after, rules } = made;
    if (after.findings.some((finding) => finding.includes(" error "))) return end(mutant, "refused by the reader");
    const comparison = compare(before, after.program, {
      addresses: node.addresses,
      keep: Number.POSITIVE_INFINITY,
    });
    if (comparison.open.length > 0) return fail(mutant, comparison.open);
    const isFound = finderIn(comparison, [before, after.program]);
    const { environment } = comparison;
    const evaluators = [new Evaluator(before), new Evaluator(after.program)] as const;
    const witnesses: PredictedPacket[] = [];
    const others: PredictedPacket[] = [];
    const packets: Packet[] = [...packetsAtServices(world), ...packetsFor(world, pick(STEP), STEP)];
    const sameFamily = packets.filter(
      ({ source }) => rules.kind === "nft" || (typeof source === "number") === (rules.ip !== ""),
    );
    for (const packet of sameFamily) {
      const [left, right] = evaluators.map((each) => each.evaluateWhole(packet, environment));
      if (left === undefined || right?.[0] === undefined) throw new Error("no outcome");
      const differs = findDifference(left, right) !== undefined;
      if (differs !== isFound(packet)) return fail(mutant, { packet, differs });
      (differs ? witnesses : others).push({ packet, outcome: right[0] });
    }
    // Where only some of the endpoints are translated to, the judge cannot tell which packets are accepted untranslated.
    const plain = ({ outcome }: PredictedPacket): boolean => new Set(outcome.results.map(verdictOf)).size === 1;
    const chosen = [...thin(witnesses, most, pick), ...thin(others, most, pick)].filter(plain);
    // Chances are not seen where rules that are judged take turns.
    if (mutant.kind !== "probability") {
      try {
        // Who accepts does not show where policies and priorities are not ours.
        const isOurs = mutant.kind !== "policy" && mutant.kind !== "priority";
        const disagreements = isOurs
          ? await findDisagreements(prober, judge, judgedText(rules), chosen)
          : await findMisjudged(prober, rules, chosen);
        if (disagreements.length > 0) return fail(mutant, disagreements.slice(0, 3));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        process.stderr.write(`${mutant.kind}: ${mutant.now.trim()}: ${error.message.split("\n")[0]}\n`);
        return end(mutant, "refused by the kernel");
      }
      total.judged += chosen.length;
      total.witnesses += chosen.filter((prediction) => witnesses.includes(prediction)).length;
    }
    if (comparison.differing === 0) return end(mutant, "equal");
    end(mutant, witnesses.length > 0 ? "found" : "found, seen by no packet here");
  };

  process.stderr.write(`seed ${seed}\n`);
  const wanted = Number(values.mutants);
  for (let chunk = 0; total.mutants < wanted; chunk++)
    for (const world of fc.sample(cluster, { seed: (seed + chunk * 7919) | 0, numRuns: 50 }))
      if (total.mutants < wanted) await judgeOne(world);
  await prober.close();
  for (const [kind, counts] of [...ends].sort())
    process.stdout.write(`${kind}: ${[...counts].map(([how, count]) => `${count} ${how}`).join(", ")}\n`);
  process.stdout.write(
    `${total.mutants} mutants, ${total.judged} packets before the kernel, of them ${total.witnesses} that tell a mutant from ` +
      `its text: ${total.wrong} wrong\n`,
  );
  return total.wrong === 0 && total.witnesses > 0 ? 0 : 1;
}

/** At most `most` of `items`, from all over. */
function thin<T>(items: readonly T[], most: number, pick: Picker): T[] {
  const step = Math.max(1, Math.ceil(items.length / most));
  const start = pick(step);
  return items.filter((_, i) => i % step === start);
}

process.exitCode = await main();

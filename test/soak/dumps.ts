/**
 * The comparison held against the evaluator and the kernel: dumps of real hosts with one line changed.
 *
 *   npm run soak:dumps -- [--mutants 600] [--each 12] [--seed N] [--packets 400] [--kernel 24] [--budget 200000] [--only NAME]
 *
 * Dumps are those beside the project (../shared/corpus) that load into this kernel, and whose comparison with themselves comes to its
 * end. `--each` mutants are made of one, then comes the next. Each is compared with its dump. Every region that differs is
 * replayed at its corners; `--packets` packets aimed at what the changed line names have to differ when they are evaluated
 * just where the comparison says so; and up to `--kernel` packets, those that tell the two apart first, have to fare in the
 * kernel as was foretold: under the mutant, and, where it was found, under the dump as well.
 *
 * Needs what kernel tests need. Exit code 1 when anything disagrees: the line, its change and the packets are printed.
 */
import { parseArgs } from "node:util";
import { type Comparison, compare, type Discrepancy } from "../../compiler/compare/compare.ts";
import { differencesOf, findDifference } from "../../compiler/compare/outcomes.ts";
import { PacketSpace } from "../../compiler/compare/packet-space.ts";
import { withDestination } from "../../compiler/evaluate/disposition.ts";
import { distributionOf } from "../../compiler/evaluate/distribution.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { Environment, Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../compiler/net/address.ts";
import { loadRules } from "../../runtime/kernel/rules.ts";
import { aimAt } from "../support/aimed.ts";
import type { Picker } from "../support/dressing.ts";
import { type DumpHost, errorsIn, openDumpHost, refusalOf } from "../support/dump-host.ts";
import { allDumps } from "../support/dumps.ts";
import { canTravel, type Foretold, findMisjudged, foretell } from "../support/kernel-words.ts";
import { finderIn, remembered } from "../support/regions.ts";
import { numbersFrom } from "../support/slots.ts";
import { mutateText, type TextMutant } from "../support/text-mutants.ts";

// --- a mutant ------------------------------------------------------------------------------------------------------------

type End = "refused by the reader" | "refused by the kernel" | "not compared to the end" | "found" | "equal" | "WRONG";

const total = { mutants: 0, replayed: 0, aimed: 0, judged: 0, witnesses: 0, mutantsJudged: 0, seenApart: 0, wrong: 0 };
const ends = new Map<string, Map<End, number>>();

/** Compares a mutant with its dump, and holds what is said against both judges. */
async function judgeMutant(host: DumpHost, mutant: TextMutant, options: Options, pick: Picker): Promise<End> {
  const { dump, before, node, prober, site } = host;
  const { program: after, findings } = dump.read(mutant.text);
  if (errorsIn(findings) > host.errors) return "refused by the reader";
  const rules = dump.rules(mutant.text);
  if ((await refusalOf(() => loadRules(prober, rules))) !== undefined) return "refused by the kernel";
  const programs = [before, after] as const;
  const asked = {
    addresses: node.addresses,
    families: dump.families,
    budget: options.budget * 2,
    keep: Number.POSITIVE_INFINITY,
  };
  const wrong = (what: unknown): End => {
    const { kind, line, now } = mutant;
    const text = JSON.stringify({ dump: dump.name, kind, line, now, what }, (_, v) =>
      typeof v === "bigint" ? `${v}` : v,
    );
    process.stdout.write(`${text}\n`);
    return "WRONG";
  };

  let comparison: Comparison;
  try {
    comparison = compare(...programs, asked);
  } catch (error) {
    return wrong({ error: String(error) });
  }
  if (comparison.open.length > 0) return "not compared to the end";
  const evaluators = programs.map((program) => new Evaluator(program)) as [Evaluator, Evaluator];

  const { environment } = comparison;
  const lie = replay(comparison, evaluators, environment, pick);
  if (lie !== undefined) return wrong({ notReplayed: lie });

  const isFound = finderIn(comparison, programs);
  const aimed = aimedPackets(host, mutant, after, options.packets, pick);
  // Half of them with a mark, and later ones of connections, some of which go where another one is aimed at.
  const packets = aimed.map((packet, i): Packet => {
    if (pick(2) === 0) return packet;
    const { destination, destinationPort } = aimed[pick(i + 1)] ?? packet;
    const isAlike =
      typeof destination === typeof packet.destination && destinationPort > 0 === packet.destinationPort > 0;
    const sentTo = isAlike ? { address: destination, port: destinationPort } : undefined;
    return remembered(packet, comparison.space, sentTo, pick);
  });
  for (const packet of packets) {
    const [left, right] = evaluators.map((each) => each.evaluateWhole(packet, environment));
    const differs = findDifference(left ?? [], right ?? []) !== undefined;
    if (differs !== isFound(packet)) return wrong({ packet, differs });
  }
  total.aimed += packets.length;

  // Chances are not seen where rules that are judged take turns.
  if (mutant.kind !== "probability") {
    const witnesses = comparison.regions.flatMap((region) => travellersIn(region, host));
    const chosen = [...thin(witnesses, options.kernel, pick), ...thin(packets, options.kernel, pick)];
    const pairs = chosen.flatMap((packet): (readonly [Foretold, Foretold])[] => {
      if (!canTravel(packet, site)) return [];
      const [left, right] = evaluators.map((each) => foretell(each, packet, site));
      return left === undefined || right === undefined ? [] : [[left, right]];
    });
    const some = pairs.slice(0, options.kernel);
    const misjudged = await findMisjudged(
      prober,
      rules,
      some.map(([, right]) => right),
    );
    if (misjudged.length > 0) return wrong({ kernelWithMutant: misjudged.slice(0, 3) });
    total.judged += some.length;
    if (some.length > 0) total.mutantsJudged++;
    const apart = some.filter(([left, right]) => findDifference([left.outcome], [right.outcome]) !== undefined);
    if (apart.length > 0) {
      const old = await findMisjudged(
        prober,
        dump.rules(dump.text),
        apart.map(([left]) => left),
      );
      if (old.length > 0) return wrong({ kernelWithDump: old.slice(0, 3) });
      total.witnesses += apart.length;
      total.seenApart++;
    }
  }
  return comparison.differing === 0 ? "equal" : "found";
}

/** A region whose packets do not fare as it says: at both its ends, and somewhere in it. */
function replay(
  { regions }: Comparison,
  [left, right]: readonly [Evaluator, Evaluator],
  environment: Environment,
  pick: Picker,
): unknown {
  for (const region of thin(regions, MOST_REPLAYED, pick)) {
    const { box, packet } = region;
    for (const end of ["from", "to"] as const) {
      const each: Packet = {
        ...packet,
        source: box.saddr[end] as Address,
        destination: box.daddr[end] as Address,
        sourcePort: Number(box.sport[end]),
        destinationPort: Number(box.dport[end]),
        ...(packet.sentTo === undefined
          ? {}
          : { sentTo: { address: box.toaddr[end] as Address, port: Number(box.toport[end]) } }),
      };
      const found = [...differencesOf(left.evaluateWhole(each, environment), right.evaluateWhole(each, environment))];
      const isSame = found.some(
        (difference) =>
          wordsOf(difference.left, each) === wordsOf(region.left, packet) &&
          wordsOf(difference.right, each) === wordsOf(region.right, packet),
      );
      if (!isSame) return { packet: each, left: wordsOf(region.left, packet), right: wordsOf(region.right, packet) };
    }
    total.replayed++;
  }
  return undefined;
}

const MOST_REPLAYED = 500;

/** What happens to `packet`. Where it keeps its address or its port, the others of its region keep theirs. */
function wordsOf(outcome: Discrepancy["left"], { destination, destinationPort }: Packet): string {
  const results = outcome.results.map((result) => ({
    ...result,
    disposition: withDestination(result.disposition, ({ address, port }) => ({
      address: address === destination ? KEPT[familyOf(destination)] : address,
      port: port === destinationPort ? 0 : port,
    })),
  }));
  const chances = [...distributionOf({ results })];
  return JSON.stringify(chances.map(([key, { probability }]) => [key, probability.toFixed(6)]).sort());
}

const KEPT: Readonly<Record<Family, Address>> = { IPv4: 0 as Address, IPv6: 0n as Address };

function aimedPackets(
  { dump, before, node, site }: DumpHost,
  { line, now }: TextMutant,
  after: Program,
  count: number,
  pick: Picker,
): Packet[] {
  const interfaces = [undefined, ...node.deviceOf.values(), ...(/\blo\b/.test(dump.text) ? ["lo"] : [])];
  const own = [...site.environment.localAddresses];
  const aim = aimAt(dump.text, { families: dump.families, interfaces, own });
  const protocols = new Set(new PacketSpace([before, after], dump).trafficKinds.map(({ protocol }) => protocol));
  return Array.from({ length: count }, () => {
    const packet = aim(`${line}\n${now}`, pick);
    // Those that no rule names are one.
    return protocols.has(packet.protocol) ? packet : { ...packet, protocol: 253 };
  });
}

/** A packet of a region that can be sent, if there is one. The prober chooses source ports. */
function travellersIn({ trafficKind, box, packet }: Discrepancy, { node, site }: DumpHost): Packet[] {
  const device = trafficKind.inInterface === undefined ? undefined : node.deviceOf.get(trafficKind.inInterface);
  if (trafficKind.inInterface !== undefined && device === undefined) return [];
  if (box.sport.to !== 0 && (box.sport.from > 1024 || box.sport.to < 61_000)) return [];
  const sources = within(box.saddr, trafficKind.inInterface === undefined ? node.addresses : ELSEWHERE);
  const destinations = within(box.daddr, [...ELSEWHERE, ...node.addresses]);
  for (const source of sources)
    for (const destination of destinations) {
      const each = { ...packet, inInterface: device, source, destination, sourcePort: box.sport.to === 0 ? 0 : 40000 };
      if (canTravel(each, site)) return [each];
    }
  return [];
}

function within({ from, to }: Discrepancy["box"]["saddr"], preferred: readonly Address[]): Address[] {
  return [
    ...preferred.filter((address) => typeof address === typeof from && from <= address && address <= to),
    from as Address,
    to as Address,
  ];
}

/** Addresses of hosts, of several blocks. */
const ELSEWHERE: readonly Address[] = [
  "203.0.113.77",
  "10.77.3.9",
  "172.20.9.9",
  "192.168.77.9",
  "9.9.9.9",
  "2001:db8:77::9",
  "2a00::9",
  "fd77::9",
].flatMap((text) => parseAddress(text) ?? []);

// --- all together --------------------------------------------------------------------------------------------------------

interface Options {
  readonly packets: number;
  readonly kernel: number;
  readonly budget: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      mutants: { type: "string", default: "600" },
      each: { type: "string", default: "12" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      packets: { type: "string", default: "400" },
      kernel: { type: "string", default: "24" },
      budget: { type: "string", default: "200000" },
      only: { type: "string", default: "" },
    },
  });
  const dumps = allDumps().filter(({ name }) => name.includes(values.only));
  if (dumps.length === 0) {
    process.stdout.write("skipped: there is no ../shared/corpus\n");
    return 0;
  }
  const options: Options = {
    packets: Number(values.packets),
    kernel: Number(values.kernel),
    budget: Number(values.budget),
  };
  const [wanted, each] = [Number(values.mutants), Number(values.each)];
  const pick = numbersFrom(Number(values.seed));
  process.stderr.write(`seed ${values.seed}\n`);
  const used = new Set<string>();
  const useless = new Map<string, string>();
  for (let queue = shuffle(dumps, pick); total.mutants < wanted; ) {
    const dump = queue.pop();
    if (dump === undefined) {
      queue = shuffle(dumps, pick).filter(({ name }) => !useless.has(name));
      if (queue.length === 0) break;
      continue;
    }
    const host = await openDumpHost(dump, options.budget);
    if (typeof host === "string") {
      useless.set(dump.name, host);
      continue;
    }
    used.add(dump.name);
    const last = total.mutants + each;
    for (let tries = 0; tries < each * 3 && total.mutants < Math.min(last, wanted); tries++) {
      const mutant = mutateText(dump.text, pick);
      if (mutant === undefined) break;
      const end = await judgeMutant(host, mutant, options, pick);
      if (!end.startsWith("refused")) total.mutants++;
      if (end === "WRONG") total.wrong++;
      const counts = ends.get(mutant.kind) ?? new Map<End, number>();
      ends.set(mutant.kind, counts.set(end, (counts.get(end) ?? 0) + 1));
    }
    await host.prober.close();
  }
  for (const [name, reason] of [...useless].sort()) process.stdout.write(`left out: ${name}: ${reason}\n`);
  for (const [kind, counts] of [...ends].sort())
    process.stdout.write(`${kind}: ${[...counts].map(([how, count]) => `${count} ${how}`).join(", ")}\n`);
  const { mutants, replayed, aimed, judged, witnesses, mutantsJudged, seenApart, wrong } = total;
  process.stdout.write(
    `${mutants} mutants of ${used.size} dumps; ${replayed} regions replayed, ${aimed} packets aimed at what was changed; ` +
      `${judged} packets of ${mutantsJudged} mutants before the kernel, of them ${witnesses} of ${seenApart} mutants that it treats ` +
      `otherwise than before: ${wrong} wrong\n`,
  );
  return wrong === 0 && witnesses > 0 ? 0 : 1;
}

function shuffle<T>(items: readonly T[], pick: Picker): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}

/** At most `most` of `items`, from all over. */
function thin<T>(items: readonly T[], most: number, pick: Picker): T[] {
  const step = Math.max(1, Math.ceil(items.length / most));
  const start = pick(step);
  return items.filter((_, i) => i % step === start);
}

process.exitCode = await main();

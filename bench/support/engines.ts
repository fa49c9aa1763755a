/** Two builds of the engine against each other, by turns in one process: on a busy machine only their ratio says something. */
import { Bursts } from "./bursts.ts";
import { BURST, EngineMemory } from "./engine-memory.ts";
import type { Scaled } from "./scale.ts";
import { type Summary, summarise } from "./statistics.ts";
import { type Families, type Mix, makePool } from "./traffic.ts";

export interface EngineRow {
  readonly families: Families;
  readonly mix: Mix;
  /** Nanoseconds for a packet: the fastest round of each. */
  readonly least: number;
  readonly otherLeast: number;
  /** The other engine's time over this one's, round by round. */
  readonly ratio: Summary;
}

/** Both have the same results: that is checked first. */
export function measureEngines(
  scaled: Scaled,
  table: Uint8Array,
  other: Uint8Array<ArrayBuffer>,
  families: Families,
  mix: Mix,
  rounds: number,
): EngineRow {
  const pool = makePool(scaled, mix, families, POOL);
  const [ours, theirs] = [undefined, other].map((engine) => {
    const memory = new EngineMemory(table, BURST, engine);
    return { memory, bursts: new Bursts(memory, pool), found: [] as number[] };
  }) as [Side, Side];
  ours.bursts.compare([
    ours.memory,
    { name: theirs.memory.name, classifyMany: (count) => copyOf(ours, theirs, count) },
  ]);
  for (let round = 0; round <= rounds; round++) {
    for (const { memory, bursts, found } of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      const nanoseconds = bursts.measure((count) => memory.classifyMany(count));
      if (round > 0) found.push(nanoseconds); // the first round warms up
    }
  }
  return {
    families,
    mix,
    least: Math.min(...ours.found),
    otherLeast: Math.min(...theirs.found),
    ratio: summarise(theirs.found.map((nanoseconds, i) => nanoseconds / (ours.found[i] as number))),
  };
}

interface Side {
  readonly memory: EngineMemory;
  readonly bursts: Bursts;
  readonly found: number[];
}

const POOL = 2 ** 18;

/** The other engine's results of the packets that ours has, where ours are. */
function copyOf({ memory: ours }: Side, { memory: theirs }: Side, count: number): void {
  theirs.packets.set(ours.packets);
  theirs.classifyMany(count);
  ours.results.set(theirs.results);
}

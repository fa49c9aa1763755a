/** What is declared to happen to packets: chances, each to the digits that are written. */
import { type Disposition, dispositionKey, printDisposition } from "../../evaluate/disposition.ts";
import { type Distribution, parseDistribution, TOLERANCE } from "../../evaluate/distribution.ts";

/** By `dispositionKey`. */
export type DeclaredDistribution = ReadonlyMap<string, DeclaredChance>;

interface DeclaredChance {
  readonly disposition: Disposition;
  /** From 0 to 1. */
  readonly probability: number;
  /** Half of the last digit that is written. */
  readonly slack: number;
}

/** The distribution in a text as `printDistribution` writes it; its parts may also come one by one. What is wrong with it, as a
 *  string. */
export function readDistribution(texts: readonly string[]): DeclaredDistribution | string {
  const written = texts.map(parseDistribution);
  if (written.length === 0 || written.includes(undefined)) return EXPECTED;
  const parts = written.flatMap((part) => part ?? []);
  const chances = new Map<string, DeclaredChance>();
  for (const { disposition, percent } of parts) {
    if (percent === undefined && parts.length > 1)
      return "must have a chance in each part, as in: drop (50.00 %), or pass (50.00 %)";
    const key = dispositionKey(disposition);
    if (chances.has(key)) return `must not say "${printDisposition(disposition)}" twice`;
    chances.set(key, { disposition, ...(percent === undefined ? SURE : chanceOf(percent)) });
  }
  const sum = sumOf([...chances.values()].map(({ probability }) => probability));
  const slack = TOLERANCE + sumOf([...chances.values()].map((chance) => chance.slack));
  return Math.abs(sum - 1) <= slack
    ? chances
    : `must have chances that add up to 100 %, not ${(sum * 100).toFixed(2)} %`;
}

const SURE = { probability: 1, slack: 0 };

function chanceOf(percent: string): Omit<DeclaredChance, "disposition"> {
  const digits = percent.split(".")[1]?.length ?? 0;
  return { probability: Number(percent) / 100, slack: 0.5 / 10 ** (digits + 2) };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

const EXPECTED =
  'must be as kpc diff prints it: "drop", "pass", "reject with port-unreachable", or "to 10.0.0.1:80"; ' +
  'behind it ", masqueraded" or ", from 192.0.2.1", and ", remembered for 10800 s" where that is so';

/** Whether that is what happens. Each chance counts to the digits that it is written with. */
export function isDeclared(declared: DeclaredDistribution, distribution: Distribution): boolean {
  if (declared.size !== distribution.size) return false;
  return [...declared].every(([key, { probability, slack }]) => {
    const chance = distribution.get(key);
    return chance !== undefined && Math.abs(chance.probability - probability) <= slack + TOLERANCE;
  });
}

/** Whether one could be meant where the other is, since too few digits are written. */
export function overlap(a: DeclaredDistribution, b: DeclaredDistribution): boolean {
  return isDeclared(a, b) || isDeclared(b, a);
}

/** Equal for two that can be the same. */
export function distributionKey(distribution: DeclaredDistribution | Distribution): string {
  return [...distribution.keys()].sort().join("\n");
}

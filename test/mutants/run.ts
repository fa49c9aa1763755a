/** Judges the mutants of folders: which of them does a test notice? */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bundleTest, type MutatedSources } from "./bundle.ts";
import { type MutantJudge, sideBySide } from "./pool.ts";
import { NOT_JUDGED } from "./tests.ts";
import type { BoundedTest, RecordedFile, TestsOfFile } from "./worker.ts";

export interface MutantResult {
  readonly id: number;
  /** What killed it. */
  readonly killedBy?: string;
  /** Whether any test reaches it. */
  readonly isReached: boolean;
}

export interface Recorded {
  readonly test: string;
  readonly bundle: string;
  readonly recorded: RecordedFile;
}

/** The sources of a folder whose mutants are judged, or the one file. */
export function sourcesOf(root: string, path: string): readonly string[] {
  if (path.endsWith(".ts")) return [path];
  const names = readdirSync(join(root, path), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(path, name))
    .filter((name) => !NOT_JUDGED.has(name))
    .sort();
}

/** Bundles the tests and sees which mutants each of their tests reaches. Tests that reach none, or fail without any, are left out.
 *  What was recorded of the same bundle before is used again. */
export async function recordTests(
  root: string,
  tests: readonly string[],
  sources: MutatedSources,
  folder: string,
  judges: readonly MutantJudge[],
  warn: (text: string) => void,
): Promise<readonly Recorded[]> {
  const found: Recorded[] = [];
  await sideBySide(tests, judges, async (test, judge) => {
    const to = (kind: string): string => join(folder, `${test.replaceAll("/", "_")}.${kind}`);
    await bundleTest(root, test, sources.record, to("record.cjs"));
    const hash = createHash("sha256")
      .update(readFileSync(to("record.cjs")))
      .digest("hex");
    const known = existsSync(to("json")) ? JSON.parse(readFileSync(to("json"), "utf8")) : {};
    let recorded: RecordedFile = known.recorded;
    if (known.hash !== hash) {
      const reply = await judge.ask({ kind: "record", bundle: to("record.cjs") });
      if (reply.kind !== "recorded") {
        warn(`${test} is left out: ${reply.kind === "lost" ? reply.why : reply.kind}`);
        return;
      }
      recorded = reply;
      writeFileSync(to("json"), JSON.stringify({ hash, recorded }));
    }
    for (const { name, failure } of recorded.tests)
      if (failure !== undefined) warn(`${test} > ${name} is left out: it fails without a mutant: ${failure}`);
    if (recorded.before.length === 0 && recorded.tests.every(({ reached }) => reached.length === 0)) return;
    await bundleTest(root, test, sources.run, to("cjs"));
    found.push({ test, bundle: to("cjs"), recorded });
  });
  return found.sort((a, b) => (a.test < b.test ? -1 : 1));
}

/** A test, with what it costs. */
interface Reaching extends BoundedTest {
  readonly bundle: string;
  readonly counted: number;
}

/** Finds the tests for a mutant. */
export class MutantTests {
  private readonly byMutant = new Map<number, Reaching[]>();
  private readonly mostWork: number;
  /** Which test killed the last mutant in a place: it is tried first. */
  private readonly killers = new Map<string, string>();

  /** `mostWork`: how much all tests of one mutant may count. Those that count least are taken. */
  constructor(files: readonly Recorded[], mostWork: number) {
    this.mostWork = mostWork;
    for (const { bundle, recorded } of files) {
      for (const [test, { reached, counted, failure }] of recorded.tests.entries()) {
        if (failure !== undefined) continue;
        const reaching: Reaching = { bundle, test, counted, mostCounted: 10 * counted + 1_000_000 };
        for (const id of new Set([...recorded.before, ...reached])) this.of(id).push(reaching);
      }
    }
    for (const tests of this.byMutant.values()) tests.sort((a, b) => a.counted - b.counted);
  }

  isReached(mutant: number): boolean {
    return this.byMutant.has(mutant);
  }

  /** The tests of the file's own name first, which is where its mutants are killed, then cheap ones; by files, because a file is loaded
   *  anew for each mutant. `file`: the mutant's. */
  planOf(mutant: number, file: string, place: string): readonly TestsOfFile[] {
    const byFile = new Map<string, BoundedTest[]>();
    const killer = this.killers.get(place);
    let work = 0;
    const reaching = this.byMutant.get(mutant) ?? [];
    const isKiller = ({ bundle, test }: Reaching): boolean => `${bundle} ${test}` === killer;
    const own = `_${basename(file, ".ts")}.test.ts.cjs`;
    const first = new Set([...reaching.filter(isKiller), ...reaching.filter(({ bundle }) => bundle.endsWith(own))]);
    for (const each of [...first, ...reaching.filter((each) => !first.has(each))]) {
      work += each.counted;
      if (work > this.mostWork && byFile.size > 0) break;
      const tests = byFile.get(each.bundle) ?? [];
      tests.push(each);
      byFile.set(each.bundle, tests);
    }
    return [...byFile].map(([bundle, tests]) => ({ bundle, tests }));
  }

  /** Remembers a test that killed a mutant in `place`. */
  killed(place: string, bundle: string, test: number): void {
    if (test >= 0) this.killers.set(place, `${bundle} ${test}`);
  }

  private of(mutant: number): Reaching[] {
    const known = this.byMutant.get(mutant) ?? [];
    this.byMutant.set(mutant, known);
    return known;
  }
}

/** Judges the mutants with these numbers; `told` hears how far it is. */
export async function judgeMutants(
  ids: readonly number[],
  { mutants }: MutatedSources,
  plans: MutantTests,
  judges: readonly MutantJudge[],
  told: (judged: MutantResult) => void,
): Promise<readonly MutantResult[]> {
  const judged: MutantResult[] = [];
  await sideBySide(ids, judges, async (id, judge) => {
    const file = mutants[id]?.file ?? "";
    const place = `${file} ${mutants[id]?.within}`;
    const files = plans.planOf(id, file, place);
    const reply = files.length === 0 ? undefined : await judge.ask({ kind: "mutant", mutant: id, files });
    const killed = reply?.kind === "verdict" ? reply.killed : undefined;
    if (killed !== undefined) plans.killed(place, killed.bundle, killed.test);
    const killedBy = reply?.kind === "lost" ? reply.why : killed?.by;
    const one = { id, isReached: plans.isReached(id), ...(killedBy !== undefined && { killedBy }) };
    judged.push(one);
    told(one);
  });
  return judged.sort((a, b) => a.id - b.id);
}

/** `count` of the numbers, the same ones for the same seed; all of them where there are no more. */
export function sampleOf(ids: readonly number[], count: number, seed: number): readonly number[] {
  const rank = (id: number): string => createHash("sha256").update(`${seed} ${id}`).digest("hex");
  const ranked = ids.map((id) => ({ id, rank: rank(id) })).sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked
    .slice(0, count)
    .map(({ id }) => id)
    .sort((a, b) => a - b);
}

/** Makes the folder for bundles. */
export function folderFor(root: string, path: string): string {
  const folder = join(root, "dist/mutants", path.replaceAll("/", "-"));
  mkdirSync(folder, { recursive: true });
  return folder;
}

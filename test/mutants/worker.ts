/** Runs tests of bundled files, with no mutant to see which ones they reach, or with one. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Script } from "node:vm";
import { parentPort } from "node:worker_threads";
import * as chevrotain from "chevrotain";
import fc, * as fastCheck from "fast-check";
import * as yaml from "yaml";
import { type Group, groupsOf, Suite } from "./suite.ts";

/** What a worker is asked. */
export type JudgingTask = RecordTask | MutantTask;

interface RecordTask {
  readonly kind: "record";
  /** The path of the bundle. */
  readonly bundle: string;
}

interface MutantTask {
  readonly kind: "mutant";
  readonly mutant: number;
  /** One after the other, until a test fails. */
  readonly files: readonly TestsOfFile[];
}

export interface TestsOfFile {
  readonly bundle: string;
  /** In the order in which they run. */
  readonly tests: readonly BoundedTest[];
}

export interface BoundedTest {
  /** Its number in the file. */
  readonly test: number;
  /** A test that counts more is taken for one that never ends. */
  readonly mostCounted: number;
}

/** What a worker answers. */
export type WorkerAnswer = RecordedFile | MutantVerdict | { readonly kind: "begun" };

/** What the tests of a file do without a mutant. */
export interface RecordedFile {
  readonly kind: "recorded";
  /** Mutants that are reached before the first test: while modules are loaded and tests collected. */
  readonly before: readonly number[];
  readonly tests: readonly RecordedTest[];
}

interface RecordedTest {
  readonly name: string;
  /** Mutants that are reached by the test, or before the tests of its group. */
  readonly reached: readonly number[];
  readonly counted: number;
  /** Why it failed. */
  readonly failure?: string;
}

export interface MutantVerdict {
  readonly kind: "verdict";
  /** Undefined: all tests passed. */
  readonly killed?: { readonly bundle: string; readonly test: number; readonly by: string };
}

/** Never a test's own error: it means that a mutant loops. */
class CountedTooMuch extends Error {}

const SHARED: Readonly<Record<string, unknown>> = {
  chevrotain: { ...chevrotain, __esModule: true },
  "fast-check": { ...fastCheck, __esModule: true },
  yaml: { ...yaml, __esModule: true },
};

type Run = (
  exports: object,
  require: (id: string) => unknown,
  on: number,
  reach: (id: number) => false,
  count: () => void,
) => void;

const scripts = new Map<string, Run>();

/** Compiled once. It loads all modules anew each time it is called: no mutant leaves anything behind for the next one. */
function scriptOf(bundle: string): Run {
  const known = scripts.get(bundle);
  if (known !== undefined) return known;
  const text = `(function (exports, require, $on, $reach, $count) {${readFileSync(bundle, "utf8")}\n})`;
  const run: Run = new Script(text, { filename: bundle }).runInThisContext();
  scripts.set(bundle, run);
  return run;
}

/** The tests of a bundle, with what they count. */
class Loaded {
  readonly suite = new Suite();
  counted = 0;
  private mostCounted: number;
  reached = new Set<number>();

  constructor(bundle: string, mutant: number, mostCounted: number) {
    this.mostCounted = mostCounted;
    const own = createRequire(import.meta.url);
    const load = (id: string): unknown => (id === "vitest" ? this.suite.vitest : (SHARED[id] ?? own(id)));
    const reach = (id: number): false => {
      this.reached.add(id);
      return false;
    };
    const count = (): void => {
      if (++this.counted > this.mostCounted) throw new CountedTooMuch(`counted more than ${this.mostCounted}`);
    };
    scriptOf(bundle)({}, load, mutant, reach, count);
    // One failure is enough: to look for a smaller one takes long.
    fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
  }

  /** Why the test fails; undefined: it passes. */
  async failureOf(index: number, mostCounted: number): Promise<string | undefined> {
    const test = this.suite.tests[index];
    if (test === undefined) return "the test is not there";
    this.counted = 0;
    this.mostCounted = mostCounted;
    try {
      await orNever(this.suite.run(test));
    } catch (error) {
      return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    }
    return this.counted > mostCounted ? "counted too much" : undefined;
  }
}

const IDLE_POLL_MS = 20;
const IDLE_POLLS = 25;

/** Rejects when `work` goes on and nothing is left that could end it: no timer, no socket, no process. A promise that a mutant forgets would be waited for
 *  until the worker is given up. */
async function orNever(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<void>((_, reject) => {
    let idle = 0;
    timer = setInterval(() => {
      idle = process.getActiveResourcesInfo().every((each) => each === "MessagePort") ? idle + 1 : 0;
      if (idle === IDLE_POLLS) reject(new Error("it waits for what nothing brings about"));
    }, IDLE_POLL_MS).unref();
  });
  try {
    await Promise.race([work, never]);
  } finally {
    clearInterval(timer);
  }
}

async function record({ bundle }: RecordTask): Promise<RecordedFile> {
  const loaded = new Loaded(bundle, -1, Number.POSITIVE_INFINITY);
  const { suite } = loaded;
  const before = [...loaded.reached];
  const byGroup = new Map<Group, readonly number[]>();
  const tests: RecordedTest[] = [];
  for (const [i, { name, group }] of suite.tests.entries()) {
    const groups = groupsOf(group);
    for (const each of groups) {
      if (byGroup.has(each)) continue;
      loaded.reached = new Set();
      await suite.begin(each);
      byGroup.set(each, [...loaded.reached]);
    }
    loaded.reached = new Set(groups.flatMap((each) => byGroup.get(each) ?? []));
    const failure = await loaded.failureOf(i, Number.POSITIVE_INFINITY);
    const { counted, reached } = loaded;
    tests.push({ name, reached: [...reached], counted, ...(failure !== undefined && { failure }) });
  }
  await suite.end();
  return { kind: "recorded", before, tests };
}

/** Modules compile programs of their own before the first test. */
const MOST_COUNTED_WHILE_LOADING = 100_000_000;

async function judge({ mutant, files }: MutantTask, told: () => void): Promise<MutantVerdict> {
  for (const { bundle, tests } of files) {
    told();
    let loaded: Loaded;
    try {
      loaded = new Loaded(bundle, mutant, MOST_COUNTED_WHILE_LOADING);
    } catch (error) {
      return { kind: "verdict", killed: { bundle, test: -1, by: `the file does not load: ${error}` } };
    }
    for (const { test, mostCounted } of tests) {
      const by = await loaded.failureOf(test, mostCounted);
      if (by !== undefined) return { kind: "verdict", killed: { bundle, test, by } };
    }
    await loaded.suite.end().catch(() => undefined);
  }
  return { kind: "verdict" };
}

/** Answers the tasks that come from the main thread. */
export function answerTasks(): void {
  const port = parentPort;
  if (port === null) throw new Error("there is no main thread");
  const say = (answer: WorkerAnswer): void => port.postMessage(answer);
  port.on("message", async (task: JudgingTask) => {
    say(task.kind === "record" ? await record(task) : await judge(task, () => say({ kind: "begun" })));
  });
}

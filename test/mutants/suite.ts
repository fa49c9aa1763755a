/** Stands in for Vitest while mutants are tested: the tests of a file are collected once, and run by their numbers. */
import { existsSync, readFileSync } from "node:fs";
import { chai, expect } from "vitest";

type Body = (...args: unknown[]) => unknown;

export interface Group {
  readonly outer: Group | undefined;
  readonly name: string;
  readonly beforeAll: Body[];
  readonly beforeEach: Body[];
  readonly afterEach: Body[];
  readonly afterAll: Body[];
  /** Whether what comes before all of its tests has been done. */
  isBegun: boolean;
}

export interface CollectedTest {
  readonly name: string;
  readonly group: Group;
  readonly run: () => unknown;
}

/** The tests of one file, and the functions that the file calls to say them. */
export class Suite {
  readonly tests: CollectedTest[] = [];
  private group: Group = newGroup(undefined, "");

  /** What the file imports from `vitest`. */
  readonly vitest = {
    __esModule: true,
    expect,
    describe: this.makeDescribe(),
    test: this.makeTest(),
    it: this.makeTest(),
    beforeAll: (body: Body) => this.group.beforeAll.push(body),
    beforeEach: (body: Body) => this.group.beforeEach.push(body),
    afterEach: (body: Body) => this.group.afterEach.push(body),
    afterAll: (body: Body) => this.group.afterAll.push(body),
  };

  /** Does what comes before all tests of a group, once. Throws what that throws. */
  async begin(group: Group): Promise<void> {
    if (group.isBegun) return;
    group.isBegun = true;
    for (const body of group.beforeAll) await body();
  }

  /** Throws what the test throws. */
  async run(test: CollectedTest): Promise<void> {
    const groups = groupsOf(test.group);
    for (const group of groups) await this.begin(group);
    for (const group of groups) for (const body of group.beforeEach) await body();
    try {
      await test.run();
    } finally {
      for (const group of groups.toReversed()) for (const body of group.afterEach) await body();
    }
  }

  /** What the file does after its tests. */
  async end(): Promise<void> {
    const begun = new Set(this.tests.flatMap(({ group }) => groupsOf(group)).filter(({ isBegun }) => isBegun));
    for (const group of [...begun].reverse()) for (const body of group.afterAll) await body();
  }

  private makeTest() {
    const add = (name: string, ...rest: unknown[]): void => {
      const body = rest.find((each): each is Body => typeof each === "function");
      if (body === undefined) return;
      const { group } = this;
      const path = [...groupsOf(group).map((each) => each.name), name].filter((each) => each !== "").join(" > ");
      this.tests.push({ name: path, group, run: () => body({ expect }) });
    };
    return withVariants(add);
  }

  private makeDescribe() {
    const add = (name: string, ...rest: unknown[]): void => {
      const body = rest.find((each): each is Body => typeof each === "function");
      const outer = this.group;
      this.group = newGroup(outer, name);
      try {
        body?.();
      } finally {
        this.group = outer;
      }
    };
    return withVariants(add);
  }
}

type Add = (name: string, ...rest: unknown[]) => void;

/** `add` with `each`, `skipIf`, `runIf` and `skip`, as Vitest has them. */
function withVariants(add: Add) {
  const skip: Add = () => undefined;
  const each =
    (to: Add) =>
    (rows: readonly unknown[]) =>
    (name: string, body: Body): void => {
      for (const [i, row] of rows.entries())
        to(`${name} #${i}`, (...more: unknown[]) => (Array.isArray(row) ? body(...row) : body(row, ...more)));
    };
  const plain = (to: Add) => Object.assign((...args: Parameters<Add>) => to(...args), { each: each(to) });
  return Object.assign(plain(add), {
    skip: plain(skip),
    skipIf: (is: boolean) => plain(is ? skip : add),
    runIf: (is: boolean) => plain(is ? add : skip),
  });
}

function newGroup(outer: Group | undefined, name: string): Group {
  return { outer, name, beforeAll: [], beforeEach: [], afterEach: [], afterAll: [], isBegun: false };
}

/** Outer ones first. */
export function groupsOf(group: Group): readonly Group[] {
  return [...(group.outer === undefined ? [] : groupsOf(group.outer)), group];
}

// The matcher of Vitest asks for the state of a Vitest that runs.
chai.util.addMethod(
  chai.Assertion.prototype,
  "toMatchFileSnapshot",
  function (this: Chai.AssertionStatic, path: string) {
    const received: unknown = chai.util.flag(this, "object");
    const wanted = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    chai.assert.strictEqual(received, wanted, `the text differs from ${path}`);
  },
);

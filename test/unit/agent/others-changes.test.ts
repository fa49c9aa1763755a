/** What others have changed in rules of iptables, as the kernel tells. */
import { describe, expect, test } from "vitest";
import { type ChangeSigns, OthersChanges } from "../../../runtime/agent/others-changes.ts";
import type { TransactionAnswer } from "../../../runtime/table/answers.ts";
import type { HeardCommit } from "../../../runtime/table/netfilter.ts";

/** What the kernel says to whoever asks. */
class Signs implements ChangeSigns {
  commits = 0;
  told: HeardCommit[] = [];
  isComplete = true;
  isListening = false;
  sizes: readonly string[] | undefined = [];
  /** How often the number of commits was asked for. */
  generations = 0;
  /** What else was asked for. */
  readonly asked: string[] = [];

  generation(): Promise<number> {
    this.generations++;
    return Promise.resolve(this.commits);
  }

  commitsAbout(word: string): ReturnType<ChangeSigns["commitsAbout"]> {
    this.asked.push(word);
    const isComplete = this.isComplete && this.isListening;
    this.isListening = word !== "";
    this.isComplete = true;
    return Promise.resolve({ isComplete, commits: this.told.splice(0) });
  }

  legacySizes(tables: readonly string[]): ReturnType<ChangeSigns["legacySizes"]> {
    this.asked.push(...tables);
    return Promise.resolve(this.sizes);
  }

  /** Somebody makes a commit about a chain of the table nat. */
  commit(chain: string, family = 2, table = "nat"): void {
    this.tell(++this.commits, chain, family, table);
  }

  tell(id: number, chain: string, family = 2, table = "nat"): void {
    if (this.isListening) this.told.push({ id, chains: [{ family, table, chain }] });
  }
}

async function listening(): Promise<{ readonly signs: Signs; readonly others: OthersChanges }> {
  const signs = new Signs();
  const others = new OthersChanges("nft", signs);
  await others.notice();
  return { signs, others };
}

const ONE = { commits: 1, isLarge: false };

const DONE: TransactionAnswer = { kind: "done" };

/** The answer to a change that has done something. */
function done(_did?: unknown): Promise<TransactionAnswer> {
  return Promise.resolve(DONE);
}

describe("iptables-nft", () => {
  test("chains of the agent's own commits are not suspect, those of others are", async () => {
    const { signs, others } = await listening();
    signs.commit("KPC-a");
    await others.during("ip", ["nat"], ONE, () => done(signs.commit("KPC-own")));
    signs.commit("KPC-b");
    signs.commit("KPC-six", 10, "filter");
    signs.commit("KPC-inet", 1);
    signs.commit("KPC-none", 2, "kpc");
    await others.notice();
    expect(others.of("ip")).toEqual(new Map([["nat", new Set(["KPC-a", "KPC-b"])]]));
    expect(others.of("ip6")).toEqual(new Map([["filter", new Set(["KPC-six"])]]));
    // Those before the agent's, and those after it.
    expect(others.count).toBe(2);
    others.forget("ip");
    expect(others.of("ip")).toBeUndefined();
  });

  test("where others commit beside the agent, its own chains are suspect as well", async () => {
    const { signs, others } = await listening();
    await others.during("ip", ["nat"], ONE, () => {
      signs.commit("KPC-theirs");
      return done(signs.commit("KPC-own"));
    });
    await others.notice();
    expect(others.of("ip")).toEqual(new Map([["nat", new Set(["KPC-own", "KPC-theirs"])]]));
    expect(others.count).toBe(1);
  });

  test("a commit is noticed that is told later than it is counted, or sooner", async () => {
    const { signs, others } = await listening();
    signs.commits++;
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([1, undefined]);
    signs.tell(1, "KPC-late");
    await others.notice();
    expect(others.count).toBe(2);
    expect(others.of("ip")).toEqual(new Map([["nat", new Set(["KPC-late"])]]));
    signs.tell(2, "KPC-soon");
    await others.notice();
    expect(others.count).toBe(3);
  });

  test("of what was not heard, others may have changed everything; the agent itself has not", async () => {
    const { signs, others } = await listening();
    await others.during("ip", ["nat"], { commits: 1, isLarge: true }, () => done(signs.commit("KPC-own")));
    await others.notice();
    expect([others.count, others.of("ip"), others.of("ip6")]).toEqual([0, undefined, undefined]);
    signs.isComplete = false;
    await others.during("ip", ["nat"], ONE, () => done(signs.commit("KPC-own")));
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([0, undefined]);
    signs.isComplete = false;
    signs.commit("KPC-a");
    await others.notice();
    expect([others.count, others.of("ip"), others.of("ip6")]).toEqual([1, "all", "all"]);
  });

  test("where nothing is known yet, nothing of others is counted", async () => {
    const signs = new Signs();
    signs.commits = 7;
    const others = new OthersChanges("nft", signs);
    expect(await others.during("ip", ["nat"], ONE, () => done(signs.commit("KPC-own")))).toEqual(DONE);
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([0, undefined]);
  });

  test("where all was heard, commits are counted once", async () => {
    const { signs, others } = await listening();
    signs.generations = 0;
    await others.notice();
    expect(signs.generations).toBe(1);
    signs.isComplete = false;
    await others.notice();
    expect(signs.generations).toBe(3);
  });

  test("a commit of others that is told during the agent's own change is theirs", async () => {
    const { signs, others } = await listening();
    signs.commits++;
    await others.during("ip", ["nat"], ONE, () => {
      signs.tell(1, "KPC-late");
      return done(signs.commit("KPC-own"));
    });
    await others.notice();
    expect(others.of("ip")).toEqual(new Map([["nat", new Set(["KPC-late"])]]));
  });

  test("what was heard of the agent's own commits is not suspect where the number of one was lost", async () => {
    const { signs, others } = await listening();
    await others.during("ip", ["nat"], ONE, () => {
      signs.commits++;
      return done(signs.tell(0, "KPC-own"));
    });
    signs.isComplete = false;
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([0, undefined]);
  });

  test("a large change of the agent is not listened to, another one is", async () => {
    const { signs, others } = await listening();
    signs.asked.splice(0);
    const answer = await others.during("ip", ["nat"], ONE, () => done());
    expect([answer, signs.asked]).toEqual([DONE, ["KPC-"]]);
    await others.during("ip", ["nat"], { commits: 1, isLarge: true }, () => done());
    expect(signs.asked).toEqual(["KPC-", "KPC-", ""]);
  });

  test("what was heard beside a commit of others that was lost is suspect, and then all is", async () => {
    const { signs, others } = await listening();
    signs.commit("KPC-a");
    signs.isComplete = false;
    await others.notice();
    expect([others.of("ip"), others.of("ip6"), others.count]).toEqual(["all", "all", 1]);
    others.forget("ip");
    others.forget("ip6");
    expect([others.of("ip"), others.of("ip6")]).toEqual([undefined, undefined]);
    // Each commit is counted once, and the agent's own ones are forgotten when they were heard of.
    await others.during("ip", ["nat"], ONE, () => done(signs.commit("KPC-own")));
    await others.notice();
    signs.tell(2, "KPC-own");
    await others.notice();
    expect(others.of("ip")).toEqual(new Map([["nat", new Set(["KPC-own"])]]));
  });

  test("a commit that is made while the kernel is asked what it has told is noticed where that was not all", async () => {
    const { signs, others } = await listening();
    const { commitsAbout } = signs;
    signs.commitsAbout = (word) => {
      signs.isComplete = false;
      signs.commits++;
      return commitsAbout.call(signs, word);
    };
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([1, "all"]);
  });

  test.each([1, 2])(
    "where the agent's change of %i commits was refused, one that was made is of others",
    async (commits) => {
      const { signs, others } = await listening();
      const refused = { kind: "refused", reason: "ended", message: "killed" } as const;
      const change = { commits, isLarge: false };
      expect(await others.during("ip6", ["nat"], change, () => Promise.resolve(refused))).toEqual(refused);
      await others.notice();
      expect([others.count, others.of("ip")]).toEqual([0, undefined]);
      await others.during("ip6", ["nat"], change, () => {
        signs.commit("KPC-theirs");
        return Promise.resolve(refused);
      });
      await others.notice();
      expect([others.count, others.of("ip")]).toEqual([1, new Map([["nat", new Set(["KPC-theirs"])]])]);
    },
  );

  test("where the agent's change has made no commit, or one more, others have", async () => {
    const { signs, others } = await listening();
    await others.during("ip", ["nat"], ONE, () => done());
    expect(others.count).toBe(1);
    await others.notice();
    await others.during("ip", ["nat"], ONE, () => done(signs.commit("KPC-own")));
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([1, undefined]);
  });
});

describe("iptables-legacy", () => {
  async function watching(): Promise<{ readonly signs: Signs; readonly others: OthersChanges }> {
    const signs = new Signs();
    signs.sizes = ["7 rules"];
    const others = new OthersChanges("legacy", signs);
    await others.watch("ip", ["nat"]);
    return { signs, others };
  }

  test("a table has another size that the agent has not made", async () => {
    const { signs, others } = await watching();
    await others.during("ip", ["nat"], ONE, () => {
      signs.sizes = ["9 rules"];
      return done();
    });
    await others.notice();
    expect([others.count, others.of("ip")]).toEqual([0, undefined]);
    signs.sizes = ["8 rules"];
    await others.notice();
    await others.notice();
    expect([others.count, others.of("ip"), others.of("ip6")]).toEqual([1, "all", undefined]);
    // What is asked for, by family and table; commits are not listened to.
    expect(new Set(signs.asked)).toEqual(new Set(["ip nat"]));
  });

  test("tables are watched once, and each has its size", async () => {
    const { signs, others } = await watching();
    signs.asked.splice(0);
    await others.watch("ip", ["nat", "filter"]);
    expect(signs.asked).toEqual([]);
    await others.watch("ip6", ["nat", "filter"]);
    expect(signs.asked).toEqual(["ip6 nat", "ip6 filter"]);
    // One that has lost a line to another is another one.
    signs.sizes = ["1", "12"];
    await others.during("ip6", ["nat", "filter"], ONE, () => done());
    others.forget("ip6");
    signs.sizes = ["11", "2"];
    await others.notice();
    expect(others.of("ip6")).toBe("all");
  });

  test("sizes that cannot be told any more are forgotten", async () => {
    const { signs, others } = await watching();
    signs.sizes = undefined;
    await others.during("ip", ["nat"], ONE, () => done());
    const { count } = others;
    signs.sizes = ["9 rules"];
    await others.notice();
    expect(others.count).toBe(count);
  });

  test("so it has before the agent makes a change, which is not to hide it", async () => {
    const { signs, others } = await watching();
    signs.sizes = ["8 rules"];
    await others.during("ip", ["nat"], ONE, () => {
      signs.sizes = ["9 rules"];
      return done();
    });
    expect([others.count, others.of("ip")]).toEqual([1, "all"]);
  });

  test("nothing is noticed where sizes cannot be told", async () => {
    const signs = new Signs();
    signs.sizes = undefined;
    const others = new OthersChanges("legacy", signs);
    await others.watch("ip", ["nat"]);
    await others.during("ip", ["nat"], ONE, () => done());
    signs.sizes = ["8 rules"];
    await others.notice();
    expect(others.count).toBe(0);
  });
});

test("of another backend nothing is asked, and nothing noticed", async () => {
  const signs = new Signs();
  const others = new OthersChanges(undefined, signs);
  await others.watch("ip", ["nat"]);
  expect(await others.during("ip", ["nat"], ONE, () => done(signs.commit("KPC-own")))).toEqual(DONE);
  expect(await others.during("ip", ["nat"], ONE, () => done())).toEqual(DONE);
  signs.commit("KPC-a");
  await others.notice();
  expect([others.count, others.of("ip"), signs.asked]).toEqual([0, undefined, []]);
});

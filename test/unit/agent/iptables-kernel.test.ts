/** What the agent's writer of iptables rules makes of a host that keeps rules in memory. */
import { describe, expect, test } from "vitest";
import { removalOf } from "../../../runtime/agent/clean-up.ts";
import { ExpectedElements } from "../../../runtime/agent/expected-elements.ts";
import { IPTABLES_BACKENDS, IPTABLES_FAMILIES, PRINTING_HOST } from "../../../runtime/agent/iptables-host.ts";
import { IptablesKernel } from "../../../runtime/agent/iptables-kernel.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import type { TransactionAnswer } from "../../../runtime/table/answers.ts";
import { FakeIptables } from "../../support/fake-iptables.ts";
import {
  FILTER,
  FILTER_JUMPS,
  forgetCalls,
  iptablesWorld,
  NAT,
  NAT_JUMPS,
  someRules,
  startedIptables,
  theirLines,
} from "../../support/iptables-world.ts";
import type { ChainTexts } from "../../support/wanted-chains.ts";

const DONE: TransactionAnswer = { kind: "done" };
const PRINTED_DROP = "# iptables-restore --noflush\n*nat\n:KPC-web - [0:0]\n-A KPC-web -j DROP\nCOMMIT\n";
const REFUSED: TransactionAnswer = { kind: "refused", reason: "again", message: "locked" };

describe.each(IPTABLES_BACKENDS)("iptables-%s", (backend) => {
  test("a host without rules gets all of them, once", async () => {
    const { host, wanted, kernel } = iptablesWorld(new FakeIptables(backend));
    expect(await kernel.restore()).toEqual({ answer: DONE, differed: 16, transactions: 1 });
    expect([host.saved, host.given.map((text) => text.split("\n", 1)[0])]).toEqual([
      ["ip", "ip6"],
      ["ip", "ip6"],
    ]);
    expect(wanted.differenceTo(host)).toBe("");
    // All of it is known then.
    expect(await kernel.restore()).toEqual({ answer: DONE, differed: 0, transactions: 0 });
    expect(await kernel.change()).toEqual(DONE);
    expect([host.saved.length, host.given.length]).toEqual([2, 2]);
    expect([await kernel.changedByOthers(), await kernel.drifted()]).toEqual([{ kind: "nothing" }, undefined]);
  });

  test("the first change reads what there is, as a restoration does", async () => {
    const { host, wanted, kernel } = iptablesWorld(new FakeIptables(backend));
    host.others("ip", "*nat\n:KPC-old - [0:0]\n:KPC-web - [0:0]\n-A KPC-old -j KPC-web\nCOMMIT\n");
    expect(await kernel.change()).toEqual(DONE);
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", ["ip", "ip6"]]);
  });

  test("of rules of an agent before it, those that differ are written", async () => {
    const { host } = await startedIptables(backend);
    const wanted = someRules();
    wanted.set("ip", "nat", { ...NAT, "KPC-web": ["-j RETURN"], "KPC-dns": ["-p 17 -j ACCEPT"] }, NAT_JUMPS);
    wanted.clear("ip6");
    const next = iptablesWorld(host, wanted);
    const before = theirLines(host);
    expect(await next.kernel.restore()).toEqual({ answer: DONE, differed: 8, transactions: 1 });
    expect(host.given[0]).toBe("ip\n*nat\n:KPC-web - [0:0]\n-A KPC-web -j RETURN\nCOMMIT\n");
    expect(host.given[1]?.match(/^-X/gm)?.length).toBe(5);
    // One rule is the same in other words.
    expect(wanted.differenceTo(host)).toBe("*nat\n:KPC-dns - [0:0]\n-A KPC-dns -p 17 -j ACCEPT\nCOMMIT\n");
    expect(theirLines(host)).toEqual(before);
    // It stays as it is until another one is wanted.
    forgetCalls(host);
    wanted.set("ip", "nat", { ...NAT, "KPC-web": ["-j RETURN"], "KPC-dns": ["-p 17 -j DROP"] }, NAT_JUMPS);
    await next.kernel.change();
    expect(host.given).toEqual(["ip\n*nat\n:KPC-dns - [0:0]\n-A KPC-dns -p 17 -j DROP\nCOMMIT\n"]);
  });

  test("where it is known what is there, chains that do not change are not looked at", async () => {
    for (const isThere of [false, true]) {
      const { host } = await startedIptables(backend);
      const { wanted, kernel } = iptablesWorld(isThere ? host : new FakeIptables(backend));
      await kernel.restore();
      const before = wanted.timesListed("ip", "nat");
      wanted.set("ip", "nat", { ...NAT, "KPC-web": [] }, NAT_JUMPS);
      await kernel.change();
      expect([before > 0, wanted.timesListed("ip", "nat")]).toEqual([true, before]);
    }
  });

  const { "KPC-dns": _, ...withoutDns } = NAT;
  test.each<{
    readonly what: string;
    readonly nat: ChainTexts;
    readonly jumps?: readonly string[];
    readonly text: readonly string[];
  }>([
    { what: "nothing", nat: { ...NAT }, text: [] },
    {
      what: "a rule of a chain",
      nat: { ...NAT, "KPC-web": ["-j RETURN"] },
      text: [":KPC-web - [0:0]", "-A KPC-web -j RETURN"],
    },
    {
      what: "a new chain",
      nat: { ...NAT, "KPC-dns": ["-j KPC-new"], "KPC-new": ["-j RETURN"] },
      text: [":KPC-new - [0:0]", ":KPC-dns - [0:0]", "-A KPC-dns -j KPC-new", "-A KPC-new -j RETURN"],
    },
    {
      what: "a chain that goes",
      nat: { ...withoutDns, "KPC-services": ["-p tcp -j KPC-web"] },
      text: [":KPC-services - [0:0]", ":KPC-dns - [0:0]", "-A KPC-services -p tcp -j KPC-web", "-X KPC-dns"],
    },
    {
      what: "where packets come from",
      nat: { ...NAT, "KPC-NAT-OUTPUT": [], "KPC-NAT-INPUT": [] },
      jumps: ["PREROUTING -j KPC-NAT-PREROUTING", "INPUT -j KPC-NAT-INPUT"],
      text: [
        ":KPC-NAT-OUTPUT - [0:0]",
        ":KPC-NAT-INPUT - [0:0]",
        "-D OUTPUT -j KPC-NAT-OUTPUT",
        "-I INPUT -j KPC-NAT-INPUT",
      ],
    },
  ])("a change of $what is written alone", async ({ nat, jumps = NAT_JUMPS, text }) => {
    for (const family of IPTABLES_FAMILIES) {
      const { host, wanted, kernel } = await startedIptables(backend);
      const before = theirLines(host);
      // What comes and goes before it is written is not written.
      wanted.set(family, "nat", { ...NAT, "KPC-web": [], "KPC-brief": [] }, []);
      wanted.set(family, "nat", nat, jumps);
      const whole = text.length === 0 ? [] : [`${family}\n${["*nat", ...text, "COMMIT", ""].join("\n")}`];
      expect(kernel.print()).toBe(
        whole.map((each) => `# ${each.replace("\n", "tables-restore --noflush\n")}`).join(""),
      );
      expect(await kernel.change()).toEqual(DONE);
      expect(host.given).toEqual(whole);
      expect(wanted.differenceTo(host)).toBe("");
      expect([theirLines(host), host.saved]).toEqual([before, []]);
      expect(await kernel.changedByOthers()).toEqual({ kind: "nothing" });
      // And back again.
      wanted.set(family, "nat", NAT, NAT_JUMPS);
      expect(await kernel.change()).toEqual(DONE);
      expect([wanted.differenceTo(host), theirLines(host), host.saved]).toEqual(["", before, []]);
    }
  });

  test("what changes there and back after it was looked at is written", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    const want = (rule: string): void => wanted.set("ip", "nat", { ...NAT, "KPC-web": [rule] }, NAT_JUMPS);
    want("-j DROP");
    // It is worked out once for what is printed and done.
    wanted.timesAsked = 0;
    expect([kernel.print(), kernel.print()]).toEqual(new Array(2).fill(PRINTED_DROP));
    expect(wanted.timesAsked).toBe(2);
    want("-j RETURN");
    want("-j DROP");
    expect(await kernel.drifted()).toBeUndefined();
    expect(await kernel.change()).toEqual(DONE);
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("rules of which nothing is wanted any more go, and come back", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    const before = theirLines(host);
    for (const family of IPTABLES_FAMILIES) wanted.clear(family);
    expect(await kernel.change()).toEqual(DONE);
    expect(IPTABLES_FAMILIES.map((family) => host.read(family)).join("")).not.toContain("KPC-");
    wanted.set("ip6", "filter", FILTER, FILTER_JUMPS);
    expect(await kernel.change()).toEqual(DONE);
    expect([wanted.differenceTo(host), theirLines(host).length]).toEqual(["", before.length + 5]);
  });

  test("what is refused is not known: it is read before the next change", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    wanted.set("ip", "nat", { ...NAT, "KPC-web": ["-j DROP"] }, NAT_JUMPS);
    wanted.set("ip6", "nat", { ...NAT, "KPC-web": ["-j DROP"] }, NAT_JUMPS);
    host.answers.push(REFUSED);
    expect(await kernel.change()).toEqual(REFUSED);
    // The other family waits, and what is there of it is known.
    expect(host.given.length).toBe(1);
    expect(await kernel.drifted()).toBeUndefined();
    expect(host.saved).toEqual(["ip6"]);
    expect(kernel.print()).toContain("KPC-web -j DROP");
    forgetCalls(host);
    wanted.set("ip", "nat", { ...NAT, "KPC-web": ["-j RETURN"] }, NAT_JUMPS);
    expect(await kernel.change()).toEqual(DONE);
    expect([host.saved, wanted.differenceTo(host)]).toEqual([["ip"], ""]);
    expect(host.given[0]).toBe("ip\n*nat\n:KPC-web - [0:0]\n-A KPC-web -j RETURN\nCOMMIT\n");
    expect(await kernel.restore()).toEqual({ answer: DONE, differed: 0, transactions: 0 });
  });

  test("what is refused while all is restored is refused then, and read again", async () => {
    const { host, wanted, kernel } = iptablesWorld(new FakeIptables(backend));
    host.answers.push(DONE, REFUSED);
    expect(await kernel.restore()).toEqual({ answer: REFUSED, differed: 16, transactions: 1 });
    host.answers.push({ kind: "dies", after: 0 });
    expect((await kernel.restore()).answer.kind).toBe("refused");
    expect((await kernel.restore()).answer).toEqual(DONE);
    expect([host.saved, wanted.differenceTo(host)]).toEqual([["ip", "ip6", "ip6", "ip6"], ""]);
  });

  test("of what was written in part, the rest is written", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    wanted.set("ip", "nat", { ...NAT, "KPC-web": ["-j DROP"] }, NAT_JUMPS);
    wanted.set("ip", "filter", { "KPC-FILTER-FORWARD": [] }, FILTER_JUMPS);
    host.answers.push({ kind: "dies", after: 1 });
    expect((await kernel.change()).kind).toBe("refused");
    expect(wanted.differenceTo(host)).toBe("*filter\n:KPC-FILTER-FORWARD - [0:0]\nCOMMIT\n");
    expect(await kernel.restore()).toEqual({ answer: DONE, differed: 1, transactions: 1 });
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("a change that others have made impossible is made after what there is was read", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    host.others("ip", "*nat\n-A theirs -j KPC-dns\nCOMMIT\n");
    wanted.set("ip", "nat", { ...withoutDns, "KPC-services": [] }, NAT_JUMPS);
    expect(await kernel.change()).toMatchObject({ kind: "refused", reason: backend === "nft" ? "busy" : "invalid" });
    expect((await kernel.restore()).answer).toEqual(DONE);
    expect([wanted.differenceTo(host), host.read("ip").match(/theirs.*/g)]).toEqual([
      "",
      ["theirs - [0:0]", "theirs", "theirs -p udp -j ACCEPT"],
    ]);
  });

  test("cleaning up removes what the agent has left when it stopped, and nothing else", async () => {
    const { host, kernel } = await startedIptables(backend);
    const before = theirLines(host);
    await kernel.close();
    expect([host.isClosed, host.given]).toEqual([true, []]);
    for (const family of IPTABLES_FAMILIES) {
      host.others(family, removalOf(host.read(family), "KPC-") ?? expect.unreachable("there are chains"));
      expect(host.read(family)).not.toContain("KPC-");
      expect(removalOf(host.read(family), "KPC-")).toBeUndefined();
    }
    expect(theirLines(host)).toEqual(before);
  });

  test("a family without tools is an error where rules are for it, and none where there are none", async () => {
    const { host, wanted, kernel } = iptablesWorld(new FakeIptables(backend, ["ip"]));
    await expect(kernel.restore()).rejects.toThrow("ip6tables is not installed: no rule of this family is made");
    expect(host.given).toEqual([]);
    wanted.clear("ip6");
    expect((await kernel.restore()).answer).toEqual(DONE);
    wanted.set("ip", "nat", { ...NAT, "KPC-web": [] }, NAT_JUMPS);
    expect(await kernel.change()).toEqual(DONE);
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", ["ip"]]);
  });
});

const EMPTY_CHANGE = {
  family: "ip",
  name: "kpc",
  sets: [],
  maps: [],
  chains: [],
  elements: [],
  retired: { sets: [], maps: [], chains: [], objects: [] },
} as const;

test("without a host all is known: what would be written is printed, then what changes", async () => {
  const wanted = someRules();
  const kernel = new IptablesKernel(PRINTING_HOST, PRINTING_KERNEL, wanted);
  expect(await kernel.hasTables()).toBe(false);
  expect(kernel.print().match(/^[#*].*$/gm)).toEqual([
    "# iptables-restore --noflush",
    "*nat",
    "*filter",
    "# ip6tables-restore --noflush",
    "*nat",
  ]);
  expect(await kernel.change()).toEqual(DONE);
  wanted.set("ip6", "nat", { ...NAT, "KPC-web": [] }, NAT_JUMPS);
  expect(kernel.print()).toBe("# ip6tables-restore --noflush\n*nat\n:KPC-web - [0:0]\nCOMMIT\n");
  await kernel.change();
  expect(kernel.print()).toBe("");
});

test("it says what an agent asks of it", async () => {
  const { kernel } = await startedIptables("nft");
  expect([kernel.addsToSteps, kernel.comparesBeside, await kernel.hasTables(), await kernel.rules()]).toEqual([
    false,
    false,
    true,
    "",
  ]);
  const expected = new ExpectedElements();
  expect(kernel.steps([], expected)).toEqual([]);
  const change = { ...EMPTY_CHANGE, table: "added" } as const;
  expect(kernel.steps([change], expected)).toEqual([{ changes: [change] }]);
  const frontend = { family: "IPv4", address: undefined, port: 53, endpoints: [] } as const;
  expect(await kernel.forgetConnections([frontend, frontend], [])).toBe(2);
});

describe("many rules", () => {
  /** A chain that packets come to by another one, which is there already. */
  const chainOf = (rules: number): ChainTexts => ({
    ...NAT,
    "KPC-web": ["-j KPC-many"],
    "KPC-many": Array.from({ length: rules }, (_, i) => `-s 10.0.${i >> 8}.${i & 255}/32 -j DROP`),
  });

  test.each([
    ["nft", 1000, [1, 1]],
    ["nft", 1001, [4, 3]],
    ["legacy", 1001, [1, 1]],
  ] as const)("%s: %i new ones are written in %j transactions", async (backend, rules, transactions) => {
    for (const [i, isNew] of [true, false].entries()) {
      const { host, wanted, kernel } = isNew
        ? iptablesWorld(new FakeIptables(backend))
        : await startedIptables(backend);
      wanted.set("ip", "nat", chainOf(rules - (isNew ? 6 : 0)), NAT_JUMPS);
      await kernel.change();
      expect(host.given[0]?.match(/^\*nat$/gm)?.length).toBe(transactions[i]);
      expect(wanted.differenceTo(host)).toBe("");
      // All of them are the agent's own.
      const before = await kernel.generation();
      expect([await kernel.generation(), await kernel.changedByOthers()]).toEqual([before, { kind: "nothing" }]);
    }
  });

  test("the kernel does not tell of more than a million characters", async () => {
    const { host, wanted, kernel } = await startedIptables("nft");
    const write = async (length: number): Promise<boolean> => {
      wanted.set("ip", "nat", { ...NAT, "KPC-web": [`-m comment --comment ${"a".repeat(length)}`] }, NAT_JUMPS);
      await kernel.change();
      return host.isListening;
    };
    await write(1);
    const room = 1_000_000 - (host.given[0]?.length ?? 0) + "ip\n".length;
    expect([await write(room + 1), await write(room + 2)]).toEqual([true, false]);
    // Nobody else has done anything.
    await kernel.generation();
    expect([host.isListening, await kernel.changedByOthers()]).toEqual([true, { kind: "nothing" }]);
  });
});

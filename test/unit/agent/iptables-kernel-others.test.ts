/** What others do to rules of iptables that an agent keeps: it is found, and made good. */
import { describe, expect, test } from "vitest";
import { IPTABLES_BACKENDS, IPTABLES_FAMILIES } from "../../../runtime/agent/iptables-host.ts";
import type { TransactionAnswer } from "../../../runtime/table/answers.ts";
import { FakeIptables } from "../../support/fake-iptables.ts";
import {
  forgetCalls,
  iptablesWorld,
  NAT,
  NAT_JUMPS,
  startedIptables,
  theirLines,
} from "../../support/iptables-world.ts";

const DONE: TransactionAnswer = { kind: "done" };

describe.each(IPTABLES_BACKENDS)("iptables-%s: others", (backend) => {
  test.each<{ readonly what: string; readonly text: string; readonly says: string; readonly differed?: number }>([
    { what: "empty a chain", text: "*nat\n-F KPC-web\nCOMMIT\n", says: "nat KPC-web" },
    {
      what: "add a rule before ours",
      text: "*nat\n-I KPC-web -p tcp -j RETURN\nCOMMIT\n",
      says: "nat KPC-web",
    },
    { what: "remove a rule", text: "*nat\n-D KPC-services -p udp -j KPC-dns\nCOMMIT\n", says: "nat KPC-services" },
    {
      what: "remove a chain",
      text: "*nat\n-F KPC-services\n-F KPC-dns\n-X KPC-dns\nCOMMIT\n",
      says: "nat KPC-",
      differed: 2,
    },
    { what: "add a chain", text: "*nat\n:KPC-more - [0:0]\n-A KPC-more -j DROP\nCOMMIT\n", says: "nat KPC-more" },
    { what: "remove a jump", text: "*nat\n-D OUTPUT -j KPC-NAT-OUTPUT\nCOMMIT\n", says: "nat OUTPUT" },
    { what: "make a jump twice", text: "*nat\n-A OUTPUT -j KPC-NAT-OUTPUT\nCOMMIT\n", says: "nat OUTPUT" },
    { what: "lead to a chain of ours", text: "*nat\n-A theirs -p tcp -g KPC-web\nCOMMIT\n", says: "nat theirs" },
    { what: "empty a built-in chain", text: "*nat\n-F PREROUTING\nCOMMIT\n", says: "nat PREROUTING" },
    {
      what: "remove all of a table",
      text: `*nat\n${["PREROUTING", "OUTPUT", ...Object.keys(NAT)].map((name) => `-F ${name}\n`).join("")}${Object.keys(
        NAT,
      )
        .map((name) => `-X ${name}\n`)
        .join("")}COMMIT\n`,
      says: "nat ",
      differed: 7,
    },
  ])("$what: it is found, and made good", async ({ text, says, differed = 1 }) => {
    for (const family of IPTABLES_FAMILIES) {
      const { host, wanted, kernel } = await startedIptables(backend);
      const generation = await kernel.generation();
      host.others(family, text);
      const before = theirLines(host);
      expect(await kernel.generation()).toBe(generation + 1);
      const found = await kernel.changedByOthers();
      const of = `${family}tables ${says}`;
      if (backend === "legacy") {
        expect([found, host.saved]).toEqual([{ kind: "unknown" }, []]);
        expect((await kernel.drifted())?.startsWith(of.slice(0, of.indexOf(" ", 12) + 1))).toBe(true);
        expect(host.saved).toEqual(["ip", "ip6"]);
      } else {
        expect(found).toMatchObject({ kind: "differs", what: expect.stringContaining(of) });
        expect([host.saved, host.listed.every((each) => each.startsWith(family))]).toEqual([[], true]);
      }
      forgetCalls(host);
      // Nothing is read twice.
      expect(await kernel.restore()).toEqual({ answer: DONE, differed, transactions: 1 });
      expect([host.saved, host.listed, host.given.length]).toEqual([[], [], 1]);
      expect([wanted.differenceTo(host), theirLines(host)]).toEqual(["", before]);
      expect(await kernel.restore()).toEqual({ answer: DONE, differed: 0, transactions: 0 });
      expect(await kernel.generation()).toBe(generation + 2);
      expect([await kernel.changedByOthers(), await kernel.drifted()]).toEqual([{ kind: "nothing" }, undefined]);
    }
  });
});

const EMPTIED = "*nat\n-F KPC-web\nCOMMIT\n";
const WEB_EMPTY = "iptables nat KPC-web";

describe.each(IPTABLES_BACKENDS)("iptables-%s", (backend) => {
  test("commits of others count, and each change of the agent as one", async () => {
    const { host, wanted, kernel } = iptablesWorld(new FakeIptables(backend));
    const start = 0;
    expect(await kernel.generation()).toBe(start);
    const { transactions } = await kernel.restore();
    expect([transactions, await kernel.generation()]).toEqual([1, start + 1]);
    wanted.set("ip", "nat", { ...NAT, "KPC-web": [] }, NAT_JUMPS);
    wanted.set("ip", "filter", {}, []);
    await kernel.change();
    expect(await kernel.generation()).toBe(start + 2);
    // One that changes nothing is one, too: the agent counts it.
    await kernel.change();
    expect(await kernel.generation()).toBe(start + 3);
    await kernel.restore();
    expect(await kernel.generation()).toBe(start + 3);
    host.others("ip", "*nat\n-A theirs -j DROP\nCOMMIT\n".replace("-A theirs", ":theirs - [0:0]\n-A theirs"));
    expect(await kernel.generation()).toBe(start + 4);
    wanted.set("ip", "nat", NAT, NAT_JUMPS);
    host.others("ip", EMPTIED.replace("web", "dns"));
    await kernel.change();
    expect(await kernel.generation()).toBe(start + 6);
  });

  test("what others do while the agent reads or writes is found afterwards", async () => {
    for (const [i, when] of ["read", "write"].entries()) {
      const { host, wanted, kernel } = await startedIptables(backend);
      const next = i === 0 ? iptablesWorld(host, wanted).kernel : kernel;
      await next.generation();
      wanted.set("ip", "nat", { ...NAT, "KPC-web": ["-j DROP"] }, NAT_JUMPS);
      host.meanwhile = () => host.others("ip", "*nat\n-F KPC-dns\n-D OUTPUT -j KPC-NAT-OUTPUT\nCOMMIT\n");
      expect((await next.change()).kind, when).toBe("done");
      // In iptables-legacy, what comes while the agent writes changes no size that it knows.
      const found = [await next.changedByOthers(), await next.drifted()];
      expect(found.some((each) => each !== undefined)).toBe(true);
      await next.restore();
      expect(wanted.differenceTo(host), when).toBe("");
    }
  });

  test("what was found is made good where more has come since", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    for (const chain of ["web", "dns"]) {
      host.others("ip", EMPTIED.replace("web", chain));
      await kernel.generation();
      expect(await kernel.drifted()).toBe(chain === "web" ? WEB_EMPTY : `iptables nat KPC-web`);
    }
    host.others("ip", "*nat\n-D OUTPUT -j KPC-NAT-OUTPUT\nCOMMIT\n");
    expect(await kernel.restore()).toMatchObject({ answer: DONE, differed: 3 });
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("what others have undone since it was found is left alone", async () => {
    const { host, kernel, wanted } = await startedIptables(backend);
    host.others("ip", "*nat\n-A OUTPUT -j KPC-NAT-OUTPUT\nCOMMIT\n");
    await kernel.generation();
    expect(await kernel.drifted()).toBe("iptables nat OUTPUT -j KPC-NAT-OUTPUT");
    host.others("ip", "*nat\n-D OUTPUT -j KPC-NAT-OUTPUT\nCOMMIT\n");
    await kernel.generation();
    expect(await kernel.drifted()).toBeUndefined();
    expect(await kernel.restore()).toEqual({ answer: DONE, differed: 0, transactions: 0 });
    expect([wanted.differenceTo(host), host.given]).toEqual(["", []]);
  });

  test("what is only reported stays out of the next change, and of a restoration after that", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    host.others("ip", EMPTIED);
    await kernel.generation();
    expect(await kernel.drifted()).toBe(WEB_EMPTY);
    wanted.set("ip", "nat", { ...NAT, "KPC-dns": [] }, NAT_JUMPS);
    await kernel.change();
    expect(host.given).toEqual(["ip\n*nat\n:KPC-dns - [0:0]\nCOMMIT\n"]);
    expect(await kernel.restore()).toMatchObject({ differed: 0 });
    expect(await kernel.drifted()).toBe(WEB_EMPTY);
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("where it is not known what is there, nothing is compared", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    await kernel.generation();
    wanted.set("ip", "nat", { ...NAT, "KPC-web": [] }, NAT_JUMPS);
    host.others("ip", EMPTIED);
    host.answers.push({ kind: "refused", reason: "again", message: "locked" });
    await kernel.change();
    forgetCalls(host);
    expect([await kernel.drifted(), host.saved, host.listed]).toEqual([undefined, ["ip6"], []]);
    if (backend === "nft") expect([await kernel.changedByOthers(), host.listed]).toEqual([{ kind: "nothing" }, []]);
    await kernel.restore();
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("what is read after a refusal is not read again because of others, and what was printed before is no answer to them", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    await kernel.generation();
    wanted.set("ip", "nat", { ...NAT, "KPC-dns": [] }, NAT_JUMPS);
    host.answers.push({ kind: "refused", reason: "again", message: "locked" });
    await kernel.change();
    host.others("ip", EMPTIED);
    expect(await kernel.restore()).toMatchObject({ differed: 2 });
    expect([host.saved, host.listed]).toEqual([["ip"], []]);
    expect(kernel.print()).toBe("");
    host.others("ip", EMPTIED);
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("what cannot be read is tried again", async () => {
    const { host, wanted, kernel } = await startedIptables(backend);
    host.others("ip", EMPTIED);
    host.cannotRead = true;
    await kernel.generation();
    await expect(kernel.restore()).rejects.toThrow("out of memory");
    await expect(kernel.drifted()).rejects.toThrow("out of memory");
    host.cannotRead = false;
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect(wanted.differenceTo(host)).toBe("");
  });
});

describe("iptables-nft", () => {
  test("commits about nothing of the agent's take no look at rules", async () => {
    const { host, kernel } = await startedIptables("nft");
    const before = await kernel.generation();
    host.commitOther();
    host.others("ip", "*nat\n-A theirs -j DROP\nCOMMIT\n");
    expect(await kernel.generation()).toBe(before + 1);
    expect(await kernel.changedByOthers()).toEqual({ kind: "nothing" });
    await kernel.restore();
    expect([host.saved, host.listed]).toEqual([[], []]);
  });

  test("chains that others have changed are read alone, and written alone", async () => {
    const { host, kernel } = await startedIptables("nft");
    await kernel.generation();
    host.others("ip", "*nat\n-F PREROUTING\n-F KPC-NAT-PREROUTING\n:KPC-more - [0:0]\nCOMMIT\n");
    host.others("ip", "*filter\n-F KPC-FILTER-FORWARD\n-A KPC-FILTER-FORWARD -p tcp -j DROP\nCOMMIT\n");
    await kernel.generation();
    expect(await kernel.changedByOthers()).toEqual({ kind: "differs", what: "iptables nat KPC-NAT-PREROUTING" });
    expect(host.listed).toEqual([
      "ip nat KPC-NAT-PREROUTING",
      "ip nat KPC-more",
      "ip nat PREROUTING",
      "ip filter KPC-FILTER-FORWARD",
    ]);
    expect(await kernel.restore()).toEqual({ answer: DONE, differed: 3, transactions: 1 });
    expect(host.given[0]?.match(/^(\*|:|-[XI]).*$/gm)).toEqual([
      "*nat",
      ":KPC-more - [0:0]",
      ":KPC-NAT-PREROUTING - [0:0]",
      "-I PREROUTING -j KPC-NAT-PREROUTING",
      "-X KPC-more",
    ]);
    expect([host.saved, host.listed.length]).toEqual([[], 4]);
  });

  test("both families are looked at, and the first that differs is told", async () => {
    const { host, wanted, kernel } = await startedIptables("nft");
    await kernel.generation();
    for (const family of ["ip6", "ip"] as const) host.others(family, EMPTIED);
    await kernel.generation();
    expect(await kernel.changedByOthers()).toEqual({ kind: "differs", what: WEB_EMPTY });
    expect(await kernel.restore()).toMatchObject({ differed: 2 });
    expect(wanted.differenceTo(host)).toBe("");
    host.others("ip6", EMPTIED);
    await kernel.generation();
    expect(await kernel.changedByOthers()).toEqual({ kind: "differs", what: "ip6tables nat KPC-web" });
    await kernel.restore();
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", []]);
  });

  test("a chain with a rule that iptables cannot read is made anew, also where all chains cannot be told", async () => {
    const { host, wanted, kernel } = await startedIptables("nft");
    await kernel.generation();
    host.addUnreadable("ip", "nat", "KPC-web");
    await kernel.generation();
    expect(await kernel.changedByOthers()).toEqual({ kind: "differs", what: WEB_EMPTY });
    expect(await kernel.restore()).toMatchObject({ answer: DONE, differed: 1 });
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", []]);
  });

  test("of chains that are not wanted, one that came and went is none, and one that iptables cannot read goes", async () => {
    const { host, wanted, kernel } = await startedIptables("nft");
    await kernel.generation();
    host.others("ip", "*nat\n:KPC-more - [0:0]\nCOMMIT\n*nat\n-X KPC-more\nCOMMIT\n");
    await kernel.generation();
    expect([await kernel.changedByOthers(), host.listed]).toEqual([{ kind: "nothing" }, ["ip nat KPC-more"]]);
    host.others("ip", "*nat\n:KPC-more - [0:0]\nCOMMIT\n");
    host.addUnreadable("ip", "nat", "KPC-more");
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", []]);
  });

  test.each([
    [32, []],
    [33, ["ip"]],
  ] as const)("%i chains that others have changed: read by %j", async (count, saved) => {
    const { host, wanted, kernel } = await startedIptables("nft");
    await kernel.generation();
    const chains = Array.from({ length: count - 1 }, (_, i) => `:KPC-${i} - [0:0]\n`);
    host.others("ip", `*nat\n${chains.join("")}COMMIT\n*filter\n-F KPC-FILTER-FORWARD\nCOMMIT\n`);
    await kernel.generation();
    expect((await kernel.changedByOthers()).kind).toBe("differs");
    expect([host.saved, host.listed.length]).toEqual([saved, saved.length === 0 ? count : 0]);
    await kernel.restore();
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", saved]);
  });

  test("where a commit of others was not heard, all is compared", async () => {
    const { host, wanted, kernel } = await startedIptables("nft");
    await kernel.generation();
    host.others("ip6", EMPTIED);
    host.lose();
    await kernel.generation();
    expect([await kernel.changedByOthers(), host.saved]).toEqual([{ kind: "unknown" }, []]);
    expect(await kernel.drifted()).toBe("ip6tables nat KPC-web");
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect([wanted.differenceTo(host), host.saved]).toEqual(["", ["ip", "ip6"]]);
    // A restoration alone does the same.
    host.others("ip", EMPTIED);
    host.lose();
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect(wanted.differenceTo(host)).toBe("");
  });

  test("what was found is not forgotten where chains are read again", async () => {
    const { host, wanted, kernel } = await startedIptables("nft");
    await kernel.generation();
    for (const [chain, list] of [
      ["web", 1],
      ["dns", 1],
    ] as const) {
      host.others("ip", EMPTIED.replace("web", chain));
      await kernel.generation();
      expect((await kernel.changedByOthers()).kind).toBe("differs");
      expect(host.listed.length).toBe(list);
    }
    expect(host.saved).toEqual(["ip"]);
    expect(await kernel.restore()).toMatchObject({ differed: 2 });
    expect(wanted.differenceTo(host)).toBe("");
  });
});

describe("iptables-legacy", () => {
  test("tables are watched from the first restoration on, also where nothing was written", async () => {
    const { host, wanted } = await startedIptables("legacy");
    const { kernel } = iptablesWorld(host, wanted);
    expect(await kernel.restore()).toMatchObject({ transactions: 0 });
    const before = await kernel.generation();
    host.others("ip6", EMPTIED);
    expect([await kernel.generation(), await kernel.changedByOthers()]).toEqual([before + 1, { kind: "unknown" }]);
    expect(await kernel.restore()).toMatchObject({ differed: 1 });
    expect([wanted.differenceTo(host), host.listed]).toEqual(["", []]);
  });

  test("where the kernel does not tell sizes, a comparison finds what others do", async () => {
    const { host, wanted, kernel } = iptablesWorld(new FakeIptables("legacy"));
    host.hasSizes = false;
    await kernel.restore();
    const before = await kernel.generation();
    host.others("ip", EMPTIED);
    expect([await kernel.generation(), await kernel.changedByOthers()]).toEqual([before, { kind: "nothing" }]);
    expect(await kernel.drifted()).toBe(WEB_EMPTY);
    await kernel.restore();
    expect(wanted.differenceTo(host)).toBe("");
  });
});

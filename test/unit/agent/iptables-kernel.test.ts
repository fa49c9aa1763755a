/** What iptables is given, by a host that is none. */
import { expect, test } from "vitest";
import { FollowedIptables } from "../../../compiler/followed-iptables.ts";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import type { IptablesFamily, IptablesHost } from "../../../runtime/agent/iptables-host.ts";
import { type BesideIptables, IptablesKernel } from "../../../runtime/agent/iptables-kernel.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import type { TransactionAnswer } from "../../../runtime/table/answers.ts";
import type { HeardCommit } from "../../../runtime/table/netfilter.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";

const REFUSED: TransactionAnswer = { kind: "refused", reason: "again", message: "locked" };

class FakeHost implements IptablesHost {
  readonly backend = "nft";
  /** Those of others. */
  readonly told: HeardCommit[] = [];
  readonly families: readonly IptablesFamily[];
  readonly given: string[] = [];
  last = "";
  saves = 0;
  /** Whether nothing can be read. */
  fails = false;
  answer: TransactionAnswer = { kind: "done" };
  /** Commits of this host, and of others. */
  commits = 0;

  constructor(families: readonly IptablesFamily[] = ["ip", "ip6"]) {
    this.families = families;
  }

  save(): Promise<string> {
    this.saves++;
    return Promise.resolve("");
  }

  /** What is printed of each chain that may be asked for. */
  readonly lists = new Map<string, string>();
  readonly listed: string[] = [];

  list(family: IptablesFamily, table: string, chain: string): Promise<string | undefined> {
    this.listed.push(`${family} ${table} ${chain}`);
    if (this.fails) return Promise.reject(new Error("out of memory"));
    return Promise.resolve(this.lists.get(chain));
  }

  restore(family: IptablesFamily, text: string): Promise<TransactionAnswer> {
    this.given.push(`${family} ${text.split("\n").length}`);
    this.last = text;
    if (this.answer.kind === "done") this.commits += text.split("COMMIT").length - 1;
    return Promise.resolve(this.answer);
  }
}

function kernelOn(host: FakeHost): { readonly kernel: IptablesKernel; readonly tables: NodeTables } {
  const follower = new FollowedIptables();
  const tables = new NodeTables({ nodeName: "node-a", mode: "iptables" }, { follower });
  const beside: BesideIptables = {
    ...PRINTING_KERNEL,
    generation: () => Promise.resolve(host.commits),
    commitsAbout: () => Promise.resolve({ isComplete: true, commits: host.told.splice(0) }),
    hasChain: (_, __, chain) => Promise.resolve(chain === "KPC-NAT-OUTPUT"),
  };
  return { kernel: new IptablesKernel(host, beside, follower), tables };
}

function web(tables: NodeTables, ...addresses: readonly string[]): void {
  tables.put("Service", serviceOf("web", "172.30.0.41"));
  tables.put("EndpointSlice", endpointSlice("web", ...addresses));
  tables.update();
}

/** A host on which the rules of one Service are. */
async function withWeb() {
  const host = new FakeHost();
  const { kernel, tables } = kernelOn(host);
  web(tables, "10.180.0.1");
  await kernel.restore();
  return { host, kernel, tables };
}

test("after a refusal it is read what is there; else it is known", async () => {
  const { host, kernel, tables } = await withWeb();
  const first = host.saves;
  web(tables, "10.180.0.2");
  expect((await kernel.change()).kind).toBe("done");
  expect(host.saves).toBe(first);
  web(tables, "10.180.0.3");
  host.answer = REFUSED;
  expect(await kernel.change()).toEqual(REFUSED);
  host.answer = { kind: "done" };
  expect(kernel.print()).toContain("--to-destination 10.180.0.3:8080");
  await kernel.change();
  expect(host.saves).toBe(first + 1);
  // The fake has nothing: all of it is written again.
  expect(host.given.at(-1)).toBe(host.given[0]);
});

test("commits of others count, those of its own do not", async () => {
  const host = new FakeHost();
  const { kernel, tables } = kernelOn(host);
  web(tables, "10.180.0.1");
  const start = await kernel.generation();
  const { transactions } = await kernel.restore();
  expect(await kernel.generation()).toBe(start + transactions);
  web(tables, "10.180.0.2");
  await kernel.change();
  expect(await kernel.generation()).toBe(start + 2);
  host.commits++;
  expect(await kernel.generation()).toBe(start + 3);
  host.commits++;
  web(tables, "10.180.0.3");
  await kernel.change();
  expect(await kernel.generation()).toBe(start + 5);
});

/** Others commit something about these chains. */
function change(host: FakeHost, ...chains: readonly string[]): void {
  const id = ++host.commits;
  host.told.push({ id, chains: chains.map((chain) => ({ family: 2, table: "nat", chain })) });
}

test("chains that others have changed are read alone, and written alone", async () => {
  const { host, kernel } = await withWeb();
  const { saves } = host;
  const before = await kernel.generation();
  // One that is gone, one with a rule that iptables cannot read, one of others, a jump that is there, and a chain that nobody needs.
  host.lists.set("PREROUTING", "-P PREROUTING ACCEPT\n-A PREROUTING -j KPC-NAT-PREROUTING\n");
  host.lists.set("KPC-theirs", "-N KPC-theirs\n");
  change(host, "KPC-NAT-PREROUTING", "KPC-NAT-OUTPUT", "PREROUTING", "KPC-theirs", "KUBE-none");
  expect(await kernel.generation()).toBe(before + 1);
  expect(await kernel.changedByOthers()).toEqual({ kind: "differs", what: "iptables nat KPC-NAT-PREROUTING" });
  expect(host.listed).toEqual(
    ["KPC-NAT-PREROUTING", "KPC-NAT-OUTPUT", "PREROUTING", "KPC-theirs", "KUBE-none"].map((name) => `ip nat ${name}`),
  );
  const { differed, transactions } = await kernel.restore();
  expect([differed, transactions, host.saves]).toEqual([3, 1, saves]);
  expect(host.last.match(/^(\*|:|-X).*$/gm)).toEqual([
    "*nat",
    ":KPC-theirs - [0:0]",
    ":KPC-NAT-PREROUTING - [0:0]",
    ":KPC-NAT-OUTPUT - [0:0]",
    "-X KPC-theirs",
  ]);
  // All of that is known now.
  expect(await kernel.changedByOthers()).toEqual({ kind: "nothing" });
  expect((await kernel.restore()).transactions).toBe(0);
});

test("chains that cannot be read stay suspect", async () => {
  const { host, kernel } = await withWeb();
  change(host, "KPC-NAT-PREROUTING");
  await kernel.generation();
  host.fails = true;
  await expect(kernel.changedByOthers()).rejects.toThrow("out of memory");
  await expect(kernel.restore()).rejects.toThrow("out of memory");
  host.fails = false;
  expect((await kernel.restore()).differed).toBe(1);
});

test("commits of others about nothing of the agent's take no look at rules", async () => {
  const { host, kernel } = await withWeb();
  const { saves } = host;
  host.commits += 3;
  await kernel.generation();
  expect(await kernel.changedByOthers()).toEqual({ kind: "nothing" });
  await kernel.restore();
  expect([host.saves, host.listed]).toEqual([saves, []]);
});

test("many chains that others have changed are read together", async () => {
  const { host, kernel } = await withWeb();
  const { saves } = host;
  change(host, ...Array.from({ length: 33 }, (_, i) => `KPC-${i}`));
  await kernel.generation();
  expect((await kernel.changedByOthers()).kind).toBe("differs");
  expect(host.listed).toEqual([]);
  // The fake has nothing: all of it is written again, and read once.
  await kernel.restore();
  expect([host.saves, host.given.at(-1)]).toEqual([saves + 1, host.given[0]]);
});

test("what others have changed and is only reported stays out of the next change", async () => {
  const { host, kernel, tables } = await withWeb();
  change(host, "KPC-NAT-PREROUTING");
  await kernel.generation();
  expect((await kernel.changedByOthers()).kind).toBe("differs");
  web(tables, "10.180.0.2");
  await kernel.change();
  expect(host.last).not.toContain(":KPC-NAT-PREROUTING");
});

test("a family without tools is an error where rules are for it", async () => {
  const host = new FakeHost(["ip"]);
  const { kernel, tables } = kernelOn(host);
  web(tables, "10.180.0.1");
  expect((await kernel.restore()).answer.kind).toBe("done");
  const spec = { clusterIP: "fd00::1", clusterIPs: ["fd00::1"], ipFamilies: ["IPv6"], ports: [{ port: 80 }] };
  tables.put("Service", { ...serviceOf("six", ""), spec });
  tables.update();
  await expect(kernel.change()).rejects.toThrow("ip6tables is not installed: no rule of this family is made");
});

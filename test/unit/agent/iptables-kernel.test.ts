/** What iptables is given, by a host that is none. */
import { expect, test } from "vitest";
import { FollowedIptables } from "../../../compiler/followed-iptables.ts";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import type { IptablesFamily, IptablesHost } from "../../../runtime/agent/iptables-host.ts";
import { IptablesKernel } from "../../../runtime/agent/iptables-kernel.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import type { TransactionAnswer } from "../../../runtime/table/answers.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";

const REFUSED: TransactionAnswer = { kind: "refused", reason: "again", message: "locked" };

class FakeHost implements IptablesHost {
  readonly backend = "nft";
  readonly families: readonly IptablesFamily[];
  readonly given: string[] = [];
  saves = 0;
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

  restore(family: IptablesFamily, text: string): Promise<TransactionAnswer> {
    this.given.push(`${family} ${text.split("\n").length}`);
    if (this.answer.kind === "done") this.commits += text.split("COMMIT").length - 1;
    return Promise.resolve(this.answer);
  }
}

function kernelOn(host: FakeHost): { readonly kernel: IptablesKernel; readonly tables: NodeTables } {
  const follower = new FollowedIptables();
  const tables = new NodeTables({ nodeName: "node-a", mode: "iptables" }, { follower });
  const beside = { ...PRINTING_KERNEL, generation: () => Promise.resolve(host.commits) };
  return { kernel: new IptablesKernel(host, beside, follower), tables };
}

function web(tables: NodeTables, ...addresses: readonly string[]): void {
  tables.put("Service", serviceOf("web", "172.30.0.41"));
  tables.put("EndpointSlice", endpointSlice("web", ...addresses));
  tables.update();
}

test("after a refusal it is read what is there; else it is known", async () => {
  const host = new FakeHost();
  const { kernel, tables } = kernelOn(host);
  web(tables, "10.180.0.1");
  await kernel.restore();
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

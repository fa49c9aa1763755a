/** `kpc apply` against this kernel. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { generationOf, ruleDigests } from "../../runtime/table/nf-tables.ts";
import { ApplyNamespace } from "../support/apply-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";

describe.skipIf(kernelMissing !== undefined)("in a network namespace", () => {
  let node: ApplyNamespace;

  beforeEach(async () => {
    node = await ApplyNamespace.open();
  });

  afterEach(() => node.close());

  test("what is not there is made; what is there already needs no transaction", async () => {
    const first = await node.apply("first.yaml", "--yes");
    expect(first).toMatchObject({ status: 0 });
    expect(first.text).toContain("+ shop/web:http  10.96.0.10:80/tcp; -> 10.244.1.5:8080, 10.244.1.6:8080");
    expect(first.text).toContain("read back: the kernel's tables are those of the inputs");
    const before = await generationOf(node.netfilter);
    const again = await node.apply("first.yaml", "--yes");
    expect(again).toMatchObject({ status: 0 });
    expect(again.text).toContain("nothing to do");
    expect((await generationOf(node.netfilter)).id).toBe(before.id);
  });

  test("another endpoint is a change of elements, in one transaction", async () => {
    await node.apply("first.yaml", "--yes");
    const before = await generationOf(node.netfilter);
    const rules = await ruleDigests(node.netfilter, "ip", "kpc");
    const second = await node.apply("second.yaml", "--yes");
    expect(second).toMatchObject({ status: 0 });
    expect(second.text).toContain("~ shop/web:http  + 10.244.1.7:8080, - 10.244.1.5:8080; 4 elements\n");
    expect(second.text).toContain("Service ports 0 to add, 0 to remove, 1 to change; elements 3 to add, 3 to remove");
    expect(second.text).toContain("endpoints: - 10.244.1.5:8080, + 10.244.1.7:8080");
    expect((await generationOf(node.netfilter)).id).toBe(before.id + 1);
    expect(await ruleDigests(node.netfilter, "ip", "kpc")).toEqual(rules);
  });

  test("--dry-run asks the kernel, changes nothing, and ends with 1 where there is something to do", async () => {
    const before = await generationOf(node.netfilter);
    const planned = await node.apply("first.yaml", "--dry-run");
    expect(planned).toMatchObject({ status: 1 });
    expect(planned.text).toContain("the kernel would take this change");
    expect((await generationOf(node.netfilter)).id).toBe(before.id);
    await node.apply("first.yaml", "--yes");
    expect(await node.apply("first.yaml", "--dry-run")).toMatchObject({ status: 0 });
  });

  test("nothing is applied of wrong input, and without a question that was answered", async () => {
    const wrong = await node.apply("wrong.yaml", "--yes");
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.text).toContain("wrong.yaml:5:");
    expect(wrong.text).toContain("nothing is applied: the inputs have errors");
    const unasked = await node.apply("first.yaml");
    expect(unasked).toMatchObject({ status: 2 });
    expect(unasked.text).toContain("--yes applies without a question");
    expect(node.listed()).toBe("");
  });

  test("of several Nodes it takes the one that has the name of this host", async () => {
    const applied = await node.apply("nodes.yaml", "--yes");
    expect(applied).toMatchObject({ status: 0 });
    expect(applied.text).toMatch(/^note: the rules are those of Node .*, which has the name of this host$/m);
    const listed = await node.run("list", "--live", "--service", "web");
    expect(listed.text).toContain("10.244.1.5:8080");
    expect(listed.text).not.toContain("10.244.1.6");
    expect((await node.apply("nodes.yaml", "--node", "elsewhere.invalid", "--dry-run")).text).not.toContain(
      "this host",
    );
  });

  test("what is listed of the kernel is what is listed of the manifests", async () => {
    await node.apply("first.yaml", "--yes");
    const listed = await node.run("list", "first.yaml", "--mode", "nftables", "-q", "-o", "json");
    expect(listed).toMatchObject({ status: 0 });
    expect(await node.run("list", "--live", "-o", "json")).toEqual(listed);
    const { text } = await node.run("whatis", "10.96.0.10:80", "--live");
    expect(text).toContain("shop/web:http  10.96.0.10:80/tcp  client         10.244.1.5:8080, 10.244.1.6:8080");
    expect((await node.run("whatis", "pick-1-tcp", "--live")).text).toContain(
      "from map services, 1 element: shop/api:http",
    );
    expect(await node.run("whatis", "10.9.9.9", "--live")).toMatchObject({ status: 1 });
    await node.apply("--cleanup", "--yes");
    const none = await node.run("list", "--live");
    expect(none).toMatchObject({ status: 2 });
    expect(none.text).toContain("this machine's kernel has no table of kpc");
  });

  test.each([
    ["iptables-nft", /: iptables\S*-save > rules\.v4; then kpc trace PACKET --rules rules\.v4 follows a packet/],
    ["ip6tables-nft", /: ip6tables\S*-save > rules\.v6; then kpc trace PACKET --rules rules\.v6 follows a packet/],
  ])("--live names the rules of %s that an agent keeps", async (tool, what) => {
    const load = (rules: string): unknown => node.namespace.run(`printf '${rules}' | ${tool}-restore --noflush`);
    expect(load("*nat\\n:THEIRS - [0:0]\\nCOMMIT\\n")).toMatchObject({ status: 0 });
    expect((await node.run("list", "--live")).text).toBe(
      "kpc: this machine's kernel has no table of kpc (kpc apply makes them)\n",
    );
    expect(load("*nat\\n:KPC-services - [0:0]\\nCOMMIT\\n")).toMatchObject({ status: 0 });
    for (const command of [["list"], ["whatis", "10.96.0.10"]]) {
      const { status, text } = await node.run(...command, "--live");
      expect(text).toMatch(what);
      expect(text).toContain("this machine's kernel has no table of kpc, but chains KPC-… of iptables");
      expect(status).toBe(2);
    }
  });
});

/** The iptables in memory that unit tests have does what the real ones do. */
import { describe, expect, test } from "vitest";
import { FollowedIptables } from "../../compiler/followed-iptables.ts";
import { type IsSame, minimalRestore } from "../../compiler/formats/iptables/minimal-restore.ts";
import { readOwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { areSameRules } from "../../compiler/formats/iptables/same-rules.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import {
  IPTABLES_BACKENDS,
  IPTABLES_FAMILIES,
  type IptablesFamily,
  openIptables,
} from "../../runtime/agent/iptables-host.ts";
import { IptablesKernel } from "../../runtime/agent/iptables-kernel.ts";
import { LocalKernel } from "../../runtime/agent/kernel.ts";
import type { TransactionAnswer } from "../../runtime/table/answers.ts";
import { endpointSlice, SHOP, serviceOf } from "../support/agent-objects.ts";
import { type Manifest, PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { ruleKindOf } from "../support/events.ts";
import { FakeIptables } from "../support/fake-iptables.ts";
import { holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";

/** What is given to iptables-restore, one after the other. */
const TEXTS = [
  "*nat\n:KPC-b - [0:0]\n:KPC-a - [0:0]\n-I PREROUTING -j KPC-a\n-A KPC-a -p tcp -j KPC-b\n-A KPC-b -j ACCEPT\nCOMMIT\n",
  // Chains that are in use.
  "*nat\n-X KPC-b\nCOMMIT\n",
  "*nat\n:KPC-b - [0:0]\n-X KPC-b\nCOMMIT\n",
  "*nat\n:KPC-a - [0:0]\n-X KPC-a\nCOMMIT\n",
  // Nothing of that name, in any place.
  "*nat\n-A KPC-a -j KPC-z\nCOMMIT\n",
  "*nat\n-A KPC-z -j ACCEPT\nCOMMIT\n",
  "*nat\n-F KPC-z\nCOMMIT\n",
  "*nat\n-X KPC-z\nCOMMIT\n",
  "*nat\n-D PREROUTING -j KPC-z\nCOMMIT\n",
  "*nat\n-D PREROUTING -j KPC-b\nCOMMIT\n",
  // A table is taken whole or not at all, those before it stay.
  "*filter\n:KPC-f - [0:0]\n:theirs - [0:0]\n-A theirs -j KPC-f\nCOMMIT\n*nat\n:KPC-c - [0:0]\n-X KPC-z\nCOMMIT\n*raw\nCOMMIT\n",
  "*nat\n-A PREROUTING -p udp -j RETURN\n-I PREROUTING -j KPC-a\n-I OUTPUT -j KPC-b\nCOMMIT\n",
  "*nat\n-D PREROUTING -j KPC-a\nCOMMIT\n",
  "*nat\n:KPC-a - [0:0]\n:KPC-d - [0:0]\n-D OUTPUT -j KPC-b\n-A KPC-a -g KPC-d\n-X KPC-b\nCOMMIT\n",
  "*nat\n-F PREROUTING\n-F KPC-a\nCOMMIT\n",
  "*filter\n-F theirs\n-X theirs\nCOMMIT\n",
  "*mangle\n:KPC-m - [0:0]\n-X KPC-m\nCOMMIT\n",
  "*filter\n-X KPC-f\nCOMMIT\n",
] as const;

const LISTED = ["PREROUTING", "KPC-a", "KPC-none"] as const;

/** Status and reason: the words are those of each version. */
function kindOf(answer: TransactionAnswer): string {
  return answer.kind === "done" ? "done" : answer.reason;
}

describe.skipIf(kernelMissing !== undefined)("iptables in memory", () => {
  test.each(IPTABLES_BACKENDS)("%s: takes, refuses and tells what the real one does", async (backend) => {
    const namespace = await holdNamespace();
    const real = await openIptables(backend, namespace.wrapper);
    const kernel = new LocalKernel(namespace.wrapper);
    const fake = new FakeIptables(backend);
    const start = { real: await kernel.generation(), fake: await fake.generation() };
    await kernel.commitsAbout("KPC-");
    await fake.commitsAbout("KPC-");
    // To ask for sizes makes tables of iptables-legacy.
    const tables = backend === "legacy" ? ["ip nat", "ip6 nat", "ip filter"] : [];
    let sizes = { real: await kernel.legacySizes(tables), fake: await fake.legacySizes(tables) };
    const compare = async (what: string): Promise<void> => {
      for (const family of IPTABLES_FAMILIES) {
        const saved = (await real.save(family)).replace(/^#.*\n/gm, "");
        expect(fake.read(family), what).toBe(sorted(saved));
        for (const chain of LISTED)
          expect(await fake.list(family, "nat", chain), what).toBe(await real.list(family, "nat", chain));
        if (backend === "nft")
          for (const chain of LISTED)
            expect(await fake.hasChain(family, "nat", chain), what).toBe(await kernel.hasChain(family, "nat", chain));
      }
      expect((await fake.generation()) - start.fake, what).toBe((await kernel.generation()) - start.real);
      const told = await kernel.commitsAbout("KPC-");
      const commits = told.commits.map(({ id, chains }) => ({ id: id - start.real, chains }));
      expect(await fake.commitsAbout("KPC-"), what).toEqual({ ...told, commits });
      const now = { real: await kernel.legacySizes(tables), fake: await fake.legacySizes(tables) };
      const changed = (side: "real" | "fake"): readonly boolean[] =>
        tables.map((_, i) => now[side]?.[i] !== sizes[side]?.[i]);
      expect(changed("fake"), what).toEqual(changed("real"));
      sizes = now;
    };
    for (const [i, text] of TEXTS.entries())
      for (const family of i < 2 ? IPTABLES_FAMILIES : (["ip"] as const)) {
        expect(kindOf(fake.run(family, text)), text).toBe(kindOf(await real.restore(family, text)));
        await compare(`${family} ${text}`);
      }
    if (backend === "nft") {
      namespace.run("nft add rule ip nat KPC-a ct mark set 5");
      fake.addUnreadable("ip", "nat", "KPC-a");
      for (const chain of LISTED) {
        expect(await fake.list("ip", "nat", chain)).toBe(await real.list("ip", "nat", chain));
        expect(await fake.hasChain("ip", "nat", chain)).toBe(await kernel.hasChain("ip", "nat", chain));
      }
      for (const host of [real, fake]) await expect(host.save("ip")).rejects.toThrow("is incompatible, use 'nft' tool");
      const [told] = (await kernel.commitsAbout("KPC-")).commits;
      expect(await fake.commitsAbout("KPC-")).toMatchObject({ commits: [{ chains: told?.chains }] });
      // Such a chain can be emptied.
      const text = "*nat\n:KPC-a - [0:0]\nCOMMIT\n";
      expect([await real.restore("ip", text), fake.run("ip", text)]).toEqual([{ kind: "done" }, { kind: "done" }]);
      await compare(text);
      // Who is not listened to is not heard.
      for (const host of [kernel, fake]) {
        expect(await host.commitsAbout("")).toEqual({ isComplete: true, commits: [] });
        expect(await host.commitsAbout("KPC-")).toEqual({ isComplete: false, commits: [] });
      }
    }
    await kernel.close();
    namespace.close();
  });

  test.each(IPTABLES_BACKENDS)("%s: what an agent writes there is taken by the real one, too", async (backend) => {
    const namespace = await holdNamespace();
    const real = await openIptables(backend, namespace.wrapper);
    const follower = new FollowedIptables();
    const tables = new NodeTables({ ...toConfig(PROXY), mode: "iptables" }, { follower });
    const fake = new FakeIptables(backend);
    const kernel = new IptablesKernel(fake, fake, follower);
    const put = (...objects: readonly Manifest[]): void => {
      for (const object of objects) tables.put(ruleKindOf(object), object);
      tables.update();
    };
    const written = async (): Promise<void> => {
      for (const text of fake.given.splice(0)) {
        const [family, input = ""] = text.split(/\n(.*)/s);
        expect(await real.restore(family as IptablesFamily, input)).toEqual({ kind: "done" });
      }
      for (const family of IPTABLES_FAMILIES) {
        const isSame: IsSame = (table, left, right) => areSameRules(table, family, left, right);
        const [there, wanted] = [await real.save(family), fake.read(family)].map(readOwnTables);
        expect(minimalRestore(there ?? new Map(), wanted ?? new Map(), { isSame }).text).toBe("");
      }
    };
    put(...SHOP);
    await kernel.restore();
    await written();
    put(endpointSlice("web", "10.180.0.1", "10.180.0.9"), serviceOf("db", "172.30.0.43"));
    await kernel.change();
    await written();
    for (const host of [fake, real]) await host.restore("ip", "*nat\n-F KPC-NAT-OUTPUT\n-F PREROUTING\nCOMMIT\n");
    fake.given.splice(0);
    await kernel.drifted();
    await kernel.restore();
    await written();
    for (const name of ["web", "api", "db"]) tables.delete("Service", `shop/${name}`);
    tables.update();
    await kernel.change();
    await written();
    namespace.close();
  });
});

/** Tables in one order: iptables-legacy-save lists them as their modules came. */
function sorted(save: string): string {
  const order = ["*raw", "*mangle", "*filter", "*nat", "*security"];
  const place = (text: string): number => order.findIndex((name) => text.startsWith(name));
  const tables = save.split(/(?<=^COMMIT\n)/m);
  return tables.sort((a, b) => place(a) - place(b)).join("");
}

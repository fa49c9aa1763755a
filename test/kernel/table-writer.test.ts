/** Transactions by an nft that stays, and what netlink tells of the table: against this kernel. */
import { chmodSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { MODES } from "../../compiler/node/settings.ts";
import { printNft } from "../../compiler/print.ts";
import { Digest } from "../../runtime/table/digest.ts";
import {
  bytesOfElement,
  bytesOfRaw,
  digestBytes,
  hasKnownBytes,
  readElement,
} from "../../runtime/table/element-bytes.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { chainsOf, dumpElements, generationOf, ruleDigests } from "../../runtime/table/nf-tables.ts";
import { TableWriter } from "../../runtime/table/writer.ts";
import { exampleManifests } from "../support/examples.ts";
import { type HeldNamespace, holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";

const SETS =
  "add table ip t\nadd set ip t s { type ipv4_addr; }\nadd chain ip t c\nadd rule ip t c ip daddr @s accept\n";

describe.skipIf(kernelMissing !== undefined)("in a network namespace", () => {
  let namespace: HeldNamespace;
  let writer: TableWriter;
  let netfilter: Netfilter;

  beforeAll(async () => {
    namespace = await holdNamespace();
    writer = new TableWriter({ wrapper: namespace.wrapper });
    netfilter = new Netfilter(namespace.wrapper);
  });

  afterAll(async () => {
    await writer.close();
    netfilter.close();
    namespace.close();
  });

  test("each answer of nft has its meaning, and what it refuses changes nothing", async () => {
    const kindOf = async (text: string): Promise<string> => {
      const answer = await writer.transact(text);
      return answer.kind === "done" ? "done" : answer.reason;
    };
    expect(await kindOf(`add table ip t\nflush table ip t\n${SETS}`)).toBe("done");
    const before = await generationOf(netfilter);
    expect(await kindOf("delete element ip t s { 10.0.0.1 }\n")).toBe("missing");
    expect(await kindOf("add rule ip t nowhere accept\n")).toBe("missing");
    expect(await kindOf("add element ip t s { 10.0.0.1 }\ndelete set ip t s\n")).toBe("busy");
    expect(await kindOf("create element ip t s { 10.0.0.1 }\ncreate element ip t s { 10.0.0.1 }\n")).toBe("exists");
    expect(await kindOf("add nonsense\n")).toBe("invalid");
    expect(await kindOf("add element ip t s { 10.0.0.1 }\nadd nonsense\n")).toBe("invalid");
    expect(await generationOf(netfilter)).toEqual(before);
    expect(await kindOf("add element ip t s { 10.0.0.1 }\n")).toBe("done");
    expect((await generationOf(netfilter)).id).toBe(before.id + 1);
  });

  test("transactions that wait for each other are made in their order", async () => {
    await writer.transact(`add table ip t\nflush table ip t\n${SETS}flush set ip t s\n`);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        writer.transact(i % 2 === 0 ? "create element ip t s { 10.0.0.7 }\n" : "delete element ip t s { 10.0.0.7 }\n"),
      ),
    );
    expect(answers.filter(({ kind }) => kind !== "done")).toEqual([]);
  });

  test("one nft makes them all; a new one comes after it was killed", async () => {
    await writer.transact(SETS);
    const { pid } = writer;
    await writer.transact("add element ip t s { 10.0.0.2 }\n");
    expect(writer.pid).toBe(pid);
    process.kill(pid ?? 0, "SIGKILL");
    await writer.transact("add element ip t s { 10.0.0.3 }\n");
    expect(await writer.transact("add element ip t s { 10.0.0.3 }\n")).toEqual({ kind: "done" });
    expect(writer.pid).not.toBe(pid);
  });

  test("to check changes nothing", async () => {
    await writer.transact(SETS);
    const before = await generationOf(netfilter);
    expect(await writer.check("delete table ip t\n")).toEqual({ kind: "done" });
    expect(await writer.check("delete table ip not-there\n")).toMatchObject({ kind: "refused", reason: "missing" });
    expect(await generationOf(netfilter)).toEqual(before);
  });

  test("an nft that does not answer is killed, and the next transaction gets another", async () => {
    await withTool("#!/bin/sh\nexec sleep 600\n", async (nft, wrapper) => {
      const slow = new TableWriter({ wrapper, nft, limitMs: 200 });
      expect(await slow.transact("list tables\n")).toMatchObject({ kind: "refused", reason: "hung" });
      expect(slow.pid).toBeUndefined();
      await slow.close();
    });
  });

  test("an nft without an interactive mode is run for each transaction", async () => {
    const script = `#!/bin/sh
if [ "$1" = -i ]; then echo "nft: interactive CLI not supported in this build" >&2; exit 1; fi
exec nft "$@"
`;
    await withTool(script, async (nft, wrapper) => {
      const plain = new TableWriter({ wrapper, nft });
      expect(await plain.transact(SETS)).toEqual({ kind: "done" });
      expect(await plain.transact("delete element ip t s { 10.9.9.9 }\n")).toMatchObject({ reason: "missing" });
      expect(plain.pid).toBeUndefined();
      await plain.close();
    });
  });

  test("nothing of a writer has a name in memory, which would stay when it is killed", async () => {
    await inOwnNamespace(async (wrapper) => {
      const own = new TableWriter({ wrapper });
      await own.transact(SETS);
      expect(readlinkSync(`/proc/${own.pid}/fd/3`)).toMatch(/ \(deleted\)$/);
      expect(readFileSync(`/proc/${own.pid}/environ`, "utf8").split("\0")).toContain("HOME=/nonexistent");
      await own.close();
      await expect(own.transact(SETS)).rejects.toThrow("closed");
    });
  });

  test("a writer waits for the nft of another one, which may have lost its parent", async () => {
    await inOwnNamespace(async (wrapper) => {
      const [first, second] = [new TableWriter({ wrapper }), new TableWriter({ wrapper })];
      await first.transact(SETS);
      let isMade = false;
      const made = second.transact("delete set ip t s\n").then((answer) => {
        isMade = true;
        return answer;
      });
      await first.transact("add element ip t s { 10.0.0.1 }\n");
      expect(isMade).toBe(false);
      await first.close();
      expect(await made).toMatchObject({ reason: "busy" });
      await second.close();
    });
  });

  test("a name is held by one process, until that ends", async () => {
    const [first, second] = [new Netfilter(namespace.wrapper), new Netfilter(namespace.wrapper)];
    expect(await first.hold("kpc-test")).toBeUndefined();
    expect(await second.hold("kpc-test")).toBe(first.pid);
    expect(await second.hold("kpc-test-other")).toBeUndefined();
    const closed = new Promise((resolve) => first.onClose(() => resolve(undefined)));
    first.close();
    await closed;
    expect(await second.hold("kpc-test")).toBeUndefined();
    second.close();
  });

  test("who may not ask is told so", async () => {
    const powerless = [...namespace.wrapper, "setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    const other = new Netfilter(powerless);
    await expect(chainsOf(other, "ip", "kpc")).rejects.toThrow(
      "netfilter refuses: operation not permitted (it takes root",
    );
    other.close();
    const nowhere = new Netfilter(["/not/there"]);
    await expect(chainsOf(nowhere, "ip", "kpc")).rejects.toThrow("spawn /not/there ENOENT");
  });

  test.each(MODES)("elements have the bytes that the kernel tells, and are read back from them (%s)", async (mode) => {
    const { compiled } = compile(exampleManifests(), { mode, nodeName: "node-1" });
    if (compiled === undefined) throw new Error("the example does not compile");
    const { program } = compiled;
    expect(await writer.transact(printNft(program).text)).toEqual({ kind: "done" });
    let elements = 0;
    for (const { family, name: table, maps, sets } of program.ruleset.tables as readonly (Table & {
      family: "ip" | "ip6";
    })[]) {
      for (const set of [...maps, ...sets].filter(hasKnownBytes)) {
        const [ours, kernels, again] = [new Digest(), new Digest(), new Digest()];
        for (const element of set.elements) digestBytes(ours, bytesOfElement(set, element));
        const isThere = await dumpElements(netfilter, { family, table, set: set.name }, (raw) => {
          elements++;
          digestBytes(kernels, bytesOfRaw(raw));
          digestBytes(again, bytesOfElement(set, readElement(set, raw)));
        });
        expect([set.name, isThere, String(kernels), String(again)]).toEqual([
          set.name,
          true,
          String(ours),
          String(ours),
        ]);
      }
      // Sets that packets fill are left out.
      expect([...maps, ...sets].filter((set) => !hasKnownBytes(set)).every(({ dynamic }) => dynamic === true)).toBe(
        true,
      );
    }
    expect(elements).toBeGreaterThan(60);
  });

  test("a set, a table that is not there; chains of a table, and their rules", async () => {
    await writer.transact(`add table ip t\nflush table ip t\n${SETS}`);
    expect(await dumpElements(netfilter, { family: "ip", table: "t", set: "not-there" }, () => undefined)).toBe(false);
    expect(await chainsOf(netfilter, "ip", "not-there")).toBeUndefined();
    expect(await chainsOf(netfilter, "ip6", "t")).toBeUndefined();
    expect(await chainsOf(netfilter, "ip", "t")).toEqual(new Set(["c"]));
    const before = await ruleDigests(netfilter, "ip", "t");
    expect([...before.keys()]).toEqual(["c"]);
    await writer.transact("add element ip t s { 10.0.0.4 }\n");
    expect(await ruleDigests(netfilter, "ip", "t")).toEqual(before);
    await writer.transact("add rule ip t c drop\n");
    expect(await ruleDigests(netfilter, "ip", "t")).not.toEqual(before);
    await writer.transact("flush chain ip t c\nadd rule ip t c ip daddr @s accept\n");
    expect(await ruleDigests(netfilter, "ip", "t")).toEqual(before);
  });
});

async function inOwnNamespace(use: (wrapper: readonly string[]) => Promise<void>): Promise<void> {
  const namespace = await holdNamespace();
  try {
    await use(namespace.wrapper);
  } finally {
    namespace.close();
  }
}

/** Calls `use` with the path of a program of this text, in a network namespace of its own. */
async function withTool(text: string, use: (path: string, wrapper: readonly string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kpc-test-"));
  try {
    const path = join(folder, "nft");
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    await inOwnNamespace((wrapper) => use(path, wrapper));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

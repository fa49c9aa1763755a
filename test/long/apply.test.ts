/** `kpc apply` beside others who change rules, and with changes that are undone unless somebody confirms them. */
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApplyNamespace, sortedLines } from "../support/apply-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";

const hasScript = spawnSync("script", ["--version"]).status === 0;
if (!hasScript) process.stderr.write("skipped: kpc apply on a terminal needs script(1) of util-linux\n");

describe.skipIf(kernelMissing !== undefined)("in a network namespace", () => {
  let node: ApplyNamespace;

  beforeEach(async () => {
    node = await ApplyNamespace.open();
  });

  afterEach(() => node.close());

  test("a Service that goes takes its elements along", async () => {
    await node.apply("first.yaml", "--yes");
    const { text } = await node.apply("without-api.yaml", "--yes");
    expect(text).toContain("- shop/api:http  10.96.0.11:80/tcp\n");
    expect(node.listed()).not.toContain("10.96.0.11");
  });

  test.each([
    ["elements that others have deleted", "nft delete element ip kpc services { 10.96.0.10 . tcp . 80 }"],
    ["elements that others have added", "nft add element ip kpc hairpin { 10.0.0.1 . 10.0.0.2 }"],
    [
      "an element with another value",
      "nft 'delete element ip kpc endpoints-tcp { 10.96.0.10 . 80 . 0 }; add element ip kpc endpoints-tcp { 10.96.0.10 . 80 . 0 : 10.9.9.9 . 1 }'",
    ],
    ["a rule of others", "nft insert rule ip kpc services drop"],
    ["a chain without its rules", "nft flush chain ip kpc nat-postrouting"],
    ["a chain of others", "nft add chain ip kpc others"],
    ["a map that is empty", "nft flush map ip kpc endpoints-tcp"],
    ["a table that is gone", "nft flush ruleset"],
    ["a table that sleeps", "nft 'add table ip kpc { flags dormant; }'"],
  ])("%s: the table is made what it was", async (_, edit) => {
    await node.apply("first.yaml", "--yes");
    const before = node.listed();
    expect(node.namespace.run(edit)).toEqual({ status: 0, output: "" });
    expect(node.listed()).not.toBe(before);
    const again = await node.apply("first.yaml", "--yes");
    expect(again).toMatchObject({ status: 0 });
    expect(again.text).toContain("applied in 1 transaction; read back: the kernel's tables are those of the inputs");
    expect(sortedLines(node.listed())).toEqual(sortedLines(before));
  });

  test("tables of others stay as they are", async () => {
    node.namespace.run(
      "nft 'table inet theirs { chain c { type filter hook input priority 0; tcp dport 22 accept; }; }'",
    );
    const theirs = (): string => node.namespace.run("nft list table inet theirs").output;
    const before = theirs();
    await node.apply("first.yaml", "--yes");
    await node.apply("--cleanup", "--yes");
    expect(theirs()).toBe(before);
    expect(node.listed()).not.toContain("kpc");
    expect((await node.apply("--cleanup", "--yes")).text).toContain("nothing to do");
  });

  test("what nobody confirms is undone", async () => {
    await node.apply("first.yaml", "--yes");
    const before = node.listed();
    const second = await node.apply("second.yaml", "--yes", "--confirm", "1s");
    expect(second).toMatchObject({ status: 2 });
    expect(second.text).toContain("not confirmed: the tables are as before");
    expect(sortedLines(node.listed())).toEqual(sortedLines(before));
    expect(readdirSync(node.stateFolder)).toEqual([]);
  });

  test("what was nothing before is nothing again", async () => {
    expect(await node.apply("first.yaml", "--yes", "--confirm", "1s")).toMatchObject({ status: 2 });
    expect(node.listed()).toBe("");
  });

  test("what is confirmed stays; meanwhile nobody else applies", async () => {
    const running = node.start("first.yaml", "--yes", "--confirm", "300s");
    const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
    const other = await node.apply("second.yaml", "--yes");
    expect(other).toMatchObject({ status: 2 });
    expect(other.text).toMatch(/process \d+ holds kpc's tables/);
    const unknown = await node.apply("--confirm-now", "000000");
    expect(unknown).toMatchObject({ status: 2 });
    expect(unknown.text).toContain(`no change 000000 waits to be confirmed; ${id} waits here`);
    expect(await node.apply("--confirm-now", id)).toMatchObject({ status: 0, text: `confirmed ${id}\n` });
    expect(await running.done).toMatchObject({ status: 0 });
    expect(node.listed()).toContain("10.96.0.10");
    expect(readdirSync(node.stateFolder)).toEqual([]);
  });

  test("a change waits also where kpc apply has ended; nobody else applies, and it can be confirmed", async () => {
    const running = node.start("first.yaml", "--yes", "--confirm", "600s");
    const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
    running.kill("SIGKILL");
    await running.done;
    const other = await node.apply("second.yaml", "--yes");
    expect(other).toMatchObject({ status: 2 });
    expect(other.text).toContain(`change ${id} waits to be confirmed`);
    expect(await node.apply("--confirm-now", id)).toMatchObject({ status: 0 });
    expect(readdirSync(node.stateFolder)).toEqual([]);
    expect(node.listed()).toContain("10.96.0.10");
    expect(await node.apply("second.yaml", "--yes")).toMatchObject({ status: 0 });
  });

  test.each(["SIGKILL", "SIGHUP", "SIGINT"] as const)(
    "it is undone also where kpc apply has ended by %s",
    async (signal) => {
      const running = node.start("first.yaml", "--yes", "--confirm", "1s");
      const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
      running.kill(signal);
      await running.done;
      expect(await node.wordsWhenLate(id)).toContain("it is too late: the tables are as before");
      expect(node.listed()).toBe("");
    },
  );

  test("it is undone also where the process that waits is killed", async () => {
    const running = node.start("first.yaml", "--yes", "--confirm", "1s");
    const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
    node.killWatcher(id);
    expect(await running.done).toMatchObject({ status: 2 });
    expect((await running.done).text).toContain("not confirmed: the tables are as before");
    expect(node.listed()).toBe("");
  });

  test("where both are killed, the next kpc apply sees to it", async () => {
    const running = node.start("first.yaml", "--yes", "--confirm", "300s");
    const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
    running.kill("SIGKILL");
    await running.done;
    node.killWatcher(id);
    const next = await node.apply("second.yaml", "--yes");
    expect(next).toMatchObject({ status: 2 });
    expect(next.text).toContain("another one does, and its time begins anew");
    expect(next.text).toContain(`change ${id} waits to be confirmed`);
    node.killWatcher(id);
    expect(await node.apply("--confirm-now", id)).toMatchObject({ status: 0 });
    expect(readdirSync(node.stateFolder)).toEqual([]);
    expect(node.listed()).toContain("10.96.0.10");
  });

  test("it is undone also where the process that restores is killed", async () => {
    await node.apply("first.yaml", "--yes");
    const before = node.listed();
    const running = node.start("second.yaml", "--yes", "--confirm", "1s", "-q");
    const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
    await node.killWhileRestoring(id);
    const { status, text } = await running.done;
    expect(status).toBe(2);
    expect(text).toContain(`the process that would undo change ${id} has ended: another one does\n`);
    expect(text).toContain("not confirmed: the tables are as before");
    expect(sortedLines(node.listed())).toEqual(sortedLines(before));
    expect(readdirSync(node.stateFolder)).toEqual([]);
  });

  test("where both are killed, the one that restores while it does, the next kpc apply sees to it", async () => {
    const running = node.start("first.yaml", "--yes", "--confirm", "1s");
    const [, id = ""] = await running.says(/--confirm-now ([0-9a-f]{6})/);
    running.kill("SIGKILL");
    await running.done;
    await node.killWhileRestoring(id);
    expect(node.listed()).not.toBe("");
    const next = await node.apply("second.yaml", "--yes");
    expect(next).toMatchObject({ status: 2 });
    expect(next.text).toContain(`the process that would undo change ${id} has ended: another one does\n`);
    expect(await node.wordsWhenLate(id)).toContain("it is too late: the tables are as before");
    expect(node.listed()).toBe("");
    expect(await node.apply("second.yaml", "--yes")).toMatchObject({ status: 0 });
  });

  test("where the change cannot be noted, nothing is applied, and nothing of it stays", async () => {
    writeFileSync(node.stateFolder, "");
    const { status, text } = await node.apply("first.yaml", "--yes", "--confirm", "1s");
    expect(status).toBe(2);
    expect(text).toMatch(/kpc: nothing is applied: changes that wait cannot be kept in .*state: ENOTDIR/);
    expect(node.listed()).toBe("");
  });

  test.skipIf(!hasScript)("on a terminal, Enter confirms the change, also after the question", async () => {
    const running = node.startOnTerminal("first.yaml", "--confirm", "300s");
    await running.says(/Apply\? \[y\/N\]/);
    running.type("y\n");
    await running.says(/press Enter/);
    running.type("\n");
    expect(await running.done).toMatchObject({ status: 0 });
    expect(node.listed()).toContain("10.96.0.10");
  });

  test.skipIf(!hasScript).each([
    ["n", "n\n"],
    ["Ctrl-C", "\x03"],
    ["Ctrl-D", "\x04"],
  ])("on a terminal, %s applies nothing", async (_, keys) => {
    const running = node.startOnTerminal("first.yaml");
    await running.says(/Apply\? \[y\/N\]/);
    running.type(keys);
    const { status, text } = await running.done;
    expect({ status, last: text.trim().split("\n").at(-1) }).toEqual({ status: 2, last: "nothing is applied" });
    expect(node.listed()).toBe("");
  });
});

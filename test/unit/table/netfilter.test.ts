import { expect, test } from "vitest";
import { Netfilter } from "../../../runtime/table/netfilter.ts";

test.each([
  ["a signal", "kill -9 $$", "SIGKILL"],
  ["an exit code", "exit 3", "exit code 3"],
  ["what it said", "echo out of memory >&2; exit 1", "out of memory"],
])("who asks a helper that has ended is told by %s", async (_, script, how) => {
  const netfilter = new Netfilter(["sh", "-c", script]);
  await expect(netfilter.ask(Buffer.alloc(16))).rejects.toThrow(`the process that asks netfilter has ended: ${how}`);
});

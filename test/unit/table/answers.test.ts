import { constants } from "node:os";
import { expect, test } from "vitest";
import { answerOf, beginningOf, reasonOfError } from "../../../runtime/table/answers.ts";

const AT = "/dev/shm/kpc-writer-x/transaction.nft:1:1-3: Error: Could not process rule";

test.each([
  ["done", ""],
  ["done", "Warning: table ip filter is managed by iptables-nft, do not touch!\n"],
  ["done", "# Warning: something that this nft does not know\nunknown extension\n"],
  ["missing", `${AT}: No such file or directory\nadd rule\n^^^\n`],
  ["missing", "Error: No such file or directory; did you mean table ‘kpc’ in family ip?\nx\n^\n"],
  ["exists", `${AT}: File exists\n`],
  ["busy", `${AT}: Device or resource busy\n`],
  ["again", "netlink: Error: Could not process rule: Interrupted system call\n"],
  ["again", `${AT}: Resource temporarily unavailable\n`],
  ["too-large", `${AT}: Cannot allocate memory\n`],
  ["too-large", "internal:0:0-0: Error: Could not receive tables from kernel: No buffer space available\n"],
  ["too-large", "netlink: Error: Unable to send: Message too long\n"],
  ["too-large", "src/utils.c:28: Memory allocation failure\n"],
  ["invalid", `${AT}: Operation not supported\n`],
  ["invalid", "x:1:1-3: Error: syntax error, unexpected string\nabc\n^^^\n"],
])("%s: %j", (kind, text) => {
  const answer = answerOf(text);
  expect(answer.kind === "done" ? "done" : answer.reason).toBe(kind);
});

test("a refusal says what nft has said, whatever warnings stand before it", () => {
  const text = `Warning: others\n${AT}: File exists\nadd element\n^^^\n`;
  expect(answerOf(text)).toEqual({ kind: "refused", reason: "exists", message: text.trim() });
});

test.each<[keyof typeof constants.errno, string]>([
  ["ENOENT", "missing"],
  ["EEXIST", "exists"],
  ["EBUSY", "busy"],
  ["EINTR", "again"],
  ["EAGAIN", "again"],
  ["ENOMEM", "too-large"],
  ["EMSGSIZE", "too-large"],
  ["ENOBUFS", "too-large"],
  ["ETIMEDOUT", "hung"],
  ["EPERM", "invalid"],
  ["EINVAL", "invalid"],
  ["EOPNOTSUPP", "invalid"],
])("the kernel's %s means %s", (name, reason) => {
  expect(reasonOfError(constants.errno[name])).toBe(reason);
});

test("a call that the kernel would begin again is one that may be made again", () => {
  // ERESTART, which has no name outside of the kernel.
  expect(reasonOfError(85)).toBe("again");
});

test("of many complaints the beginning is told, without where files were included", () => {
  const text =
    "In file included from /dev/stdin:1:1-3:\nfirst: Error: a\nIn file included from b\n  ^^^\nsecond: Error: c\n";
  expect(beginningOf(text)).toBe("first: Error: a   ^^^");
  expect(beginningOf("x".repeat(1000))).toBe("x".repeat(300));
});

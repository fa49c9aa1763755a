import { expect, test } from "vitest";
import { tellFindings } from "../../../compiler/cli/agent-findings.ts";
import type { ObjectFinding } from "../../../compiler/updates/node-tables.ts";

test("an error and a lost address are told once, and again when they come back; warnings are not", () => {
  const findings = new Map<string, readonly ObjectFinding[]>();
  const conflicts = new Map<string, readonly string[]>();
  const lines: string[] = [];
  const tell = tellFindings({ findings, conflicts }, (line) => void lines.push(line));
  tell();
  expect(lines).toEqual([]);
  findings.set("shop/web", [
    { severity: "warning", code: "deprecated", message: "old" },
    { severity: "error", code: "wrong-type", message: "no port" },
  ]);
  findings.set("", [{ severity: "error", code: "invalid-value", message: "no CIDR" }]);
  conflicts.set("shop/b", ["external IP 198.51.100.9 port 80/TCP is taken by Service shop/a"]);
  tell();
  expect(lines).toEqual([
    "Service shop/web keeps the rules that it had: no port",
    "settings stay as they were: no CIDR",
    "Service shop/b gets no rule for one of its addresses: external IP 198.51.100.9 port 80/TCP is taken by Service shop/a",
  ]);
  tell();
  expect(lines).toHaveLength(3);
  findings.clear();
  tell();
  findings.set("shop/web", [{ severity: "error", code: "wrong-type", message: "no port" }]);
  tell();
  expect(lines.slice(3)).toEqual(["Service shop/web keeps the rules that it had: no port"]);
});

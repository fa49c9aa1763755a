import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const NFT = "table ip t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t}\n}\n";
const SAVE = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n";

const findingsIn = (rules: string): string =>
  inFolder(
    { rules },
    (folder) =>
      kpc(["trace", "tcp 10.0.0.1 > 10.0.0.2:80", "--rules", "rules", "--node-ip", "10.0.0.2"], { folder }).stderr,
  );

describe("a file without rules", () => {
  test.each(["", "# later\n", "hello\nworld\n"])("%j is told what could be in it", (text) => {
    expect(findingsIn(text)).toMatch(
      /^rules:1:1: error: expected rules, as nft list ruleset or iptables-save prints them: there are none \[empty-input\]\n/,
    );
  });

  const prefixed = (text: string, prefix: string): string => text.replace(/^/gm, prefix);
  test.each([
    ["Nov 25 12:00:01 node1 kube-proxy[123]: ", NFT],
    ["Nov 25 12:00:01 node1 kube-proxy[123]: ", SAVE],
    ["2026-11-25T12:00:01.123456+00:00 node1 dump: ", SAVE],
    ["2026-11-25T12:00:01.123456789Z stdout F ", NFT],
    ["I1125 12:00:01.123456       1 proxier.go:1] ", NFT.replace("table", "add table")],
  ])("of which each line has %j in front is told so, at the first", (prefix, text) => {
    const found = findingsIn(`something else\n${prefixed(text, prefix)}`);
    expect(found).toMatch(/^rules:2:1: error: expected lines of rules alone: a log has put this in front of them/);
    expect(found).toContain(`\n  ${"^".repeat(prefix.length)}\n`);
    expect(findingsIn(text)).toBe("");
  });

  test("a few rules without a table are read all the same", () => {
    expect(findingsIn("[1:60] -A INPUT -p tcp -j DROP\n")).toMatch(
      /^rules:1:1: note: these rules are part of a dump, .* kpc reads them as rules of table filter, .*\n.*\n.*\n$/,
    );
  });
});

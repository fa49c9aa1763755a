import { describe, expect, test } from "vitest";
import { unreachedIn } from "../../../compiler/compare/unreached.ts";
import { inFolder, kpc } from "../../support/cli.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

/** As kube-proxy restores it: nothing leads to its chains. */
function restored(endpoint: string): string {
  return `*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-A - [0:0]
:KUBE-SEP-A - [0:0]
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A
-A KUBE-SVC-A -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination ${endpoint}:8080
COMMIT
`;
}

const ANSWER = /^=> .*$/m;

function diff(
  left: string,
  right: string,
): { readonly code: number | null; readonly answer: string; readonly text: string } {
  return inFolder({ "a.v4": left, "b.v4": right }, (folder) => {
    const { code, stdout } = kpc(["diff", "a.v4", "b.v4"], { folder });
    return { code, answer: ANSWER.exec(stdout)?.[0] ?? "", text: stdout };
  });
}

describe("texts whose chains nothing leads to", () => {
  test("are compared as if kube-proxy's jumps were there, which is said", () => {
    const other = diff(restored("10.244.1.5"), restored("10.66.66.66"));
    expect(other.answer).toMatch(
      /^=> different, assuming that kube-proxy's jumps to its chains are there, which neither side has: /,
    );
    expect(other.text).toContain("to 10.66.66.66:8080");
    expect(other.code).toBe(1);
    const same = diff(restored("10.244.1.5"), restored("10.244.1.5"));
    expect(same.answer).toMatch(
      /^=> equal, assuming that kube-proxy's jumps to its chains are there, which neither side has: /,
    );
    expect(same.code).toBe(0);
  });

  test("are no claim where they are not kube-proxy's and differ", () => {
    const text = (to: string): string => `*nat\n:mine - [0:0]\n-A mine -p tcp -j DNAT --to-destination ${to}\nCOMMIT\n`;
    const other = diff(text("10.0.0.1"), text("10.0.0.2"));
    expect(other.answer).toMatch(/^=> no difference found: /);
    expect(other.text).toContain(
      "not compared: rules that no packet reaches on either side: chain mine of table ip nat\n",
    );
    expect(other.code).toBe(1);
    expect(diff(text("10.0.0.1"), text("10.0.0.1")).answer).toMatch(/^=> equal: all packets/);
  });

  test("where one side has the jumps are compared as they are", () => {
    const jump = "-A PREROUTING -j KUBE-SERVICES\nCOMMIT";
    const other = diff(restored("10.244.1.5"), restored("10.244.1.5").replace("COMMIT", jump));
    expect(other.answer).toMatch(/^=> different: /);
  });
});

/** One rule in a chain `x` that `before` may lead to. */
function nft(rule: string, before = "", table = "inet t", base = "type filter hook forward priority 0"): string {
  return `table ${table} {\n\tset s { type ipv4_addr; elements = { 10.0.0.1 }; }\n\tchain x {\n\t\t${rule}\n\t}\n\tchain c {\n\t\t${base}; policy accept;\n\t\t${before}\n\t}\n}\n`;
}

describe("rules that are not compared", () => {
  test.each([
    ["the same rules", nft("drop"), nft("drop"), []],
    ["rules that packets come to on one side", nft("drop", "jump x"), nft("accept"), []],
    [
      "other rules",
      nft("drop"),
      nft("accept"),
      ["rules that no packet reaches on either side: chain x of table inet t"],
    ],
    [
      "the same rules by another set",
      nft("ip saddr @s drop"),
      nft("ip saddr @s drop").replace("10.0.0.1", "10.0.0.2"),
      ["rules that no packet reaches on either side: chain x of table inet t"],
    ],
    ["a chain that one side has", nft("drop"), nft("drop").replace("chain x", "chain y"), []],
    [
      "tables that are dormant",
      nft("drop", "jump x").replace("set s", "flags dormant;\n\tset s"),
      nft("accept", "jump x").replace("set s", "flags dormant;\n\tset s"),
      ["rules that no packet reaches on either side: chain x of table inet t"],
    ],
    [
      "bridges",
      nft("drop", "jump x", "bridge t"),
      nft("accept", "jump x", "bridge t"),
      ["rules that no packet reaches on either side: chain x of table bridge t"],
    ],
    [
      "bridges that one side has",
      nft("drop", "jump x", "bridge t"),
      nft("drop", "jump x"),
      ["rules at hooks that kpc does not evaluate: chain c of table bridge t"],
    ],
    [
      "devices",
      nft("drop", "ip saddr 10.0.0.1 drop", "netdev t", "type filter hook ingress device eth0 priority 0"),
      nft("drop", "ip saddr 10.0.0.2 drop", "netdev t", "type filter hook ingress device eth0 priority 0"),
      ["rules at hooks that kpc does not evaluate: chain c of table netdev t"],
    ],
  ])("%s", (_, left, right, wanted) => {
    expect(unreachedIn(mustReadNft(left), mustReadNft(right))).toEqual(wanted);
  });

  test("are named with the chain that differs, not with those that lead to it", () => {
    const text = (rule: string): string => `*filter\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b ${rule}\nCOMMIT\n`;
    const [left, right] = ["-j DROP", "-j ACCEPT"].map((rule) => mustReadIptables(text(rule), "ip"));
    if (left === undefined || right === undefined) throw new Error("two programs are read");
    expect(unreachedIn(left, right)).toEqual([
      "rules that no packet reaches on either side: chain b of table ip filter",
    ]);
  });
});

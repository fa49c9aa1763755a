/** What both sides have in common is not looked at; what a change may reach is. */
import { describe, expect, test } from "vitest";
import { alignedIn } from "../../../compiler/compare/align.ts";
import { changesBetween } from "../../../compiler/compare/changes.ts";
import { compare } from "../../../compiler/compare/compare.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const OPTIONS = { addresses: [], families: ["IPv4"] } as const;

/** Rules of which each tells other packets apart; `change` is put into the middle of them. */
function firewall(count: number, change: string): string {
  const rules = Array.from(
    { length: count },
    (_, i) => `-A FORWARD -s 10.${i}.0.0/16 -d 10.0.${i}.0/24 -p tcp --dport ${i + 1} -j DROP`,
  );
  rules.splice(count / 2, 0, ...(change === "" ? [] : [change]));
  return [
    "*filter",
    ":FORWARD ACCEPT [0:0]",
    ":WEB - [0:0]",
    "-A WEB -p tcp --dport 80 -j ACCEPT",
    ...rules,
    "COMMIT",
    "",
  ].join("\n");
}

describe("a text against itself", () => {
  test("is equal without a step", () => {
    const [left, right] = [mustReadIptables(firewall(250, "")), mustReadIptables(firewall(250, ""))];
    const { differing, open, boxes, gaps } = compare(left, right, { ...OPTIONS, budget: 1 });
    expect({ differing, open, boxes, gaps }).toEqual({ differing: 0, open: [], boxes: 0, gaps: [] });
  });

  test("is equal where rules tell too many marks apart to compare them", () => {
    const marks = Array.from({ length: 80 }, (_, i) => `meta mark ${i + 1} drop`).join("; ");
    const text = `table ip t { chain c { type filter hook forward priority 0; ${marks} } }`;
    expect(compare(mustReadNft(text), mustReadNft(text), OPTIONS).gaps).toEqual([]);
    expect(compare(mustReadNft(text), mustReadNft(`${text} table ip u { }`), OPTIONS).gaps).not.toEqual([]);
  });

  test("is equal with sets and rules spelled otherwise", () => {
    const left = mustReadNft(
      "table ip t { set s { type ipv4_addr; elements = { 10.0.0.2, 10.0.0.1 } } chain c { ip saddr @s tcp dport 1-1 drop } }",
    );
    const right = mustReadNft(
      "table ip t { set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } } chain c { tcp dport 1 ip saddr @s drop } }",
    );
    expect([...(changesBetween(left, right)?.left ?? [])]).toEqual([]);
  });

  test.each([
    [
      "ip saddr . tcp dport { 10.0.0.1 . 1, 10.0.0.2 . 2 } drop",
      "ip saddr . tcp dport { 10.0.0.2 . 2, 10.0.0.1 . 1 } drop",
    ],
    ["meta mark set tcp dport map { 1 : 1, 2 : 2 }", "meta mark set tcp dport map { 2 : 2, 1 : 1 }"],
    ["tcp dport vmap { 1 : drop, 2 : accept }", "tcp dport vmap { 2 : accept, 1 : drop }"],
    ["dnat to tcp dport map { 1 : 10.0.0.1, 2 : 10.0.0.2 }", "dnat to tcp dport map { 2 : 10.0.0.2, 1 : 10.0.0.1 }"],
  ])("is equal with the elements of %s in another order, and not with others", (one, other) => {
    const changedIn = (rule: string) => {
      const [left, right] = [one, rule].map((each) => mustReadNft(`table ip t { chain c { ${each} } }`));
      return left && right && [...(changesBetween(left, right)?.left ?? [])].length;
    };
    expect([changedIn(other), changedIn(other.replace("2", "3"))]).toEqual([0, 1]);
  });
});

test("a rule for few packets is found among many in few steps", () => {
  const change = "-A FORWARD -s 192.0.2.1 -d 192.0.2.2 -p tcp --dport 8080 -j DROP";
  const [left, right] = [mustReadIptables(firewall(250, "")), mustReadIptables(firewall(250, change))];
  const { differing, open } = compare(left, right, { ...OPTIONS, budget: 60_000 });
  expect({ isFound: differing > 0, open }).toEqual({ isFound: true, open: [] });
});

const T = (chains: string, rest = "") => mustReadNft(`table ip t { ${rest} ${chains} }`);
const FORWARD = "type filter hook forward priority 0;";
const DNAT = "chain n { type nat hook prerouting priority -100; ip daddr 10.0.0.1 dnat to 10.9.9.9 }";

describe("what a change may reach is compared:", () => {
  test.each([
    [
      "a destination behind a translation",
      T(`${DNAT} chain c { ${FORWARD} ip daddr 10.9.9.9 drop }`),
      T(`${DNAT} chain c { ${FORWARD} }`),
    ],
    [
      "a translation",
      T(`${DNAT} chain c { ${FORWARD} ip daddr 10.9.9.8 drop }`),
      T(`${DNAT.replace("dnat to 10.9.9.9", "dnat to 10.9.9.8")} chain c { ${FORWARD} ip daddr 10.9.9.8 drop }`),
    ],
    [
      "a mark that a rule in common asks for",
      T(`chain c { ${FORWARD} ip saddr 10.0.0.1 meta mark set 1; meta mark 1 drop }`),
      T(`chain c { ${FORWARD} meta mark 1 drop }`),
    ],
    [
      "a set that a rule in common asks for",
      T(`chain c { ${FORWARD} ip saddr @s drop }`, "set s { type ipv4_addr; elements = { 10.0.0.1 } }"),
      T(`chain c { ${FORWARD} ip saddr @s drop }`, "set s { type ipv4_addr; elements = { 10.0.0.2 } }"),
    ],
    [
      "a map of chains",
      T(
        `chain d { drop } chain c { ${FORWARD} ip saddr vmap @m }`,
        "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : jump d } }",
      ),
      T(
        `chain d { drop } chain c { ${FORWARD} ip saddr vmap @m }`,
        "map m { type ipv4_addr : verdict; elements = { 10.0.0.2 : jump d } }",
      ),
    ],
    [
      "a chain that others lead to",
      T(
        `chain e { tcp dport 80 drop } chain d { ip daddr 10.0.0.1 jump e } chain c { ${FORWARD} ip saddr 10.0.0.2 goto d }`,
      ),
      T(
        `chain e { tcp dport 81 drop } chain d { ip daddr 10.0.0.1 jump e } chain c { ${FORWARD} ip saddr 10.0.0.2 goto d }`,
      ),
    ],
    [
      "a jump",
      T(`chain d { drop } chain c { ${FORWARD} ip saddr 10.0.0.1 jump d }`),
      T(`chain d { drop } chain c { ${FORWARD} }`),
    ],
    [
      "the order of rules",
      T(`chain c { ${FORWARD} ip saddr 10.0.0.1 accept; tcp dport 80 drop }`),
      T(`chain c { ${FORWARD} tcp dport 80 drop; ip saddr 10.0.0.1 accept }`),
    ],
    [
      "a policy",
      T(`chain c { ${FORWARD} policy drop; ip saddr 10.0.0.1 accept }`),
      T(`chain c { ${FORWARD} policy accept; ip saddr 10.0.0.1 accept }`),
    ],
    [
      "a priority",
      T(`chain b { type filter hook forward priority 1; drop } chain c { ${FORWARD} reject }`),
      T(`chain b { type filter hook forward priority -1; drop } chain c { ${FORWARD} reject }`),
    ],
    ["a table that sleeps", T(`chain c { ${FORWARD} drop }`), T(`chain c { ${FORWARD} drop }`, "flags dormant;")],
    [
      "loopback, where masquerading changes the source",
      T(
        "chain p { type nat hook postrouting priority 100; masquerade } chain i { type filter hook input priority 0; ip saddr 127.0.0.1 drop }",
      ),
      T(
        "chain p { type nat hook postrouting priority 100; masquerade } chain i { type filter hook input priority 0; }",
      ),
    ],
  ])("%s", (_, left, right) => {
    const { differing, open } = compare(left, right, { addresses: [0x7f000001 as never], families: ["IPv4"] });
    expect({ isFound: differing > 0, open }).toEqual({ isFound: true, open: [] });
  });
});

test("lists are aligned by what is there once", () => {
  const align = (a: string, b: string) => alignedIn([...a], [...b]);
  expect(align("abcdef", "abcdef")).toEqual({ ours: [], theirs: [] });
  expect(align("abcdef", "abxdef")).toEqual({ ours: [2], theirs: [2] });
  expect(align("abcdef", "abdef")).toEqual({ ours: [2], theirs: [] });
  expect(align("abcdef", "bcdefa")).toEqual({ ours: [0], theirs: [5] });
  expect(align("xxaxxbxx", "xxxxaxxb")).toEqual({ ours: [6, 7], theirs: [2, 3] });
  expect(align("", "ab")).toEqual({ ours: [], theirs: [0, 1] });
});

import { expect, test } from "vitest";
import { minimalRestore } from "../../../compiler/formats/iptables/minimal-restore.ts";
import { readOwnTables } from "../../../compiler/formats/iptables/own-rules.ts";
import { areSameRules } from "../../../compiler/formats/iptables/same-rules.ts";

const save = (...lines: readonly string[]): string => `*nat\n:PREROUTING ACCEPT [1:2]\n${lines.join("\n")}\nCOMMIT\n`;

const BEFORE = save(
  ":KPC-NAT-PREROUTING - [0:0]",
  ":KPC-a - [0:0]",
  ":KPC-b - [0:0]",
  ":THEIRS - [0:0]",
  "-A PREROUTING -j THEIRS",
  "-A PREROUTING -j KPC-NAT-PREROUTING",
  "-A KPC-NAT-PREROUTING -p tcp -j KPC-a",
  "-A KPC-a -p tcp -j KPC-b",
  "-A KPC-b -p tcp -j ACCEPT",
);

test.each<[what: string, after: string, text: string]>([
  ["nothing", BEFORE, ""],
  [
    "a chain that has changed is emptied and written again",
    BEFORE.replace("-A KPC-b -p tcp -j ACCEPT", "-A KPC-b -p udp -j ACCEPT"),
    "*nat\n:KPC-b - [0:0]\n-A KPC-b -p udp -j ACCEPT\nCOMMIT\n",
  ],
  [
    "a chain goes when nothing leads to it",
    BEFORE.replace(":KPC-b - [0:0]\n", "")
      .replace("-A KPC-a -p tcp -j KPC-b", "-A KPC-a -j ACCEPT")
      .replace("-A KPC-b -p tcp -j ACCEPT\n", ""),
    "*nat\n:KPC-b - [0:0]\n:KPC-a - [0:0]\n-A KPC-a -j ACCEPT\n-X KPC-b\nCOMMIT\n",
  ],
  [
    "everything goes",
    "",
    `*nat
:KPC-b - [0:0]
:KPC-a - [0:0]
:KPC-NAT-PREROUTING - [0:0]
-D PREROUTING -j KPC-NAT-PREROUTING
-X KPC-NAT-PREROUTING
-X KPC-a
-X KPC-b
COMMIT
`,
  ],
])("%s", (_, after, text) => {
  expect(minimalRestore(readOwnTables(BEFORE), readOwnTables(after)).text).toBe(text);
});

test("everything comes, and a jump stands before what the host has", () => {
  const { text, differing } = minimalRestore(new Map(), readOwnTables(BEFORE));
  expect(text).toBe(`*nat
:KPC-b - [0:0]
:KPC-a - [0:0]
:KPC-NAT-PREROUTING - [0:0]
-I PREROUTING -j KPC-NAT-PREROUTING
-A KPC-NAT-PREROUTING -p tcp -j KPC-a
-A KPC-a -p tcp -j KPC-b
-A KPC-b -p tcp -j ACCEPT
COMMIT
`);
  expect(differing).toEqual([
    "nat KPC-b",
    "nat KPC-a",
    "nat KPC-NAT-PREROUTING",
    "nat PREROUTING -j KPC-NAT-PREROUTING",
  ]);
});

test("many rules of new chains come in parts, and what leads to them comes last", () => {
  const there = BEFORE.replace(/.*KPC-b.*\n/g, "").replace("COMMIT", ":KPC-gone - [0:0]\nCOMMIT");
  const wanted = readOwnTables(
    BEFORE.replace(":KPC-b", ":KPC-c - [0:0]\n:KPC-b").replace(
      "COMMIT",
      "-A KPC-b -p udp -j ACCEPT\n-A KPC-c -p tcp -j KPC-b\nCOMMIT",
    ),
  );
  const restored = minimalRestore(readOwnTables(there), wanted, { mostRules: 2 });
  expect(restored.text).toBe(`*nat
:KPC-c - [0:0]
:KPC-b - [0:0]
COMMIT
*nat
-A KPC-c -p tcp -j KPC-b
COMMIT
*nat
-A KPC-b -p tcp -j ACCEPT
-A KPC-b -p udp -j ACCEPT
COMMIT
*nat
:KPC-gone - [0:0]
:KPC-a - [0:0]
-A KPC-a -p tcp -j KPC-b
-X KPC-gone
COMMIT
`);
  expect(restored.differing).toEqual(["nat KPC-c", "nat KPC-b", "nat KPC-gone", "nat KPC-a"]);
  // Three rules are not too many.
  expect(minimalRestore(readOwnTables(there), wanted, { mostRules: 3 })).toEqual(
    minimalRestore(readOwnTables(there), wanted),
  );
});

test("so do many rules of chains that are there where nothing leads to them any more", () => {
  const wanted = readOwnTables(BEFORE);
  const empty = BEFORE.replace(/-A KPC.*\n/g, "");
  const text = (there: string, isPart: boolean): string =>
    minimalRestore(readOwnTables(there), wanted, { mostRules: 1, isPart }).text;
  const ahead = `*nat
:KPC-b - [0:0]
:KPC-a - [0:0]
COMMIT
*nat
-A KPC-a -p tcp -j KPC-b
COMMIT
*nat
-A KPC-b -p tcp -j ACCEPT
COMMIT
`;
  const last = "*nat\n:KPC-NAT-PREROUTING - [0:0]\n-A KPC-NAT-PREROUTING -p tcp -j KPC-a\nCOMMIT\n";
  expect(text(empty, false)).toBe(ahead + last);
  // A rule leads to a chain that is empty now, and where not all rules are known one may.
  const led = empty.replace("COMMIT", "-A KPC-NAT-PREROUTING -p tcp -j KPC-a\n-A KPC-a -p udp -g KPC-b\nCOMMIT");
  const whole = "*nat\n:KPC-b - [0:0]\n:KPC-a - [0:0]\n-A KPC-a -p tcp -j KPC-b\n-A KPC-b -p tcp -j ACCEPT\nCOMMIT\n";
  expect(text(led, false)).toBe(whole);
  expect(text(empty, true).match(/COMMIT/g)).toHaveLength(1);
});

test("a jump that is there twice, and one of others, go", () => {
  const there = BEFORE.replace("COMMIT", "-A PREROUTING -j KPC-NAT-PREROUTING\n-A THEIRS -p udp -j KPC-a\nCOMMIT");
  expect(minimalRestore(readOwnTables(there), readOwnTables(BEFORE)).text).toBe(
    "*nat\n-D PREROUTING -j KPC-NAT-PREROUTING\n-D THEIRS -p udp -j KPC-a\nCOMMIT\n",
  );
});

test.each<[isSame: boolean, left: string, right: string]>([
  [true, "-p tcp -m multiport --dports 1,2 -j KPC-b", "-p 6 -m multiport --destination-ports 1,2 -j KPC-b"],
  [true, "-d 10.0.0.1/32 -j KPC-b", "-d 10.0.0.1 -j KPC-b"],
  [false, "-d 10.0.0.1/32 -j KPC-b", "-d 10.0.0.2/32 -j KPC-b"],
  [false, "-d 10.0.0.1/32 -j KPC-b", "-d 10.0.0.1/32 -j KPC-c"],
  [false, "-d 10.0.0.1/32 -j KPC-b", "-d 10.0.0.1/32 -g KPC-b"],
  [false, "-m nonsense --odd 1 -j KPC-b", "-m nonsense --odd 2 -j KPC-b"],
])("spellings: %s, %s, %s", (isSame, left, right) => {
  expect(areSameRules("nat", "ip", [`-A KPC-a ${left}`], [`-A KPC-a ${right}`])).toBe(isSame);
});

test("chains of different lengths are not the same", () => {
  expect(areSameRules("nat", "ip", [], ["-A KPC-a -j ACCEPT"])).toBe(false);
});

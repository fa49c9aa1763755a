/** Tables of both sides that have most in common: what is the same on both is one row, and nothing is lost by that. */
import { describe, expect, test } from "vitest";
import { Items } from "../../../../compiler/compare/symmetry/items.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../../support/read.ts";
import { COUNT, numbers, verdicts } from "../../../support/reduced.ts";

const LEAVES = 3;

/** A tree of chains that finds Services by their addresses, and a chain of each Service. */
const IPTABLES = `*nat
:PREROUTING ACCEPT
:TREE -
${Array.from({ length: LEAVES }, (_, i) => `:LEAF${i} -`).join("\n")}
${numbers.map((i) => `:SVC${i} -`).join("\n")}
-A PREROUTING -j TREE
${Array.from({ length: LEAVES }, (_, i) => `-A TREE -d 10.0.${i}.0/24 -g LEAF${i}`).join("\n")}
${numbers.map((i) => `-A LEAF${i % LEAVES} -d 10.0.${i % LEAVES}.${i}/32 -p tcp -m tcp --dport 80 -j SVC${i}`).join("\n")}
${numbers.map((i) => `-A SVC${i} -s 10.9.0.0/16 -j RETURN\n-A SVC${i} -p tcp -j DNAT --to-destination 10.1.0.${i}:8080`).join("\n")}
COMMIT
`;
/** Without the two rules of the tree that lead on to its leaves. */
const ROWS = 1 + COUNT + 2 * COUNT;

const NFT = `table ip t {
  map services { type ipv4_addr : verdict; elements = { ${numbers.map((i) => `10.0.0.${i} : goto svc-${i}`).join(", ")} } }
  map ends { type ipv4_addr : ipv4_addr; elements = { ${numbers.map((i) => `10.0.0.${i} : 10.1.0.${i}`).join(", ")} } }
  ${numbers.map((i) => `chain svc-${i} { ip saddr 10.9.0.0/16 return; ip protocol tcp dnat to ip daddr map @ends; }`).join("\n")}
  chain c { type nat hook prerouting priority -100; ip daddr vmap @services; }
}`;

const iptables = (text: string): Program => mustReadIptables(text, "ip");

describe.each<[string, string, (text: string) => Program, number, [string, string, string, number][]]>([
  [
    ...(["iptables", IPTABLES, iptables, ROWS] as const),
    [
      ["another endpoint", "10.1.0.5:8080", "10.1.0.50:8080", 2],
      ["an endpoint of another Service", "10.1.0.5:8080", "10.1.0.6:8080", 2],
      ["another range of clients", "SVC3 -s 10.9.0.0/16", "SVC3 -s 10.8.0.0/16", 2],
      ["one rule more", "-A SVC4 -p tcp", "-A SVC4 -s 10.0.0.1 -j RETURN\n-A SVC4 -p tcp", 3],
      ["one rule less", "-A SVC4 -s 10.9.0.0/16 -j RETURN\n", "", 1],
      ["another Service behind an address", "--dport 80 -j SVC5", "--dport 80 -j SVC6", COUNT],
      ["another port", "--dport 80 -j SVC5", "--dport 95 -j SVC5", COUNT],
      ["another range in the tree", "-d 10.0.1.0/24 -g LEAF1", "-d 10.0.1.4/32 -g LEAF1", COUNT + 1],
      ["two ways to a leaf", "-d 10.0.1.0/24 -g LEAF1", "-d 10.0.1.0/24 -g LEAF0", 0],
      [
        "a chain of a Service that leads to another one",
        "-A SVC4 -p tcp",
        "-A SVC4 -s 10.2.0.1 -j SVC2\n-A SVC4 -p tcp",
        3,
      ],
    ],
  ],
  [
    ...(["nft", NFT, mustReadNft, 1 + 4 * COUNT] as const),
    [
      ["another endpoint", "10.0.0.5 : 10.1.0.5", "10.0.0.5 : 10.1.0.50", COUNT],
      ["another verdict", "10.0.0.5 : goto svc-5", "10.0.0.5 : drop", COUNT],
      ["another rule", "svc-5 { ip saddr 10.9.0.0/16 return", "svc-5 { ip saddr 10.9.0.0/16 drop", 2],
    ],
  ],
])("%s", (_, text, read, rows, changes) => {
  test("the same twice: one row for each rule and element", () => {
    const programs = [read(text), read(text)] as const;
    expect(new Items(programs).count).toBe(rows);
    expect(verdicts(...programs)).toMatchObject({ reduced: true, whole: true, components: COUNT, forms: 1 });
  });

  test.each(changes)("%s", (__, from, to, more) => {
    expect(text).toContain(from);
    const programs = [read(text), read(text.replace(from, to))] as const;
    if (more > 0) expect(new Items(programs).count).toBe(rows + more);
    const { whole, reduced } = verdicts(...programs);
    expect({ whole, reduced }).toEqual({ whole: false, reduced: false });
  });

  test.each(changes)("%s on both sides", (__, from, to) => {
    const changed = (): Program => read(text.replace(from, to));
    expect(verdicts(changed(), changed())).toMatchObject({ reduced: true, whole: true });
  });
});

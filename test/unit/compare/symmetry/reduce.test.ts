/** What the argument of compiler/compare/symmetry/README.md rests on: where something of it does not hold, nothing may be lost. */
import { describe, expect, test } from "vitest";
import { reduce } from "../../../../compiler/compare/symmetry/reduce.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../../support/read.ts";
import { ADDRESSES, COUNT, last, numbers, rules, verdicts } from "../../../support/reduced.ts";

const DROP = (address: string): string => `ip daddr ${address} drop`;

describe("what is alike is found", () => {
  test.each([
    ["rules", DROP],
    ["rules of IPv6", (_: string, i: number) => `ip6 daddr 2001:db8:1::${i} drop`],
    ["rules by original destination", (address: string) => `ct original ip daddr ${address} drop`],
    ["rules by two addresses", (address: string, i: number) => `ip saddr ${address} ip daddr 10.0.1.${i} drop`],
    ["several rules of one address", (address: string) => `ip daddr ${address} tcp dport 1 accept; ${DROP(address)}`],
  ])("%s", (_, ruleOf) => {
    const [program, other] = [rules(ruleOf), rules(ruleOf, { order: numbers.toReversed() })];
    expect(verdicts(program, other)).toMatchObject({ reduced: true, whole: true, components: COUNT, forms: 1 });
  });

  test("chains of their own, elements and translations", () => {
    const text = `table ip t {
      map m { type ipv4_addr : verdict; elements = { ${numbers.map((i) => `10.0.0.${i} : goto own-${i}`).join(", ")} } }
      ${numbers.map((i) => `chain own-${i} { ip protocol tcp dnat to 10.0.1.${i}; jump all; }`).join("\n")}
      chain all { ip saddr 10.9.0.0/16 drop; }
      chain c { type nat hook prerouting priority -100; ip daddr vmap @m; }
    }`;
    expect(verdicts(mustReadNft(text), mustReadNft(text.replaceAll("own-", "my-")))).toMatchObject({
      ...{ reduced: true, whole: true, components: COUNT, forms: 1 },
    });
  });

  test("rules between which there are others, for addresses that are no parameters", () => {
    const program = (tail: string): Program =>
      rules((address, i) => (i % 3 === 0 ? `ip daddr 10.1.0.${i} drop; ${DROP(address)}` : DROP(address)), {
        behind: numbers
          .map((i) => `counter ip daddr 10.1.0.${i}`)
          .join("; ")
          .concat(tail),
      });
    const found = verdicts(program(""), program("; tcp dport 1 counter"));
    expect(found).toMatchObject({ reduced: true, whole: true, components: COUNT, forms: 1 });
  });

  test("trees of chains", () => {
    const leaf = (i: number): string => `-A LEAF${i % 3} -d 10.0.${i % 3}.${i}/32 -j DROP`;
    const tree = `*filter\n:FORWARD ACCEPT\n:TREE -\n${[0, 1, 2].map((i) => `:LEAF${i} -`).join("\n")}
-A FORWARD -j TREE\n${[0, 1, 2].map((i) => `-A TREE -d 10.0.${i}.0/24 -g LEAF${i}`).join("\n")}\n${numbers.map(leaf).join("\n")}\nCOMMIT\n`;
    const flat = `*filter\n:FORWARD ACCEPT\n${numbers.map((i) => `-A FORWARD -d 10.0.${i % 3}.${i} -j DROP`).join("\n")}\nCOMMIT\n`;
    expect(verdicts(mustReadIptables(tree, "ip"), mustReadIptables(flat, "ip"))).toMatchObject({
      ...{ reduced: true, whole: true, components: COUNT, forms: 1 },
    });
  });
});

describe("what is not alike stays", () => {
  test.each<[string, Program, Program]>([
    ["another verdict", rules(DROP), last(DROP, (address) => `ip daddr ${address} accept`)],
    [
      "another port",
      rules((a) => `ip daddr ${a} tcp dport 1 drop`),
      last(
        (a) => `ip daddr ${a} tcp dport 1 drop`,
        (a) => `ip daddr ${a} tcp dport 2 drop`,
      ),
    ],
    ["no rule", rules(DROP), last(DROP, () => "")],
    ["another field", rules(DROP), last(DROP, (address) => `ip saddr ${address} drop`)],
    [
      "another order of rules of one address",
      rules((a) => `ip daddr ${a} tcp dport 1 accept; ip daddr ${a} drop`),
      last(
        (a) => `ip daddr ${a} tcp dport 1 accept; ip daddr ${a} drop`,
        (a) => `ip daddr ${a} drop; ip daddr ${a} tcp dport 1 accept`,
      ),
    ],
    [
      "behind a rule for all",
      rules((a, i) => (i === COUNT ? `tcp dport 1 accept; ${DROP(a)}` : DROP(a))),
      rules((a, i) => (i === COUNT ? `${DROP(a)}; tcp dport 1 accept` : DROP(a))),
    ],
    [
      "an address in an interval",
      rules(DROP),
      rules((a, i) => (i === 1 ? `ip daddr 10.0.0.9-10.0.0.20 accept; ${DROP(a)}` : DROP(a))),
    ],
    [
      "an address that is less than one",
      rules(DROP),
      rules((a, i) => (i === 1 ? `ip daddr >= 10.0.0.9 accept; ${DROP(a)}` : DROP(a))),
    ],
    [
      "an address of another type",
      rules((_, i) => `ip daddr ${i === 9 ? "224.0.0.9" : `10.0.0.${i}`} drop`),
      rules((_, i) => `ip daddr ${i === 9 ? "224.0.0.9" : `10.0.0.${i}`} fib daddr type unicast drop`),
    ],
  ])("%s", (_, left, right) => {
    const { whole, ...found } = verdicts(left, right);
    expect({ whole, ...found }).toMatchObject({ whole: false, reduced: false });
  });

  test("an address of the node: no other comes to input", () => {
    const text = (own: string): Program => {
      const dropped = [...numbers.map((i) => `10.0.0.${i}`), own].map(DROP).join("; ");
      return mustReadNft(`table ip t { chain c { type filter hook input priority 0; ${dropped}; } }`);
    };
    const none = mustReadNft("table ip u { chain c { type filter hook input priority 0; } }");
    expect(verdicts(text("10.0.0.10"), none)).toMatchObject({ whole: true, reduced: true, forms: 1 });
    expect(verdicts(text("10.0.9.1"), none)).toMatchObject({ whole: false, reduced: false });
  });

  test("an address to which a rule translates, in a range", () => {
    const text = (verdict: string): Program =>
      mustReadNft(`table ip t {
        chain n { type nat hook prerouting priority -100; ip daddr 10.5.0.1 dnat to 10.0.0.8-10.0.0.9; }
        chain c { type filter hook forward priority 0; ${numbers.map((i) => `ip daddr 10.0.0.${i} ct original ip daddr 10.5.0.1 ${i === 9 ? verdict : "drop"};`).join(" ")} }
      }`);
    expect(verdicts(text("drop"), text("accept"))).toMatchObject({ whole: false, reduced: false });
  });
});

describe("where the argument does not hold, nothing is left out", () => {
  test.each([
    ["a rule computes with an address", "ip daddr & 0.0.0.1 == 0.0.0.1 drop"],
    ["a rule computes with an address", "meta mark set ip daddr"],
    [
      "several tables have a chain at one place of forward",
      "}} table ip u { chain c { type filter hook forward priority 0;",
    ],
  ])("%s", (reason, rule) => {
    const text = (end: string): Program =>
      rules((address, i) => (i === COUNT ? `${DROP(address)}; ${end}` : DROP(address)));
    const reduction = reduce(text(rule), text(""), ADDRESSES, { evenIfFew: true });
    expect(reduction).toEqual({ kind: "whole", reason });
  });

  test("a rule maps addresses by their bits", () => {
    const own = numbers.map((i) => `-A FORWARD -d 10.0.0.${i} -j DROP`).join("\n");
    const text = `*nat\n:PREROUTING ACCEPT\n-A PREROUTING -d 10.9.0.0/16 -j NETMAP --to 10.0.0.0/16\nCOMMIT\n*filter\n:FORWARD ACCEPT\n${own}\nCOMMIT\n`;
    const program = mustReadIptables(text, "ip");
    expect(reduce(program, program, ADDRESSES)).toMatchObject({ reason: "a rule maps addresses by their bits" });
  });

  test("most parts are of a form of their own", () => {
    const program = rules((address, i) => `ip daddr ${address} tcp dport ${i} drop`);
    expect(reduce(program, program, ADDRESSES)).toEqual({ kind: "whole", reason: "there are 9 kinds of 9 parts" });
  });

  test.each(["flags dynamic", "flags timeout", "timeout 1h"])(
    "elements of lists with %s are nothing to leave out",
    (flags) => {
      const list = `set l { type ipv4_addr; ${flags}; elements = { ${numbers.map((i) => `10.0.0.${i}`).join(", ")} } }`;
      const program = mustReadNft(
        `table ip t { ${list} chain c { type filter hook forward priority 0; ip daddr @l drop; } }`,
      );
      expect(verdicts(program, program)).toMatchObject({ whole: true, reduced: true, components: 0 });
    },
  );
});

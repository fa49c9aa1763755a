import { describe, expect, test } from "vitest";
import { printDeclarations } from "../../../../compiler/compare/exceptions/print.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { hold } from "../../../support/exceptions.ts";
import { mustReadIptables, mustReadNft } from "../../../support/read.ts";

function forward(...rules: string[]): Program {
  return mustReadNft(
    `table ip t {\n\tchain c {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\t${rules.join("\n\t\t")}\n\t}\n}\n`,
  );
}

const WEB = "ip daddr 10.0.0.1 tcp dport 80";
const BLOCK = "ip daddr 10.9.0.0/16";
const BOTH = [forward(), forward(`${WEB} drop`, `${BLOCK} reject with icmp type port-unreachable`)] as const;
const EITHER = "left: pass, right: drop";

const DECLARED = `
  - {protocol: tcp, destination: 10.0.0.1, destinationPort: 80, ${EITHER}}
  - {destination: 10.9.0.0/16, left: pass, right: reject with port-unreachable}
`;

describe("differences are as declared", () => {
  test("where each is declared and each declaration is met", () => {
    const { comparison, applied } = hold(BOTH, DECLARED);
    expect(applied).toMatchObject({ asDeclared: true, undeclared: [], unseen: 0 });
    expect(applied.uses.map(({ regions }) => regions).every((count) => count > 0)).toBe(true);
    expect(applied.uses.reduce((sum, { regions }) => sum + regions, 0)).toBe(comparison.differing);
  });

  test("whoever declares them, in parts, more than once, and with room to spare", () => {
    const parts = `
  - {protocol: tcp, destination: 10.0.0.0/30, destinationPort: 1-80, source: 0.0.0.0/1, ${EITHER}}
  - {protocol: tcp, destination: 10.0.0.1, source: 128.0.0.0/1, ${EITHER}}
  - {protocol: [tcp, udp], destination: 10.0.0.1, destinationPort: 80, ${EITHER}}
  - {left: pass, right: reject with port-unreachable}
`;
    expect(hold(BOTH, parts).applied).toMatchObject({ asDeclared: true, undeclared: [] });
  });

  test("where there are none", () => {
    expect(hold([BOTH[1], BOTH[1]], "  []").applied).toMatchObject({ asDeclared: true, uses: [] });
  });
});

describe("differences are not as declared", () => {
  test.each([
    ["a difference is not declared", DECLARED.replace(/^.*10\.9.*\n/m, ""), "10.9.0.0"],
    ["a source is left out", DECLARED.replace("destination: 10.0.0.1,", "$& source: 0.0.0.0/1,"), "10.0.0.1"],
    ["a port is left out", DECLARED.replace("destinationPort: 80", "destinationPort: 81-90"), "10.0.0.1"],
    ["an address is left out", DECLARED.replace("10.9.0.0/16", "10.9.0.0-10.9.255.254"), "10.9.255.255"],
    ["a protocol is left out", DECLARED.replace("destination: 10.9", "protocol: [tcp, udp], $&"), "10.9.0.0"],
    ["a state is left out", DECLARED.replace("destination: 10.9", "ctState: [new, invalid], $&"), "10.9.0.0"],
    ["an interface is left out", DECLARED.replace("destination: 10.9", "inInterface: eth7, $&"), "10.9.0.0"],
    ["the right side does otherwise", DECLARED.replace("right: drop", "right: reject with tcp-reset"), "10.0.0.1"],
    [
      "the left side does otherwise",
      DECLARED.replace("left: pass, right: drop", "left: 'pass, masqueraded', right: drop"),
      "10.0.0.1",
    ],
    [
      "the sides are the other way round",
      DECLARED.replace("left: pass, right: drop", "left: drop, right: pass"),
      "10.0.0.1",
    ],
    [
      "ports are asked of what shows none",
      DECLARED.replace("destination: 10.9", "destinationPort: 0-65535, $&"),
      "10.9.0.0",
    ],
    ["something is assumed", DECLARED.replace("left: pass, right: drop", "assumptions: [x], $&"), "10.0.0.1"],
  ])("where %s", (_, text, first) => {
    const { applied, printed } = hold(BOTH, text);
    expect(applied.asDeclared).toBe(false);
    expect(applied.undeclared.length).toBeGreaterThan(0);
    expect(printed).toContain(first);
    // What is left over is what is missing.
    expect(hold(BOTH, `${text}${printed.replace(/^[\s\S]*differences:\n/, "")}`).applied.undeclared).toEqual([]);
  });

  test("where a declaration is stale, which is told", () => {
    const stale = `${DECLARED}  - {destination: 10.0.0.2, ${EITHER}}\n`;
    const { applied } = hold(BOTH, stale);
    expect(applied).toMatchObject({ asDeclared: false, undeclared: [] });
    expect(applied.uses.map(({ regions }) => regions > 0)).toEqual([true, true, false]);
  });

  test("where not everything was compared, or kept", () => {
    const short = hold(BOTH, DECLARED, { addresses: [], budget: 40 });
    expect(short.comparison.open).not.toEqual([]);
    expect(short.applied.asDeclared).toBe(false);
    const few = hold(BOTH, DECLARED, { addresses: [], keep: 1 });
    expect(few.applied).toMatchObject({ asDeclared: false, undeclared: [], unseen: few.comparison.differing - 1 });
  });

  test("in a part of what is declared of another one: a packet of the rest is shown", () => {
    const { applied } = hold(BOTH, DECLARED.replace("10.9.0.0/16", "10.9.0.0/17"));
    for (const { box, packet } of applied.undeclared) {
      expect([box.daddr.from, box.daddr.to]).toEqual([0x0a098000, 0x0a09ffff]);
      expect(packet.destination).toBe(0x0a098000);
    }
  });
});

describe("what is not understood", () => {
  const programs = [rules("DROP"), rules("REJECT")] as const;

  function rules(target: string): Program {
    return mustReadIptables(
      `*filter\n-A FORWARD -m realm --realm 1 -j ${target}\n-A FORWARD -m realm --realm 2 -j ${target === "DROP" ? "ACCEPT" : "DROP"}\nCOMMIT\n`,
      "ip",
    );
  }

  test("makes several differences of one region: each has to be declared", () => {
    const first = "  - {left: drop, right: reject with port-unreachable}\n";
    const second = "  - {left: pass, right: drop}\n";
    expect(hold(programs, `${first}${second}`).applied.asDeclared).toBe(true);
    for (const one of [first, second]) expect(hold(programs, one).applied.undeclared.length).toBeGreaterThan(0);
  });

  test("is declared with what is assumed of it", () => {
    const { printed } = hold(programs, "  []");
    expect(printed).toMatch(/assumptions:\n\s+- .*realm/);
    expect(hold(programs, printed).applied.asDeclared).toBe(true);
    expect(hold(programs, printed.replace(/realm --realm 1|realm 1/, "realm 3")).applied.asDeclared).toBe(false);
  });
});

describe("a file that is printed", () => {
  test("declares what it was made of, in few entries", () => {
    const { printed } = hold(BOTH, "  []");
    expect(printed).toBe(`---
# Expected differences: what left (left) and right (right) do with these packets.
# Give each entry a reason.

apiVersion: kpc.dev/v1alpha1
kind: Differences
differences:
  - protocol: tcp
    inInterface: "*"
    ctState: [established, new, related, untracked]
    destination: 10.0.0.1
    destinationPort: 80
    left: pass
    right: drop
  - inInterface: "*"
    destination: 10.9.0.0/16
    left: pass
    right: reject with port-unreachable
`);
    expect(hold(BOTH, printed).applied.asDeclared).toBe(true);
  });

  test("names interfaces as they are told apart", () => {
    const programs = [forward(), forward('iifname "eth0" drop', 'iifname "veth*" ip saddr 10.0.0.0/8 drop')] as const;
    const { printed } = hold(programs, "  []");
    expect(printed).toContain("inInterface: eth0\n");
    expect(printed).toContain("inInterface: veth*\n");
    expect(hold(programs, printed).applied.asDeclared).toBe(true);
  });

  test("of nothing declares nothing", () => {
    expect(printDeclarations([], [], { left: "a", right: "b" })).toContain("differences: []\n");
  });
});
